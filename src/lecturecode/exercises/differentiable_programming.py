"""Exercises of the chapter on differentiable programming."""

from typing import Any

import numpy as np

from lecturecode.exercises.judges import anything, judge
from lecturecode.graph import Box, Node, backward


@judge(
    "differentiable-programming/softplus-box",
    "a Box for ln(1 + e^a), with a forward and the backward of its one child",
    anything,
)
def _softplus_box(box: Any) -> str | None:
    if not isinstance(box, Box):
        return f"this is a {type(box).__name__}, not a Box: Box(name, forward, backward)"
    if len(box.backward) != 1:
        return f"softplus has one child, and so one backward function; this box has {len(box.backward)}"
    a = np.array([[-2.0, -0.5, 0.0], [0.3, 1.0, 4.0]])
    y = np.asarray(box.forward(a.copy()), dtype=float)
    if y.shape != a.shape or not np.allclose(y, np.log(1 + np.exp(a)), rtol=1e-12):
        return "the values of its forward are not ln(1 + e^a), entry by entry"
    G, h = np.array([[1.0, -2.0, 0.5], [3.0, 1.0, -1.0]]), 1e-5
    slopes = (np.log(1 + np.exp(a + h)) - np.log(1 + np.exp(a - h))) / (2 * h)
    kept = G.copy()
    written = getattr(box.backward[0], "__wrapped__", box.backward[0])  # a Box hands it copies
    child = np.asarray(written(G, y, a), dtype=float)
    if not np.array_equal(G, kept):
        return "its backward has changed the gradient that it was given"
    if child.shape != a.shape:
        return f"the gradient of a child of shape {a.shape} has that shape; this has {child.shape}"
    if np.allclose(child, slopes, atol=1e-8):
        return "its backward gives the slope alone, whatever arrives from the right"
    if not np.allclose(child, G * slopes, atol=1e-8):
        return "the gradient of its child differs from what differences of the values say"
    with np.errstate(all="ignore"):
        node = Node([-1000.0, 1000.0])
        far = box(node)
        backward(far.sum())
    if not np.allclose(far.value, [0, 1000]):
        return "far out, at -1000 or 1000, the value is not right"
    if node.grad is None or not np.allclose(node.grad, [0, 1]):
        return "far out, at -1000 or 1000, the value is right, but the gradient is not"
    return None


@judge(
    "differentiable-programming/dual-numbers",
    "a class Dual(value, slope) with +, * and /, also with numbers on either side",
    anything,
)
def _dual_numbers(dual: Any) -> str | None:
    if not callable(dual):
        return f"this is a {type(dual).__name__}, not a class: Dual(value, slope)"
    value, slope, u = 0.7, -1.3, 2.5
    cases: tuple[tuple[str, Any, float, float], ...] = (
        ("a sum of two dual numbers", lambda a, b: a + b, value + u, slope + 2),
        ("a product of two dual numbers", lambda a, b: a * b, value * u, slope * u + value * 2),
        ("a quotient of two", lambda a, b: a / b, value / u, (slope - value / u * 2) / u),
        ("a dual number plus a number", lambda a, b: a + 3.0, value + 3, slope),
        ("a number plus a dual number", lambda a, b: 3.0 + a, value + 3, slope),
        ("a dual number times a number", lambda a, b: a * 3.0, value * 3, slope * 3),
        ("a number times a dual number", lambda a, b: 3.0 * a, value * 3, slope * 3),
        ("a dual number over a number", lambda a, b: a / 4.0, value / 4, slope / 4),
        ("a number over a dual number", lambda a, b: 3.0 / a, 3 / value, -3 * slope / value**2),
        ("a dual number used twice", lambda a, b: a * a * b + a, value**2 * u + value,
         (2 * value * u + 1) * slope + value**2 * 2),
    )  # fmt: skip
    for name, function, wanted, wanted_slope in cases:
        a, b = dual(value, slope), dual(u, 2.0)
        try:
            y = function(a, b)
        except TypeError:
            return f"{name} is refused"
        if not np.isclose(y.value, wanted, rtol=1e-12):
            return f"{name} has the wrong value"
        if not np.isclose(y.slope, wanted_slope, rtol=1e-12):
            return f"{name} has the right value and the wrong slope"
        if (a.value, a.slope, b.value, b.slope) != (value, slope, u, 2.0):
            return f"{name} has changed one of the two"
    return None
