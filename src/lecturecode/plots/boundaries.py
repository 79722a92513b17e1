"""Decisions of a classifier of points in a plane: its regions, and how their boundary forms."""

from collections.abc import Sequence
from typing import Any

import array_api_compat as compat
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.contour import QuadContourSet

from lecturecode.arrays import ArrayLike, on_host
from lecturecode.door import instance, labels, whole
from lecturecode.network import Network
from lecturecode.plots import door
from lecturecode.plots.animations import animate
from lecturecode.plots.door import host
from lecturecode.plots.figures import COLOURS

REGIONS = ("#006aaa", "#d45500", "#00956a", "#aa6aff", "#552a2a", "#ea0040")
MARKERS = "o^sDvP"


def boundary(
    network: Any,
    theta: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    ax: Axes | None = None,
    *,
    classes: Sequence[str] = (),
    points: int = 150,
) -> list[QuadContourSet]:
    """Draw what a classifier of points of a plane decides where, and the samples.

    `x` has shape (T, 2), and `y` the class numbers of the samples, shape (T,). The pale color of a
    place is that of the class with the largest output there, on a grid of `points` by `points`;
    between the regions runs the decision boundary. Each class has its marker, and is named in the
    legend if `classes` are given.

    Raises
    ------
    TypeError
        If an argument is of another kind: if `network` is no network, say, or y holds no integers.
    ValueError
        If the network has not two inputs and at least two outputs, if theta, x and y do not fit it, if
        there are too few `classes`, or if `points` is below 2.
    """
    x, y = _samples(network, x, y)
    (theta,) = door.numbers({"theta": "P"}, theta=theta)
    network.unpack(theta)  # refuses a wrong number of parameters
    classes, points = _named(network, classes), whole(points, "points", 2)
    ax = door.axes(ax)
    for k in range(network.widths[-1]):
        look: dict[str, Any] = {"color": REGIONS[k % 6], "markersize": 5.5, "markeredgewidth": 0.6}
        name = classes[k] if classes else f"class {k}"
        ax.plot(*x[y == k].T, MARKERS[k % 6], markeredgecolor="white", label=name, zorder=3, **look)
    if classes:
        ax.legend()
    drawn = _regions(network, theta, _plane(x, points), ax)
    low, high = _corners(x)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    return drawn


def animate_boundary(
    network: Any,
    trace: Any,
    x: ArrayLike,
    y: ArrayLike,
    *,
    classes: Sequence[str] = (),
    frames: int = 40,
    interval: int = 150,
    points: int = 120,
) -> FuncAnimation:
    """Animate the decision boundary of a classifier as it forms over the steps of a trace.

    At most `frames` pictures are spread evenly over the thetas that the trace recorded; their titles
    count steps, and the samples that are classified right. The rest is as for :func:`boundary`.

    Raises
    ------
    TypeError
        If `trace` is no trace, or as for :func:`boundary`.
    ValueError
        If the trace kept no thetas, if `frames` or `interval` is no positive integer, or as for
        :func:`boundary`.
    """
    trace = door.recorded(trace, 10)
    frames, interval = door.pictures(frames, interval)
    x, y = _samples(network, x, y)
    thetas = host(trace.thetas)
    network.unpack(thetas)
    classes, points = _named(network, classes), whole(points, "points", 2)
    figure, ax = plt.subplots(figsize=(5.4, 4.4))
    drawn = boundary(network, thetas[0], x, y, ax, classes=classes, points=points)
    ax.set_title("step 0")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout is found once, not in every frame
    plane = _plane(x, points)

    def draw(i: int) -> list[Any]:
        while drawn:
            drawn.pop().remove()
        drawn.extend(_regions(network, thetas[i], plane, ax))
        right = np.mean(network.predict(thetas[i], x).argmax(-1) == y)
        ax.set_title(f"step {i * trace.record_every}: {100 * right:.0f} % right")
        return list(drawn)

    shown = np.unique(np.linspace(0, len(thetas) - 1, min(frames, len(thetas))).round().astype(int))
    return animate(figure, draw, shown.tolist(), interval=interval)


def _samples(network: Any, x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    instance(network, "network", Network, "Network((2, 8, 3))")
    if network.widths[0] != 2 or network.widths[-1] < 2:
        raise ValueError(
            "regions of a plane need a network with 2 inputs and an output for each class; this one has "
            f"widths {network.widths}"
        )
    (x,) = door.numbers({"x": "T 2"}, x=x)
    y = on_host(labels(y, "y", network.widths[-1], y if compat.is_torch_array(y) else x))
    if len(y) != len(x):
        raise ValueError(f"x must have shape (T, 2) and y (T,); got {x.shape} and {y.shape}")
    return x, y


def _named(network: Network, classes: Sequence[str]) -> Sequence[str]:
    return door.words(classes, "classes", network.widths[-1], "output of the network")


def _corners(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a box around the samples with a margin of a tenth."""
    low, high = x.min(axis=0), x.max(axis=0)
    return low - 0.1 * (high - low), high + 0.1 * (high - low)


def _plane(x: np.ndarray, points: int) -> np.ndarray:
    """Return a grid over the samples, shape (points, points, 2)."""
    axes = (np.linspace(low, high, points) for low, high in zip(*_corners(x), strict=True))
    return np.stack(np.meshgrid(*axes), axis=-1)


def _regions(network: Any, theta: np.ndarray, plane: np.ndarray, ax: Axes) -> list[QuadContourSet]:
    """Draw, class by class, where its output is the largest, and the boundaries between them."""
    a = host(network.predict(theta, plane.reshape(-1, 2))).reshape(*plane.shape[:2], -1)
    drawn = []
    for k in range(a.shape[-1]):
        lead = a[..., k] - np.delete(a, k, axis=-1).max(axis=-1)  # positive where k is chosen
        if lead.max() <= 0:
            continue
        pale = [0.7 + 0.3 * part for part in to_rgb(REGIONS[k % 6])]
        levels = [0.0, float(lead.max()) * 1.001]
        drawn.append(ax.contourf(*np.moveaxis(plane, -1, 0), lead, levels, colors=[pale], zorder=0))
        if lead.min() < 0:
            line: dict[str, Any] = {"colors": COLOURS["data"], "linewidths": 1.2, "zorder": 1}
            drawn.append(ax.contour(*np.moveaxis(plane, -1, 0), lead, [0.0], **line))
    return drawn
