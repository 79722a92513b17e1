"""Minimize, then go back to the constraints, and again: least squares with theta >= 0.

The two halves are a least-squares problem on the free coordinates, which may leave the allowed set, and
the way back to its border, where a coordinate is caught and set to zero.
"""

from dataclasses import replace

import numpy as np

from lecturecode.arrays import Array, ArrayLike, column_norms, copied, detached, namespace, norm, on_host
from lecturecode.door import arrays, real, whole
from lecturecode.iteration import End, Step, Steps, collect, finite, never_rises
from lecturecode.least_squares import least_singular_value, warn_of_digits
from lecturecode.trace import Callback, Trace
from lecturecode.triangles import upper
from lecturecode.units import Units, exponent, exponents, times_power

NEARLY_DEPENDENT = (
    ": rounding decides, because some columns of W are nearly dependent; leave some out"
    " or give numbers of higher precision"
)

__all__ = ["kkt_violation", "nonnegative_least_squares"]


def nonnegative_least_squares(
    W: ArrayLike,
    y: ArrayLike,
    *,
    steps: int | None = None,
    tol: float = 1e-12,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Minimize a squared error over the theta that have no negative coordinate.

    .. math:: \operatorname*{argmin}_{\theta \ge 0}\; g(\theta), \qquad
        g(\theta) = \frac{1}{T} \lVert W\theta - y \rVert_2^2

    It starts at zero, with no coordinate free. The coordinate along which g falls most steeply is set
    free; least squares minimizes over all that are free; and while the minimizer has negative
    coordinates, theta walks towards it as far as the border, where the coordinates that reached zero are
    caught.

    Parameters
    ----------
    W : array of shape (T, P)
        The design matrix.
    y : array of shape (T,)
        The targets.
    steps : int, optional
        The most half-steps; 10 P if not given.
    tol : float
        Stop when no coordinate at zero has a slope below ``-tol`` times the largest possible one,
        :math:`\frac{2}{T} \lVert w_p \rVert \lVert y \rVert`; in low precision u, 10 u if that is more.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`.

    Returns
    -------
    Trace
        Every iterate is non-negative, and g never rises. When it has converged, the message gives the
        :func:`kkt_violation`, which certifies the minimum.

    Raises
    ------
    TypeError
        If arrays of different kinds are mixed.
    ValueError
        If shapes do not fit, if there are no or not finite data, or if a number is out of range.

    Warns
    -----
    LostDigitsWarning
        If fewer than three digits of theta are left, because its positive coordinates belong to nearly
        dependent columns.

    Notes
    -----
    If g, in squared units, leaves the range of the numbers, theta is right all the same, and the message
    says so.

    If the columns of W are dependent there are many minimizers, and this finds one of them. There is no
    constant term; :func:`lecturecode.design_matrix` appends the column of ones for one.

    References
    ----------
    Lawson & Hanson, *Solving Least Squares Problems* (1974), chapter 23.

    Examples
    --------
    >>> nonnegative_least_squares([[1.0, 0.0], [0.0, 1.0]], [3.0, -2.0]).theta.tolist()
    [3.0, 0.0]
    """
    xp, W, y = arrays({"W": "T P", "y": "T"}, W=detached(W), y=detached(y))
    steps = 10 * W.shape[1] if steps is None else whole(steps, "steps")
    tol = real(tol, "tol", "[0, inf]")
    columns, targets = exponents(W), exponent(y)
    W, y = times_power(W, -columns), times_power(y, -targets)
    units, g = Units(targets - columns, 2 * targets), SquaredError(W, y)
    trace = collect(
        free_and_catch(g, max(tol, 10 * float(xp.finfo(W.dtype).eps))),
        steps=steps,
        until=[finite, never_rises()],
        shown=units.shown,
        used_up=f"used up all {steps} steps before it settled",
        record_every=record_every,
        callback=callback,
        progress=progress,
    )
    warn_of_digits(g.least_singular_value(), W, "leave some out, or give numbers of higher precision")
    said, raised, _ = trace.message.partition(": it does not minimize g")
    return units.finish(replace(trace, message=said + NEARLY_DEPENDENT) if raised else trace)


def free_and_catch(g: "SquaredError", tol: float) -> Steps:
    """Set the steepest coordinate free and minimize, catching those that would become negative."""
    theta = copied(g.zero)
    value = g(theta)
    found = _set_free(g, theta, tol)
    done = _certificate(g, theta) if found is None else None
    yield Step(theta, value, name="the start", done=done)
    while found is not None:
        free, best = found
        while bool((free & (best <= 0)).any()):
            theta, free = _to_the_border(theta, best, free)
            yield Step(theta, g(theta), name="the way back to the border")
            best = g.minimum(free)
        theta, before = best, value
        value = g(theta)
        falls = bool(value < before)  # else rounding hides the rest
        found = _set_free(g, theta, tol) if falls else None
        done = _certificate(g, theta) if found is None else None
        yield Step(theta, value, name="the free minimum", done=done)
    return done


def _set_free(g: "SquaredError", theta: Array, tol: float) -> tuple[Array, Array] | None:
    """Return what is free after the steepest coordinate was added, and the minimum over it.

    A coordinate that least squares would make negative at once is steep by rounding only. None means
    that no coordinate is left to set free.
    """
    xp = namespace(theta)
    free = theta > 0
    steepness = xp.where(free, g.zero, g.relative_slopes(theta))
    while float(steepness[p := int(xp.argmin(steepness))]) < -tol:
        wider = copied(free)
        wider[p] = True
        best = g.minimum(wider)
        if float(best[p]) > 0:
            g.sure = True
            return wider, best
        g.sure = g.sure and p in g.order
        steepness[p] = 0.0
    return None


def _to_the_border(theta: Array, best: Array, free: Array) -> tuple[Array, Array]:
    """Walk from theta towards best until the first coordinate is zero; catch it."""
    xp = namespace(theta)
    outside = free & (best <= 0)
    ones = xp.ones_like(theta)
    ratios = xp.where(outside, theta / xp.where(outside, theta - best, ones), ones)
    reach = xp.min(ratios)
    walked = xp.clip(theta + reach * (best - theta), 0, None)
    theta = xp.where(free & ~(outside & (ratios <= reach)), walked, xp.zeros_like(theta))
    return theta, theta > 0


class SquaredError:
    """g of tall data by their triangle, and its minimum over some columns, the others being zero.

    What least squares knows of the free columns is kept, H = Q^T [W y] with Q^T W_free a triangle: one
    more column costs one reflection, and only when columns are caught is H made anew.
    """

    @np.errstate(all="ignore")
    def __init__(self, W: Array, y: Array) -> None:
        self.xp, (self.samples, P), self.data = namespace(W), W.shape, (W, y)
        A = self.xp.concat([W, y[:, None]], axis=1)
        self.A = upper(A) if self.samples > P + 1 else A
        self.W, self.y = self.A[:, :P], self.A[:, P]
        self.lengths = column_norms(W)
        self.zero, self.steepest = self.lengths * 0, self.lengths * column_norms(y)
        self.rounding = self.lengths * (10 * P * float(self.xp.finfo(W.dtype).eps))
        numpy = isinstance(W, np.ndarray)
        self.solve = np.linalg.solve if numpy else self.xp.linalg.solve  # its own is three times as fast
        self.sure = True
        """Whether no steep column was passed over because the free ones nearly make it up."""
        self.order: list[int] = []
        self.H = copied(self.A)

    def __call__(self, theta: Array) -> Array:
        """Return g(theta)."""
        r = self.W @ theta - self.y
        return (r * r).sum() / self.samples

    def relative_slopes(self, theta: Array) -> Array:
        """Return each slope of g relative to the largest that it could be at zero."""
        return self.W.T @ (self.W @ theta - self.y) / self.steepest

    def minimum(self, free: Array) -> Array:
        """Return the minimizer over the free columns; a column that the others make up stays at zero."""
        wanted = np.flatnonzero(on_host(free)).tolist()
        new = [p for p in wanted if p not in self.order]
        if len(self.order) + len(new) > len(wanted):
            self.order = [p for p in self.order if p in wanted]
            Q, _ = self.xp.linalg.qr(self.A[:, self.order], mode="complete")
            self.H = Q.T @ self.A
        for p in new:
            self._add(p)
        k, theta = len(self.order), copied(self.zero)
        theta[self.order] = self.solve(self.H[:k, self.order], self.H[:k, -1])
        return theta

    def least_singular_value(self) -> float:
        """Return a lower bound of that of the free columns, each divided by its length."""
        k = len(self.order)
        return least_singular_value(self.H[:k, self.order] / self.lengths[self.order]) if k else 1.0

    def _add(self, p: int) -> None:
        """Reflect column p such that it is zero below the diagonal of the triangle."""
        k = len(self.order)
        v = copied(self.H[k:, p])
        length = float(norm(v))
        if length <= self.rounding[p]:  # as it is when there are no more rows
            return
        v[0] += length if float(v[0]) >= 0 else -length
        self.H[k:, :] -= v[:, None] * (2 / (v @ v) * (v @ self.H[k:, :]))
        self.order.append(p)


@np.errstate(all="ignore")
def kkt_violation(W: ArrayLike, y: ArrayLike, theta: ArrayLike) -> float:
    r"""Return by how much theta misses the Karush-Kuhn-Tucker conditions of a minimum over theta >= 0.

    They are, with the gradient :math:`s = \frac{2}{T} W^T (W\theta - y)`: :math:`\theta \ge 0`,
    :math:`s \ge 0`, and :math:`\theta_p s_p = 0`. For this convex g they are sufficient.

    Parameters
    ----------
    W : array of shape (T, P)
        The design matrix.
    y : array of shape (T,)
        The targets.
    theta : array of shape (P,)
        The candidate.

    Returns
    -------
    float
        The largest of :math:`-\theta_p`, relative to the largest coordinate, and of :math:`|s_p|` where
        theta is positive and :math:`-s_p` elsewhere, relative to
        :math:`\frac{2}{T} \lVert w_p \rVert \lVert y \rVert` for column :math:`w_p` of W.

    Raises
    ------
    TypeError
        If arrays of different kinds are mixed.
    ValueError
        If shapes do not fit, or if there are no or not finite data.

    Examples
    --------
    >>> kkt_violation([[1.0, 0.0], [0.0, 1.0]], [3.0, -2.0], [3.0, 0.0])
    0.0
    """
    shapes = {"W": "T P", "y": "T", "theta": "P"}
    _, W, y, theta = arrays(shapes, W=detached(W), y=detached(y), theta=theta)
    columns, targets = exponents(W), exponent(y)
    W, y = times_power(W, -columns), times_power(y, -targets)
    return _violation(W, y, times_power(theta, columns - targets))


def _violation(W: Array, y: Array, theta: Array) -> float:
    xp, slopes = namespace(theta), _relative_slopes(W, y, theta)
    wrong = xp.where(theta > 0, xp.abs(slopes), xp.clip(-slopes, 0, None))
    size = float(xp.max(xp.abs(theta)))
    below = float(xp.max(-theta)) / size if size else 0.0
    return max(float(xp.max(wrong)), below, 0.0)


def _relative_slopes(W: Array, y: Array, theta: Array) -> Array:
    """Return each slope of g relative to the largest that it could be at zero."""
    return (W / column_norms(W)).T @ ((W @ theta - y) / column_norms(y))


def _certificate(g: SquaredError, theta: Array) -> End:
    said = f"the Karush-Kuhn-Tucker conditions hold to {_violation(*g.data, theta):.1e} {{place}}"
    return g.sure, said if g.sure else said + NEARLY_DEPENDENT
