"""Exercises of the chapter on backpropagation."""

from typing import Any

import numpy as np

from lecturecode.exercises.judges import judge


@judge(
    "backpropagation/softmax-gradient",
    "a function slope(a, y): the gradient of the cross-entropy, shape (K,), for outputs a and class y",
)
def _softmax_gradient(slope: Any) -> str | None:
    rng = np.random.default_rng(0)
    for K, y in ((3, 2), (2, 0), (7, 4)):
        a = rng.normal(size=K)
        G = np.asarray(slope(a.copy(), y), dtype=float)
        if G.shape != (K,):
            return f"for {K} outputs the gradient has {K} entries; this has shape {G.shape}"
        h = 1e-5 * np.eye(K)
        measured = (_cross_entropy(a + h, y) - _cross_entropy(a - h, y)) / 2e-5
        if np.allclose(G, -measured, atol=1e-8):
            return "against this gradient the loss rises: the sign is wrong"
        if abs(G.sum()) > 1e-8:
            return "the same number added to all outputs changes nothing, yet along it there is a slope"
        if abs(G[y] - measured[y]) > 1e-8:
            return "the slope along the output of the right class differs from the measured one"
        if not np.allclose(G, measured, atol=1e-8):
            return "the slope along the output of a wrong class differs from the measured one"
    with np.errstate(all="ignore"):
        far = np.asarray(slope(np.array([1000.0, 0.0]), 1), dtype=float)
    if not np.isfinite(far).all():
        return "for outputs as large as 1000 the gradient is not finite"
    if not np.allclose(far, [1, -1]):
        return "for outputs as large as 1000 the gradient is finite, but not right"
    return None


@judge(
    "backpropagation/residual-layer",
    "a function backward(x, b, W, G) for x + tanh(W x + b) that returns (G_x, G_b, G_W)",
)
def _residual_layer(backward: Any) -> str | None:
    rng, n = np.random.default_rng(1), 4
    given = [rng.normal(size=size) for size in (n, n, (n, n), n)]
    x, b, W, G = kept = [array.copy() for array in given]
    answer = backward(*given)
    if not all(np.array_equal(array, before) for array, before in zip(given, kept, strict=True)):
        return "an array that was passed in has been changed"
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        return "three gradients are returned, (G_x, G_b, G_W)"
    G_x, G_b, G_W = (np.asarray(part, dtype=float) for part in answer)
    for name, part, shape in (("G_x", G_x, (n,)), ("G_b", G_b, (n,)), ("G_W", G_W, (n, n))):
        if part.shape != shape:
            return f"{name} has the shape of what it belongs to, {shape}; this has {part.shape}"

    def measured(place: int) -> Any:
        slopes = np.empty(kept[place].shape)
        for index in np.ndindex(slopes.shape):
            ends = []
            for h in (1e-5, -1e-5):
                moved = [array.copy() for array in (x, b, W)]
                moved[place][index] += h
                u, c, V = moved
                ends.append(G @ (u + np.tanh(V @ u + c)))
            slopes[index] = (ends[0] - ends[1]) / 2e-5
        return slopes

    S_x, S_b, S_W = (measured(place) for place in range(3))
    if np.allclose(G_b, S_b + G, atol=1e-7):
        return "the bias is not on the way around the tanh, yet G_b has what flows there"
    if not np.allclose(G_b, S_b, atol=1e-7):
        return "G_b differs from the measured slopes along b"
    if np.allclose(G_W, S_W.T, atol=1e-7):
        return "G_W is transposed: row n belongs to neuron n"
    if not np.allclose(G_W, S_W, atol=1e-7):
        return "G_W differs from the measured slopes along W"
    if np.allclose(G_x, S_x - G, atol=1e-7):
        return "x reaches the output on two ways, and G_x has only what flows through the tanh"
    if np.allclose(G_x, G, atol=1e-7):
        return "x reaches the output on two ways, and G_x has only what flows around the tanh"
    if not np.allclose(G_x, S_x, atol=1e-7):
        return "G_x differs from the measured slopes along x"
    return None


def _cross_entropy(a: Any, y: int) -> Any:
    return np.log(np.exp(a).sum(-1)) - a[..., y]
