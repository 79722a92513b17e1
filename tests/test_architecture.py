"""The package is the lecture's table of contents: order, imports and docstrings."""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import pytest

import lecturecode

PACKAGE = Path(lecturecode.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
ORDER = re.findall(r"^:mod:`~\.(\w+)`", lecturecode.__doc__, flags=re.MULTILINE)
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))


def part(file):
    """The entry of the table of contents that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def tree_of(file):
    return ast.parse(file.read_text())


def imports(tree):
    """Yield (module, node) for everything that a syntax tree imports, at any depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module, node
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def outside_functions(tree):
    """The statements that run when a module is imported, with if, try and classes looked into."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from outside_functions(node)


# --- order ----------------------------------------------------------------------------------------


def test_the_table_of_contents_names_every_module_once():
    found = {part(file) for file in FILES} - {"__init__"}
    assert set(ORDER) == found
    assert len(ORDER) == len(set(ORDER))
    assert ORDER[:2] == ["array_types", "arrays"]


@each_file
def test_a_module_imports_only_what_stands_above_it(file):
    if file == PACKAGE / "__init__.py":
        return  # it stands below everything
    place = ORDER.index(part(file))
    for module, _ in imports(tree_of(file)):
        if module == "lecturecode" or module.startswith("lecturecode."):
            entry = module.split(".")[1] if "." in module else None
            assert entry in ORDER, f"import the defining module, not {module}"
            above = ORDER.index(entry) < place
            assert above or entry == part(file), f"{part(file)} imports {entry}, which comes later"


@each_file
def test_only_pytorch_imports_torch_at_its_top(file):
    tree = tree_of(file)
    top = {id(node) for node in outside_functions(tree)}
    torch_at_top = [m for m, node in imports(tree) if m.split(".")[0] == "torch" and id(node) in top]
    assert not torch_at_top or part(file) == "pytorch"


@each_file
def test_only_plots_imports_matplotlib_and_nobody_imports_plots(file):
    modules = [module for module, _ in imports(tree_of(file))]
    if part(file) != "plots":
        assert not [m for m in modules if m.split(".")[0] == "matplotlib"]
        assert not [m for m in modules if m.startswith("lecturecode.plots")]


def test_no_function_of_a_sub_package_shares_the_name_of_its_module():
    for folder in {file.parent for file in FILES} - {PACKAGE}:
        module = importlib.import_module(f"lecturecode.{folder.name}")
        names = {file.stem for file in folder.glob("*.py")}
        for name in getattr(module, "__all__", []):
            assert name not in names


# --- import time ----------------------------------------------------------------------------------


def in_a_fresh_process(code):
    usual = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
        env=usual,  # what is imported a second time has been compiled
    )
    return done.stdout.split()


def test_import_brings_in_neither_torch_nor_matplotlib():
    code = (
        "import sys, lecturecode, lecturecode.objectives, lecturecode.domains, lecturecode.exercises\n"
    )
    loaded = in_a_fresh_process(code + "print(*sorted({m.split('.')[0] for m in sys.modules}))")
    assert "numpy" in loaded
    assert not {"torch", "matplotlib", "scipy", "sklearn", "tqdm"} & set(loaded)


def test_import_adds_less_than_half_of_the_time_that_numpy_takes(monkeypatch):
    """That is 50 ms where NumPy takes 100; an absolute time would hang on the machine and its load."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # threads that wait for work count as well
    code = (
        "import time\nbegin = time.process_time()\nimport numpy\nmiddle = time.process_time()\n"
        "import lecturecode\nprint(middle - begin, time.process_time() - middle)"
    )
    runs = [[float(word) for word in in_a_fresh_process(code)] for _ in range(10)]
    of_numpy, added = (min(times) for times in zip(*runs, strict=True))
    assert added < of_numpy / 2, f"{1000 * added:.0f} ms after {1000 * of_numpy:.0f} ms of NumPy"


# --- style ----------------------------------------------------------------------------------------


@each_file
def test_nothing_prints(file):
    calls = [node for node in ast.walk(tree_of(file)) if isinstance(node, ast.Call)]
    assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]


@each_file
def test_a_module_opens_with_a_sentence(file):
    first = (ast.get_docstring(tree_of(file)) or "").split("\n\n")[0]
    assert first.endswith((".", ")")), first


@each_file
def test_identifiers_are_ascii_and_take_no_loose_keywords(file):
    tree = tree_of(file)
    for node in ast.walk(tree):
        name = getattr(node, "name", None) or getattr(node, "id", None) or getattr(node, "arg", None)
        assert name is None or not isinstance(name, str) or name.isascii()
    named = ("array_types", "arrays", "door", "evaluation", "plots")  # for messages and artists
    if part(file) not in named:
        loose = [n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.args.kwarg]
        assert not loose


# --- docstrings -----------------------------------------------------------------------------------


def definitions():
    """Yield (module name, qualified name, object) for every public function, class and method."""
    for file in FILES:
        name = ".".join(("lecturecode", *file.relative_to(PACKAGE).with_suffix("").parts))
        module = importlib.import_module(name.removesuffix(".__init__"))
        for key, thing in vars(module).items():
            if key.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(thing) or inspect.isclass(thing):
                yield module.__name__, key, thing
            if inspect.isclass(thing) and name != "lecturecode.array_types":  # NumPy's and torch's own
                for inner, method in vars(thing).items():
                    if not inner.startswith("_") and inspect.isfunction(method):
                        yield module.__name__, f"{key}.{inner}", method


EVERYTHING = {}  # what each module defines, by name
for module, name, thing in definitions():
    EVERYTHING.setdefault(module, {})[f"{module}.{name}"] = thing
each_module = pytest.mark.parametrize("module", EVERYTHING)


def exported():
    """What a reader imports: names in an __all__, the domains, and check."""
    names = {getattr(lecturecode, name) for name in lecturecode.__all__}
    for module in ("alternating", "objectives", "pytorch"):
        inner = importlib.import_module(f"lecturecode.{module}")
        names |= {getattr(inner, name) for name in inner.__all__}
    schedules = importlib.import_module("lecturecode.schedules")
    names |= {schedules.constant, schedules.cosine, schedules.inverse_time}
    domains = importlib.import_module("lecturecode.domains")
    names |= {getattr(domains, name) for name in domains.__all__ if name != "Domain"}
    names.add(importlib.import_module("lecturecode.exercises").check)
    protocols = {thing for thing in names if getattr(thing, "_is_protocol", False)}
    warnings = {thing for thing in names if inspect.isclass(thing) and issubclass(thing, Warning)}
    return sorted(names - protocols - warnings, key=lambda thing: thing.__qualname__)


def sections(thing):
    """Return {heading: text} of a numpydoc docstring."""
    doc = inspect.getdoc(thing) or ""
    parts = re.split(r"^([A-Z]\w+)\n-{3,}$", doc, flags=re.MULTILINE)
    return {"Summary": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def documented(text):
    """Names of a Parameters section: 'a, b : float' gives a and b."""
    heads = re.findall(r"^(\S.*?)(?: :.*)?$", text, flags=re.MULTILINE)
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


def parameters(thing):
    return [name for name in inspect.signature(thing).parameters if name != "self"]


@each_module
def test_everything_public_says_what_it_does(module):
    for name, thing in EVERYTHING[module].items():
        summary = (inspect.getdoc(thing) or "").split("\n")[0]
        assert summary, name
        assert summary[0].isupper() or summary.startswith(("g", "`")), name


@pytest.mark.parametrize("thing", exported(), ids=lambda thing: thing.__qualname__)
def test_what_a_reader_imports_is_documented_in_full(thing):
    found = sections(thing)
    if parameters(thing) and "Attributes" not in found:
        assert documented(found.get("Parameters", "")) == parameters(thing)
    assert ">>>" in found.get("Examples", ""), "an example that runs"
    if inspect.isfunction(thing):
        assert "Returns" in found


@each_module
def test_documented_parameters_are_those_of_the_signature(module):
    for name, thing in EVERYTHING[module].items():
        text = sections(thing).get("Parameters")
        if text is not None:
            assert documented(text) == parameters(thing), name


def raised(thing):
    """Names of the exceptions that the code of a function, or of a class's __post_init__, raises."""
    if getattr(thing, "_is_protocol", False):
        return set()  # Python itself refuses to make one
    if inspect.isclass(thing):
        thing = vars(thing).get("__post_init__") or vars(thing).get("__init__")
    if (
        not inspect.isfunction(thing)
        or thing.__name__ == "<lambda>"
        or "<string>" in thing.__code__.co_filename
    ):
        return set()
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
    return {call.func.id for call in calls if isinstance(call, ast.Call)}


@each_module
def test_exceptions_that_are_raised_are_documented(module):
    if module.startswith(("lecturecode.plots", "lecturecode.datasets")):
        return
    for name, thing in EVERYTHING[module].items():
        if inspect.isfunction(thing) and "." in thing.__qualname__:
            continue  # methods are documented with their class
        for error in raised(thing):
            assert error in sections(thing).get("Raises", ""), f"{name} raises {error}"


def test_exported_names_are_sorted_and_exist():
    assert lecturecode.__all__ == sorted(lecturecode.__all__)
    for name in lecturecode.__all__:
        assert hasattr(lecturecode, name)


# --- names that the design fixes ------------------------------------------------------------------

FIXED = {
    "brute_force": ["g", "candidates"],
    "grid_search": ["g", "domain", "points"],
    "random_search": ["g", "domain", "draws"],
    "genetic": ["g", "domain"],
    "evolution_strategy": ["g", "domain"],
    "particle_swarm": ["g", "domain"],
    "ant_colony": ["distances"],
    "alternate": ["g", "block_minimizers", "theta"],
    "coordinate_descent": ["g", "theta"],
    "kmeans": ["x", "clusters"],
    "factorize": ["matrix", "rank"],
    "gaussian_mixture": ["x", "components"],
    "lasso": ["W", "y", "penalty"],
    "nonnegative_least_squares": ["W", "y"],
    "find_stationary_point": ["gradient", "hessian", "theta"],
    "classify": ["hessian"],
    "normal_equations": ["W", "y"],
    "least_squares": ["W", "y"],
    "fit_affine": ["x", "y"],
    "design_matrix": ["x"],
    "GradientDescent": ["learning_rate"],
    "minimize": ["value_and_gradient", "theta", "optimizer"],
    "gradient_descent": ["g", "theta", "learning_rate"],
    "Momentum": ["learning_rate", "momentum"],
    "Adam": ["learning_rate", "beta1", "beta2", "eps"],
    "Network": ["widths", "activation", "output"],
    "backprop": ["network", "loss", "theta", "x", "y"],
    "backprop_by_hand": ["network", "loss", "theta", "x", "y"],
    "minibatches": ["samples", "batch_size"],
    "train": ["network", "loss", "x", "y", "optimizer"],
    "check_gradient": ["g", "gradient", "theta"],
    "pointwise": ["g", "workers"],
}


@pytest.mark.parametrize("name", FIXED)
def test_names_and_order_of_the_mathematical_arguments_are_fixed(name):
    signature = inspect.signature(getattr(lecturecode, name))
    positional = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == FIXED[name]


@pytest.mark.parametrize("name", ["minimize", "gradient_descent"])
def test_long_methods_take_a_callback_and_progress(name):
    found = inspect.signature(getattr(lecturecode, name)).parameters
    for word in ("steps", "tol", "record_every", "callback", "progress"):
        assert found[word].kind is inspect.Parameter.KEYWORD_ONLY


SEARCHES = [name for name in FIXED if {"candidates", "domain", "distances"} & set(FIXED[name])]


@pytest.mark.parametrize("name", SEARCHES)
def test_searches_and_populations_take_a_callback_and_progress(name):
    found = inspect.signature(getattr(lecturecode, name)).parameters
    for word in ("record_every", "callback", "progress"):
        assert found[word].kind is inspect.Parameter.KEYWORD_ONLY
    assert name in ("brute_force", "grid_search") or "rng" in found


def test_fields_of_a_trace_are_fixed():
    fields = list(inspect.signature(lecturecode.Trace).parameters)
    assert fields[:8] == [
        "thetas", "values", "evaluations", "theta", "value", "last", "converged", "message",
    ]  # fmt: skip


# --- names that are imported when they are asked for, and names that moved ---------------------------


def test_modules_of_the_package_need_no_import_of_their_own():
    wanted = ("datasets", "plots", "pytorch", "graph", "exercises")
    code = "import sys, lecturecode as lc\nprint('matplotlib' in sys.modules, 'torch' in sys.modules)\n"
    code += f"print(*(getattr(lc, name).__name__ for name in {wanted}))"
    answer = in_a_fresh_process(code)
    assert answer[:2] == ["False", "False"]
    assert answer[2:] == [f"lecturecode.{name}" for name in wanted]


@pytest.mark.parametrize(("name", "home"), sorted(lecturecode._MOVED.items()))
def test_a_name_that_moved_still_answers_and_says_where_it_went(name, home):
    assert name not in lecturecode.__all__
    with pytest.warns(DeprecationWarning, match=f"is now lecturecode.{home}.{name}"):
        found = getattr(lecturecode, name)
    assert found is getattr(importlib.import_module(f"lecturecode.{home}"), name)
    changes = (PACKAGE.parents[1] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"`lecturecode.{name}`" in changes


def test_a_name_that_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="lecturecode has no 'minimise'"):
        lecturecode.minimise  # noqa: B018
