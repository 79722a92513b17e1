"""Networks in figures: a graph of neurons, and the data and gradients that flow through it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.text import Text

from lecturecode.arrays import ArrayLike
from lecturecode.backpropagation import backprop
from lecturecode.door import instance, whole
from lecturecode.losses import check_loss
from lecturecode.network import Network
from lecturecode.plots import door
from lecturecode.plots.animations import animate

SIGNS = LinearSegmentedColormap.from_list(
    "signs", ["#00507f", "#6fa8cf", "#ffffff", "#f0a070", "#a03c00"], N=257
)
"""Colors of numbers with a sign: blue below zero, white at zero, orange above."""

GRADIENTS = LinearSegmentedColormap.from_list(
    "gradients", ["#7a1f80", "#cc94cc", "#ffffff", "#80c080", "#0a6130"], N=257
)
"""Colors of gradients: purple below zero, white at zero, green above."""

LINE, INK, EMPTY = "#8a8a99", "#2b2b38", "#f4f4f7"
WIDEST = 3.5  # points, for the largest weight
ROOM = 6  # rows of neurons at most that still have room for numbers


@dataclass(frozen=True, eq=False)
class NetworkGraph:
    """What :func:`network_graph` drew: for each layer its neurons and the edges that lead to them."""

    ax: Axes
    shown: tuple[np.ndarray, ...]
    """The numbers of the neurons that are drawn, for the inputs and then each layer."""
    neurons: tuple[PathCollection, ...]
    edges: tuple[LineCollection, ...]
    """Of layer i, its lines run through the neurons of layer i, and for each through those before."""
    names: tuple[Text, ...]
    """Beneath each column: x, and then the pre-activations and activations."""
    parameters: tuple[Text, ...]
    """Above each layer's edges: its weights and biases."""
    residual: Text


def network_graph(
    network: Any, ax: Axes | None = None, *, theta: ArrayLike | None = None, most: int = 6
) -> NetworkGraph:
    r"""Draw a network as a graph: a column of neurons for each layer, and the loss at the right end.

    Data run from left to right. Beneath the columns stand :math:`x`, then :math:`a^i, x^i`; above
    the edges :math:`W^i, b^i`; the box is the loss l, into which the target y goes, and out of which
    comes r. Given `theta`, an edge is as wide as its weight is large, orange where it is positive and
    blue where it is negative. Of a layer with more than `most` neurons the first ones are drawn,
    dots, and the last one.

    Raises
    ------
    TypeError
        If an argument is of another kind: if `network` is no network, say.
    ValueError
        If `most` is below 3, or if theta does not have P finite entries.
    """
    instance(network, "network", Network, "Network((2, 8, 3))")
    most = whole(most, "most", 3, hint="There is room for the first neuron, dots and the last")
    weights = None if theta is None else _weights(network, theta)
    ax = door.axes(ax, figsize=(1.2 * (len(network.widths) + 1), 4.2))
    shown, heights, gaps = zip(*(_column(width, most) for width in network.widths), strict=True)
    top = max(column[0] for column in heights) + 0.75
    edges: list[LineCollection] = []
    neurons, names, parameters = [], [], []
    for i, (column, gap) in enumerate(zip(heights, gaps, strict=True)):
        if i:
            ends = [[(i - 1, start), (i, end)] for end in column for start in heights[i - 1]]
            lines = LineCollection(ends, colors=LINE, linewidths=0.8, zorder=1, capstyle="round")
            ax.add_collection(lines)
            edges.append(lines)
            parameters.append(_write(ax, i - 0.5, top, _of_layer("W", "b", i)))
        size = 760 if max(map(len, shown)) <= ROOM else 200
        look: dict[str, Any] = {"edgecolors": INK, "linewidths": 1.2, "zorder": 2}
        neurons.append(ax.scatter(np.full(len(column), i), column, s=size, c=EMPTY, **look))
        if gap is not None:
            ax.plot([i] * 3, gap + np.array([-0.22, 0, 0.22]), ".", color=INK, markersize=4)
        names.append(_write(ax, i, -top, _of_layer("a", "x", i) if i else "$x = x^0$"))
    end = len(network.widths)
    _loss_box(ax, end, heights[-1], top)
    residual = _write(ax, end + 0.48, 0.0, "$r$", side="left")
    ax.set(xlim=(-0.45, end + 1.25), ylim=(-top - 0.4, top + 0.4))
    ax.set_axis_off()
    graph = NetworkGraph(
        ax, shown, tuple(neurons), tuple(edges), tuple(names), tuple(parameters), residual
    )
    if weights is not None:
        norm = _signed(weights)
        for i, W in enumerate(weights):
            _paint_edges(graph, i, W, SIGNS, norm)
    return graph


def animate_flow(
    network: Any,
    loss: Any,
    theta: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    *,
    most: int = 6,
    interval: int = 700,
) -> FuncAnimation:
    r"""Animate one sample: data flow forwards through the network, then gradients flow backwards.

    `x` has shape (N_0,), and y is the target of this sample as `loss` takes it. Forwards a column shows
    first :math:`a^i` and then :math:`x^i`, blue below zero and orange above, and the edges are the
    weights. Backwards the columns show :math:`G_{x^i}` and :math:`G_{a^i}`, and the edges
    :math:`G_{W^i}`, purple below zero and green above. Each of the four kinds of color, for values,
    weights, gradients of the neurons and of the weights, reaches its full depth at its largest entry.

    Raises
    ------
    TypeError, ValueError
        If `interval` is no positive integer, or as for :func:`lecturecode.backprop` and
        :func:`network_graph`.
    """
    instance(network, "network", Network, "Network((2, 8, 3))")
    check_loss(loss)
    most, interval = whole(most, "most", 3), whole(interval, "interval")
    theta, x, _ = door.numbers({"theta": "P", "x": "N", "y": "..."}, theta=theta, x=x, y=y)
    weights = _weights(network, theta)
    a, xs, r, G_x, G_a, G_W = _flow(network, loss, theta, x, y)
    graph = network_graph(network, theta=theta, most=most)
    values, slopes = _signed([*a, *xs]), _signed([*G_x, *G_a])
    heavy, steep = _signed(weights), _signed(G_W)
    figure, ax, depth = graph.ax.figure, graph.ax, network.depth
    room = max(map(len, graph.shown)) <= ROOM
    places = [np.asarray(column.get_offsets()) for column in graph.neurons]
    numbers = [[_write(ax, left, up, "", size=8, zorder=4) for left, up in column] for column in places]
    idle = [text.get_text() for text in graph.names]

    def fill(i: int, column: np.ndarray | None, name: str, colours: Any, norm: Normalize) -> None:
        graph.names[i].set_text(name)
        drawn = np.full(len(graph.shown[i]), np.nan) if column is None else column[graph.shown[i]]
        faces = colours(norm(np.nan_to_num(drawn)))
        graph.neurons[i].set_facecolor(faces if column is not None else EMPTY)
        for text, number, face in zip(numbers[i], drawn, faces, strict=True):
            text.set_text(_short(number) if room and column is not None else "")
            text.set_color(_readable(face))

    frames: list[tuple[str, list[Any]]] = [("one sample $x$ comes in", [("x", 0)])]
    for i in range(1, depth + 1):
        n, m = _superscript(i), _superscript(i - 1)
        frames += [
            (rf"forwards: $a^{n} = W^{n} x^{m} + b^{n}$", [("W", i), ("a", i)]),
            (rf"forwards: $x^{n} = \sigma(a^{n})$", [("x", i)]),
        ]
    n = _superscript(depth)
    frames.append((rf"the loss: $r = l(x^{n}, y)$", [("r", depth)]))
    frames.append((rf"backwards: $G_{{x^{n}}} = \nabla_{{x^{n}}}\, l$", [("G_x", depth)]))
    for i in range(depth, 0, -1):
        n, m = _superscript(i), _superscript(i - 1)
        equal = rf"$G_{{b^{n}}} = G_{{a^{n}}} = \sigma'(a^{n}) * G_{{x^{n}}}$"
        product = rf"$G_{{W^{n}}} = G_{{a^{n}}} x^{{{i - 1}T}}$"
        transposed = rf"$G_{{x^{m}}} = W^{{{i}T}} G_{{a^{n}}}$"
        frames += [
            (f"backwards: {equal}", [("G_a", i)]),
            (f"backwards: {product}", [("G_W", i)]),
            (f"backwards: {transposed}", [("G_x", i - 1)]),
        ]

    def change(what: str, i: int) -> None:
        n = _superscript(i)
        if what == "W":
            _paint_edges(graph, i - 1, weights[i - 1], SIGNS, heavy)
        elif what == "G_W":
            _paint_edges(graph, i - 1, G_W[i - 1], GRADIENTS, steep)
            graph.parameters[i - 1].set_text(f"$G_{{W^{n}}}, G_{{b^{n}}}$")
        elif what == "r":
            graph.residual.set_text(f"$r$ = {_short(r)}")
        elif what == "a":
            fill(i, a[i - 1], f"$a^{n}$", SIGNS, values)
        elif what == "x":
            fill(i, xs[i], f"$x^{n}$", SIGNS, values)
        elif what == "G_a":
            fill(i, G_a[i - 1], f"$G_{{a^{n}}}$", GRADIENTS, slopes)
        else:
            fill(i, G_x[i], f"$G_{{x^{n}}}$", GRADIENTS, slopes)

    ax.set_title(frames[-2][0])
    figure.draw_without_rendering()  # type: ignore[union-attr]
    figure.set_layout_engine("none")  # type: ignore[union-attr]

    def draw(last: int) -> list[Any]:
        graph.residual.set_text("$r$")
        for i, name in enumerate(idle):
            fill(i, None, name, SIGNS, values)
            graph.neurons[i].set_linewidth(1.2)
        for i, lines in enumerate(graph.edges):
            lines.set(color=LINE, linewidths=0.8)
            graph.parameters[i].set_text(_of_layer("W", "b", i + 1))
        for _, changes in frames[: last + 1]:
            for what, i in changes:
                change(what, i)
        title, changes = frames[last]
        ax.set_title(title)
        for what, i in changes:  # what is new has a thick rim
            if what in ("x", "a", "G_x", "G_a"):
                graph.neurons[i].set_linewidth(2.6)
        return list(graph.neurons)

    return animate(figure, draw, len(frames), interval=interval)  # type: ignore[arg-type]


def _weights(network: Network, theta: ArrayLike) -> list[np.ndarray]:
    (theta,) = door.numbers({"theta": "P"}, theta=theta)
    return [np.asarray(W) for _, W in network.unpack(theta)]


def _column(width: int, most: int) -> tuple[np.ndarray, np.ndarray, float | None]:
    """Return the neurons of a column that are drawn, their heights, and that of the dots, if any."""
    rows = min(width, most)
    heights = (rows - 1) / 2 - np.arange(rows)
    if width <= most:
        return np.arange(width), heights, None
    keep = np.append(np.arange(most - 2), width - 1)
    return keep, np.delete(heights, most - 2), float(heights[most - 2])


def _superscript(i: int) -> str:
    """Return the number of a layer as TeX raises it: in braces if it has several digits."""
    return f"{i}" if i < 10 else f"{{{i}}}"


def _of_layer(first: str, second: str, i: int) -> str:
    """Return the names of two quantities of layer i."""
    return f"${first}^{{{i}}}, {second}^{{{i}}}$"


def _write(
    ax: Axes, x: float, y: float, text: str, *, size: float = 12, side: str = "center", zorder: float = 5
) -> Text:
    look: dict[str, Any] = {"fontsize": size, "color": INK, "zorder": zorder}
    return ax.text(x, y, text, horizontalalignment=side, verticalalignment="center", **look)


def _loss_box(ax: Axes, end: int, outputs: np.ndarray, top: float) -> None:
    """Draw the loss as one more layer: outputs and y go in, r comes out."""
    for height in outputs:
        ax.plot([end - 1, end], [height, 0], color=LINE, linewidth=0.8, zorder=1)
    box = {"boxstyle": "square,pad=0.45", "facecolor": "white", "edgecolor": INK, "linewidth": 1.2}
    ax.text(end, 0, "$l$", ha="center", va="center", fontsize=15, bbox=box, zorder=3, color=INK)
    arrow = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 13, "linewidth": 1.2}
    ax.annotate("", (end, 0), (end, -top + 0.35), arrowprops=arrow)
    ax.annotate("", (end + 0.42, 0), (end, 0), arrowprops=arrow | {"shrinkA": 13, "shrinkB": 0})
    _write(ax, end, -top, "$y$")


def _signed(arrays: list[np.ndarray]) -> Normalize:
    """Return a scale that is even on both sides of zero and reaches the largest of all entries."""
    largest = max(float(abs(array).max()) for array in arrays) or 1.0
    return Normalize(-largest, largest)


def _paint_edges(graph: NetworkGraph, i: int, W: np.ndarray, colours: Any, norm: Normalize) -> None:
    W = W[np.ix_(graph.shown[i + 1], graph.shown[i])].ravel()
    share = abs(W) / float(norm.vmax or 1)
    faint = 0.25 + 0.75 * share  # so that a small weight is still seen to have a sign
    graph.edges[i].set_color(colours(0.5 + 0.5 * np.sign(W) * faint))
    graph.edges[i].set_linewidth((0.4 + (WIDEST - 0.4) * share).tolist())


def _flow(network: Any, loss: Any, theta: np.ndarray, x: np.ndarray, y: ArrayLike) -> Any:
    """Return a, x, r, and the G of x, a and W of each layer, of one sample."""
    sample, target = x[None, :], np.asarray(y.detach().cpu() if hasattr(y, "detach") else y)[None, ...]
    _, gradient = backprop(network, loss, theta, sample, target)
    a, xs = network.forward(theta, sample)
    r, G_last = loss.with_gradient(xs[-1], target)
    parts, layers = network.unpack(gradient), network.unpack(theta)
    G_a = [G_b for G_b, _ in parts]  # the bias is added, so its gradient is that of a
    G_x = [W.T @ G for (_, W), G in zip(layers, G_a, strict=True)] + [G_last[0]]
    return [u[0] for u in a], [u[0] for u in xs], float(r[0]), G_x, G_a, [G_W for _, G_W in parts]


def _short(number: float) -> str:
    """Write a number of moderate size in at most five characters."""
    if number and abs(number) < 0.005:
        return f"{number:.0e}".replace("e-0", "e-")
    return f"{number:.2f}" if abs(number) < 9.995 else f"{number:.3g}"


def _readable(face: Any) -> str:
    """Return black or white, whichever stands out from a color."""
    rgb = np.array(to_rgb(face))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return "black" if linear @ [0.2126, 0.7152, 0.0722] > 0.179 else "white"
