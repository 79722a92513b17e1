"""Least squares: the one model whose gradient has a zero that can be written down."""

import math
import warnings
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, column_norms, on_host, says_singular
from lecturecode.door import arrays
from lecturecode.objectives import MeanSquaredError
from lecturecode.objectives.quadratics import DESIGN
from lecturecode.units import exponents, out_of_range, times_power

MATRIX = {"W": "T P", "y": "T | T K"}
"""Shapes of a design matrix and of targets."""
LINE = {"x": "T | T D", "y": "T"}
"""Shapes of inputs and targets of an affine model."""


SINGULAR = (
    "W^T W is singular: the columns of W are linearly dependent, so there is no single "
    "minimizer. least_squares(W, y) returns the one of least norm"
)


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


@np.errstate(all="ignore")
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
    V, z, columns, targets = _measured(W, y if y.ndim == 2 else y[:, None])
    if _may_depend(xp, V):
        _, rank, groups = _solve_measured(xp, V, z)
        if rank < W.shape[1]:
            raise ValueError(SINGULAR + _cause(W, groups))
    try:
        theta = _formula(V, z)
    except Exception as error:
        if not says_singular(error):
            raise
        theta = V[:1] * math.nan  # what a solver without exceptions says
    if not bool(xp.isfinite(theta).all()):
        raise ValueError(SINGULAR)
    theta = _in_units(theta, columns, targets)
    return theta if y.ndim == 2 else theta[:, 0]


@np.errstate(all="ignore")
def least_squares(W: ArrayLike, y: ArrayLike) -> Array:
    r"""Minimize :math:`\lVert W\theta - y\rVert_2` by a rank-revealing QR; of least norm if many do.

    .. math:: \theta_0 = W^+ y

    With the columns of W scaled to unit norm, :math:`W D^{-1} \Pi = Q R`, the column order
    :math:`\Pi` being chosen so that the diagonal of R decreases. The rows of R above rounding are the
    rank; what is left below them is noise. If R is square and regular, :math:`\theta_0` follows by
    substitution, and one step of refinement removes most of its rounding error. If not, a second QR
    picks the solution of least norm.

    Parameters
    ----------
    W : array of shape (T, P)
        The design matrix, of any shape and rank.
    y : array of shape (T,) or (T, K)
        The targets, K of them at once if wished.

    Returns
    -------
    array of shape (P,) or (P, K)
        :math:`W^+ y`.

    Raises
    ------
    ValueError
        If data are empty, NaN or infinite, if shapes do not match, or if tensors are on two devices.
    TypeError
        If data are complex, of different dtypes, or NumPy arrays beside tensors.

    Warns
    -----
    RankDeficientWarning
        If W has all dummy columns of a category beside a column of ones, or of two categories: the fit
        is right, but a single coefficient means nothing. Other dependent columns are silent.

    Notes
    -----
    Columns are dependent when, at unit norm, what is left of one beside the others is below
    :math:`(10 P + \sqrt T)` times the precision of the numbers: about what rounding leaves. Scaling
    makes the verdict independent of the units of each column.

    References
    ----------
    Golub & Van Loan, *Matrix Computations*, 4th ed. (2013), sections 5.4 and 5.5; the refinement is the
    corrected semi-normal equations of Å. Björck, Linear Algebra Appl. 88/89 (1987), 31-48.

    Examples
    --------
    >>> W = design_matrix([1.0, 1.0, 1.0])
    >>> least_squares(W, [2.0, 2.0, 2.0])
    array([1., 1.])
    """
    xp, W, y = arrays(MATRIX, DESIGN, W=W, y=y)
    theta, rank, groups = _solve(xp, W, y if y.ndim == 2 else y[:, None])
    if any(_are_dummies(W, group) for group in groups):
        warnings.warn(
            f"W has {W.shape[1]} columns and rank {rank}; returning the least-squares solution of least "
            f"norm{_cause(W, groups)}",
            RankDeficientWarning,
            stacklevel=3,  # the settings of NumPy stand between
        )
    return theta if y.ndim == 2 else theta[:, 0]


@np.errstate(all="ignore")
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
    xp, x, y = arrays(LINE, x=x, y=y)
    W = design_matrix(x)
    theta, rank, groups = _solve(xp, W, y[:, None])
    if rank < W.shape[1]:
        samples = x.shape[0]
        why = "a single point" if samples == 1 else f"the inputs of these {samples} points"
        if samples > 1 and x.ndim == 1:
            why = f"all {samples} values of x are equal, to rounding: they"
        advice = _cause(W, groups, of="x") if x.ndim == 2 and groups else ". Add points with other x"
        warnings.warn(
            f"{why} cannot determine {W.shape[1]} parameters (rank {rank}); "
            f"returning the least-squares solution of least norm{advice}",
            RankDeficientWarning,
            stacklevel=3,  # the settings of NumPy stand between
        )
    return theta[:, 0]


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


def _solve(xp: Any, W: Array, y: Array) -> tuple[Array, int, list[list[int]]]:
    """Return W^+ y of shape (P, K), the rank of W, and groups of columns that depend on each other.

    There is a group for each column that the others make up, and none if there are fewer rows than
    columns.
    """
    V, z, columns, targets = _measured(W, y)
    theta, rank, groups = _solve_measured(xp, V, z)
    return _in_units(theta, columns, targets), rank, groups


def _solve_measured(xp: Any, W: Array, y: Array) -> tuple[Array, int, list[list[int]]]:
    T, P = W.shape
    eps = float(xp.finfo(W.dtype).eps)
    R, c = _triangularize(W, y)
    # Columns of R are as long as those of W, so they can be scaled now, when there are few rows.
    scale = column_norms(R)
    R, order, rank = _pivot(xp, xp.concat([R / scale, c], axis=1), P, (10 * P + T**0.5) * eps)
    R, c = R[:rank, :P], R[:rank, P:]
    back = xp.argsort(order)
    if rank == P:
        theta = xp.linalg.solve(R, c)[back, ...] / scale[:, None]
        if abs(float(R[-1, -1] / R[0, 0])) > eps**0.5:
            residual = y - W @ theta
            unit = xp.max(xp.abs(residual))  # keeps the products within range
            slope = W.T @ (residual / xp.where(unit > 0, unit, xp.ones_like(unit))) / scale[:, None]
            correction = unit * xp.linalg.solve(R, xp.linalg.solve(R.T, slope[order, ...]))
            theta = theta + correction[back, ...] / scale[:, None]
        return theta, P, []
    groups = _groups(xp, R, order) if T >= P else []
    if rank == 0:
        return xp.zeros((P, y.shape[1]), dtype=W.dtype, device=compat.device(W)), 0, groups
    A = R[:, back] * scale  # (rank, P): what is left to solve is A theta = c
    Q, L = xp.linalg.qr(A.T)
    return Q @ xp.linalg.solve(L.T, c), rank, groups


def _triangularize(W: Any, y: Any) -> tuple[Array, Array]:
    """Return the upper rows R and c of Q^T W and Q^T y, by Householder reflections of W."""
    rows = min(W.shape)
    if compat.is_torch_array(W):
        import torch

        reflections = torch.geqrf(W)
        R = torch.triu(reflections[0][:rows])
        return R, torch.ormqr(*reflections, y, transpose=True)[:rows]
    h, tau = np.linalg.qr(W, mode="raw")
    h, c = np.ascontiguousarray(h), y.T.copy()  # reflection k stands in row k of h
    for k in range(rows):
        v = h[k, k + 1 :]
        along = tau[k] * (c[:, k] + c[:, k + 1 :] @ v)
        c[:, k] -= along
        c[:, k + 1 :] -= along[:, None] * v
    return np.triu(h.T[:rows]), c.T[:rows]


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


def _groups(xp: Any, R: Array, order: Array) -> list[list[int]]:
    """Return, for each column that R's independent ones make up, its number and theirs."""
    rank = R.shape[0]
    parts = xp.linalg.solve(R[:, :rank], R[:, rank:])  # of columns of unit norm
    weighs = on_host(xp.abs(parts)) > float(xp.finfo(R.dtype).eps) ** 0.5
    numbers = on_host(order)
    return [
        sorted([int(numbers[rank + k]), *numbers[:rank][weighs[:, k]].tolist()])
        for k in range(weighs.shape[1])
    ]


def _are_dummies(W: Array, group: list[int]) -> bool:
    """Tell whether three columns or more have two values each, as 0 and 1, or one, as ones have."""
    if len(group) < 3 or W.shape[0] <= W.shape[1]:
        return False
    columns = on_host(W)[:, group]
    return bool(((columns == columns.min(0)) | (columns == columns.max(0))).all())


def _cause(W: Array, groups: list[list[int]], of: str = "W") -> str:
    """Say in a sentence or two which columns depend on each other, and which to leave out."""
    dummies = sorted({j for group in groups if _are_dummies(W, group) for j in group})
    said = []
    if dummies:
        said.append(
            f"{_named(W, dummies, of)} have two values each and depend on each other: all dummy columns "
            "of a category do so beside an intercept, or another category. Drop one of each category"
        )
    others = [group for group in groups if not set(group) <= set(dummies)]
    for group in others[:3]:
        columns = on_host(W)[:, group]
        if not columns.any(0).all():
            said.append(f"{_named(W, group, of)} is 0 in every row; leave it out")
        elif (columns == columns[0]).all():
            said.append(f"{_named(W, group, of)} are constant; leave all but one out")
        else:
            said.append(f"{_named(W, group, of)} depend on each other; leave one out")
    more = f" (and {len(others) - 3} more such groups)" if len(others) > 3 else ""
    return "".join(f". {sentence}" for sentence in said) + more


def _named(W: Array, columns: list[int], of: str) -> str:
    """Name columns of W, or those of the x that it was made from by a column of ones."""
    last = W.shape[1] - 1
    intercept = of == "x" and last in columns
    numbers = [str(j) for j in columns if not (intercept and j == last)]
    listed = " and ".join([*filter(None, [", ".join(numbers[:-1])]), *numbers[-1:]])
    words = f"column{'s' if len(numbers) > 1 else ''} {listed} of {of}" if numbers else ""
    words = " and ".join([*filter(None, [words]), *["the intercept"] * intercept])
    return words[0].upper() + words[1:]
