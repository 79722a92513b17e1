"""Build the book: run what changed, write the site, say where it is.

Everything that a page shows comes out of a run, and runs are cached. The caches know when a
chapter or a script changes, but not when the package under it does; so a fingerprint of the
package, its data, the pinned versions and the site's own code is kept beside them, and when it
changes the caches go.
"""

import argparse
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

DOCS = Path(__file__).parent.resolve()
ROOT = DOCS.parent
BUILD = DOCS / "_build"
GALLERY = DOCS / "auto_gallery"
FINGERPRINT = BUILD / "fingerprint"
INPUTS = (
    "src",
    "constraints.txt",
    "docs/conf.py",
    "docs/build.py",
    "docs/_ext",
    "docs/chapters/snippets",
    "docs/scaling.json",
    "docs/distributed.json",
    "docs/cuda.json",
)
LOCATED = re.compile(r"^(?P<place>.+?:\d+): (?:WARNING|ERROR|CRITICAL): (?P<text>.*)$")
BARE = re.compile(r"^(?:(?P<place>\S+): )?(?:WARNING|ERROR|CRITICAL): (?P<text>.*)$")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
KIND = re.compile(r"( \[[a-z_.]+\])+$")  # Sphinx's own name for the kind of a warning
ECHOES = ("Executing notebook failed", "Notebook exception traceback saved", "unexpectedly failed")


def fingerprint() -> str:
    """Return a hash over everything that the caches do not watch themselves."""
    digest = hashlib.sha256(sys.version.encode())
    for name, version in sorted({(d.name, d.version) for d in importlib.metadata.distributions()}):
        digest.update(f"{name}=={version}".encode())
    for name in INPUTS:
        top = ROOT / name
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for path in files:
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                digest.update(path.relative_to(ROOT).as_posix().encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def drop(*paths: Path) -> None:
    """Remove folders and files that may not exist."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def drop_stale_caches() -> None:
    """Forget every earlier run if the package, its data or the versions changed."""
    now = fingerprint()
    if FINGERPRINT.is_file() and FINGERPRINT.read_text() == now:
        return
    if FINGERPRINT.is_file():
        print("the package, its data or the pinned versions changed: running everything again")
    drop(FINGERPRINT, BUILD / ".jupyter_cache", BUILD / "jupyter_execute", GALLERY)
    drop(*BUILD.glob("doctrees*"))
    BUILD.mkdir(parents=True, exist_ok=True)
    FINGERPRINT.write_text(now)


def drop_orphans(site: Path) -> None:
    """Remove what was made from chapters and scripts that are no longer there."""
    for page in GALLERY.rglob("plot_*.rst"):
        script = ROOT / "gallery" / page.relative_to(GALLERY).with_suffix(".py")
        if not script.is_file():
            drop(*page.parent.glob(f"{page.stem}.*"))
    for folder in ("chapters", "auto_gallery", "api"):
        for page in (site / folder).rglob("*.html"):
            source = DOCS / page.relative_to(site)
            if not any(source.with_suffix(suffix).is_file() for suffix in (".md", ".rst")):
                drop(page)


def environment(solutions: bool) -> dict[str, str]:
    """Return the environment of the build: this Python as kernel, nobody's own settings."""
    kernel = BUILD / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    profile = BUILD / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(
        "c.InlineBackend.figure_formats = {'retina'}\nc.HistoryManager.enabled = False\n"
        "c.IPKernelApp.log_level = 40\n"
    )
    settings = {
        "JUPYTER_PATH": str(BUILD / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(BUILD / "jupyter"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "IPYTHONDIR": str(BUILD / "ipython"),
        "LECTURECODE_SOLUTIONS": "1" if solutions else "0",
        "PYTHONHASHSEED": "0",
        "TQDM_DISABLE": "1",
    }
    # chapters and scripts run side by side: each keeps to its share of the cores
    threads = str(max(1, (os.cpu_count() or 1) // 4))
    settings |= {"OMP_NUM_THREADS": threads}
    kept = {k: v for k, v in os.environ.items() if k not in ("MPLBACKEND", "MATPLOTLIBRC")}
    return kept | settings


def problems(log: Path) -> list[str]:
    """Return one line for each thing that went wrong, with its file and line where known."""
    found = []
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        match = LOCATED.match(line) or BARE.match(line)
        if match and not any(echo in line for echo in ECHOES):
            place = (match["place"] or "").replace(f"{ROOT}{os.sep}", "")
            text = KIND.sub("", ANSI.sub("", match["text"])).strip()
            if text:
                found.append(f"{place}: {text}" if place else text)
    return list(dict.fromkeys(found))


def forget_failures(doctrees: Path, lines: list[str]) -> None:
    """Make sure that what failed is run again, so that only mending it makes a build green."""
    drop(doctrees)
    for line in lines:
        script = re.match(r"gallery/(.+\.py):\d+", line)
        if script:
            drop(GALLERY / f"{script.group(1)}.md5")


def main() -> int:
    """Build once; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--solutions", choices=("0", "1"), default="1")
    solutions = parser.parse_args().solutions == "1"
    variant = "" if solutions else "-without-solutions"
    site, doctrees, log = (BUILD / f"{name}{variant}" for name in ("html", "doctrees", "log"))

    start = time.monotonic()
    drop_stale_caches()
    drop_orphans(site)
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going"]
    command += ["-d", str(doctrees), "-w", str(log), str(DOCS), str(site)]
    status = subprocess.run(command, cwd=ROOT, env=environment(solutions), check=False).returncode
    seconds = time.monotonic() - start

    if status:
        lines = problems(log)
        forget_failures(doctrees, lines)
        print(f"\nThe book was NOT built ({seconds:.0f} s). To mend:", file=sys.stderr)
        for line in lines or [f"see the messages above (exit status {status})"]:
            print(f"  {line}", file=sys.stderr)
        return 1
    page = site / "index.html"
    print(f"The book was built in {seconds:.0f} s: {page.relative_to(ROOT)}\n  {page.as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
