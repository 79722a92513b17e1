"""Drawn graphs: boxes from left to right, what stands in them, and the order in which it appears."""

import io
from itertools import combinations

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lecturecode import plots
from lecturecode.graph import Node, backward, exp, log, log_softmax, tanh


@pytest.fixture(autouse=True)
def _own_style_and_no_figure_left_open():
    with plt.rc_context():
        plots.use_style()
        yield
    plt.close("all")


def neuron():
    """Return the loss of one neuron, tanh(w x + b), at one sample, and its nodes by their names."""
    w, x, b = Node(2.0, "w"), Node(-1.5, "x"), Node(0.5, "b")
    a = w * x + b
    a.name = "a"
    r = (tanh(a) - 1.0) ** 2
    return r, {"w": w, "x": x, "b": b, "a": a}


def middle(box):
    return np.array([box.get_x() + box.get_width() / 2, box.get_y() + box.get_height() / 2])


def shown(graph, texts):
    return {node: text.get_text() for node, text in texts.items() if text.get_text()}


def test_every_node_has_a_box_with_its_name_value_and_gradient():
    r, named = neuron()
    backward(r)
    graph = plots.computation_graph(r)
    assert len(graph.boxes) == len(graph.nodes) == 10  # w x b 1 2, and * + tanh - **
    assert {node.name for node in graph.nodes if graph.titles[node].get_text() == node.name} == {
        "w", "x", "b", "",
    }  # fmt: skip
    assert graph.titles[named["a"]].get_text() == "a : +"
    assert graph.titles[r].get_text() == "power"
    assert graph.values[named["a"]].get_text() == "−2.5"
    wanted = f"G = {named['w'].grad:.3g}"
    assert graph.gradients[named["w"]].get_text().replace("−", "-") == wanted
    assert graph.gradients[r].get_text() == "G = 1"
    for node in graph.nodes:
        place = middle(graph.boxes[node])
        for text in (graph.titles[node], graph.values[node], graph.gradients[node]):
            assert (
                graph.boxes[node]
                .get_window_extent()
                .contains(*graph.ax.transData.transform(text.get_position()))
            )
            assert text.get_position()[0] == pytest.approx(place[0])


def test_before_backward_there_are_no_gradients():
    graph = plots.computation_graph(neuron()[0])
    assert not shown(graph, graph.gradients)
    assert len(shown(graph, graph.values)) == 10


def test_constants_have_a_dashed_rim_and_leaves_a_tint():
    r, _ = neuron()
    graph = plots.computation_graph(r)
    for node, box in graph.boxes.items():
        assert (box.get_linestyle() == "--") == node.constant
        white = box.get_facecolor()[:3] == (1, 1, 1)
        assert white == bool(node.children)


def tangle():
    u, v = Node(0.5, "u"), Node(2.0, "v")
    z = exp(u * v) * u + u * u + log(v) * u
    backward(z)
    return z


@pytest.mark.parametrize("make", [lambda: neuron()[0], tangle], ids=["neuron", "tangle"])
def test_children_stand_to_the_left_and_lines_lead_from_them_in_order(make):
    graph = plots.computation_graph(make())
    for node, box in graph.boxes.items():
        assert len(graph.edges[node]) == len(node.children)
        ends = []
        for child, line in zip(node.children, graph.edges[node], strict=True):
            left = graph.boxes[child]
            x, y = line.get_data()
            assert middle(left)[0] < middle(box)[0]
            assert (x[0], y[0]) == pytest.approx((left.get_x() + left.get_width(), middle(left)[1]))
            assert x[-1] == pytest.approx(box.get_x())
            assert box.get_y() < y[-1] < box.get_y() + box.get_height()
            assert (np.diff(x) > 0).all()
            ends.append(y[-1])
        assert ends == sorted(ends, reverse=True)  # the first child on top


def test_leaves_stand_next_to_their_first_box_in_the_order_of_the_children():
    r, named = neuron()
    graph = plots.computation_graph(r)
    product = named["a"].children[0]
    steps = sorted({round(middle(box)[0], 6) for box in graph.boxes.values()})
    column = {node: steps.index(round(middle(box)[0], 6)) for node, box in graph.boxes.items()}
    assert [column[named[name]] for name in "wxb"] == [0, 0, 1]
    assert (column[product], column[named["a"]], column[r]) == (1, 2, 5)
    assert middle(graph.boxes[named["w"]])[1] > middle(graph.boxes[named["x"]])[1]
    assert middle(graph.boxes[product])[1] > middle(graph.boxes[named["b"]])[1]


def overlap(one, other):
    return (
        one.get_x() < other.get_x() + other.get_width()
        and other.get_x() < one.get_x() + one.get_width()
        and one.get_y() < other.get_y() + other.get_height()
        and other.get_y() < one.get_y() + one.get_height()
    )


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9))
@settings(max_examples=25, deadline=None)
def test_no_box_covers_another_and_no_line_runs_through_one(pairs):
    nodes = [Node(1.0, "a"), Node(2.0, "b")]
    for i, j in pairs:
        nodes.append(nodes[i % len(nodes)] + nodes[j % len(nodes)])
    graph = plots.computation_graph(nodes[-1])
    try:
        for one, other in combinations(graph.boxes.values(), 2):
            assert not overlap(one, other)
        for lines in graph.edges.values():
            for line in lines:
                x, y = line.get_data()
                for box in graph.boxes.values():
                    inner = np.linspace(box.get_x(), box.get_x() + box.get_width(), 7)[1:-1]
                    inner = inner[(inner > x[0]) & (inner < x[-1])]
                    height = np.interp(inner, x, y)
                    low, high = box.get_y(), box.get_y() + box.get_height()
                    assert not ((height > low) & (height < high)).any()
    finally:
        plt.close(graph.ax.figure)


def test_small_arrays_are_written_out_and_of_large_ones_the_shape():
    a = Node([[1, 2], [3, 4]], "a")
    backward((a**2).sum())
    y = (a**2).sum() + Node(np.ones((3, 5)), "W").sum() + Node([1, 2, 3], "v").sum()
    graph = plots.computation_graph(y)
    by_name = {node.name: node for node in graph.nodes}
    assert graph.values[by_name["a"]].get_text() == "1  2\n3  4"
    assert graph.gradients[by_name["a"]].get_text() == "G =\n2  4\n6  8"
    assert graph.values[by_name["W"]].get_text() == "(3, 5)"
    assert graph.values[by_name["v"]].get_text() == "(3,)"


@pytest.mark.parametrize("function", [tanh, log_softmax], ids=["tanh", "log softmax"])
def test_texts_fit_their_boxes(function):
    a = Node([[-0.123, -1e-7], [123456.0, 4]] if function is tanh else [0.0, 0.0], "a")
    backward((tanh(a) * 1e-5).sum())
    graph = plots.computation_graph(function(a).sum())
    graph.ax.figure.draw_without_rendering()
    for node in graph.nodes:
        box = graph.boxes[node].get_window_extent()
        for texts in (graph.titles, graph.values, graph.gradients):
            extent = texts[node].get_window_extent()
            if texts[node].get_text():
                assert box.x0 <= extent.x0
                assert extent.x1 <= box.x1
                assert box.y0 - 1 <= extent.y0
                assert extent.y1 <= box.y1 + 1


def test_a_new_figure_tells_what_it_shows_and_one_of_the_callers_is_left_alone():
    r, _ = neuron()
    backward(r)
    told = plots.computation_graph(r).ax.figure.get_label()
    assert told.startswith("A computation graph from left to right: ")
    slope = f"{r.children[0].children[0].children[0].grad:.3g}".replace("-", "−")
    assert f"a (+): −2.5, gradient {slope}" in told
    figure, ax = plt.subplots()
    assert plots.computation_graph(r, ax).ax is ax
    assert not figure.get_label()


def test_values_appear_from_left_to_right_and_gradients_from_right_to_left():
    r, named = neuron()
    backward(r)
    film = plots.animate_computation(r)
    figure = plt.gcf()
    ax = figure.axes[0]
    values, slopes, titles = [], [], []
    for frame in range(1 + 5 + 8):  # leaves; five boxes; eight nodes that are not constant
        film._func(frame)
        texts = [t for t in ax.texts if t.get_text()]
        values.append(sum(t.get_color() == "#00507f" for t in texts))
        slopes.append([t.get_position()[0] for t in texts if t.get_text().startswith("G =")])
        titles.append(ax.get_title())
    assert values == [5, 6, 7, 8, 9] + [10] * 9
    assert [len(found) for found in slopes] == [0] * 6 + list(range(1, 9))
    assert titles[0] == "the leaves have their values"
    assert titles[2] == "forwards: a (+) gives −2.5"
    assert titles[6] == "backwards: G = 1 at the box (power)"
    newest = [min(found) for found in slopes[6:]]  # each further left, or as far
    assert newest == sorted(newest, reverse=True)
    assert named["w"].grad is not None
    player = plots.player(film)
    assert len(player.frames) == 14
    first, last = (np.asarray(Image.open(io.BytesIO(player.frames[k]))) for k in (0, -1))
    assert (first != last).any()
    assert player.alt.startswith("A computation graph")


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(TypeError, match=r"node must be a Node, such as Node\(1.0\); got float"):
        plots.computation_graph(1.0)
    with pytest.raises(ValueError, match=r"no gradients to show; call backward\(node\) first"):
        plots.animate_computation(neuron()[0])
    assert not plt.get_fignums()
