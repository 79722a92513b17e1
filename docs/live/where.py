"""Which cells of a page can run in the page, and why the others cannot."""

import ast
import sys
from collections.abc import Iterable
from pathlib import Path

from needs import Page, facts

PROCESSES = "it starts other processes"
CLOCK = "it measures time or memory"
NETWORK = "it asks the network"
FILES = "it reads a file of the book"
TORCH = "it needs PyTorch"
NOTEBOOK = "it is written for a notebook"
HERE = frozenset(
    {"IPython", "PIL", "array_api_compat", "cycler", "lecturecode", "matplotlib", "mpl_toolkits"}
)
HERE |= {"myst_nb", "numpy", "tqdm"}
"""What a page can import besides Python's own modules."""
MODULES = {
    "torch": TORCH,
    "snippets": FILES,
    **dict.fromkeys(("cProfile", "psutil", "resource", "time", "timeit", "tracemalloc"), CLOCK),
    **dict.fromkeys(("concurrent", "dask", "joblib", "loky", "multiprocessing"), PROCESSES),
    **dict.fromkeys(("signal", "subprocess", "threading"), PROCESSES),
    **dict.fromkeys(("http", "requests", "socket", "urllib"), NETWORK),
}
"""Why a cell that uses one of these runs elsewhere."""


def imported(tree: ast.AST) -> dict[str, str]:
    """Return the names that imports bind, each with its module."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def reason(module: str) -> str | None:
    """Return why what comes from a module cannot be used in a page."""
    top = module.split(".")[0]
    if module.startswith("lecturecode.pytorch"):
        return TORCH
    if top in MODULES:
        return MODULES[top]
    if top not in HERE and top not in sys.stdlib_module_names:
        return f"it needs {top}"
    return None


def own_reason(code: str, modules: dict[str, str], folder: Path) -> str | None:
    """Return why a cell cannot run in a page, for what stands in it; None if it can."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return NOTEBOOK
    for module in imported(tree).values():  # Python's own modules can at least be imported
        if module.split(".")[0] not in sys.stdlib_module_names and reason(module):
            return reason(module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in modules:
            why = reason(modules[node.id])
            if why:
                return why
        if isinstance(node, ast.Attribute) and node.attr == "pytorch":
            return TORCH
        if isinstance(node, ast.keyword) and node.arg == "workers" and not one_worker(node.value):
            return PROCESSES
        if isinstance(node, ast.Name) and node.id == "__file__":
            return FILES
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and is_file(folder, node.value)
        ):
            return FILES
    return None


def one_worker(value: ast.expr) -> bool:
    """Tell whether ``workers=`` asks for no process but this one."""
    return isinstance(value, ast.Constant) and value.value in (None, 1)


def is_file(folder: Path, name: str) -> bool:
    """Tell whether a text names a file beside the page."""
    return "." in name and len(name) < 100 and "\n" not in name and (folder / name).is_file()


def reasons(codes: Iterable[str], folder: Path, told: dict[int, str]) -> list[str | None]:
    """Return for each cell of a page why it cannot run there, or None.

    A cell that needs one that cannot run cannot run either. ``told`` are reasons that no one can read
    off the code.
    """
    codes = list(codes)
    modules: dict[str, str] = {}
    page = Page(codes)
    found: list[str | None] = []
    for index, code in enumerate(codes):
        bound = facts(code).binds
        try:
            mine = imported(ast.parse(code))
        except SyntaxError:
            mine = {}
        modules = {name: module for name, module in modules.items() if name not in bound} | mine
        why = told.get(index) or own_reason(code, modules, folder)
        above = [cell for cell in page.cells[index].needs if found[cell]]
        if why is None and above:
            cause = str(found[above[0]]).removeprefix("it ").removeprefix("needs a cell above that ")
            why = f"it needs a cell above that {cause}"
        found.append(why)
    return found
