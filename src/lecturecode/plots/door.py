"""What may come into a figure: axes, colors, words, boxes and traces, checked before anything is drawn.

Each check returns what it was given, in the form in which it is drawn: arrays and tensors as NumPy
arrays of float64. In all of them `name` is what the message calls the argument.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like

from lecturecode.arrays import as_array, on_host
from lecturecode.domains import Domain
from lecturecode.door import arrays, came, instance, whole
from lecturecode.trace import Trace

Box = Any
"""One ``(low, high)`` pair for each coordinate, a domain, or None for the domain of g."""

AXES = "plt.subplots()[1]"


def axes(ax: object, **new: Any) -> Axes:
    """Return the axes to draw into: `ax`, or those of a new figure, which `new` is about, if it is None.

    This makes the figure, so it comes after all other checks.

    Raises
    ------
    TypeError
        If it is neither axes nor None.
    """
    return plt.subplots(**new)[1] if ax is None else instance(ax, "ax", Axes, AXES)


def colour(value: Any, otherwise: str | None) -> Any:
    """Return a color in one of the forms that matplotlib knows, or `otherwise` if it is None.

    Raises
    ------
    ValueError
        If it is no color.
    """
    if value is None:
        return otherwise
    if not isinstance(value, str | tuple | list | np.ndarray) or not is_color_like(value):
        raise ValueError(
            f"colour must be a color, such as '#006aaa', 'C0' or (0.0, 0.4, 0.7); got {came(value)}"
        )
    return value


def text(value: Any, name: str) -> str:
    """Return a text.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text; got {came(value)}")
    return value


def label(value: Any) -> str | None:
    """Return the text that names an artist in a legend, or None.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    return None if value is None else text(value, "label")


def words(value: Any, name: str, count: int, each: str) -> Sequence[str]:
    """Return a list or a tuple of texts: none, or one for each of `count`, called `each` in the message.

    Raises
    ------
    TypeError
        If it is anything else; a text is not a list of texts.
    ValueError
        If there are too few.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise TypeError(f"{name} must be a list of texts, one for each {each}; got {came(value)}")
    if 0 < len(value) < count:
        raise ValueError(f"{name} must hold {count} texts, one for each {each}; got {len(value)}")
    return value


def pictures(frames: object, interval: object) -> tuple[int, int]:
    """Return the largest number of pictures of an animation, and the milliseconds between two of them.

    Raises
    ------
    ValueError
        If they are not positive integers.
    """
    return whole(frames, "frames"), whole(interval, "interval")


def host(value: Any, name: str = "theta") -> np.ndarray:
    """Bring real numbers, in an array, a tensor or a list, to NumPy as float64.

    Raises
    ------
    TypeError
        If they are not real numbers.
    """
    array = as_array(value, name)
    try:
        return np.asarray(on_host(array), dtype=float)
    except (TypeError, RuntimeError) as error:  # it is sparse, or on the meta device
        raise TypeError(f"{name} is a tensor that cannot be brought to NumPy; make it dense") from error


def numbers(shapes: Mapping[str, str], /, **named: Any) -> list[np.ndarray]:
    """Return arrays, which may be of different libraries, once their shapes are known to go together.

    The shapes are written as for :func:`lecturecode.door.arrays`.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If a shape does not fit, or if an array is empty or has NaN or infinity in it.
    """
    found = {name: host(value, name) for name, value in named.items()}
    hints = {
        name: f"In a plane two of its columns can be drawn, such as {name}[:, :2]"
        for name, value in found.items()
        if shapes[name] in ("M 2", "N 2", "T 2", "K 2") and value.ndim == 2 and value.shape[1] > 2
    }
    _, *checked = arrays(shapes, hints, **found)
    return checked


def bounds(box: Box, g: Any, size: int) -> np.ndarray:
    """Return the ends of a box, or of the domain of g if it is None, shape (size, 2).

    Raises
    ------
    TypeError
        If a box does not hold real numbers.
    ValueError
        If there is neither box nor domain, or if it is not finite, empty, or not of `size` coordinates.
    """
    box = getattr(g, "domain", None) if box is None else box
    if box is None:
        raise ValueError("g has no domain; say where to draw it, for instance [(-2, 2), (-1, 3)]")
    pairs = [(axis[0], axis[-1]) for axis in box.axes(2)] if isinstance(box, Domain) else box
    ends = host(pairs, "box")
    if ends.shape != (size, 2) or not np.isfinite(ends).all() or not (ends[:, 0] < ends[:, 1]).all():
        example = [(-2, 2), (-1, 3)][:size]
        raise ValueError(
            f"cannot draw over the box {came(box)}; give {size} finite (low, high) pair(s) with "
            f"low < high, for instance {example}"
        )
    with np.errstate(over="ignore"):
        if not np.isfinite(ends[:, 1] - ends[:, 0]).all():
            raise ValueError(f"the box {came(box)} is wider than any number; draw a part of it")
    return ends


def a_trace(value: object, name: str = "trace") -> Trace:
    """Return the trace of a run.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    return instance(value, name, Trace, "what gradient_descent returns")


def recorded(value: object, every: int = 1) -> Trace:
    """Return a trace that kept its iterates on the way; the message says how often would do.

    Raises
    ------
    TypeError
        If it is no trace.
    ValueError
        If it kept only the best and the last one.
    """
    trace = a_trace(value)
    if trace.record_every == 0:
        raise ValueError(
            f"this trace kept no thetas on the way; run the method with record_every={every}"
        )
    return trace


def track(trace: Any, name: str = "trace") -> np.ndarray:
    """Return the recorded iterates of a trace, or an array of them, as points of a plane, shape (N, 2).

    They may have NaN and infinity among them, where a method diverged.

    Raises
    ------
    TypeError
        If it is neither a trace nor an array of real numbers.
    ValueError
        If the trace kept no iterates, or if they are not points of a plane or of a curve.
    """
    if not isinstance(trace, Trace):
        thetas = host(trace, name)
    else:
        thetas, every = host(recorded(trace).thetas), trace.record_every
        if thetas.ndim == 2 and thetas.shape[1] == 1:
            thetas = np.column_stack([thetas, host(trace.values)[::every]])
    if thetas.ndim != 2 or thetas.shape[1] != 2 or len(thetas) == 0:
        raise ValueError(
            f"{name} must have shape (N, 2), or be the trace of one coordinate; got {thetas.shape}"
        )
    return thetas
