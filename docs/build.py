"""Build the book: run what changed, write the site, say where it is.

Everything that a page shows comes out of a run, and runs are cached. The caches know when a
chapter or a script changes, but not when the package under it does; so a fingerprint of what a
run depends on is kept beside them (:mod:`fingerprints`), and when it changes the caches go.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import editions
import fingerprints
import packing
import slides

DOCS = Path(__file__).parent.resolve()
ROOT = DOCS.parent
BUILD = DOCS / "_build"
LIVE = BUILD / "live"
GALLERY = DOCS / "auto_gallery"
RUNS, PAGES = BUILD / "runs.sha256", BUILD / "pages.sha256"
UNFINISHED = BUILD / "unfinished"
SECONDS = BUILD / "seconds"
SOURCES = ("docs", "gallery", "src", "tests", "pyproject.toml", "constraints.txt", "README.md")
SOURCES += ("LICENSE", "LICENSE-TEXT", "tools")  # of the wheel
MADE = ("_build", "auto_gallery", "__pycache__")
LOCATED = re.compile(r"^(?P<place>.+?:\d+): (?:WARNING|ERROR|CRITICAL): (?P<text>.*)$")
BARE = re.compile(r"^(?:(?P<place>\S+): )?(?:WARNING|ERROR|CRITICAL): (?P<text>.*)$")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
KIND = re.compile(r"( \[[a-z_.]+\])+$")  # Sphinx's own name for the kind of a warning
ECHOES = ("Executing notebook failed", "Notebook exception traceback saved", "unexpectedly failed")


def drop(*paths: Path) -> None:
    """Remove folders and files that may not exist."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def text_of(path: Path) -> str:
    """Return what a small file says, nothing if there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def drop_stale_caches() -> None:
    """Forget the runs, or only the pages made of them, if what they depend on has changed."""
    BUILD.mkdir(parents=True, exist_ok=True)
    runs, pages = fingerprints.of_runs(ROOT), fingerprints.of_pages(ROOT)
    if text_of(RUNS) != runs:
        if RUNS.is_file():
            print("The code, the data or the versions that pages run with changed: all runs again.")
        drop(RUNS, PAGES, BUILD / ".jupyter_cache", BUILD / "jupyter_execute", GALLERY)
    if text_of(PAGES) != pages:
        if PAGES.is_file():
            print("The site's own code or its folder changed: all pages are written again.")
        drop(PAGES, *BUILD.glob("doctrees*"), *BUILD.glob("html*"))
    if UNFINISHED.is_file():
        print("The last build did not come to its end: what has run is kept, pages are written again.")
        drop(*BUILD.glob("doctrees*"), *BUILD.glob("html*"))
    RUNS.write_text(runs, encoding="utf-8")
    PAGES.write_text(pages, encoding="utf-8")
    for sums in GALLERY.rglob("*.py.md5"):  # a script counts as run before its page is written
        page = sums.with_name(sums.name.removesuffix(".py.md5") + ".rst")
        if not page.is_file():
            drop(sums)


def drop_orphans(site: Path) -> None:
    """Remove what was made from chapters and scripts that are no longer there."""
    for page in GALLERY.rglob("plot_*.rst"):
        script = ROOT / "gallery" / page.relative_to(GALLERY).with_suffix(".py")
        if not script.is_file():
            drop(*page.parent.glob(f"{page.stem}.*"))
    for folder in ("chapters", "appendices", "auto_gallery", "api"):
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
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    profile = BUILD / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(
        "c.InlineBackend.figure_formats = {'retina'}\nc.HistoryManager.enabled = False\n"
        "c.IPKernelApp.log_level = 40\n",
        encoding="utf-8",
    )
    settings = {
        "JUPYTER_PATH": str(BUILD / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(BUILD / "jupyter"),
        "JUPYTER_DATA_DIR": str(BUILD / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(BUILD / "jupyter" / "runtime"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "IPYTHONDIR": str(BUILD / "ipython"),
        "MPLCONFIGDIR": str(BUILD / "matplotlib"),  # HOME may be somebody's who cannot be written to
        "LECTURECODE_SOLUTIONS": "1" if solutions else "0",
        "PYTHONHASHSEED": "0",
        "TQDM_DISABLE": "1",
    }
    # chapters and scripts run side by side: each keeps to its share of the cores
    threads = str(max(1, (os.cpu_count() or 1) // 4))
    settings |= {"OMP_NUM_THREADS": threads}
    kept = {k: v for k, v in os.environ.items() if k not in ("MPLBACKEND", "MATPLOTLIBRC")}
    if not (BUILD / "matplotlib").is_dir():  # one process looks for fonts, not four at the same time
        find_fonts = [sys.executable, "-c", "import matplotlib.font_manager"]
        subprocess.run(find_fonts, env=kept | settings, capture_output=True, check=False)
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


def announce() -> None:
    """Say what is about to happen, and how long it may take."""
    cores = os.cpu_count() or 1
    if (BUILD / ".jupyter_cache").is_dir() and GALLERY.is_dir():
        print("Running what changed in the book, then writing its pages.", flush=True)
        return
    before = text_of(SECONDS)
    took = f"took {before} s the last time" if before else "takes ten to fifteen minutes on two cores"
    print(f"Running the whole book on {cores} cores, which {took}.", flush=True)


def sphinx(command: list[str], env: dict[str, str]) -> int:
    """Run Sphinx in a session of its own; end all that it started if this is interrupted."""
    child = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True)
    try:
        return child.wait()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            if os.name == "nt":
                child.kill()
            else:
                os.killpg(child.pid, signal.SIGKILL)  # kernels notice that their parent is gone
        child.wait()
        raise


def copied_to(folder: Path) -> Path:
    """Copy the sources of the book to a folder of their own, without what was made of them."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns(*MADE)
            shutil.copytree(source, folder / name, ignore=ignore, dirs_exist_ok=True)
        elif source.is_file():
            shutil.copy(source, folder / name)
    return folder / "docs" / "build.py"


def build_elsewhere(folder: Path, options: list[str]) -> int:
    """Build a copy of the book in a folder where no cache stands."""
    script = copied_to(folder.resolve())
    env = {packing.CACHE: str(packing.cache_folder())} | os.environ
    env |= {"PYTHONPATH": str(script.parents[1] / "src")}
    return subprocess.run([sys.executable, str(script), *options], env=env, check=False).returncode


def build(solutions: bool) -> int:
    """Build once; return the exit status."""
    variant = "" if solutions else "-without-solutions"
    site, doctrees, log = (BUILD / f"{name}{variant}" for name in ("html", "doctrees", "log"))

    start = time.monotonic()
    try:
        packing.prepare(LIVE)
    except RuntimeError as error:
        print(f"\nThe book was NOT built. To mend:\n  {error}", file=sys.stderr)
        return 1
    drop_stale_caches()
    drop_orphans(site)
    packing.publish(LIVE, site / "_static" / "live")
    whole = not GALLERY.is_dir()
    announce()
    UNFINISHED.touch()
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going"]
    command += ["-d", str(doctrees), "-w", str(log), str(DOCS), str(site)]
    status = sphinx(command, environment(solutions))
    drop(UNFINISHED)
    seconds = time.monotonic() - start

    if status:
        lines = problems(log)
        forget_failures(doctrees, lines)
        print(f"\nThe book was NOT built ({seconds:.0f} s). To mend:", file=sys.stderr)
        for line in lines or [f"see the messages above (exit status {status})"]:
            print(f"  {line}", file=sys.stderr)
        return 1
    if whole:
        SECONDS.write_text(f"{seconds:.0f}", encoding="utf-8")
    try:
        slides.make(site)
    except ValueError as error:
        print(f"\nThe book was built without its slides. To mend:\n  {error}", file=sys.stderr)
        return 1
    editions.place(site)
    page = site / "index.html"
    print(f"The book was built in {seconds:.0f} s: {page.relative_to(ROOT)}\n  {page.as_uri()}")
    return 0


def main() -> int:
    """Build here or elsewhere; an interruption is no failure to explain with a traceback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--solutions", choices=("0", "1"), default="1")
    parser.add_argument("--build-dir", type=Path, help="build a copy of the book in this folder")
    options = parser.parse_args()
    try:
        if options.build_dir:
            return build_elsewhere(options.build_dir, ["--solutions", options.solutions])
        return build(options.solutions == "1")
    except KeyboardInterrupt:
        print("\nInterrupted. What has run is kept: make docs goes on from there.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
