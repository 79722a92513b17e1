"""Alternated minimization in figures: staircases, clusters, and the ellipses of a mixture."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from lecturecode.alternating import Mixture
from lecturecode.arrays import Array, ArrayLike, on_host
from lecturecode.door import flag, instance, integers, whole
from lecturecode.plots import door
from lecturecode.plots.animations import animate
from lecturecode.plots.door import Box, host
from lecturecode.plots.figures import METHODS, contours
from lecturecode.plots.populations import ellipse

AXES = (METHODS["alternated minimization"], "#3b1a78")
"""Colors of the half-steps along the first and along the second coordinate."""

CLUSTERS = ("#0072b2", "#d55e00", "#00552a", "#aa55ff", "#808080", "#800055", "#0000d5")
"""A color for each cluster, by its number; after the last they begin again, with other markers."""

MARKERS = "o^sDvPX*<>"
"""A marker for each cluster, by its number."""

MOST = 9999
"""The largest number of a cluster that is drawn: each has lines of its own."""


def staircase(
    trace: Any,
    g: Any = None,
    box: Box = None,
    *,
    ax: Axes | None = None,
    log: bool = False,
) -> tuple[Line2D, Line2D]:
    """Draw the half-steps of a coordinate descent in the plane, and beneath them the contours of g.

    Half-steps along the first coordinate have one color, those along the second another, so that a
    legend names them. A dot at every corner (of up to 200), an open circle at the start, a square at
    the end. The contours, if g is given, are those of :func:`contours` with the same `box` and `log`.

    Raises
    ------
    TypeError
        If an argument is of another kind: if `trace` is neither a trace nor an array, say.
    ValueError
        If the trace kept no iterates of a plane, if a half-step moves both coordinates, if there is a
        box without g, or as for :func:`contours`.
    """
    points, log = door.track(trace), flag(log, "log")
    moves = np.diff(points, axis=0) != 0  # (N - 1, 2)
    if moves.all(axis=1).any():
        wrong = int(np.flatnonzero(moves.all(axis=1))[0]) + 1
        raise ValueError(
            f"step {wrong} moves both coordinates; a staircase has one at a time, each recorded "
            "(record_every=1). Draw other paths by path"
        )
    if g is None and box is not None:
        raise ValueError("box is where the contours of g are drawn; give g too")
    if g is not None:
        ax = contours(g, box, ax=ax, log=log).axes
    ax = door.axes(ax)
    gap = np.full_like(points[:-1], np.nan)
    pieces = np.stack([points[:-1], points[1:], gap], axis=1)  # (N - 1, 3, 2)
    dot = "." if len(points) <= 200 else ""
    lines = []
    for p, colour in enumerate(AXES):
        drawn = pieces[moves[:, p]].reshape(-1, 2)
        name = rf"$\theta_{p + 1}$ moves"
        lines += ax.plot(*drawn.T, color=colour, marker=dot, label=name, linewidth=1.8, zorder=2)
    ends: dict[str, Any] = {"color": AXES[1], "zorder": 3, "linestyle": "none", "markersize": 8}
    ax.plot(*points[:1].T, marker="o", markerfacecolor="white", **ends)
    ax.plot(*points[-1:].T, marker="s", markeredgecolor="white", **ends)
    return lines[0], lines[1]


def look(cluster: int) -> tuple[str, str]:
    """Return the color and the marker of a cluster by its number: no two of the first 70 are alike.

    Raises
    ------
    ValueError
        If it is no integer of at least 0.
    """
    cluster = whole(cluster, "cluster", 0)
    return CLUSTERS[cluster % len(CLUSTERS)], MARKERS[cluster % len(MARKERS)]


def clusters(
    x: ArrayLike,
    labels: Array,
    centers: Array | None = None,
    *,
    ax: Axes | None = None,
    names: Sequence[str] = (),
) -> list[Line2D]:
    """Draw samples, shape (T, 2), with the color and the marker of their cluster, and its center.

    `labels`, shape (T,), counts the clusters from 0; `centers` has shape (K, 2). `names`, one for each
    cluster, are for a legend. Returns the samples of each cluster, and then the centers.

    Raises
    ------
    TypeError
        If an argument is of another kind: if the labels are not integers, say.
    ValueError
        If shapes do not fit, if a label belongs to no center or is out of range, or if there are too few
        names.
    """
    (x,) = door.numbers({"x": "T 2"}, x=x)
    middles = np.empty((0, 2))
    if centers is not None:
        (middles,) = door.numbers({"centers": "K 2"}, centers=centers)
    most = MOST if centers is None else len(middles) - 1
    labels = on_host(integers(labels, "labels", 0, most, "the numbers of clusters, integers"))
    if labels.shape != x.shape[:1]:
        raise ValueError(f"labels must have shape (T,), and T is {len(x)} in x; got {labels.shape}")
    count = max(int(labels.max()) + 1, len(middles))
    names = door.words(names, "names", count, "cluster")
    ax = door.axes(ax)
    lines = []
    for k in range(count):
        colour, marker = look(k)
        label = names[k] if names else f"_cluster {k}"
        dots: dict[str, Any] = {"markersize": 5.5, "alpha": 0.75, "markeredgewidth": 0.4}
        dots |= {"color": colour, "marker": marker, "markeredgecolor": "white", "label": label}
        lines += ax.plot(*x[labels == k].T, linestyle="none", zorder=2, **dots)
    for k, middle in enumerate(middles):
        colour, marker = look(k)
        big: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 15, "zorder": 4}
        lines += ax.plot(*middle, markeredgecolor="black", markeredgewidth=2, label="_center", **big)
    return lines


def components(
    x: ArrayLike, mixture: Any, *, ax: Axes | None = None, shares: ArrayLike | None = None
) -> tuple[list[PathCollection], list[Line2D]]:
    """Draw samples, shape (T, 2), colored by their shares, and each Gaussian as an ellipse.

    The color of a sample mixes those of the components, in the proportions of `shares`, shape (T, K),
    which are the mixture's responsibilities if not given; its marker is that of the largest. The
    ellipses are at two deviations, the wider lines those of larger weights. Returns the samples of
    each component, and then each ellipse and its mean.

    Raises
    ------
    TypeError
        If an argument is of another kind: if `mixture` is no mixture, say.
    ValueError
        If shapes do not fit, or if there is NaN or infinity in an array.
    """
    (x,) = door.numbers({"x": "T 2"}, x=x)
    instance(mixture, "mixture", Mixture, "Mixture.unpack(trace.theta, 3)")
    weights, means, covariances = door.numbers(
        {"weights": "K", "means": "K 2", "covariances": "K 2 2"},
        weights=mixture.weights,
        means=mixture.means,
        covariances=mixture.covariances,
    )
    if shares is None:
        shares = Mixture(weights, means, covariances).responsibilities(x)
    (q,) = door.numbers({"shares": "T K"}, shares=shares)
    if q.shape != (len(x), len(means)):
        raise ValueError(f"shares must have shape ({len(x)}, {len(means)}); got {q.shape}")
    ax = door.axes(ax)
    colours = np.clip(q @ np.array([to_rgb(look(k)[0]) for k in range(len(means))]), 0, 1)  # (T, 3)
    largest = q.argmax(axis=1)
    edges: dict[str, Any] = {"linewidths": 0.4, "edgecolors": "white", "zorder": 2}
    dots = []
    for k in range(len(means)):
        first, second = x[largest == k].T
        own: Any = colours[largest == k]
        dots.append(ax.scatter(first, second, c=own, s=28, marker=look(k)[1], **edges))
    rings = []
    for k, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        colour, marker = look(k)
        ring = ellipse(mean, covariance, ax=ax, colour=colour)
        ring.set(linewidth=1.5 + 3 * weights[k])
        big: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 13, "zorder": 4}
        middle = ax.plot(*mean, markeredgecolor="black", markeredgewidth=2, **big)
        rings += [ring, *middle]
    return dots, rings


def animate_clusters(
    x: ArrayLike,
    trace: Any,
    *,
    names: Sequence[str] = (r"$x_1$", r"$x_2$"),
    frames: int = 40,
    interval: int = 700,
) -> FuncAnimation:
    """Animate the half-steps of k-means on samples of shape (T, 2), with the inertia beneath.

    In a half-step of the means a line shows where each center came from; in one of the labels the
    samples that change their cluster are ringed. `names` are those of the two features.

    Raises
    ------
    TypeError
        If an argument is of another kind: if `trace` is no trace, say.
    ValueError
        If `x` has another shape, if the trace is not one of k-means on it, fully recorded, or if
        `frames` or `interval` is no positive integer.
    """
    (x,) = door.numbers({"x": "T 2"}, x=x)
    names, (frames, interval) = door.words(names, "names", 2, "feature"), door.pictures(frames, interval)
    labels = on_host(_recorded(trace, "labels")["labels"])
    if labels.shape[1:] != x.shape[:1]:
        raise ValueError(f"this trace has labels of {labels.shape[1]} samples, and x has {len(x)}")
    middles = host(trace.thetas).reshape(len(labels), -1, 2)  # (N, K, 2)

    def show(i: int, ax: Axes) -> str:
        clusters(x, labels[i], middles[i], ax=ax)
        if i == 0:
            return "start: each sample to its nearest center"
        if i % 2:
            for k, (old, new) in enumerate(zip(middles[i - 1], middles[i], strict=True)):
                ax.plot(*np.stack([old, new]).T, color=look(k)[0], linewidth=3, zorder=3)
            return "the centers move to the means"
        changed = x[labels[i] != labels[i - 1]]
        rings: dict[str, Any] = {"markerfacecolor": "none", "markersize": 10, "zorder": 3}
        ax.plot(*changed.T, "o", markeredgecolor="black", markeredgewidth=1.2, **rings)
        return f"{len(changed)} of {len(x)} labels change"

    return _film(x, trace, show, names, "inertia", frames, interval)


def animate_mixture(
    x: ArrayLike,
    trace: Any,
    *,
    names: Sequence[str] = (r"$x_1$", r"$x_2$"),
    frames: int = 40,
    interval: int = 300,
) -> FuncAnimation:
    """Animate the half-steps of expectation-maximization on samples of shape (T, 2), with F beneath.

    Samples and ellipses are those of :func:`components`. An M-step moves the ellipses and leaves the
    colors as they are, an E-step the other way round. `names` are those of the two features.

    Raises
    ------
    TypeError
        If an argument is of another kind: if `trace` is no trace, say.
    ValueError
        If `x` has another shape, if the trace is not one of a mixture of such samples, fully recorded,
        or if `frames` or `interval` is no positive integer.
    """
    (x,) = door.numbers({"x": "T 2"}, x=x)
    names, (frames, interval) = door.words(names, "names", 2, "feature"), door.pictures(frames, interval)
    extras = _recorded(trace, "weights", "means", "covariances")
    parts = [host(extras[name]) for name in ("weights", "means", "covariances")]
    if parts[1].shape[-1] != 2:
        raise ValueError(f"this trace has means of {parts[1].shape[-1]} features; fit two to draw them")

    def show(i: int, ax: Axes) -> str:
        now, before = (Mixture(*(part[j] for part in parts)) for j in (i, i - i % 2))
        components(x, now, ax=ax, shares=before.responsibilities(x))
        if i == 0:
            return "start"
        return "M-step: the ellipses move" if i % 2 else "E-step: the shares change"

    return _film(x, trace, show, names, "F (nats)", frames, interval)


def _film(
    x: np.ndarray, trace: Any, show: Any, names: Sequence[str], height: str, frames: int, interval: int
) -> FuncAnimation:
    """Animate what `show` draws of record i, with the values of all half-steps beneath."""
    values = host(trace.values)
    figure, (ax, below) = plt.subplots(2, 1, figsize=(5.6, 6.2), height_ratios=[3, 1])
    if names:
        ax.set(xlabel=names[0], ylabel=names[1])
    ax.set_title("half-step 0")
    margin = 0.06 * np.ptp(x, axis=0)
    ax.set(xlim=(x[:, 0].min() - margin[0], x[:, 0].max() + margin[0]))
    ax.set(ylim=(x[:, 1].min() - margin[1], x[:, 1].max() + margin[1]))
    below.plot(values, color=AXES[0], marker="." if len(values) <= 60 else "", zorder=1)
    (now,) = below.plot([0], values[:1], "s", color=AXES[1], markersize=9, markeredgecolor="white")
    below.set(xlabel="half-step", ylabel=height)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout is found once, not in every frame
    drawn: list[Any] = []

    def draw(i: int) -> list[Any]:
        for artist in drawn:
            artist.remove()
        before = {*ax.lines, *ax.collections}
        ax.set_title(f"half-step {i}: {show(i, ax)}" if i else show(0, ax))
        drawn[:] = [artist for artist in (*ax.lines, *ax.collections) if artist not in before]
        now.set_data([i], values[i : i + 1])
        return drawn

    last = len(values) - 1
    shown = np.unique(np.linspace(0, last, min(frames, last + 1)).round().astype(int))
    return animate(figure, draw, shown.tolist(), interval=interval)


def _recorded(trace: Any, *names: str) -> Any:
    """Return the extras of a trace that has each half-step of them."""
    door.a_trace(trace)
    if trace.record_every != 1 or not all(name in trace.extras for name in names):
        raise ValueError(
            f"an animation needs every half-step of {', '.join(names)}; this trace has record_every="
            f"{trace.record_every} and extras {', '.join(trace.extras) or 'none'}"
        )
    return trace.extras
