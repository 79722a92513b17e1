"""Moving figures: an animation of the paths over g, and a player for any animation."""

import io
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import AbstractMovieWriter, Animation, FuncAnimation
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from lecturecode.arrays import Array
from lecturecode.door import came, flag, function, instance, whole
from lecturecode.plots import door
from lecturecode.plots.door import Box, host
from lecturecode.plots.figures import contours, curve, path
from lecturecode.trace import Trace


def animate_path(
    g: Any,
    traces: Any,
    box: Box = None,
    *,
    log: bool = False,
    panels: bool = False,
    frames: int = 40,
    interval: int = 120,
) -> FuncAnimation:
    """Animate one trace, or several by name, over the contours (or the curve) of g.

    At most `frames` pictures, `interval` milliseconds apart, spread evenly over the steps of the
    longest trace; one that is shorter waits at its end. With ``panels=True`` each trace has a
    picture of its own, side by side. With ``log=True`` the contours are spaced as in
    :func:`~lecturecode.plots.contours`. Show the result by :func:`player`.

    Raises
    ------
    TypeError
        If an argument is of another kind, or if a name of a trace is no text.
    ValueError
        If there are no traces, if `frames` or `interval` is no positive integer, or as for
        :func:`~lecturecode.plots.path` and :func:`~lecturecode.plots.contours`.
    """
    frames, interval = door.pictures(frames, interval)
    log, panels = flag(log, "log"), flag(panels, "panels")
    named = _named(traces)
    points = {label: door.track(trace, "traces") for label, trace in named.items()}
    one = next(iter(named.values()))
    flat = isinstance(one, Trace) and host(one.thetas).shape[-1] == 1
    ends = door.bounds(box, function(g, "g"), 1 if flat else 2)
    columns = len(named) if panels else 1
    figure, grid = plt.subplots(
        1, columns, figsize=(max(5.6, 3.6 * columns), 4.2), squeeze=False, layout="constrained"
    )
    for ax in grid[0]:
        if flat:
            curve(g, ends, ax=ax)
        else:
            contours(g, ends, ax=ax, log=log, points=120)
        ax.autoscale(False)
    moving = {}
    for (label, track), ax in zip(points.items(), np.resize(grid[0], len(points)), strict=True):
        line = path(track, ax=ax, label=label or None)
        moving[label] = (line, ax.lines[-1])  # the line and the square at its end
        if label and panels:
            ax.set_title(label)
    if "" not in named and not panels:
        grid[0, 0].legend(loc="upper right")
    longest = max(len(track) for track in points.values())
    every = max(getattr(one, "record_every", 1), 1)
    shown = np.unique(np.linspace(0, longest - 1, min(frames, longest)).round().astype(int))
    step = figure.supxlabel("step 0", fontsize=11)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout is found once, not in every frame

    def draw(last: int) -> list[Any]:
        for label, (line, head) in moving.items():
            line.set_data(*points[label][: last + 1].T)
            head.set_data(*points[label][: last + 1][-1:].T)
        step.set_text(f"step {last * every}")
        return [line for line, _ in moving.values()]

    return animate(figure, draw, shown.tolist(), interval=interval)


def animate(
    figure: Figure, draw: Callable[[int], Any], frames: int | Sequence[int], *, interval: int = 120
) -> FuncAnimation:
    """Animate a figure: `draw` is called with each of `frames`, or with 0, 1, ..., frames - 1.

    Pictures are `interval` milliseconds apart, and the animation does not start over.

    Raises
    ------
    TypeError
        If an argument is of another kind: if `figure` is no figure, say.
    ValueError
        If there are no frames, or if `interval` is no positive integer.
    """
    instance(figure, "figure", Figure, "plt.figure()")
    draw, interval = function(draw, "draw", "the frame"), whole(interval, "interval")
    if isinstance(frames, np.ndarray) and frames.ndim > 0:
        frames = list(frames)
    if not isinstance(frames, list | tuple | range):
        frames = whole(frames, "frames")
    elif not frames:
        raise ValueError("frames is empty; give at least one")
    elif isinstance(frames, list):
        frames = frames.copy()  # they are asked for when the film runs
    return _Film(figure, draw, frames=frames, interval=interval, repeat=False)


def _named(traces: Any) -> dict[str, Trace | Array]:
    """Return traces by their names; that of a single one is empty."""
    if not isinstance(traces, Mapping):
        return {"": traces}
    if not traces or not all(isinstance(name, str) for name in traces):
        raise TypeError(f"traces must be a trace, or some by their names; got {came(traces)}")
    return dict(traces)


class _Film(FuncAnimation):
    """An animation that may be thrown away unseen, as by a script that runs without a display."""

    def __del__(self) -> None:
        pass


@dataclass(frozen=True)
class Player:
    """An animation as pictures, which a notebook or a page shows with buttons to play it.

    It needs nothing from the network, works from the keyboard, does not start by itself (so it
    respects readers who asked for reduced motion), and stands at its first picture until it is played.
    On paper, and where no script runs, it is the last one.
    """

    alt: str
    interval: int
    frames: tuple[bytes, ...] = field(repr=False)

    def _repr_html_(self) -> str:
        page = Template(files("lecturecode.plots").joinpath("player.html").read_text(encoding="utf-8"))
        pictures = [b64encode(frame).decode("ascii") for frame in self.frames]
        return page.substitute(
            alt=escape(self.alt),
            interval=self.interval,
            count=len(pictures),
            last=pictures[-1],
            pictures=" ".join(pictures),
        )


def player(animation: Animation, alt: str | None = None, *, dpi: int = 90) -> Player:
    """Render an animation into a :class:`Player` and close its figure.

    The alternative text is `alt`, or the one that :func:`describe` gave to the figure.

    Raises
    ------
    TypeError
        If `animation` is no animation, or if `alt` is no text.
    ValueError
        If there is neither `alt` nor a description, or if `dpi` is no positive integer.
    """
    instance(animation, "animation", Animation, "what animate returns")
    alt, dpi = None if alt is None else door.text(alt, "alt"), whole(dpi, "dpi")
    source: Any = animation.event_source
    interval = int(source.interval)
    writer = _Pictures()
    animation.save("player", writer=writer, dpi=dpi)
    plt.close(writer.fig)
    alt = alt or str(writer.fig.get_label())
    if not alt.strip():
        raise ValueError("the animation has no alternative text; give alt=, or describe its figure")
    return Player(alt=" ".join(alt.split()), interval=interval, frames=tuple(writer.pictures))


class _Canvas(FigureCanvasAgg):
    """Leaves the drawing to whoever keeps the frame: an animation would draw each a first time."""

    def draw_idle(self, *args: Any, **options: Any) -> None:
        pass


class _Pictures(AbstractMovieWriter):
    """Keeps each frame as a WebP picture in memory, a fifth of the size of a PNG."""

    def setup(self, fig: Figure, outfile: Any, dpi: float | None = None) -> None:
        self.fig = fig
        self.pictures: list[bytes] = []
        fig.set_dpi(dpi or fig.dpi)
        self.canvas: FigureCanvasAgg = _Canvas(fig)

    def grab_frame(self, **options: Any) -> None:
        self.canvas.draw()
        buffer = io.BytesIO()
        picture = Image.fromarray(np.asarray(self.canvas.buffer_rgba())).convert("RGB")
        picture.save(buffer, "webp", quality=85)
        self.pictures.append(buffer.getvalue())

    def finish(self) -> None:
        pass
