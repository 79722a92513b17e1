"""Make the environment that the Makefile's targets run in, or find that it stands as it should.

Only Python's own library is used, since nothing else is there yet:

    python tools/environment.py .venv base [browser] [bench] [release]

The environment is made anew for another interpreter, brought up to date when a requirement or a
pin changes, and linked again, without a network, when its folder was moved or copied.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 11)
GROUPS = {
    "base": ("docs", "test", "scale", "lint", "build"),
    "browser": ("browser",),
    "bench": ("bench",),
    "release": ("release",),
}
# acopy asks for versions of click and networkx that are long gone, and runs with those of today.
WITHOUT_THEIR_NEEDS = {"bench": ("acopy", "tsplib95")}
CREATE = ["-m", "venv", "--clear"]
LINKS = ["--no-index", "--no-deps", "--no-build-isolation"]


class InstallError(Exception):
    """What could not be done, for the reader of the terminal."""


def interpreter():
    """Return what tells one interpreter from another."""
    return f"{sys.version.split()[0]} {sys.base_prefix}"


def requirements(group):
    """Return a hash over all that a group of packages is made of."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [project["requires-python"], *project["dependencies"]]
    wanted += [line for extra in GROUPS[group] for line in extras[extra]]
    wanted += [(ROOT / "constraints.txt").read_text(encoding="utf-8")]
    return hashlib.sha256("\n".join(wanted).encode()).hexdigest()


class Environment:
    """A virtual environment, and what is written down about it."""

    def __init__(self, folder):
        self.folder = Path(os.path.abspath(folder))
        self.python = self.folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        self.record = self.folder / "made.json"
        self.log = self.folder / "pip.log"
        try:
            self.made = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.made = {}

    def write(self, **changes):
        """Write down what is true now."""
        self.made.update(changes)
        self.record.write_text(json.dumps(self.made, indent=1), encoding="utf-8")

    def works(self):
        """Tell whether it is one of this interpreter, and still runs."""
        if self.made.get("interpreter") != interpreter():
            return False
        try:
            return subprocess.call([str(self.python), "-c", ""], stderr=subprocess.DEVNULL) == 0
        except OSError:
            return False

    def make(self):
        """Make it anew, without anything of an earlier one."""
        print(f"Making {self.folder.name} with Python {sys.version.split()[0]}.", flush=True)
        command = [sys.executable, *CREATE, str(self.folder)]
        if subprocess.call(command, stdout=subprocess.DEVNULL) != 0:
            raise InstallError(
                "No virtual environment could be made. On Debian or Ubuntu: apt install python3-venv"
            )
        self.made = {}
        self.write(interpreter=interpreter())

    def pip(self, title, *arguments):
        """Install something; show what pip is about, keep what it says for a failure."""
        print(title, flush=True)
        command = [str(self.python), "-m", "pip", "--disable-pip-version-check", "install"]
        command += ["--progress-bar", "off", "-c", "constraints.txt", *arguments]
        env = dict(os.environ, PYTHONUNBUFFERED="1", PYTHONIOENCODING="utf-8")
        if not writable_cache(env):
            env["PIP_NO_CACHE_DIR"] = "1"
        show = Progress()
        with open(self.log, "w", encoding="utf-8") as log:
            child = subprocess.Popen(
                command, cwd=str(ROOT), env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            for line in child.stdout:
                text = line.decode("utf-8", "replace").rstrip()
                log.write(text + "\n")
                show.line(text)
            status = child.wait()
        show.end()
        if status:
            said = self.log.read_text(encoding="utf-8").splitlines()
            wrong = [text for text in said if text.startswith("ERROR")] or said[-12:]
            raise InstallError(
                "\n".join(["pip could not install everything:", *wrong, "All: " + str(self.log)])
            )

    def install(self, group):
        """Install a group of packages, and the package itself."""
        if group == "base":
            self.pip("Installing torch, the largest part (1 of 3).", "torch")
            self.pip("Installing what builds the package (2 of 3).", "hatchling", "editables")
            title = "Installing the rest, some hundred packages (3 of 3)."
        else:
            title = f"Installing what make {group} needs."
        wanted = ".[{}]".format(",".join(GROUPS[group]))
        self.pip(title, "--no-build-isolation", "--editable", wanted)
        if group in WITHOUT_THEIR_NEEDS:
            self.pip("Installing its peers.", "--no-deps", *WITHOUT_THEIR_NEEDS[group])
        self.write(**{group: requirements(group), "root": str(ROOT)})

    def link(self):
        """Let the package and the scripts be those of this folder, after a move or a copy."""
        print(f"The folder was moved or copied: linking {self.folder.name} again.", flush=True)
        self.pip("  the package", *LINKS, "--editable", ".")
        old = str(Path(self.made["root"]) / self.folder.name)
        for script in self.python.parent.iterdir():
            if script.is_symlink() or not script.is_file():
                continue
            content = script.read_bytes()
            if old.encode() in content:
                script.write_bytes(content.replace(old.encode(), str(self.folder).encode()))
        self.write(root=str(ROOT))


class Progress:
    """One line on a terminal that says what pip is about; a line for each part elsewhere."""

    def __init__(self):
        self.terminal = sys.stdout.isatty()
        self.found = 0

    def line(self, text):
        """Look at a line of pip's."""
        collecting = re.match(r"\s*Collecting ([\w.-]+)", text)
        if collecting:
            self.found += 1
            if self.terminal:
                self.show(f"looking up {collecting.group(1)} ({self.found})")
        elif text.lstrip().startswith("Downloading ") and "metadata" not in text:
            size = re.search(r"\(([\d.]+ [MG]B)\)", text)
            if size and (self.terminal or float(size.group(1).split()[0]) >= 10):
                name = text.split()[1].rpartition("/")[2].split("-")[0]
                self.show(f"downloading {name}, {size.group(1)}")
        elif text.startswith("Installing collected packages:"):
            count = text.count(",") + 1
            self.show(f"writing {count} package{'s' if count > 1 else ''}")

    def show(self, text):
        """Write over the line before on a terminal."""
        if self.terminal:
            print("\r\x1b[K  " + text[:76], end="", flush=True)
        else:
            print("  " + text, flush=True)

    def end(self):
        """Leave an empty line's start to whoever writes next."""
        if self.terminal:
            print("\r\x1b[K", end="", flush=True)


def writable_cache(env):
    """Tell whether pip can keep what it downloads."""
    place = Path(env.get("PIP_CACHE_DIR") or env.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    while not place.exists() and place != place.parent:
        place = place.parent
    return place.is_dir() and os.access(str(place), os.W_OK)


def main():
    """Bring the environment to where it should be."""
    if sys.version_info[:2] < OLDEST:
        here = sys.version.split()[0]
        print(f"lecturecode needs Python {OLDEST[0]}.{OLDEST[1]} or newer; {sys.executable} is {here}.")
        print("Install a newer one, or name it: make docs PYTHON=/path/to/python3.12")
        return 1
    environment = Environment(sys.argv[1])
    try:
        if not environment.works():
            environment.make()
        stale = [g for g in sys.argv[2:] if environment.made.get(g) != requirements(g)]
        for group in stale:
            environment.install(group)
        if environment.made["root"] != str(ROOT):
            environment.link()
    except InstallError as failure:
        print(failure)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on from there.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
