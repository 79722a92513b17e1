"""Open the chapters as notebooks in JupyterLab; `make lab` calls it after the book was built.

The notebooks are copies in docs/_build/lab. One that was changed there is left as it is.
"""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent.resolve()
MADE = DOCS / "_build" / "html" / "_downloads" / "notebooks"
LAB = DOCS / "_build" / "lab"
MISSING = """\
JupyterLab is not installed in this environment. To have it: make lab, which installs it,
or: {python} -m pip install -c constraints.txt ".[lab]"
"""


def digest(path: Path) -> str:
    """Return what tells two files apart."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copy(made: Path, lab: Path) -> list[str]:
    """Bring the copies up to date; return the names of those that were changed by hand."""
    lab.mkdir(parents=True, exist_ok=True)
    record = lab / ".copied.json"
    copied = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    changed = []
    for source in sorted(made.rglob("*")):
        name = source.relative_to(made).as_posix()
        if not source.is_file() or source.suffix == ".zip":
            continue
        place = lab / name
        if place.is_file() and digest(place) not in (copied.get(name), digest(source)):
            changed.append(name)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
        copied[name] = digest(source)
    record.write_text(json.dumps(copied, indent=1), encoding="utf-8")
    return changed


def main() -> int:
    """Copy what is new, then start JupyterLab, which opens a browser."""
    if importlib.util.find_spec("jupyterlab") is None:
        print(MISSING.format(python=sys.executable), end="")
        return 1
    if not MADE.is_dir():
        print("There are no notebooks yet; they are made by: make docs")
        return 1
    for name in copy(MADE, LAB):
        print(f"  {name} was changed here and stays; delete it to have that of the book")
    print(f"The chapters are in {LAB}; stop JupyterLab with Ctrl-C", flush=True)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={LAB}", *sys.argv[1:]]
    try:
        return subprocess.run(command, cwd=LAB, check=False).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
