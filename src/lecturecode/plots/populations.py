"""Populations in figures: their members, flights and ellipses, and the trails of ants."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.quiver import Quiver

from lecturecode.arrays import Array, ArrayLike, on_host
from lecturecode.door import came, flag, function, instance, integers, real
from lecturecode.plots import door
from lecturecode.plots.animations import animate
from lecturecode.plots.door import Box, host
from lecturecode.plots.figures import COLOURS, contours

WIDEST = 10.0  # points, for a trail without rival
FAINTEST = 0.02  # of the scent at a place


def members(
    points: ArrayLike, *, ax: Axes | None = None, label: str | None = None, colour: str | None = None
) -> Line2D:
    """Draw the members of a population, shape (M, 2), as dots of the method's color.

    Raises
    ------
    TypeError
        If an argument is of another kind: if the points are not real numbers, say.
    ValueError
        If they are not points of a plane, or if `colour` is no color.
    """
    (points,), label = door.numbers({"points": "M 2"}, points=points), door.label(label)
    colour = door.colour(colour, COLOURS.get(label or ""))
    ax = door.axes(ax)
    look: dict[str, Any] = {"markersize": 6, "markeredgecolor": "white", "markeredgewidth": 0.5}
    (dots,) = ax.plot(*points.T, "o", color=colour, label=label, zorder=3, **look)
    return dots


def flights(
    points: ArrayLike, velocities: ArrayLike, *, ax: Axes | None = None, colour: str | None = None
) -> Quiver:
    """Draw how particles came: for each an arrow of its velocity that ends where it is now.

    Raises
    ------
    TypeError
        If an argument is of another kind: if the points are not real numbers, say.
    ValueError
        If points and velocities are not of one shape (M, 2), or if `colour` is no color.
    """
    shapes = {"points": "M 2", "velocities": "M 2"}
    points, velocities = door.numbers(shapes, points=points, velocities=velocities)
    colour = door.colour(colour, COLOURS["particle swarm"])
    ax = door.axes(ax)
    look: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "pivot": "tip"}
    return ax.quiver(*points.T, *velocities.T, color=colour, width=0.004, alpha=0.6, zorder=2, **look)


def ellipse(
    mean: Array,
    covariance: Array,
    *,
    ax: Axes | None = None,
    deviations: float = 2.0,
    label: str | None = None,
    colour: str | None = None,
) -> Line2D:
    """Draw a normal distribution in the plane: the points at so many `deviations` from its mean.

    Two deviations surround 86 percent of the draws.

    Raises
    ------
    TypeError
        If an argument is of another kind: if the mean is not of real numbers, say.
    ValueError
        If the mean is not of shape (2,), or the covariance is not a symmetric matrix of shape (2, 2)
        without negative eigenvalues, if `deviations` is not positive, or if `colour` is no color.
    """
    mean, covariance = door.numbers({"mean": "2", "covariance": "2 2"}, mean=mean, covariance=covariance)
    _check_covariance(covariance)
    ring = _ring(mean, covariance, real(deviations, "deviations", "(0, inf)"))
    label = door.label(label)
    colour = door.colour(colour, COLOURS.get(label or "", COLOURS["evolution strategy"]))
    ax = door.axes(ax)
    (line,) = ax.plot(*ring.T, color=colour, label=label, linewidth=2, zorder=2.5)
    return line


def trails(
    places: ArrayLike, pheromone: ArrayLike, *, ax: Axes | None = None, colour: str | None = None
) -> LineCollection:
    """Draw the pheromone between all pairs of places as lines: the more, the wider.

    `places` has shape (N, 2). `pheromone`, of shape (N, N), is not negative. The width of an edge is its
    share of the scent at the place where it begins, which is the probability that scent alone leads an
    ant that way; of its two directions the larger one counts.

    Raises
    ------
    TypeError
        If an argument is of another kind: if the places are not real numbers, say.
    ValueError
        If the shapes do not fit, if pheromone is negative, or if `colour` is no color.
    """
    places, pheromone = door.numbers(
        {"places": "N 2", "pheromone": "N N"}, places=places, pheromone=pheromone
    )
    if (pheromone < 0).any():
        raise ValueError(f"pheromone must not be negative; got {pheromone.min():g}")
    colour = door.colour(colour, COLOURS["ant colony"])
    ax = door.axes(ax)
    first, second = np.triu_indices(len(places), 1)
    pairs = np.stack([places[first], places[second]], axis=1)  # (pairs, 2, 2)
    lines = LineCollection(list(pairs), colors=colour, linewidths=_widths(pheromone))
    lines.set(alpha=0.75, capstyle="round", zorder=1)
    ax.add_collection(lines)
    ax.plot(*places.T, "o", color=COLOURS["data"], markersize=8, markeredgecolor="white", zorder=3)
    ax.set_aspect("equal", adjustable="datalim")
    return lines


def tour(
    places: ArrayLike, order: ArrayLike, *, ax: Axes, label: str | None = None, colour: str | None = None
) -> Line2D:
    """Draw a round trip through `places`, shape (N, 2), in the given order, and back to its start.

    Raises
    ------
    TypeError
        If an argument is of another kind: if `order` does not hold integers, say.
    ValueError
        If `order` is not a permutation of the places, if they are not in a plane, or if `colour` is
        no color.
    """
    ax, label = instance(ax, "ax", Axes, door.AXES), door.label(label)
    (places,) = door.numbers({"places": "N 2"}, places=places)
    order = np.asarray(
        on_host(integers(order, "order", 0, len(places) - 1, "the numbers of places, integers"))
    )
    if not np.array_equal(np.sort(order, axis=None), np.arange(len(places))) or order.ndim != 1:
        raise ValueError(
            f"order must go through each of the {len(places)} places once; got {came(order.tolist())}"
        )
    colour = door.colour(colour, COLOURS["data"])
    closed = places[np.append(order, order[0])]
    (line,) = ax.plot(*closed.T, color=colour, label=label, linewidth=1.5, zorder=2)
    return line


def animate_population(
    g: Any,
    trace: Any,
    box: Box = None,
    *,
    label: str,
    log: bool = False,
    frames: int = 40,
    interval: int = 200,
) -> FuncAnimation:
    """Animate a population over the contours of g, with what its trace has beside the members.

    Velocities are drawn as by :func:`flights`, means and covariances as by :func:`ellipse`. `label` is
    the method's name, which gives the color. At most `frames` pictures are spread evenly over the
    steps.

    Raises
    ------
    TypeError
        If an argument is of another kind: if `trace` is no trace, say.
    ValueError
        If the trace kept no populations of points of a plane, if `frames` or `interval` is no positive
        integer, or as for :func:`~lecturecode.plots.contours`.
    """
    frames, interval = door.pictures(frames, interval)
    log, label, trace = flag(log, "log"), door.text(label, "label"), door.a_trace(trace)
    ends = door.bounds(box, function(g, "g"), 2)
    thetas = host(trace.thetas)
    if thetas.ndim != 3 or thetas.shape[2] != 2 or trace.record_every == 0:
        raise ValueError(
            f"an animation needs populations of shape (records, M, 2); got {thetas.shape} "
            f"with record_every={trace.record_every}"
        )
    extras = {name: host(rows) for name, rows in trace.extras.items()}
    figure, ax = plt.subplots(figsize=(5.4, 4.4))
    contours(g, ends, ax=ax, log=log, points=120)
    ax.autoscale(False)
    dots = members(thetas[0], ax=ax, label=label)
    colour: Any = dots.get_color()
    arrows = rim = None
    if "velocities" in extras:
        arrows = flights(thetas[0], extras["velocities"][0], ax=ax, colour=colour)
    if "covariances" in extras:
        rim = ellipse(extras["means"][0], extras["covariances"][0], ax=ax, colour=colour)
    values = host(trace.values)[:: trace.record_every]
    lowest = np.minimum.accumulate(np.nanmin(values, axis=1))
    ax.set_title("step 0")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout is found once, not in every frame

    def draw(i: int) -> list[Any]:
        dots.set_data(*thetas[i].T)
        if arrows is not None:
            arrows.set_offsets(thetas[i])
            arrows.set_UVC(*extras["velocities"][i].T)
        if rim is not None:
            rim.set_data(*_ring(extras["means"][i], extras["covariances"][i], 2.0).T)
        ax.set_title(f"step {i * trace.record_every}: lowest so far {lowest[i]:.3g}")
        return [dots]

    return animate(figure, draw, _spread(frames, len(thetas)), interval=interval)


def animate_trails(
    places: ArrayLike, trace: Any, *, frames: int = 40, interval: int = 200, title: str = "step {step}"
) -> FuncAnimation:
    """Animate the pheromone of an ant colony between `places`, shape (N, 2), step by step.

    At most `frames` pictures are spread evenly over the steps. `title` may contain ``{step}`` and
    ``{value}``, the lowest value so far.

    Raises
    ------
    TypeError
        If an argument is of another kind: if `trace` is no trace, say.
    ValueError
        If the trace has no pheromone, if `title` contains other braces, if `frames` or `interval` is no
        positive integer, or as for :func:`trails`.
    """
    frames, interval = door.pictures(frames, interval)
    (places,), trace = door.numbers({"places": "N 2"}, places=places), door.a_trace(trace)
    if "pheromone" not in trace.extras or trace.record_every == 0:
        raise ValueError("this trace kept no pheromone; run the method with record_every=1")
    pheromone = host(trace.extras["pheromone"])  # (records, N, N)
    values = host(trace.values)[:: trace.record_every]
    lowest = np.minimum.accumulate(values.min(axis=1))
    if pheromone.shape[1:] != (len(places),) * 2:
        raise ValueError(f"this trace has pheromone of shape {pheromone.shape} for {len(places)} places")
    first = _filled(title, lowest[0])
    figure, ax = plt.subplots(figsize=(5.4, 4.4))
    lines = trails(places, pheromone[0], ax=ax)
    ax.set(xlabel="east", ylabel="north", title=first)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")

    def draw(i: int) -> list[Any]:
        lines.set_linewidth(_widths(pheromone[i]).tolist())
        ax.set_title(title.format(step=i * trace.record_every, value=lowest[i]))
        return [lines]

    return animate(figure, draw, _spread(frames, len(pheromone)), interval=interval)


def _spread(frames: int, records: int) -> list[int]:
    return np.unique(np.linspace(0, records - 1, min(frames, records)).round().astype(int)).tolist()


def _filled(title: object, value: float) -> str:
    """Return the title of step 0."""
    try:
        return door.text(title, "title").format(step=0, value=value)
    except (LookupError, ValueError, AttributeError) as error:
        raise ValueError(f"title may contain {{step}} and {{value}}; got {came(title)}") from error


def _check_covariance(covariance: np.ndarray) -> None:
    tolerance = 1e-9 * abs(covariance).max()
    asymmetric = abs(covariance - covariance.T).max() > tolerance
    if asymmetric or np.linalg.eigvalsh(covariance)[0] < -tolerance:
        raise ValueError("a covariance is symmetric and has no negative eigenvalue; this one is not so")


def _ring(mean: np.ndarray, covariance: np.ndarray, deviations: float) -> np.ndarray:
    """Return a closed line, shape (121, 2), at `deviations` from the mean."""
    variances, axes = np.linalg.eigh(covariance)
    angle = np.linspace(0, 2 * np.pi, 121)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)  # (121, 2)
    return mean + deviations * (circle * np.sqrt(np.maximum(variances, 0))) @ axes.T


def _widths(pheromone: np.ndarray) -> np.ndarray:
    """Return the widths of the lines of all pairs; the faintest trails are not drawn."""
    count = len(pheromone)
    scent = pheromone * (1 - np.eye(count))
    share = scent / np.maximum(scent.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    edges = np.maximum(share, share.T)[np.triu_indices(count, 1)]
    return np.where(edges > FAINTEST, WIDEST * edges, 0.0)
