"""Install the wheel of dist/ alone into a fresh environment, and run its docstrings' examples there.

Nothing of the checkout can help: the examples run in an empty folder, from what was installed.
"""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = """
import pathlib, subprocess, sys, lecturecode
home = pathlib.Path(lecturecode.__file__).parent
assert pathlib.Path(sys.prefix) in home.parents, home
sys.exit(subprocess.call([
    sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--doctest-modules", "--rootdir=.",
    "-o", "doctest_optionflags=ELLIPSIS NORMALIZE_WHITESPACE", str(home),
]))
"""


def main() -> int:
    """Return the exit status of the examples."""
    wheels = sorted((ROOT / "dist").glob("*.whl"))
    if len(wheels) != 1:
        print(f"dist/ has {len(wheels)} wheels; make dist builds one", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        venv.create(Path(folder) / "venv", with_pip=True)
        python = Path(folder) / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        print(f"Installing {wheels[0].name} alone.", flush=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        pip += ["-c", str(ROOT / "constraints.txt"), str(wheels[0]), "pytest"]
        subprocess.run(pip, check=True)
        empty = Path(folder) / "empty"
        empty.mkdir()
        return subprocess.run([str(python), "-I", "-c", EXAMPLES], cwd=empty, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
