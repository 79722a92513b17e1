"""What plots refuse is refused before anything is drawn, and what they take is told apart well."""

import inspect

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hostile_calls import cases
from hostile_table import TABLE

from lecturecode import Network, SquaredError, gaussian_mixture, kmeans, plots
from lecturecode.objectives import DoubleWell, Rosenbrock

WRONG = ("None", "-1", "'a'", "[1.0, nan]", "object()", "a class")
PLACES = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
X = np.array([[0.0, 1.0], [2.0, 0.0], [0.5, 3.0]])
BOX = [(-1, 1), (-1, 1)]


@pytest.fixture(autouse=True)
def _no_figure_left_open():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", [name for name in TABLE if name.startswith("plots.")])
def test_what_is_refused_leaves_nothing_in_a_figure(name):
    item = TABLE[name]
    parameters = inspect.signature(item.call).parameters
    optional = "ax" in parameters and parameters["ax"].default is None
    count = 0
    for case in cases(item):
        if case.sense or case.value not in WRONG:
            continue
        arguments = {**item.good(), **case.changed()}
        if optional and case.argument != "ax" and count % 2:
            del arguments["ax"]
        given = arguments.get("ax")
        before = len(given.get_children()) if isinstance(given, plt.Axes) else 0
        open_before = plt.get_fignums()
        with pytest.raises((TypeError, ValueError)):
            item.call(**arguments)
        assert plt.get_fignums() == open_before, f"{case.argument}={case.value} made a figure"
        after = len(given.get_children()) if isinstance(given, plt.Axes) else 0
        assert after == before, f"{case.argument}={case.value} drew something"
        count += 1
    assert count >= 4


REFUSED = {  # what is said, and a call
    r"ax must be an Axes, such as plt.subplots\(\)\[1\]; got Figure": lambda: plots.members(
        X, ax=plt.figure()
    ),
    r"ax must be an Axes3D, such as .*projection='3d'\); got Axes": lambda: plots.surface(
        Rosenbrock(), BOX, ax=plt.subplots()[1]
    ),
    "colour must be a color.*got 'bleu'": lambda: plots.members(X, colour="bleu"),
    "label must be a text; got 3": lambda: plots.path(X, label=3),
    r"names must be a list of texts, one for each cluster; got 'ab'": lambda: plots.clusters(
        X, [0, 1, 1], names="ab"
    ),
    "names must hold 2 texts, one for each feature; got 1": lambda: plots.animate_clusters(
        X, kmeans(X, 1, rng=0), names=["x"]
    ),
    "classes must hold 2 texts": lambda: plots.boundary(
        Network((2, 2)), np.zeros(6), X, [0, 1, 1], classes=("one",)
    ),
    r"y must hold class numbers, integers from 0 to 1; got 0\.\.2": lambda: plots.boundary(
        Network((2, 2)), np.zeros(6), X, [0, 1, 2]
    ),
    r"order must hold the numbers of places, integers from 0 to 3; got 1\.\.4": lambda: plots.tour(
        PLACES, [1, 2, 3, 4], ax=plt.subplots()[1]
    ),
    r"low < high, for instance \[\(-2, 2\)\]": lambda: plots.curve(DoubleWell(1), [(1, -1)]),
    "g must be a function": lambda: plots.contours(Rosenbrock()([0.0, 0.0]), BOX),
    "box is where the contours of g are drawn": lambda: plots.staircase(
        [[0.0, 0.0], [1.0, 0.0]], box=BOX
    ),
    "levels must be at least 2 and fewer than 256 rising numbers; got": lambda: plots.contours(
        Rosenbrock(), BOX, levels=[2.0, 1.0]
    ),
    "levels must be an integer from 1 to 256; got 257": lambda: plots.contours(
        Rosenbrock(), BOX, levels=257
    ),
    "x has 1 value.*NaN": lambda: plots.clusters([[0.0, np.nan], [1.0, 1.0]], [0, 1]),
    "trace must be a Trace, such as what gradient_descent returns; got ndarray": lambda: plots.values(X),
    "labels of 3 samples, and x has 2": lambda: plots.animate_clusters(X[:2], kmeans(X, 1, rng=0)),
    "this trace has means of 3 features; fit two": lambda: plots.animate_mixture(
        X, gaussian_mixture(np.random.default_rng(0).normal(size=(9, 3)), 1, rng=0)
    ),
    "traces must be a trace, or some by their names": lambda: plots.animate_path(Rosenbrock(), {}),
    "frames is empty": lambda: plots.animate(plt.figure(), print, []),
    "frames must be an integer of at least 1; got None": lambda: plots.animate(
        plt.figure(), print, None
    ),
    "draw must be a function of the frame": lambda: plots.animate(plt.figure(), 3, 3),
    "interval must be an integer of at least 1; got 0.5": lambda: plots.animate(
        plt.figure(), print, 3, interval=0.5
    ),
    "loss is the class SquaredError; make one: SquaredError": lambda: plots.animate_flow(
        Network((2, 2)), SquaredError, np.zeros(6), X[0], X[1]
    ),
    "theta is a.* make it dense|theta is a.* give a dense one": lambda: plots.network_graph(
        Network((2, 2)), theta=torch.zeros(6).to_sparse()
    ),
}


@pytest.mark.parametrize(("says", "call"), REFUSED.items(), ids=range(len(REFUSED)))
def test_the_message_says_what_came_and_what_was_expected(says, call):
    with pytest.raises((TypeError, ValueError), match=says):
        call()


def test_a_title_with_other_braces_is_refused():
    item = TABLE["plots.animate_trails"]
    for title in ("{time}", "{", "{step.x}", "{value:q}", "{}"):
        with pytest.raises(ValueError, match=r"title may contain \{step\} and \{value\}"):
            item.call(**item.good(), title=title)


def test_what_is_right_in_another_form_is_taken():
    row = mpl.colormaps["viridis"](np.linspace(0, 1, 3))[1]
    assert (plots.members(X.tolist(), colour=row).get_color() == row).all()
    assert plots.members(torch.tensor(X), colour=(0.0, 0.5, 1.0)).get_color() == (0.0, 0.5, 1.0)
    mixed = plots.clusters(torch.tensor(X), [0, 1, 1], np.float32([[0, 1], [1, 1]]))
    assert len(mixed) == 4
    assert plots.look(np.int64(3)) == plots.look(3)
    y = torch.tensor([0, 1, 1])
    assert plots.boundary(Network((2, 2)), np.arange(6.0), X, y, classes=["a", "b"], points=np.int8(5))
    film = plots.animate(plt.figure(), print, np.array([3, 5]))
    assert list(film.new_frame_seq()) == [3, 5]
    plots.animate_clusters(X, kmeans(X, 1, rng=0), names=())
    assert plt.gcf().axes[0].get_xlabel() == ""
    diverged = [[0.0, 1.0], [-1e300, np.inf], [np.nan, np.nan]]
    assert len(plots.path(diverged).get_xdata()) == 3
