"""Low rank by alternating least squares: once one factor is known, the other is a direct solution."""

import numpy as np

from lecturecode.arrays import Array, ArrayLike, as_array, detached, namespace, says_singular
from lecturecode.door import arrays, came, real, whole
from lecturecode.iteration import Step, Steps, collect, finite, never_rises, settles
from lecturecode.randomness import Rng, generator, normal
from lecturecode.trace import Callback, Trace
from lecturecode.units import Units, exponent, times_power

__all__ = ["factorize", "factors"]

SMALL = 0.1  # of the squares of M: from there on differences would lose a digit
EASY = 30  # a squared condition: by so many eps Q may miss being orthonormal


def factorize(
    matrix: ArrayLike,
    rank: int,
    *,
    rng: Rng = None,
    start: ArrayLike | None = None,
    sweeps: int = 10_000,
    tol: float = 1e-12,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Find two thin factors whose product is nearest to a matrix, one factor at a time.

    .. math::
        g(A, B) &= \lVert M - A B^T \rVert_F^2, \qquad A \in \mathbb{R}^{m \times r},\;
                   B \in \mathbb{R}^{n \times r} \\
        A &\leftarrow \operatorname*{argmin}_A g = M (B^+)^T, \qquad
        B \leftarrow \operatorname*{argmin}_B g = M^T (A^+)^T

    Parameters
    ----------
    matrix : array of shape (m, n)
        The matrix :math:`M`.
    rank : int
        Number r of columns of each factor, at most min(m, n).
    rng : None, int, numpy.random.Generator or torch.Generator
        Where the start B comes from.
    start : array of shape ((m + n) r,), optional
        A and B as in `theta`; only B matters, since A is solved for first.
    sweeps : int
        The most sweeps; a sweep solves for A and for B.
    tol : float
        Stop after a sweep in which g fell by at most ``tol * g``, or by what rounding leaves.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`; a step solves for one factor.

    Returns
    -------
    Trace
        `theta` has A and then B, row by row; :func:`lecturecode.alternating.factors` takes them
        apart. `values` is g.

    Raises
    ------
    TypeError
        If `matrix` is not real, or `rng` is of the wrong kind.
    ValueError
        If `matrix` is not of shape (m, n), is empty or not finite, if `rank` is not between 1 and
        min(m, n), if `start` is of another shape, or if a number is out of range.

    Notes
    -----
    If g, in squared units, leaves the range of the numbers, the factors are right all the same, and the
    message says so.

    Before each solution the basis is made orthonormal, which changes the factors and not what their
    products can reach; its pseudo-inverse is then its transpose.

    The best product of rank r is known (Eckart & Young, 1936): the first r terms of the singular value
    decomposition, with :math:`g = \sum_{i>r} s_i^2`. Each sweep is a step of the power method on
    subspaces, so that the error of the subspace shrinks by :math:`(s_{r+1}/s_r)^2`, and that of g by its
    square.

    References
    ----------
    Golub & Van Loan, *Matrix Computations*, 4th ed. (2013), sections 2.4 and 8.2.4.

    Examples
    --------
    >>> trace = factorize([[2.0, 0.0], [0.0, 1.0]], 1, rng=0)
    >>> round(trace.value, 6), trace.theta.shape
    (1.0, (4,))
    """
    xp, M = arrays({"matrix": "m n"}, matrix=detached(matrix))
    highest = min(M.shape)
    hint = f"A matrix of shape {tuple(M.shape)} has at most rank {highest}"
    rank = whole(rank, "rank", 1, highest, hint)
    sweeps = whole(sweeps, "sweeps")
    tol = real(tol, "tol", "[0, inf]")
    if start is None:
        B = normal(generator(rng), (M.shape[1], rank), M)
    else:
        size = f"{(M.shape[0] + M.shape[1]) * rank}"
        _, _, given = arrays({"matrix": "m n", "start": size}, matrix=M, start=detached(start))
        B = factors(given, tuple(M.shape))[1]
    with np.errstate(all="ignore"):
        k = exponent(M)
        M = times_power(M, -k)
        noise = 10 * float(xp.finfo(M.dtype).eps) * float((M * M).sum()) ** 0.5
    units = Units(0, 2 * k)
    trace = collect(
        solve_in_turn(M, B, k),
        steps=2 * sweeps,
        until=[
            finite,
            never_rises(noise=noise),
            settles(2, tol, noise=noise),
        ],
        used_up=f"used up all {sweeps} sweeps before it settled",
        sweep=2,
        record_every=record_every,
        callback=callback,
        progress=progress,
        shown=units.shown,
    )
    return units.finish(trace)


def solve_in_turn(M: Array, B: Array, k: int = 0) -> Steps:
    """Solve for A with an orthonormal B, and for B with an orthonormal A; M is measured in 2^k."""
    g, A = Error(M), M[:, : B.shape[1]] * 0
    yield Step(_flat(A, B), g.total, name="the start")
    while True:
        B = _orthonormal(B)
        A = M @ B
        yield Step(_flat(times_power(A, k), B), g(A, B), name="the step of A")
        A = _orthonormal(A)
        B = M.T @ A
        yield Step(_flat(A, times_power(B, k)), g(A, B), name="the step of B")


def factors(theta: Array, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Take apart the theta of :func:`factorize`.

    Parameters
    ----------
    theta : array of shape (P,)
        With P = (m + n) r.
    shape : tuple of two ints
        The shape (m, n) of the matrix.

    Returns
    -------
    A : array of shape (m, r)
    B : array of shape (n, r)
        Both in the memory of theta.

    Raises
    ------
    TypeError
        If theta does not hold real numbers.
    ValueError
        If the length of theta is not a multiple of m + n, or if `shape` is no pair of numbers.

    Examples
    --------
    >>> import numpy as np
    >>> A, B = factors(np.arange(5.0), (3, 2))
    >>> (A @ B.T).shape
    (3, 2)
    """
    theta = as_array(theta)
    if not (isinstance(shape, tuple | list) and len(shape) == 2):
        raise ValueError(f"shape must be that of the matrix, (m, n); got {came(shape)}")
    m, n = (whole(k, "each entry of shape") for k in shape)
    rank, rest = divmod(theta.shape[0] if theta.ndim == 1 else 0, m + n)
    if rest or rank == 0:
        raise ValueError(
            f"theta has shape {tuple(theta.shape)}, and not ((m + n) r,) with m + n = {m + n}; "
            "shape is that of the matrix"
        )
    return theta[: m * rank].reshape(m, rank), theta[m * rank :].reshape(n, rank)


class Error:
    """g(A, B), where one of the two is the best for the other.

    Then the squares of the product and of the rest add up to those of M. Where the rest is small beside
    M, their difference would lose its digits, and the rest itself is formed.
    """

    def __init__(self, M: Array) -> None:
        self.M, self.total, self.memory = M, (M * M).sum(), M * 0

    def __call__(self, A: Array, B: Array) -> Array:
        """Return g."""
        squares = ((A.T @ A) * (B.T @ B)).sum()  # of the entries of A B^T
        value = self.total - squares
        return value if float(value) > SMALL * float(self.total) else self.rest(A, B)

    def rest(self, A: Array, B: Array) -> Array:
        """Return g by its definition."""
        rest = namespace(A).matmul(A, B.T, out=self.memory)
        rest -= self.M
        rest *= rest
        return rest.sum()


def _orthonormal(A: Array) -> Array:
    """Return Q of A = QR; by Cholesky where columns are far from dependent, since that is faster."""
    xp = namespace(A)
    G = A.T @ A
    try:
        S = xp.linalg.inv(xp.linalg.cholesky(G))
    except Exception as error:
        if not says_singular(error):
            raise
        return xp.linalg.qr(A)[0]
    condition = xp.linalg.trace(G) * (S * S).sum()  # squared, and at most rank^2 times as large
    return A @ S.T if bool(condition < EASY * A.shape[1] ** 2) else xp.linalg.qr(A)[0]


def _flat(A: Array, B: Array) -> Array:
    xp = namespace(A)
    return xp.concat([xp.reshape(A, (-1,)), xp.reshape(B, (-1,))])
