"""Computation graphs in figures: boxes from left to right, with their values and their gradients."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from lecturecode.door import instance, whole
from lecturecode.graph import Node, topological_order
from lecturecode.plots import door
from lecturecode.plots.animations import animate
from lecturecode.plots.figures import describe

VALUE, GRADIENT = "#00507f", "#7a1f80"
INK, LINE, FACE, LEAF = "#2b2b38", "#6b6b7a", "#ffffff", "#eef2f6"
SIZE, ROW, RIM, GAP = 10.5, 0.2, 0.12, 0.3  # points, and inches: a line, beside it, between columns
MOST = 4  # entries of an array that still have room, two in a row


@dataclass(frozen=True, eq=False)
class ComputationGraph:
    """What :func:`computation_graph` drew: for each node its box, its texts, and the lines into it."""

    ax: Axes
    nodes: tuple[Node, ...]
    """Each after its children."""
    boxes: dict[Node, FancyBboxPatch]
    titles: dict[Node, Text]
    """The name of the box, or of a leaf."""
    values: dict[Node, Text]
    gradients: dict[Node, Text]
    edges: dict[Node, list[Line2D]]
    """One line for each child, in the order of the children, the first on top."""


def computation_graph(node: Node, ax: Axes | None = None) -> ComputationGraph:
    r"""Draw the graph of an expression: every box with its value and, after backward, its gradient.

    The leaves stand on the left and are tinted, constants have a dashed rim, and lines run to the right
    into the boxes that use them. A value is blue; a gradient is purple and follows "G =". Of an array
    with more than four entries, or two in a row, the shape is written. Up to seven columns are readable
    at the width of a page. A new figure gets an alternative text that tells what stands in every box.

    Raises
    ------
    TypeError
        If it is not a node, or if `ax` is no axes.
    """
    instance(node, "node", Node, "Node(1.0)")
    ax = None if ax is None else door.axes(ax)
    nodes = tuple(topological_order(node))
    wide, tall = _box_size(nodes)
    places = {item: np.array(at) * [wide + GAP, tall + GAP / 2] for item, at in _places(nodes).items()}
    corners = np.array(list(places.values()))
    margin = np.array([wide, tall]) / 2 + 0.08
    low, high = corners.min(0) - margin, corners.max(0) + margin
    if ax is None:
        figure, ax = plt.subplots(figsize=(high - low + [0, 0.3]))
        describe(figure, _told(nodes))
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    ax.set_axis_off()
    graph = ComputationGraph(ax, nodes, {}, {}, {}, {}, {})
    for one in nodes:
        _draw_box(graph, one, places[one], wide, tall)
        graph.edges[one] = [
            _draw_edge(ax, _way(one, k, places, wide, tall)) for k in range(len(one.children))
        ]
    return graph


def animate_computation(node: Node, *, interval: int = 900) -> FuncAnimation:
    """Animate forward and backward: values appear from left to right, then gradients from right to left.

    The first picture has the values of the leaves alone. The box that has just got something has a thick
    rim, and the title says what it got.

    Raises
    ------
    TypeError
        If it is not a node.
    ValueError
        If it has no gradients yet, or if `interval` is no positive integer.
    """
    interval = whole(interval, "interval")
    if instance(node, "node", Node, "Node(1.0)").grad is None:
        raise ValueError("this node has no gradients to show; call backward(node) first")
    graph = computation_graph(node)
    made = [one for one in graph.nodes if one.children]
    reached = [one for one in reversed(graph.nodes) if one.grad is not None]
    frames: list[tuple[str, Node | None]] = [("the leaves have their values", None)]
    frames += [(f"forwards: {_called(one)} gives {_written(one.value, True)}", one) for one in made]
    frames += [(f"backwards: G = {_written(one.grad, True)} at {_called(one)}", one) for one in reached]
    figure, ax = graph.ax.figure, graph.ax
    texts = {one: graph.values[one].get_text() for one in graph.nodes}
    slopes = {one: graph.gradients[one].get_text() for one in graph.nodes}
    ax.set_title(frames[-1][0])
    figure.draw_without_rendering()  # type: ignore[union-attr]
    figure.set_layout_engine("none")  # type: ignore[union-attr]

    def draw(last: int) -> list[Any]:
        forwards, backwards = made[:last], reached[: max(last - len(made), 0)]
        for one in graph.nodes:
            graph.values[one].set_text(texts[one] if not one.children or one in forwards else "")
            graph.gradients[one].set_text(slopes[one] if one in backwards else "")
            graph.boxes[one].set_linewidth(2.8 if one is frames[last][1] else 1.2)
        ax.set_title(frames[last][0])
        return list(graph.boxes.values())

    return animate(figure, draw, len(frames), interval=interval)  # type: ignore[arg-type]


def _places(nodes: tuple[Node, ...]) -> dict[Hashable, tuple[float, float]]:
    """Find a column and a height for each node, and for each line where it crosses a column.

    From right to left: a column is sorted by where its items lead to, and then pushed apart.
    """
    column = {one: one.level for one in nodes}
    leads: dict[Hashable, list[tuple[Hashable, float]]] = {one: [] for one in nodes}
    for one in reversed(nodes):
        for k, child in enumerate(one.children):
            if not child.children:  # a leaf stands just before the first box that uses it
                users = [column[user] for user in nodes if child in user.children]
                column[child] = min(users) - 1
            target: tuple[Hashable, float] = (one, 0.3 * (0.5 - (k + 0.5) / len(one.children)))
            for crossed in range(column[one] - 1, column[child], -1):
                bend = (child, crossed)
                fresh = bend not in leads
                leads.setdefault(bend, []).append(target)
                target = (bend, 0.0)
                if not fresh:
                    break
            else:
                leads[child].append(target)
    columns: dict[int, list[Hashable]] = {}
    for item in leads:
        at = column[item] if isinstance(item, Node) else item[1]  # type: ignore[index]
        columns.setdefault(at, []).append(item)
    places: dict[Hashable, tuple[float, float]] = {}
    for at in sorted(columns, reverse=True):
        wish = {
            item: float(np.mean([places[to][1] + port for to, port in leads[item]] or [0.0]))
            for item in columns[at]
        }
        heights: list[float] = []
        for item in sorted(wish, key=lambda item: wish[item]):
            room = 1.0 if isinstance(item, Node) else 0.6
            heights.append(max(wish[item], heights[-1] + room) if heights else wish[item])
            places[item] = (float(at), heights[-1])
        shift = float(np.mean(list(wish.values())) - np.mean(heights))
        for item in wish:
            places[item] = (float(at), places[item][1] + shift)
    return places


def _way(one: Node, k: int, places: dict[Any, Any], wide: float, tall: float) -> np.ndarray:
    """Return the corners of the line from the k-th child into a box, shape (N, 2)."""
    child, count = one.children[k], len(one.children)
    bends = [item for item in places if isinstance(item, tuple) and item[0] is child]
    between = [places[item] for item in bends if places[item][0] < places[one][0] - 1e-9]
    half = np.array([wide / 2, 0])
    start, end = places[child] + half, places[one] - half + [0, tall * (0.5 - (k + 0.5) / count)]
    sorted_bends = sorted(between, key=lambda place: place[0])
    middle = [corner for place in sorted_bends for corner in (place - half, place + half)]
    return np.array([start, *middle, end])


def _draw_edge(ax: Axes, way: np.ndarray) -> Line2D:
    (line,) = ax.plot(*way.T, color=LINE, linewidth=1.1, zorder=1, solid_joinstyle="round")
    arrow = {"arrowstyle": "-|>", "color": LINE, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.1}
    ax.annotate("", way[-1], way[-2], arrowprops=arrow, zorder=1)
    return line


def _draw_box(graph: ComputationGraph, one: Node, place: np.ndarray, wide: float, tall: float) -> None:
    round_box = "round,pad=0,rounding_size=0.08"
    corner = (place[0] - wide / 2, place[1] - tall / 2)
    look: dict[str, Any] = {"edgecolor": INK, "linewidth": 1.2, "zorder": 2}
    look |= {"facecolor": FACE if one.children else LEAF, "linestyle": "--" if one.constant else "-"}
    graph.boxes[one] = FancyBboxPatch(corner, wide, tall, boxstyle=round_box, **look)
    graph.ax.add_patch(graph.boxes[one])
    lines = [_title(one), _written(one.value), _slope(one)]
    rows = [text.count("\n") + 1 if text else 0 for text in lines]
    top = place[1] + ROW * sum(rows) / 2
    kept = (graph.titles, graph.values, graph.gradients)
    for k, (text, store, colour) in enumerate(zip(lines, kept, (INK, VALUE, GRADIENT), strict=True)):
        middle = top - ROW * (sum(rows[:k]) + rows[k] / 2)
        style: dict[str, Any] = {"ha": "center", "va": "center", "color": colour, "zorder": 3}
        weight = "bold" if k == 0 else "normal"
        store[one] = graph.ax.text(
            place[0], middle, text, fontsize=SIZE, fontweight=weight, linespacing=1.1, **style
        )


def _title(one: Node) -> str:
    if one.box is None:
        return one.name
    symbol = {"*": "×", "-": "−", "neg": "−", "**": "power"}.get(one.box.name, one.box.name)
    return f"{one.name} : {symbol}" if one.name else symbol


def _called(one: Node) -> str:
    """Return what a sentence calls a node."""
    if one.box is None:
        return one.name or f"the leaf {_written(one.value, True)}"
    return f"{one.name or 'the box'} ({_title(one).split(' : ')[-1]})"


def _written(value: Any, line: bool = False) -> str:
    """Write a number, the entries of a small array, or the shape of a large one."""
    array = np.asarray(value)
    if array.size > MOST or array.ndim > 2 or (array.ndim and array.shape[-1] > 2):
        return f"shape {array.shape}" if line else str(array.shape)
    if array.ndim == 0:
        return _short(float(array))
    rows = ["  ".join(map(_short, row)) for row in np.atleast_2d(array).tolist()]
    return "[" + "; ".join(rows) + "]" if line else "\n".join(rows)


def _slope(one: Node) -> str:
    if one.grad is None:
        return ""
    written = _written(one.grad)
    return f"G =\n{written}" if "\n" in written else f"G = {written}"


def _short(number: float) -> str:
    return f"{number:.3g}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")


def _box_size(nodes: tuple[Node, ...]) -> tuple[float, float]:
    """Return the width and the height, in inches, that hold the texts of every box."""
    rows, wide = 1, 0.5
    for one in nodes:
        lines = "\n".join(filter(None, (_written(one.value), _slope(one)))).split("\n")
        lengths = [_length(_title(one), "bold"), *map(_length, lines)]
        rows = max(rows, len(lines) + bool(_title(one)))
        wide = max(wide, 2 * RIM + max(lengths))
    return wide, 0.14 + ROW * rows


def _length(text: str, weight: str = "normal") -> float:
    """Return how long a line of text is, in inches."""
    font = FontProperties(size=SIZE, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def _told(nodes: tuple[Node, ...]) -> str:
    """Tell what the figure shows, box by box."""
    parts = []
    for one in nodes:
        value = f": {_written(one.value, True)}" if one.children or one.name else ""
        slope = "" if one.grad is None else f", gradient {_written(one.grad, True)}"
        parts.append(_called(one) + value + slope)
    more = f"; and {len(parts) - 20} more boxes" if len(parts) > 20 else ""
    return "A computation graph from left to right: " + "; ".join(parts[:20]) + more + "."
