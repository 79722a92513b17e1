"""Still figures: curves, contours and surfaces of g, and what methods do on them."""

from collections.abc import Sequence
from typing import Any, Literal, cast

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from mpl_toolkits.mplot3d import Axes3D  # type: ignore[import-untyped]

from lecturecode.arrays import ArrayLike
from lecturecode.door import came, choice, flag, function, instance, real, whole
from lecturecode.evaluation import call
from lecturecode.plots import door
from lecturecode.plots.door import Box, host

METHODS = {
    "gradient descent": "#006aaa",
    "momentum": "#d45500",
    "Adam": "#00956a",
    "zeros of the gradient": "#bf80aa",
    "alternated minimization": "#aa6aff",
    "random search": "#404000",
    "grid search": "#552a2a",
    "particle swarm": "#ea0040",
    "genetic algorithm": "#5500aa",
    "evolution strategy": "#00001e",
    "ant colony": "#80006a",
}
"""One color a method, the same in every figure, distinct under each kind of color blindness."""

KINDS = {"minimum": "v", "maximum": "^", "saddle": "X", "inconclusive": "P"}
"""One marker for each kind of stationary point."""

COLOURS = METHODS | {
    "data": "#404055",
    "model": "#d45500",
    "minimum": "#00704f",
    "maximum": "#b02020",
    "saddle": "#6a3d9a",
    "inconclusive": "#404055",
}
"""Colors of methods, of data and model, and of the kinds of stationary points."""

HEIGHTS = LinearSegmentedColormap.from_list("heights", ["#ffffff", "#d5dfe8", "#8da2b5"])
"""Colors of the values of g: pale in the valleys, so that paths stand out, dark on the heights."""


def use_style() -> None:
    """Set matplotlib's defaults for the book: opaque white, large type, the methods' colors."""
    plt.rcParams.update(
        {
            "figure.figsize": (6.4, 4.4),
            "figure.dpi": 120,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "figure.constrained_layout.wspace": 0.05,
            "savefig.dpi": 120,
            "savefig.facecolor": "white",
            "savefig.transparent": False,
            "axes.facecolor": "white",
            "axes.prop_cycle": plt.cycler(color=list(METHODS.values())),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 12,
            "axes.labelsize": 13,
            "font.size": 12,
            "legend.fontsize": 11,
            "legend.framealpha": 0.9,
            "lines.linewidth": 2.0,
        }
    )


def curve(
    g: Any, box: Box = None, *, ax: Axes | None = None, points: int = 400, colour: str | None = None
) -> Line2D:
    """Draw g of one coordinate as a curve, from `points` values.

    Raises
    ------
    TypeError
        If an argument is of another kind: if g is no function, say.
    ValueError
        If there is no finite box, if g does not take batches, if it is finite nowhere in the box, if
        `points` is below 2, or if `colour` is no color.
    """
    ((low, high),) = door.bounds(box, function(g, "g"), 1)
    colour = door.colour(colour, COLOURS["data"])
    theta = np.linspace(low, high, whole(points, "points", 2))[:, None]  # (points, 1)
    height = _evaluate(g, theta)
    ax = door.axes(ax)
    (line,) = ax.plot(theta[:, 0], height, color=colour, zorder=1)
    ax.set(xlabel=r"$\theta$", ylabel=r"$g(\theta)$", xlim=(low, high))
    return line


def contours(
    g: Any,
    box: Box = None,
    *,
    ax: Axes | None = None,
    levels: int | Sequence[float] = 20,
    log: bool = False,
    points: int = 200,
) -> QuadContourSet:
    """Draw g of two coordinates as bands between contour lines.

    `levels` is a number of bands, or the levels themselves. With ``log=True`` the bands grow in
    equal ratios above the lowest value on the grid, which opens up the floor of a canyon. The grid
    has `points` values along each axis.

    Raises
    ------
    TypeError
        As for :func:`curve`.
    ValueError
        As for :func:`curve`, or if `levels` are neither a number of bands nor rising numbers.
    """
    asked, log = _asked_levels(levels), flag(log, "log")
    x, y, z = _grid(g, box, points)
    edges = _levels(z, asked, log) if isinstance(asked, int) else asked
    ax = door.axes(ax)
    extend: Literal["neither", "both"] = "neither" if isinstance(asked, int) else "both"
    norm = BoundaryNorm(edges, HEIGHTS.N, extend=extend)
    bands = ax.contourf(x, y, z, edges, cmap=HEIGHTS, norm=norm, extend=extend, zorder=0)
    ax.contour(x, y, z, edges, colors="#4a5d70", linewidths=0.5, alpha=0.6, zorder=0.5)
    ax.set(xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
    ax.set(xlim=(x[0, 0], x[0, -1]), ylim=(y[0, 0], y[-1, 0]))
    return bands


def surface(
    g: Any,
    box: Box = None,
    *,
    ax: Any = None,
    levels: int = 15,
    log: bool = False,
    points: int = 80,
) -> Any:
    """Draw g of two coordinates as a surface in space, with its contours beneath.

    `levels`, `log` and `points` are those of :func:`contours`; `ax`, if given, has a 3-D projection.

    Raises
    ------
    TypeError
        As for :func:`curve`, or if `ax` has no 3-D projection.
    ValueError
        As for :func:`curve`.
    """
    levels, log = whole(levels, "levels"), flag(log, "log")
    if ax is not None:
        ax = instance(ax, "ax", Axes3D, "plt.figure().add_subplot(projection='3d')")
    x, y, z = _grid(g, box, points)
    edges = _levels(z, levels, log)
    ax = cast("Any", ax or plt.subplots(subplot_kw={"projection": "3d"})[1])
    look = {"cmap": HEIGHTS, "edgecolor": "#4a5d70", "linewidth": 0.25, "rcount": 45, "ccount": 45}
    sheet = ax.plot_surface(x, y, z.filled(np.nan), **look)
    spread = edges[-1] - edges[0]
    floor = edges[0] - 0.6 * spread
    ax.contour(x, y, z, edges, zdir="z", offset=floor, colors="#4a5d70", linewidths=0.7)
    ax.set(xlabel=r"$\theta_1$", ylabel=r"$\theta_2$", zlabel=r"$g(\theta)$")
    ax.set_zlim(floor, edges[-1])
    low = edges[0] - 0.1 * spread
    ax.set_zticks([tick for tick in ax.get_zticks() if low <= tick <= edges[-1]])
    ax.zaxis.labelpad = 10
    return sheet


def mark(theta: ArrayLike, kind: str, *, ax: Axes, height: float | None = None) -> Line2D:
    """Mark stationary points, shape (2,) or (N, 2), by the marker and color of their kind.

    A single point of shape (1,), on a curve, needs its `height` g(theta).

    Raises
    ------
    TypeError
        If an argument is of another kind: if `ax` is no axes, say.
    ValueError
        If `kind` is none of ``KINDS``, if theta has another shape, or if it or `height` is not finite.
    """
    kind, ax = choice(kind, "kind", list(KINDS)), instance(ax, "ax", Axes, door.AXES)
    height = None if height is None else real(height, "height")
    (points,) = door.numbers({"theta": "P | N P"}, theta=theta)
    points = np.atleast_2d(points)
    if height is not None and points.shape[1] == 1:
        points = np.column_stack([points, np.full(len(points), height)])
    if points.shape[1] != 2:
        raise ValueError(f"cannot mark theta of shape {np.shape(theta)}; on a curve, give height")  # type: ignore[arg-type]
    labels = ax.get_legend_handles_labels()[1]
    (line,) = ax.plot(*points.T, KINDS[kind], label="_" + kind if kind in labels else kind)
    line.set(color=COLOURS[kind], markersize=11, markeredgecolor="white", zorder=4)
    return line


def path(
    trace: Any, *, ax: Axes | None = None, label: str | None = None, colour: str | None = None
) -> Line2D:
    """Draw the iterates of a trace, or of an array of shape (N, 2), joined by a line.

    A dot for every iterate (up to 200), an open circle at the start, a square at the end. The
    iterates of one coordinate are drawn on the curve of g, at the trace's values. The color is
    that of the method named by `label`, if there is one.

    Raises
    ------
    TypeError
        If an argument is of another kind: if `trace` is neither a trace nor an array, say.
    ValueError
        If the trace kept no iterates, if they are not points of a plane or of a curve, or if `colour`
        is no color.
    """
    points, label = door.track(trace), door.label(label)
    colour = door.colour(colour, COLOURS.get(label or ""))
    ax = door.axes(ax)
    dot = "." if len(points) <= 200 else ""
    (line,) = ax.plot(*points.T, marker=dot, color=colour, label=label, markersize=6, linewidth=1.6)
    ends: dict[str, Any] = {"color": line.get_color(), "zorder": 3, "linestyle": "none"}
    ax.plot(*points[:1].T, marker="o", markerfacecolor="white", markersize=8, **ends)
    ax.plot(*points[-1:].T, marker="s", markeredgecolor="white", markersize=8, **ends)
    return line


def values(
    trace: Any,
    *,
    ax: Axes | None = None,
    label: str | None = None,
    colour: str | None = None,
    against: Literal["steps", "evaluations"] = "steps",
    minimum: float = 0.0,
) -> Line2D:
    """Draw how far g is above its `minimum`, step by step, on a logarithmic axis.

    Of a population the best value of each step is drawn. What has no place on such an axis is
    left out: values at or below `minimum`, and beyond 1e100.

    Raises
    ------
    TypeError
        If an argument is of another kind: if `trace` is no trace, say.
    ValueError
        If `against` is neither ``"steps"`` nor ``"evaluations"``, or if `colour` is no color.
    """
    against = choice(against, "against", ("steps", "evaluations"))
    trace, label = door.a_trace(trace), door.label(label)
    colour = door.colour(colour, COLOURS.get(label or ""))
    height = host(trace.values) - real(minimum, "minimum")
    height = height.min(axis=1) if height.ndim == 2 else height
    height = np.where(height < 1e100, height, np.nan)
    across = np.arange(len(height)) if against == "steps" else host(trace.evaluations)
    ax = door.axes(ax)
    (line,) = ax.plot(across, height, color=colour, label=label)
    ax.set_yscale("log", nonpositive="mask")
    ax.set(xlabel="step" if against == "steps" else "evaluations of g")
    ax.set(ylabel=r"$g(\theta)$" if minimum == 0 else r"$g(\theta) - \min g$")
    return line


def describe(figure: Figure, text: str) -> Figure:
    """Give a figure its alternative text: what it shows, for those who cannot see it.

    Raises
    ------
    TypeError
        If `figure` is no figure, or `text` no text.
    ValueError
        If the text is empty.
    """
    instance(figure, "figure", Figure, "plt.figure()")
    if not door.text(text, "text").strip():
        raise ValueError("text is empty; say what the figure shows")
    figure.set_label(" ".join(text.split()))
    return figure


def _grid(g: Any, box: Box, points: int) -> tuple[np.ndarray, np.ndarray, np.ma.MaskedArray]:
    """Evaluate g on a grid over the box: x, y and z, each of shape (points, points)."""
    ends, points = door.bounds(box, function(g, "g"), 2), whole(points, "points", 2)
    x, y = np.meshgrid(*(np.linspace(low, high, points) for low, high in ends))
    return x, y, _evaluate(g, np.stack([x, y], axis=-1))


@np.errstate(all="ignore")
def _evaluate(g: Any, theta: np.ndarray) -> np.ma.MaskedArray:
    """Evaluate g on a batch in one call; values that are not finite are masked."""
    z = host(call(g, theta), "what g returns")
    if z.shape != theta.shape[:-1]:
        raise ValueError(
            f"g returned shape {z.shape} for a batch of shape {theta.shape}; it must return "
            f"{theta.shape[:-1]}. Wrap a g that takes one theta by lecturecode.evaluation.pointwise"
        )
    if not np.isfinite(z).any():
        raise ValueError("g is finite nowhere in this box; draw it over another one")
    return np.ma.masked_invalid(z)


def _asked_levels(levels: Any) -> int | np.ndarray:
    """Return a number of bands, or the levels between them."""
    edges = host(levels, "levels")
    if edges.ndim == 0:
        return whole(levels, "levels", 1, HEIGHTS.N)
    (edges,) = door.numbers({"levels": "N"}, levels=edges)
    if not 2 <= len(edges) < HEIGHTS.N or not (np.diff(edges) > 0).all():
        raise ValueError(
            f"levels must be at least 2 and fewer than {HEIGHTS.N} rising numbers; got {came(levels)}"
        )
    return edges


def _levels(z: np.ndarray, count: int, log: bool) -> np.ndarray:
    """Place the edges of `count` bands over the values of z, evenly or in equal ratios."""
    low, high = float(z.min()), float(z.max())
    spread = high - low or 1.0
    if log:
        return low + np.concatenate([[0.0], np.geomspace(1e-4, 1.0, count)]) * spread
    return low + np.linspace(0.0, 1.0, count + 1) * spread
