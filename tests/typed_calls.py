"""What a type checker says of a reader's code; `make lint` checks this file, and nothing runs it.

A wrong call stands with the error that is expected: if mypy says nothing, then the comment is unused,
and mypy says that.
"""

import numpy as np
import torch
from numpy.typing import NDArray

import lecturecode as lc
from lecturecode.arrays import Array, ArrayLike
from lecturecode.objectives import Function, Quadratic

g = Quadratic([1.0, 4.0])
x = np.linspace(0.0, 1.0, 8)
theta = np.array([2.0, 1.0])


def of_arrays(theta: NDArray[np.float64]) -> float:
    return float((theta**2).sum())


def slope(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2 * theta


def right() -> None:
    trace = lc.gradient_descent(g, [2.0, 1.0], 0.25, steps=20)
    lc.gradient_descent(g, (2, 1), 0.25, steps=20)
    lc.gradient_descent(g, theta, 0.25, steps=20)
    lc.gradient_descent(g, theta.astype(np.float32), 0.25, steps=20)
    lc.gradient_descent(g, torch.ones(2), 0.25, steps=20)
    lc.gradient_descent(g, trace.theta, 0.25, steps=20)
    lc.minimize(g, theta, lc.Adam(0.1), steps=20)
    lc.minimize(lambda theta: (of_arrays(theta), slope(theta)), theta, lc.Adam(0.1), steps=20)
    lc.check_gradient(of_arrays, slope, theta)
    lc.least_squares([[1.0, 0.0], [1.0, 1.0]], [0.0, 1.0])
    network = lc.Network((1, 4, 1))
    lc.train(network, lc.SquaredError(), x[:, None], x[:, None], lc.Adam(), epochs=2, batch_size=4)
    Function(of_arrays, gradient=slope)(theta)
    print(trace.theta + 1, 2.0 * trace.theta[0], np.linalg.norm(trace.theta), float(trace.values.min()))
    of_arrays(np.asarray(trace.theta))
    arrays: list[Array] = [theta, torch.ones(2), trace.thetas]
    inputs: list[ArrayLike] = [3, np.float32(3.0), [1, 2.5], [[1], [2]], [theta, theta], *arrays]
    print(inputs)


def wrong() -> None:
    trace = lc.gradient_descent(g, "2, 1", 0.25, steps=20)  # type: ignore[arg-type]
    lc.gradient_descent(g, trace, 0.25, steps=20)  # type: ignore[arg-type]
    lc.gradient_descent(g, None, 0.25, steps=20)  # type: ignore[arg-type]
    lc.gradient_descent(g, ["2", "1"], 0.25, steps=20)  # type: ignore[arg-type]
    lc.gradient_descent(g, {2.0, 1.0}, 0.25, steps=20)  # type: ignore[arg-type]
    lc.gradient_descent(g, theta, learning_rat=0.25, steps=20)  # type: ignore[call-arg]
    lc.minimize(g, theta, lc.Adam, steps=20)  # type: ignore[arg-type]
    print(trace + 1)  # type: ignore[operator]
    print(trace.theta.shapes)  # type: ignore[attr-defined]
    of_arrays(trace.theta)  # type: ignore[arg-type]
    lc.kmeans(4, "x")  # type: ignore[arg-type]
    lc.least_squares(g, [0.0, 1.0])  # type: ignore[arg-type]
