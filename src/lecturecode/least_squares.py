"""Least squares: the one model whose gradient has a zero that can be written down."""

import math
import operator
import warnings
from collections.abc import Callable, Iterable
from functools import partial, reduce
from typing import Any, NamedTuple

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, column_norms, namespace, on_host, says_singular
from lecturecode.door import arrays
from lecturecode.objectives.quadratics import DESIGN, MeanSquaredError
from lecturecode.triangles import (
    DATA,
    Data,
    Triangle,
    in_blocks,
    is_dask,
    joined,
    of_arrays,
    of_chunks,
    of_dask,
    slope,
    triangle,
)
from lecturecode.units import LostDigitsWarning, exponents, out_of_range, times_power

MATRIX = dict(zip(("W", "y"), DATA, strict=True))
LINE = {"x": "T | T D", "y": "T"}
"""Shapes of inputs and targets of an affine model."""


SINGULAR = (
    "W^T W is singular: the columns of W are linearly dependent, so there is no single "
    "minimizer. least_squares(W, y) returns the one of least norm"
)


Chunks = Iterable[tuple[ArrayLike, ArrayLike]] | Callable[[], Iterable[tuple[ArrayLike, ArrayLike]]]
"""Pairs (W, y) of rows, or a function that returns them, anew each time that it is called."""


class RankDeficientWarning(UserWarning):
    """The data do not determine all parameters; the answer is the one of least norm."""


def design_matrix(x: ArrayLike) -> Array:
    r"""Append a column of ones to the inputs, so that an affine model becomes a linear one.

    .. math:: W = \begin{pmatrix} x_1^\T & 1 \\ \vdots & \vdots \\ x_T^\T & 1 \end{pmatrix},
        \qquad a^\T x_t + b = w_t^\T \theta, \quad \theta = (a, b)

    Parameters
    ----------
    x : array of shape (T,) or (T, D)
        One input, or D of them, for each sample.

    Returns
    -------
    array of shape (T, D + 1)
        W, with D = 1 for inputs of shape (T,).

    Raises
    ------
    ValueError, TypeError
        If the data are empty, not finite, complex, or of more than two dimensions.

    Examples
    --------
    >>> design_matrix([2.0, 5.0])
    array([[2., 1.],
           [5., 1.]])
    """
    xp, x = arrays(LINE, x=x)
    columns = x[:, None] if x.ndim == 1 else x
    return xp.concat([columns, xp.ones_like(columns[:, :1])], axis=1)


def affine_error(x: ArrayLike, y: ArrayLike) -> MeanSquaredError:
    r"""Return the mean squared error of the affine model :math:`f_\theta(x) = a x + b` as an objective.

    .. math:: g(\theta) = \frac1T \sum_{t=1}^T (a x_t + b - y_t)^2
        = \frac1T \lVert W\theta - y\rVert_2^2

    Parameters
    ----------
    x : array of shape (T,) or (T, D)
        The inputs.
    y : array of shape (T,)
        The targets.

    Returns
    -------
    MeanSquaredError
        g, with gradient and Hessian, on theta = [a, b].

    Raises
    ------
    ValueError, TypeError
        If the data are empty, not finite, complex, or of shapes or kinds that do not match.

    Examples
    --------
    >>> g = affine_error([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
    >>> float(g([2.0, 1.0])), g.gradient([2.0, 0.0]).tolist()
    (0.0, [-2.0, -2.0])
    """
    _, x, y = arrays(LINE, x=x, y=y)
    return MeanSquaredError(design_matrix(x), y)


def normal_equations(W: ArrayLike, y: ArrayLike) -> Array:
    r"""Solve the normal equations, the formula of the slide.

    .. math:: W^\T (W\theta_0 - y) = 0 \quad\Longrightarrow\quad \theta_0 = (W^\T W)^{-1} W^\T y

    Parameters
    ----------
    W : array of shape (T, P)
        The design matrix, of full column rank.
    y : array of shape (T,) or (T, K)
        The targets, K of them at once if wished.

    Returns
    -------
    array of shape (P,) or (P, K)
        The minimizer of :math:`\lVert W\theta - y\rVert_2`.

    Raises
    ------
    ValueError
        If :math:`W^\T W` is exactly singular or columns of W are dependent, to rounding, and for data
        as in :func:`least_squares`.

    Warns
    -----
    LostDigitsWarning
        If less than three digits are left in the answer.

    Notes
    -----
    Good for teaching and for easy data. The condition number of :math:`W^\T W` is the square of that of
    W, so twice as many digits are lost: with a condition number above :math:`10^8` in double precision
    nothing is left. Of dependent columns it would make noise, so they are refused.
    :func:`least_squares` has neither weakness.

    References
    ----------
    Golub & Van Loan, *Matrix Computations*, 4th ed. (2013), section 5.3.

    Examples
    --------
    >>> W = design_matrix([0.0, 1.0, 2.0])
    >>> normal_equations(W, [1.0, 3.0, 5.0]).round(6)
    array([2., 1.])
    """
    xp, W, y = arrays(MATRIX, DESIGN, W=W, y=y)
    with np.errstate(all="ignore"):
        V, z, columns, targets = _measured(W, y if y.ndim == 2 else y[:, None])
        if _may_depend(xp, V):
            data = of_arrays(V, z)
            fit = _fit(data)
            if fit.rank < W.shape[1]:
                raise ValueError(SINGULAR + _cause(_look(data), fit.groups, W.shape[1]))
        try:
            theta = _formula(V, z)
        except Exception as error:
            if not says_singular(error):
                raise
            theta = V[:1] * math.nan  # what a solver without exceptions says
        if not bool(xp.isfinite(theta).all()):
            raise ValueError(SINGULAR)
        theta = _in_units(theta, columns, targets)
        S = V / column_norms(V)
        gap = least_singular_value(S.T @ S)
    warn_of_digits(gap, W, "W^T W has the square of the condition of W: take least_squares(W, y)")
    return theta if y.ndim == 2 else theta[:, 0]


def least_squares(W: ArrayLike | Chunks, y: ArrayLike | None = None) -> Array:
    r"""Minimize :math:`\lVert W\theta - y\rVert_2` by a rank-revealing QR; of least norm if many do.

    .. math:: \theta_0 = W^+ y

    All that must be known of W and y is the triangle R of :math:`W = QR`, and :math:`c = Q^\T y`. With
    the columns of R scaled to unit norm, :math:`R D^{-1} \Pi = Q' R'`, the column order :math:`\Pi`
    being chosen so that the diagonal of R' decreases. The rows of R' above rounding are the rank; what
    is left below them is noise. If R' is square and regular, :math:`\theta_0` follows by substitution,
    and one step of refinement removes most of its rounding error. If not, another QR picks the solution
    of least norm.

    Data beyond one memory come in chunks of rows, since triangles add up: if :math:`R_1` and :math:`R_2`
    are those of two chunks, then that of both is

    .. math:: R = \operatorname{qr}\begin{pmatrix} R_1 \\ R_2 \end{pmatrix}

    Parameters
    ----------
    W : array of shape (T, P), or iterable of pairs of arrays
        The design matrix, of any shape and rank. NumPy's memory-mapped arrays are read block by block,
        and arrays of Dask where they lie. Without `y`, chunks: pairs (W, y) of some rows, from a list, a
        generator, or a function that returns a generator each time that it is called.
    y : array of shape (T,) or (T, K), optional
        The targets, K of them at once if wished.

    Returns
    -------
    array of shape (P,) or (P, K)
        :math:`W^+ y`.

    Raises
    ------
    ValueError
        If data are empty, NaN or infinite, if shapes do not match, if tensors are on two devices, or if
        chunks are others when they are read once more.
    TypeError
        If data are complex, of different dtypes, or NumPy arrays beside tensors; if `y` is missing and W
        is no iterable of pairs.
    Exception
        Whatever an iterable of chunks raises.

    Warns
    -----
    RankDeficientWarning
        If W has all dummy columns of a category beside a column of ones, or of two categories: the fit
        is right, but a single coefficient means nothing. Other dependent columns are silent.
    LostDigitsWarning
        If columns are so close to dependent that less than three digits are left.

    Notes
    -----
    Columns are dependent when, at unit norm, what is left of one beside the others is below
    :math:`(10 P + \sqrt T)` times the precision of the numbers: about what rounding leaves. Scaling
    makes the verdict independent of the units of each column.

    The refinement needs a second pass over the data. A generator can be read only once and has none: up
    to two digits less. Nor do messages say then what is special about dependent columns.

    Where columns are far from dependent, R comes from two Cholesky factorizations, of :math:`W^\T W =
    R_1^\T R_1` and of :math:`V^\T V` with :math:`V = W R_1^{-1}`. The first alone would lose twice the
    digits, as :func:`normal_equations` do; the second has a condition number of one and restores them.
    It is fast, because it consists of products of matrices. Elsewhere Householder's reflections give R.

    References
    ----------
    Golub & Van Loan, *Matrix Computations*, 4th ed. (2013), sections 5.4 and 5.5; the refinement is the
    corrected semi-normal equations of Å. Björck, Linear Algebra Appl. 88/89 (1987), 31-48. Triangles of
    chunks: J. Demmel, L. Grigori, M. Hoemmen & J. Langou, SIAM J. Sci. Comput. 34 (2012), A206-A239. Two
    factorizations by Cholesky: Y. Yamamoto, Y. Nakatsukasa, Y. Yanagisawa & T. Fukaya, Electron. Trans.
    Numer. Anal. 44 (2015), 306-326.

    Examples
    --------
    >>> W = design_matrix([1.0, 1.0, 1.0])
    >>> least_squares(W, [2.0, 2.0, 2.0])
    array([1., 1.])

    A function that reads a file piece by piece would look like this one:

    >>> def chunks():
    ...     for start in range(0, 1000, 100):
    ...         x = np.arange(start, start + 100.0)
    ...         yield design_matrix(x), 2 * x + 1
    >>> least_squares(chunks).round(6)
    array([2., 1.])
    """
    if y is None:
        data = of_chunks(W)
    elif is_dask(W) or is_dask(y):
        data = of_dask(W, y)
    else:
        data = of_arrays(*arrays(MATRIX, DESIGN, W=W, y=y)[1:])
    fit = _fit(data)
    if any(len(group) >= 3 for group in fit.groups):
        seen = _look(data)
        if seen and any(seen.are_dummies(group) for group in fit.groups):
            warnings.warn(
                f"W has {len(fit.theta)} columns and rank {fit.rank}; returning the least-squares "
                f"solution of least norm{_cause(seen, fit.groups, len(fit.theta))}",
                RankDeficientWarning,
                stacklevel=2,
            )
    if fit.rank == len(fit.theta):
        warn_of_digits(fit.gap, fit.theta, "leave some out, or give numbers of higher precision")
    return fit.theta


def fit_affine(x: ArrayLike, y: ArrayLike) -> Array:
    r"""Fit the affine model :math:`f_\theta(x) = a x + b` to data by least squares.

    .. math:: \hat\theta = \operatorname{argmin}_{(a, b)} \frac1T \sum_{t=1}^T (a x_t + b - y_t)^2

    Parameters
    ----------
    x : array of shape (T,) or (T, D)
        The inputs.
    y : array of shape (T,)
        The targets.

    Returns
    -------
    array of shape (D + 1,)
        The slope(s) in units of y per unit of x, then the intercept in units of y. Predictions for new
        inputs are ``design_matrix(x) @ theta``.

    Raises
    ------
    ValueError, TypeError
        As for :func:`least_squares`.

    Warns
    -----
    RankDeficientWarning
        If the data do not determine the parameters: a single point, all x equal, a constant column, or
        all dummy columns of a category, which add up to the intercept's column of ones. The message
        names the columns.

    Examples
    --------
    >>> fit_affine([0.0, 1.0, 2.0], [1.0, 3.0, 5.0]).round(6)
    array([2., 1.])
    """
    _, x, y = arrays(LINE, x=x, y=y)
    data = of_arrays(design_matrix(x), y)
    fit = _fit(data)
    if fit.rank < len(fit.theta):
        samples = x.shape[0]
        why = "a single point" if samples == 1 else f"the inputs of these {samples} points"
        if samples > 1 and x.ndim == 1:
            why = f"all {samples} values of x are equal, to rounding: they"
        listed = x.ndim == 2 and bool(fit.groups)
        advice = (
            _cause(_look(data), fit.groups, len(fit.theta), of="x")
            if listed
            else ". Add points with other x"
        )
        warnings.warn(
            f"{why} cannot determine {len(fit.theta)} parameters (rank {fit.rank}); "
            f"returning the least-squares solution of least norm{advice}",
            RankDeficientWarning,
            stacklevel=2,
        )
    return fit.theta


def _formula(W: Array, y: Array) -> Array:
    """Return (W^T W)^-1 W^T y, by a linear solve in the place of the inverse."""
    return compat.array_namespace(W).linalg.solve(W.T @ W, W.T @ y)


def _measured(W: Array, y: Array) -> tuple[Array, Array, np.ndarray, np.ndarray]:
    """Return W and y, of shape (T, K), divided by powers of two, and the exponents of their columns."""
    columns, targets = exponents(W), exponents(y)
    return times_power(W, -columns), times_power(y, -targets), columns, targets


def _in_units(theta: Array, columns: np.ndarray, targets: np.ndarray) -> Array:
    """Return theta of shape (P, K) in the units of the data.

    Raises
    ------
    ValueError
        If it leaves the range of the numbers.
    """
    found = times_power(theta, targets - columns[:, None])
    if not bool(compat.array_namespace(found).isfinite(found).all()):
        raise ValueError(out_of_range("theta", theta))
    return found


class _Fit(NamedTuple):
    """What least squares found."""

    theta: Array
    """W^+ y, shape (P,) or (P, K)."""
    rank: int
    groups: list[list[int]]
    """Columns that depend on each other: one group for each column that the others make up."""
    gap: float
    """What is left of the last column beside the others, about 1 / condition."""


def _fit(data: Data) -> _Fit:
    """Solve by the triangle of all chunks; then see what slope is left there, and remove it."""
    found = reduce(joined, data.each(triangle))
    basis = _basis(found)
    theta = _solution(basis)
    full = len(basis.c) == len(theta)
    if full and basis.gap > _eps(theta) ** 0.5 and data.again:
        ask = partial(slope, theta=theta, columns=found.columns, targets=found.targets)
        left, samples = reduce(_sums, data.each(ask))
        if samples != found.samples:
            raise ValueError(
                f"the chunks had {found.samples} rows, and {samples} when they were read once more; "
                "give a function that begins anew at each call"
            )
        theta = _corrected(theta, basis, left)
    groups = [] if full or found.samples < len(theta) else _groups(basis)
    theta = _in_units(theta, found.columns, found.targets)
    theta = theta[:, 0] if found.vector else theta
    return _Fit(theta, len(basis.c), groups, basis.gap)


def _sums(one: tuple[Array, int], other: tuple[Array, int]) -> tuple[Array, int]:
    return one[0] + other[0], one[1] + other[1]


class _Basis(NamedTuple):
    """R and c of as many columns as are independent, scaled to unit norm and put into an order."""

    R: Array
    """Shape (rank, P); its first columns are a triangle."""
    c: Array
    """Shape (rank, K)."""
    order: Array
    scale: Array
    gap: float


@np.errstate(all="ignore")
def _basis(found: Triangle) -> _Basis:
    xp, P = namespace(found.R), found.R.shape[1]
    tol = (10 * P + found.samples**0.5) * _eps(found.R)
    scale = column_norms(found.R)  # columns of R are as long as those of W
    R = found.R / scale
    gap = least_singular_value(R) if R.shape[0] == P else 0.0
    if gap > tol:  # no column, in whatever order, is closer to the others
        return _Basis(R, found.c, xp.arange(P, device=compat.device(R)), scale, gap)
    R, order, rank = _pivot(xp, xp.concat([R, found.c], axis=1), P, tol)
    gap = abs(float(R[rank - 1, rank - 1])) if rank else 0.0
    return _Basis(R[:rank, :P], R[:rank, P:], order, scale, gap)


@np.errstate(all="ignore")
def _solution(basis: _Basis) -> Array:
    """Return the theta of shape (P, K) that solves R theta = c, of least norm if many do."""
    (R, c, order, scale, _), xp = basis, namespace(basis.R)
    (rank, P), back = R.shape, xp.argsort(order)
    if rank == P:
        return xp.linalg.solve(R, c)[back, ...] / scale[:, None]
    if rank == 0:
        return xp.zeros((P, c.shape[1]), dtype=R.dtype, device=compat.device(R))
    A = R[:, back] * scale  # (rank, P): what is left to solve is A theta = c
    Q, L = xp.linalg.qr(A.T)
    return Q @ xp.linalg.solve(L.T, c)


@np.errstate(all="ignore")
def _corrected(theta: Array, basis: _Basis, slope: Array) -> Array:
    """Return theta after a step of refinement, which solves R^T R d = slope."""
    (R, _, order, scale, _), xp = basis, namespace(basis.R)
    slope = (slope / scale[:, None])[order, ...]
    d = xp.linalg.solve(R, xp.linalg.solve(R.T, slope))
    return theta + d[xp.argsort(order), ...] / scale[:, None]


def _eps(like: Array) -> float:
    return float(namespace(like).finfo(like.dtype).eps)


@np.errstate(all="ignore")
def least_singular_value(R: Array) -> float:
    """Return a lower bound of the least singular value of a square matrix."""
    xp = namespace(R)
    try:
        inverse = xp.linalg.inv(R)
    except Exception as error:
        if not says_singular(error):
            raise
        return 0.0
    size = float((inverse * inverse).sum()) ** 0.5
    return 1 / size if math.isfinite(size) else 0.0


def warn_of_digits(gap: float, like: Array, why: str) -> None:
    """Say how many digits are left where they are less than three.

    They are those of a theta whose equations have the least singular value `gap` once their columns
    have the length 1. It is called by the function that the reader has called.
    """
    left = math.log10(max(gap / _eps(like), 1.0))
    if left < 3:
        warnings.warn(
            f"about {left:.0f} of the {-math.log10(_eps(like)):.0f} digits of {like.dtype} are left "
            f"in theta, because columns of W are nearly dependent; {why}",
            LostDigitsWarning,
            stacklevel=3,
        )


def _pivot(xp: Any, R: Array, P: int, tol: float) -> tuple[Array, Array, int]:
    """Householder QR of the first P columns of R, the longest column next.

    Returns the new R, the order of its columns, and how many exceed tol.
    """
    R = xp.asarray(R, copy=True)
    order = xp.arange(P, device=compat.device(R))
    for k in range(min(R.shape[0], P)):
        lengths = (R[k:, k:P] ** 2).sum(0)
        longest = int(xp.argmax(lengths))
        length = float(lengths[longest]) ** 0.5
        if length <= tol:
            return R, order, k
        j = k + longest
        if j != k:
            R[:, [k, j]] = R[:, [j, k]]
            order[[k, j]] = order[[j, k]]
        v = xp.asarray(R[k:, k], copy=True)
        v[0] += length if float(v[0]) >= 0 else -length
        beta = 2 / (v * v).sum()
        R[k:, k:] -= v[:, None] * (beta * (v @ R[k:, k:]))
    return R, order, min(R.shape[0], P)


def _may_depend(xp: Any, W: Array) -> bool:
    """Tell whether columns of W may be dependent; a few rows are enough to know that they are not."""
    T, P = W.shape
    some = W[:: max(1, T // (4 * P)), :]
    some = some / column_norms(some)
    try:
        L = xp.linalg.cholesky(some.T @ some)
    except Exception as error:
        if not says_singular(error):
            raise
        return True
    pivots = xp.linalg.diagonal(L) ** 2  # squared distance of each column from those before it
    return not float(xp.min(pivots)) > 100 * P * float(xp.finfo(W.dtype).eps)


@np.errstate(all="ignore")
def _groups(basis: _Basis) -> list[list[int]]:
    """Return, for each column that R's independent ones make up, its number and theirs."""
    R, xp = basis.R, namespace(basis.R)
    rank = R.shape[0]
    parts = xp.linalg.solve(R[:, :rank], R[:, rank:])  # of columns of unit norm
    weighs = on_host(xp.abs(parts)) > _eps(R) ** 0.5
    numbers = on_host(basis.order)
    return [
        sorted([int(numbers[rank + k]), *numbers[:rank][weighs[:, k]].tolist()])
        for k in range(weighs.shape[1])
    ]


class _Columns(NamedTuple):
    """What messages say of columns of W."""

    low: np.ndarray
    high: np.ndarray
    two_values: np.ndarray
    """Whether all entries of a column are its lowest or its highest."""
    tall: bool

    def are_dummies(self, group: list[int]) -> bool:
        """Tell whether three columns or more have two values each, as 0 and 1, or one, as ones have."""
        return len(group) >= 3 and self.tall and bool(self.two_values[group].all())


def _look(data: Data) -> _Columns | None:
    """Look at all columns; None where the data cannot be read again."""
    if not data.again:
        return None
    ends = list(data.each(_ends))
    xp = namespace(ends[0][0])
    low = reduce(xp.minimum, (part[0] for part in ends))
    high = reduce(xp.maximum, (part[1] for part in ends))
    two_values = reduce(operator.and_, data.each(partial(_two_values, low=low, high=high)))
    tall = sum(part[2] for part in ends) > len(two_values)
    return _Columns(on_host(low), on_host(high), on_host(two_values), tall)


def _ends(W: Array, y: Array) -> tuple[Array, Array, int]:
    xp = namespace(W)
    return xp.min(W, axis=0), xp.max(W, axis=0), W.shape[0]


def _two_values(W: Array, y: Array, low: Array, high: Array) -> Array:
    parts = (((low == V) | (high == V)).all(0) for V, _ in in_blocks(W, y))
    return reduce(operator.and_, parts)


def _cause(seen: _Columns | None, groups: list[list[int]], P: int, of: str = "W") -> str:
    """Say in a sentence or two which columns depend on each other, and which to leave out."""
    dummies = sorted({j for group in groups if seen and seen.are_dummies(group) for j in group})
    said = []
    if dummies:
        said.append(
            f"{_named(P, dummies, of)} have two values each and depend on each other: all dummy columns "
            "of a category do so beside an intercept, or another category. Drop one of each category"
        )
    others = [group for group in groups if not set(group) <= set(dummies)]
    for group in others[:3]:
        constant = seen is not None and seen.low[group] == seen.high[group]
        if seen and (constant & (seen.low[group] == 0)).any():
            said.append(f"{_named(P, group, of)} is 0 in every row; leave it out")
        elif seen and np.all(constant):
            said.append(f"{_named(P, group, of)} are constant; leave all but one out")
        else:
            said.append(f"{_named(P, group, of)} depend on each other; leave one out")
    more = f" (and {len(others) - 3} more such groups)" if len(others) > 3 else ""
    return "".join(f". {sentence}" for sentence in said) + more


def _named(P: int, columns: list[int], of: str) -> str:
    """Name columns of a W of P columns, or those of the x that it was made from by a column of ones."""
    last = P - 1
    intercept = of == "x" and last in columns
    numbers = [str(j) for j in columns if not (intercept and j == last)]
    listed = " and ".join([*filter(None, [", ".join(numbers[:-1])]), *numbers[-1:]])
    words = f"column{'s' if len(numbers) > 1 else ''} {listed} of {of}" if numbers else ""
    words = " and ".join([*filter(None, [words]), *["the intercept"] * intercept])
    return words[0].upper() + words[1:]
