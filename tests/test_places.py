"""Every method and every rule stands in all its places, from the door to the chapter."""

import ast
import dataclasses
import importlib
import importlib.util
import inspect
import re
import textwrap
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import test_aliasing_and_state_laws as aliasing
import test_checkpoints
import test_kinds_law
import test_optimizers
import test_parity
import test_pytorch
import test_units_law as units
import test_whole_runs
import test_words
import torch
from hostile_table import TABLE
from test_architecture import EVERYTHING

import lecturecode as lc
from lecturecode.optimizers import apart
from lecturecode.pytorch.optimizers import Rule, check_rule

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

# What has a reason to be missing. A reason that is no longer needed fails, too.
WITHOUT = {
    ("GradientDescent", "one page"): "gradient_descent has the row",
    ("alternate", "oracle"): "its blocks are the user's; k-means and others are held through it",
    ("ant_paths", "one page"): "the slide's picture of a colony; ant_colony is the method",
    ("ant_paths", "oracle"): "test_ants.py knows the shortest path",
    ("gradient_descent", "oracle"): "the rule GradientDescent has the row",
    ("minimize", "one page"): "the loop of the rules, which have the rows",
    ("minimize", "oracle"): "the loop of the rules, which have the rows",
    ("pytorch.train", "generator"): "fitting.Fit drives a stepper, whose epochs are the steps",
    ("pytorch.train_distributed", "aliasing"): "what is sent to a process is a copy",
    ("pytorch.train_distributed", "chapter"): "processes are started by scripts",
    (
        "pytorch.train_distributed",
        "generator",
    ): "fitting.Fit drives a stepper, whose epochs are the steps",
    (
        "pytorch.train_distributed",
        "hostile calls",
    ): "each starts processes: test_distributed.py has some",
    ("train", "generator"): "fitting.Fit drives a stepper, whose epochs are the steps",
}


# --- what there is ---------------------------------------------------------------------------------


def public():
    """Yield (name as a reader writes it, object) for what the package defines, exported or not."""
    for module, things in EVERYTHING.items():
        for name, thing in things.items():
            if "." not in thing.__qualname__:
                prefix = "pytorch." if module.startswith("lecturecode.pytorch") else ""
                yield prefix + name.rpartition(".")[2], thing


NEITHER = {
    "Apart": "keeps a rule of the user's apart from the arrays",
    "clustered": "the part of kmeans for data beyond memory",
    "collect": "the loop that follows every method",
}
"""What looks like a rule or a method, and is none."""
RULES = {
    name: thing
    for name, thing in public()
    if inspect.isclass(thing)
    and {"init", "step"} <= set(dir(thing))
    and not getattr(thing, "_is_protocol", False)
    and name not in NEITHER
}
METHODS = {
    name: thing
    for name, thing in public()
    if inspect.isfunction(thing)
    and inspect.signature(thing).return_annotation in (lc.Trace, "Trace")
    and "callback" in inspect.signature(thing).parameters
    and name not in NEITHER
}
GENERATORS = {
    thing
    for _, thing in public()
    if inspect.isgeneratorfunction(thing)
    and re.search(r"tuple\[bool, str\]", str(inspect.signature(thing).return_annotation))
}


def an_instance(rule):
    """A rule with the defaults that it has, and 0.1 for what has none."""
    fields = dataclasses.fields(rule)
    return rule(**{f.name: 0.1 for f in fields if f.default is dataclasses.MISSING})


def has(rule, rules):
    return any(type(each) is rule for each in rules)


@cache
def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def chapters():
    """The cells of all chapters, one after the other."""
    pages = sorted((DOCS / "chapters").glob("*.md"))
    cells = [
        re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```", p.read_text(encoding="utf-8"), re.M | re.S)
        for p in pages
    ]
    return "\n".join(cell for page in cells for cell in page)


@cache
def mapped():
    table = tomllib.loads(text("docs/lecture_map.toml"))
    return {code for item in table.values() for code in item.get("code", [])}


@cache
def letters():
    """The words that the notation binds."""
    rows = tomllib.loads(text("docs/notation.toml"))["rows"]
    return set(re.findall(r"\w+", " ".join(row["code"] for row in rows)))


@cache
def rows():
    spec = importlib.util.spec_from_file_location("rows", DOCS / "chapters/snippets/equivalents.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {here for _, here, _, _ in module.ROWS}


def short(name):
    return name.rpartition(".")[2]


# --- the places of both: each returns what is missing and where it goes, or nothing ------------------


def export(name, thing):
    home, exported = importlib.import_module(thing.__module__), lc.pytorch if "." in name else lc
    if hasattr(home, "__all__") and short(name) not in home.__all__:
        return f"put it into the __all__ of {home.__name__}"
    if short(name) not in exported.__all__:
        return f"import it in {exported.__name__}/__init__.py and put it into __all__ there"
    return None


def table(name, thing):
    if name not in TABLE:
        return "give it an entry in tests/hostile_table.py: right arguments, and their kinds"
    return None


def unit(name, thing):
    if "." not in name and name not in {*units.LAWS, *units.NONE}:
        return "write its @law in tests/test_units_law.py, or put it into NONE there with the reason"
    return None


def lecture_map(name, thing):
    if not {code for code in mapped() if code == f"lecturecode.{name}" or full(code) is thing}:
        return f'put "lecturecode.{name}" into the code of its entry in docs/lecture_map.toml'
    return None


@cache
def full(code):
    parts = code.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part, None)
        return found
    return None


def notation(name, thing):
    if inspect.isclass(thing):
        needed = [field.name for field in dataclasses.fields(thing)]
    else:
        given = inspect.signature(thing).parameters.values()
        needed = [p.name for p in given if p.kind is p.POSITIONAL_OR_KEYWORD]
    objects = {"block_minimizers", "value_and_gradient", "optimizer", "method", "module"}
    missing = [word for word in needed if word not in letters() | objects | {"nest", "food"}]
    return f"bind {', '.join(missing)} by a row of docs/notation.toml" if missing else None


def chapter(name, thing):
    if not re.search(rf"\b{short(name)}\(", chapters()):
        return "no cell of docs/chapters/*.md calls it: write its section"
    return None


def reference(name, thing):
    home = thing.__module__.split(".")[1]
    pages = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "api").glob("*.rst"))
    if not re.search(rf"module-reference:: lecturecode\.{home}\b", pages):
        return f"put '.. module-reference:: lecturecode.{home}' into a page of docs/api/"
    return None


def one_page(name, thing):
    if "." not in name and not re.search(rf"\b{name}\b", text("docs/appendices/f_one_page_to_keep.md")):
        return "give it a row in docs/appendices/f_one_page_to_keep.md"
    return None


# --- the places of a rule ----------------------------------------------------------------------------


def door_of_a_rule(name, rule):
    for field in dataclasses.fields(rule):
        for wrong in ("a word", float("nan")):
            try:
                dataclasses.replace(an_instance(rule), **{field.name: wrong})
            except (TypeError, ValueError) as error:
                if field.name in str(error):
                    continue
            return f"its __post_init__ takes {field.name}={wrong!r}; check it there, as Momentum does"
    return None


def in_place(name, rule):
    if not {"step_in_place", "step_by", "times"} <= set(vars(rule)):
        return "give it times, step_by and step_in_place, as the protocol Optimizer says"
    if apart(an_instance(rule)).__class__ is not rule:
        return "put it into PURE in optimizers.py, or its every step is copied"
    return None


def pytorch_rule(name, rule):
    where = "translate it in pytorch/optimizers.py: Rule.__init__, Rule.describe, check_rule"
    ours = an_instance(rule)
    p = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    try:
        check_rule(ours)
        theirs = Rule(ours, [p], None, False)
    except TypeError as error:
        return f"{where} ({error})"
    if theirs.describe() != repr(ours):
        return f"a checkpoint of PyTorch's does not know it: {where}"
    theta, rng = p.detach().numpy().copy(), np.random.default_rng(0)
    state = ours.init(theta)
    for _ in range(20):
        gradient = rng.standard_normal(3)
        theta, state = ours.step(theta, gradient, state)
        p.grad = torch.as_tensor(gradient)
        theirs.prepare(0)
        theirs.torch.step()
    if not np.allclose(theta, p.detach().numpy(), rtol=1e-9, atol=1e-12):
        return f"pytorch.train takes other steps than it does: {where}"
    if not re.search(rf"^{name}\(", inspect.getdoc(inspect.getmodule(Rule)), re.M):
        return "give it a row in the docstring of pytorch/optimizers.py"
    return None


def oracle_of_a_rule(name, rule):
    if not has(rule, [ours for ours, _ in test_optimizers.RULES.values()]):
        return "hold it to torch.optim's in RULES of tests/test_optimizers.py"
    if name not in rows():
        return "give it a row in docs/chapters/snippets/equivalents.py"
    return None


def laws_of_a_rule(name, rule):
    tables = {
        "test_kinds_law.py": test_kinds_law.RULES,
        "test_checkpoints.py": test_checkpoints.RULES.values(),
        "test_parity.py": test_parity.OPTIMIZERS.values(),
        "test_pytorch.py": test_pytorch.RULES.values(),
        "test_whole_runs.py": test_whole_runs.RULES.values(),
    }
    missing = [file for file, rules in tables.items() if not has(rule, rules)]
    return f"put one into the table of rules of tests/{', tests/'.join(missing)}" if missing else None


# --- the places of a method --------------------------------------------------------------------------


@cache
def called(function):
    """The functions of the package that a function names."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    space = inspect.unwrap(function).__globals__
    found = {space[name] for name in named if inspect.isfunction(space.get(name))}
    return frozenset(f for f in found if f.__module__.startswith("lecturecode"))


def reached(function, depth=4):
    """The generators that a door follows, itself or through others."""
    if function in GENERATORS or not depth:
        return {function} & GENERATORS
    return set().union(*(reached(each, depth - 1) for each in called(function)))


def generator(name, method):
    if not reached(method):
        return "write its steps as a public generator in its module, and let the door collect them"
    return None


def oracle_of_a_method(name, method):
    if "." not in name and name not in rows():
        return (
            "hold it to an answer found in another way: a row in docs/chapters/snippets/equivalents.py"
        )
    return None


def aliasing_of_a_method(name, method):
    if name not in aliasing.RUNS:
        return "give it a run in tests/test_aliasing_and_state_laws.py, for functions that scribble"
    return None


BOTH = {
    "export": export,
    "hostile calls": table,
    "units": unit,
    "map": lecture_map,
    "notation": notation,
    "chapter": chapter,
    "reference": reference,
    "one page": one_page,
}
PLACES_OF_A_RULE = BOTH | {
    "door": door_of_a_rule,
    "in place": in_place,
    "PyTorch": pytorch_rule,
    "oracle": oracle_of_a_rule,
    "laws": laws_of_a_rule,
}
PLACES_OF_A_METHOD = BOTH | {
    "generator": generator,
    "oracle": oracle_of_a_method,
    "aliasing": aliasing_of_a_method,
}


def held(name, place, missing):
    reason = WITHOUT.get((name, place))
    if reason:
        assert missing, f"{name} has its place {place!r} now: take it out of WITHOUT in {__file__}"
    else:
        assert not missing, f"{name}, {place}: {missing}"


@pytest.mark.parametrize("place", PLACES_OF_A_RULE)
@pytest.mark.parametrize("name", RULES)
def test_a_rule_stands_in_every_place(name, place):
    held(name, place, PLACES_OF_A_RULE[place](name, RULES[name]))


@pytest.mark.parametrize("place", PLACES_OF_A_METHOD)
@pytest.mark.parametrize("name", METHODS)
def test_a_method_stands_in_every_place(name, place):
    held(name, place, PLACES_OF_A_METHOD[place](name, METHODS[name]))


@pytest.mark.parametrize("steps", sorted(GENERATORS, key=lambda g: g.__module__))
def test_a_generator_has_a_door_and_one_line_of_docstring(steps):
    doors = [name for name, method in METHODS.items() if steps in reached(method)]
    assert doors, f"{steps.__module__}.{steps.__name__}: no exported function collects its steps"
    assert "\n" not in inspect.getdoc(steps), "a listing of it is the mathematics; the door has the rest"


def test_nothing_is_overlooked():
    assert {"Adam", "GradientDescent", "Momentum"} <= set(RULES)
    assert len(GENERATORS) >= 15
    assert {name for name, _ in WITHOUT} <= {*METHODS, *RULES}
    assert set(METHODS) >= set(test_words.METHODS) - set(NEITHER)
