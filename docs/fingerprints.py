"""What the runs of a book depend on, as hashes: when one changes, what hangs on it is made again.

A run depends on code, not on its comments and docstrings; on data; on the versions of the
packages that its imports reach; and on the processor's linear algebra, if one is asked for by
name. Pages depend on the site's own code besides. Everything else, such as a browser's packages,
may change without a chapter running again.
"""

import ast
import hashlib
import importlib.metadata
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DATA = ("docs/scaling.json", "docs/distributed.json", "docs/cuda.json")
RUNNERS = ("ahead.py", "figures.py", "solutions.py")
"""Files of docs/_ext that have a part in how a cell or a script is run."""
SETTINGS = ("nb_", "sphinx_gallery_conf", "myst_")
"""What the settings are called that have a part in it."""
ENGINES = ("ipykernel", "ipython", "matplotlib-inline", "myst-nb", "nbclient", "sphinx-gallery")
"""They run cells and scripts and write down what comes out; what they need does not matter."""
WRITERS = ("sphinx", "myst", "docutils", "pygments", "numpydoc", "pydata", "pybtex", "markdown")
"""How the names of the packages begin that write pages."""
KERNELS = ("OPENBLAS_CORETYPE", "MKL_CBWR", "ATEN_CPU_CAPABILITY", "NPY_DISABLE_CPU_FEATURES")
IMPORT = re.compile(r"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)


def code_of(text: str) -> str:
    """Return a source as its syntax tree, which has no comments, and without the docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def files_below(top: Path) -> Iterator[Path]:
    """Yield the files of a folder, or a single file, without what Python itself leaves there."""
    for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path


def content(path: Path) -> bytes:
    """Return what counts of a file: the code of a Python file, else all of it."""
    if path.suffix == ".py":
        try:
            return code_of(path.read_text(encoding="utf-8")).encode()
        except SyntaxError:  # whoever runs it will say so
            pass
    return path.read_bytes()


def settings(conf: Path) -> str:
    """Return the lines of conf.py that have a part in how a cell or a script is run."""
    lines = []
    for node in ast.parse(conf.read_text(encoding="utf-8")).body:
        names = [t.id for t in getattr(node, "targets", []) if isinstance(t, ast.Name)]
        if any(name.startswith(SETTINGS) for name in names):
            lines.append(ast.dump(node))
    return "\n".join(lines)


PAGES = (("docs/chapters", "*"), ("docs/appendices", "*"))


def imported(root: Path) -> set[str]:
    """Return the top-level names that the package, the chapters and the scripts import."""
    found: set[str] = set()
    for folder, pattern in (("src", "*.py"), ("gallery", "*.py"), *PAGES):
        for path in (root / folder).rglob(pattern):
            if path.suffix in (".py", ".md"):
                found |= set(IMPORT.findall(path.read_text(encoding="utf-8")))
    return found


def reached(root: Path) -> dict[str, str]:
    """Return the versions of the packages that a run can reach, by name."""
    homes = importlib.metadata.packages_distributions()
    waiting = [dist for name in imported(root) for dist in homes.get(name, [])]
    versions = {name: importlib.metadata.version(name) for name in ENGINES}
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in versions or name == "lecturecode":
            continue
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:  # an option that nobody took
            continue
        versions[name] = found.version
        requirements = [Requirement(text) for text in found.requires or []]
        waiting += [r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    return versions


def digest(parts: Iterable[bytes]) -> str:
    """Return one hash over parts that cannot run into each other."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()


def of_runs(root: Path) -> str:
    """Return a hash over what the chapters' cells and the gallery's scripts depend on."""
    docs = root / "docs"
    paths = [*files_below(root / "src"), *files_below(docs / "chapters" / "snippets")]
    paths += [docs / "_ext" / name for name in RUNNERS]
    paths += [root / name for name in DATA if (root / name).is_file()]
    parts = [sys.version.encode(), settings(docs / "conf.py").encode()]
    for path in paths:
        parts += [path.relative_to(root).as_posix().encode(), content(path)]
    parts += [f"{name}=={version}".encode() for name, version in sorted(reached(root).items())]
    parts += [f"{name}={os.environ.get(name, '')}".encode() for name in KERNELS]
    return digest(parts)


def live(state: Path) -> bytes:
    """Return what pages say of the Python that runs in them; not what it was packed from."""
    if not state.is_file():
        return b""
    told = json.loads(state.read_text(encoding="utf-8"))
    told.pop("made_of", None)
    told["bytes"] = {name: f"{size / 1e6:.0f}" for name, size in told.get("bytes", {}).items()}
    return json.dumps(told, sort_keys=True).encode()


def of_pages(root: Path) -> str:
    """Return a hash over the site's own code, the place where it stands, and what writes pages."""
    docs = root / "docs"
    parts = [str(root).encode(), sys.version.encode(), live(docs / "_build" / "live" / "live.json")]
    for path in [docs / "conf.py", *files_below(docs / "_ext"), *files_below(docs / "live")]:
        parts += [path.relative_to(root).as_posix().encode(), content(path)]
    for found in sorted(importlib.metadata.distributions(), key=lambda d: d.name.lower()):
        if found.name.lower().startswith(WRITERS):
            parts.append(f"{found.name}=={found.version}".encode())
    return digest(parts)
