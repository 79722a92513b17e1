"""What an absolute value does to its minimizer: it is pulled towards zero, and may stay there."""

from typing import Any

import array_api_compat as compat

from lecturecode.arrays import Array, detached, real_arrays

__all__ = ["largest_penalty", "soft_threshold"]


def soft_threshold(theta: Any, threshold: Any) -> Array:
    r"""Pull each coordinate towards zero by `threshold`, and set those to zero that are closer.

    It is the minimizer :math:`S_\kappa(a) = \operatorname*{argmin}_z \tfrac12 (z - a)^2 + \kappa |z|`.

    Parameters
    ----------
    theta : array of shape (..., P)
        The points a.
    threshold : float or array of shape (P,)
        The length :math:`\kappa \ge 0`, in the units of theta.

    Returns
    -------
    array of shape (..., P)
        The minimizers.

    Raises
    ------
    TypeError, ValueError
        If arrays of different kinds are mixed; if `threshold` is negative or of another shape, or a
        number not finite.

    Examples
    --------
    >>> soft_threshold([3.0, -0.5, -2.0], 1.0).tolist()
    [2.0, 0.0, -1.0]
    """
    _, theta, threshold = real_arrays(theta=theta, threshold=threshold)
    if tuple(threshold.shape) not in ((), tuple(theta.shape)[-1:]):
        raise ValueError(
            f"threshold must be a number or have shape ({theta.shape[-1] if theta.ndim else 'P'},), one "
            f"entry per coordinate; got {tuple(threshold.shape)}"
        )
    if bool((threshold < 0).any()):
        raise ValueError("threshold must be at least 0 in each coordinate")
    return pulled(theta, threshold)


def pulled(theta: Array, threshold: Array) -> Array:
    """Return the soft threshold of checked arrays."""
    return theta - compat.array_namespace(theta).clip(theta, -threshold, threshold)


def largest_penalty(W: Any, y: Any) -> float:
    r"""Return the least penalty at which :func:`lasso` sets all coordinates to zero.

    .. math:: \lambda_{\max} = \frac{2}{T} \lVert W^T y \rVert_\infty

    Parameters
    ----------
    W : array of shape (T, P)
        The design matrix.
    y : array of shape (T,)
        The targets.

    Returns
    -------
    float
        The penalty, in the units of `lasso`.

    Raises
    ------
    TypeError, ValueError
        As for :func:`lasso`.

    Examples
    --------
    >>> largest_penalty([[1.0, 0.0], [0.0, 1.0]], [3.0, 0.2])
    3.0
    """
    W, y = checked_data(W, y)
    xp = compat.array_namespace(W)
    return float(xp.max(xp.abs(W.T @ y))) * 2 / W.shape[0]


def checked_data(W: Any, y: Any) -> tuple[Array, Array]:
    """Return W and y as arrays of one kind.

    Raises
    ------
    ValueError
        If W is not of shape (T, P), or y not of shape (T,).
    """
    _, W, y = real_arrays(W=detached(W), y=detached(y))
    if W.ndim != 2 or tuple(y.shape) != (W.shape[0],):
        if W.ndim == 1:
            hint = ". A single column is W[:, None]"
        elif W.ndim == 2 and tuple(y.shape) == (W.shape[0], 1):
            hint = ". Take its only column, y[:, 0]"
        elif W.ndim == 2 and tuple(y.shape) == (W.shape[1],):
            hint = "; transpose W"
        else:
            hint = ""
        raise ValueError(
            f"W must have shape (T, P) and y shape (T,); got {tuple(W.shape)} and {tuple(y.shape)}{hint}"
        )
    return W, y
