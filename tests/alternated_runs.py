"""Runs of alternated minimization that arrays, tensors and devices must answer alike.

Each takes a function that turns an array into one of the wanted library, dtype and device. The starts
are given or drawn from one NumPy generator, and no run is so long that rounding decides when it ends:
all of them take the same path.
"""

import numpy as np

from lecturecode import (
    Mixture,
    alternate,
    coordinate_descent,
    factorize,
    gaussian_mixture,
    kmeans,
    lasso,
    nonnegative_least_squares,
)
from lecturecode.objectives import Himmelblau, Quadratic

SAMPLES = np.random.default_rng(0).standard_normal((300, 3)) + np.repeat(
    [[0.0, 0, 0], [4, 0, 1], [0, 5, -2]], 100, axis=0
)
W = np.random.default_rng(1).standard_normal((60, 12))
Y = W @ np.where(np.arange(12) % 3, 0.0, 2.0 - np.arange(12) % 2 * 4) + np.sin(np.arange(60.0))
MATRIX = (
    np.linalg.qr(np.random.default_rng(2).standard_normal((30, 6)))[0] * [9.0, 6, 4, 1, 0.5, 0.1]
) @ np.linalg.qr(np.random.default_rng(3).standard_normal((20, 6)))[0].T
Q = np.linalg.qr(np.random.default_rng(4).standard_normal((4, 4)))[0]


def two_blocks(lib):
    """Least squares over the first five coordinates, and over the other seven."""
    V, y = lib(W), lib(Y)

    def over(mine, rest):
        inverse = lib(np.linalg.pinv(W[:, mine]))

        def block_minimizer(theta):
            return inverse @ (y - V[:, rest] @ theta[rest])

        return block_minimizer

    def g(theta):
        return ((V @ theta - y) ** 2).sum() / 60

    first, last = slice(0, 5), slice(5, 12)
    minimizers = [over(first, last), over(last, first)]
    return alternate(
        g, minimizers, lib(np.zeros(12)), sweeps=8, tol=0, blocks=[first, list(range(5, 12))]
    )


def newton(lib):
    g = Quadratic(lib(np.array([0.5, 1, 2, 3])), lib(np.array([1.0, -1, 2, 0.5])), lib(Q))
    return coordinate_descent(g, lib(np.full(4, 3.0)), sweeps=6, tol=0)


def golden(lib):
    return coordinate_descent(Himmelblau().__call__, lib(np.array([0.3, -0.4])), sweeps=3, tol=0)


def mixture(covariance):
    def run(lib):
        means = lib(np.array([[0.5, 1, 0], [3, 0, 0], [1, 4, -1]]))
        start = Mixture(lib(np.full(3, 1 / 3)), means, lib(np.tile(2 * np.eye(3), (3, 1, 1))))
        return gaussian_mixture(lib(SAMPLES), 3, covariance=covariance, start=start, sweeps=5, tol=0)

    return run


RUNS = {
    "alternate": two_blocks,
    "coordinate_descent, Newton": newton,
    "coordinate_descent, golden section": golden,
    "kmeans": lambda lib: kmeans(lib(SAMPLES), 3, rng=5),
    "kmeans, an empty cluster": lambda lib: kmeans(
        lib(SAMPLES), 3, start=lib(np.array([[0.0, 0, 0], [4, 0, 1], [900, 900, 900]]))
    ),
    "gaussian_mixture, full": mixture("full"),
    "gaussian_mixture, diagonal": mixture("diagonal"),
    "gaussian_mixture, spherical": mixture("spherical"),
    "factorize": lambda lib: factorize(lib(MATRIX), 3, rng=0, sweeps=4, tol=0),
    "lasso": lambda lib: lasso(lib(W), lib(Y), 0.3),
    "nonnegative_least_squares": lambda lib: nonnegative_least_squares(lib(W), lib(Y)),
}
