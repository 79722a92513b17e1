"""One word, one meaning: an argument of a name has the same default and the same kind everywhere."""

import inspect
import math
import re
from pathlib import Path

import numpy as np
import pytest

import lecturecode as lc
from lecturecode import pytorch

PAGE = (Path(__file__).parents[1] / "docs" / "api" / "words.rst").read_text()
REQUIRED = inspect.Parameter.empty

METHODS = {
    name: getattr(lc, name)
    for name in lc.__all__
    if inspect.isfunction(getattr(lc, name))
    and "progress" in inspect.signature(getattr(lc, name)).parameters
}
METHODS |= {f"pytorch.{name}": getattr(pytorch, name) for name in ("train", "train_distributed")}
BUDGETS = ("steps", "sweeps", "epochs", "draws", "points", "candidates")
SAME = {  # the defaults of these are the same wherever there are any
    "rng": None, "target": -math.inf, "like": None, "checkpoint": None, "callback": None,
    "progress": False, "start": None, "restarts": 0,
}  # fmt: skip
OLD = {
    "ant_colony": {"ants": "population"},
    "ant_paths": {"ants": "population", "start": "nest", "end": "food"},
    "kmeans": {"centers": "start"},
    "train": {"theta": "start"},
    "pytorch.train": {"theta": "start"},
    "pytorch.train_distributed": {"theta": "start"},
}


def parameters(name):
    return inspect.signature(METHODS[name]).parameters


def test_there_are_all_methods():
    assert len(METHODS) >= 22, sorted(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_defaults_are_the_same_everywhere(name):
    for word, parameter in parameters(name).items():
        if word in SAME:
            assert parameter.default == SAME[word] or parameter.default is SAME[word], word
            assert parameter.kind == parameter.KEYWORD_ONLY, word
    fits_by_minibatches = "epochs" in parameters(name)
    if name != "collect":
        assert parameters(name)["record_every"].default == (0 if fits_by_minibatches else None)


@pytest.mark.parametrize("name", METHODS)
def test_each_has_one_budget_which_has_a_default_where_the_method_ends_by_itself(name):
    (budget,) = [word for word in BUDGETS if word in parameters(name)]
    ends = {
        "find_stationary_point", "lasso", "nonnegative_least_squares", "kmeans", "factorize",
        "gaussian_mixture", "collect",
    }  # fmt: skip
    assert (parameters(name)[budget].default is not REQUIRED) == (name in ends)


@pytest.mark.parametrize("name", METHODS)
def test_each_begins_by_theta_or_start_or_the_page_says_where(name):
    begins = {"theta", "start"} & set(parameters(name))
    assert len(begins) <= 1
    if begins == {"theta"}:
        assert parameters(name)["theta"].default is REQUIRED
    elif not begins and name != "collect":
        row = PAGE[PAGE.index("\n``theta``, ``start``") : PAGE.index("\n``population``")]
        assert f"`~lecturecode.{name}`" in row


@pytest.mark.parametrize("name", METHODS)
def test_every_shared_word_is_on_the_page(name):
    shared = {w for w in parameters(name) if sum(w in parameters(other) for other in METHODS) > 3}
    of_data = {"g", "domain", "distances", "W", "y", "x", "like", "module", "loss", "optimizer"}
    listed = set(re.findall(r"``(\w+)``", PAGE))
    of_fits = {"batch_size", "schedule", "validation", "patience", "keep_last"}
    assert shared - of_data - of_fits <= listed


def test_the_page_names_each_method_that_has_a_tol():
    row = PAGE[PAGE.index("\n``tol``") : PAGE.index("\n``target``")]
    having = {name for name in METHODS if "tol" in parameters(name)} | {"classify"}
    assert {
        name.removeprefix("~lecturecode.") for name in re.findall(r"`(~lecturecode\.\w+)`", row)
    } == having


def test_the_page_names_each_method_that_has_restarts():
    row = PAGE[PAGE.index("\n``restarts``") : PAGE.index("\n``rng``")]
    having = {name for name in METHODS if "restarts" in parameters(name)}
    assert {
        name.removeprefix("~lecturecode.") for name in re.findall(r"`(~lecturecode\.\w+)`", row)
    } == having


@pytest.mark.parametrize("name", [n for n in METHODS if "domain" in parameters(n)])
def test_searches_and_populations_take_a_checkpoint(name):
    assert "checkpoint" in parameters(name)


# --- names that were changed ----------------------------------------------------------------------

ROADS = np.ones((4, 4)) - np.eye(4)
X = np.array([[0.0], [1.0], [9.0], [10.0]])
OLD_CALLS = {
    "ant_colony": lambda **o: lc.ant_colony(ROADS, **{"population": 3} | o, steps=2, rng=0),
    "kmeans": lambda **o: lc.kmeans(X, 2, rng=0, **o),
    "train": lambda **o: lc.train(
        lc.Network((1, 1)), lc.SquaredError(), X, X, lc.Adam(), epochs=1, batch_size=2, rng=0, **o
    ),
}


def test_old_names_answer_and_say_the_new_ones():
    with pytest.warns(DeprecationWarning, match="^centers of kmeans is now start$") as seen:
        old = lc.kmeans(X, 2, centers=X[:2])
    assert seen[0].filename == __file__
    assert old.theta.tolist() == lc.kmeans(X, 2, start=X[:2]).theta.tolist()
    with pytest.warns(DeprecationWarning, match="^ants of ant_colony is now population$"):
        old = lc.ant_colony(ROADS, ants=3, steps=2, rng=0)
    assert old.values.shape == (3, 3)
    with pytest.warns(DeprecationWarning, match="of ant_paths is now") as seen:
        old = lc.ant_paths(ROADS, start=0, end=3, ants=3, steps=2, rng=0)
    assert {str(w.message) for w in seen} == {
        "start of ant_paths is now nest", "end of ant_paths is now food",
        "ants of ant_paths is now population",
    }  # fmt: skip
    theta = np.array([0.5, 2.0])
    with pytest.warns(DeprecationWarning, match="^theta of train is now start$"):
        old = OLD_CALLS["train"](theta=theta)
    np.testing.assert_array_equal(old.last, OLD_CALLS["train"](start=theta).last)
    with pytest.raises(TypeError, match="got start and centers, which is its old name"):
        lc.kmeans(X, 2, centers=X[:2], start=X[:2])


def test_the_changelog_lists_the_names_that_changed():
    changes = (Path(__file__).parents[1] / "CHANGELOG.md").read_text()
    for function, names in OLD.items():
        rows = [row for row in changes.splitlines() if row.startswith("|") and f"`{function}`" in row]
        for old, new in names.items():
            assert any(f"`{old}`" in row and f"`{new}`" in row for row in rows), (function, old)
