r"""Expectation-maximization: a new variable makes a hard minimization into two easy ones.

The likelihood of a mixture has a logarithm of a sum in it, and no direct minimizer. With a new variable
q, the shares of the components in each sample, it becomes

.. math:: F(q, \theta) = \frac{1}{T} \sum_t \sum_k q_{tk}
    \bigl(\log q_{tk} - \log \pi_k\, \mathcal{N}(x_t; \mu_k, \Sigma_k)\bigr)
    \;\ge\; -\frac{1}{T} \sum_t \log \sum_k \pi_k\, \mathcal{N}(x_t; \mu_k, \Sigma_k),

with equality at the best q. Both blocks, q and theta, have a direct solution.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import array_api_compat as compat
import numpy as np

from lecturecode.alternating.clustering import assign, check_samples, kmeans, mean
from lecturecode.alternating.gaussians import (
    Buffers,
    Mixture,
    buffers_for,
    check_start,
    identity,
    log_joint,
    log_sum_exp,
)
from lecturecode.arrays import Array, ArrayLike
from lecturecode.door import choice, real, whole
from lecturecode.iteration import Step, Steps, best_of, collect, finite, never_rises, settles
from lecturecode.randomness import Rng, generator
from lecturecode.trace import Callback, Trace
from lecturecode.units import out_of_range

__all__ = ["gaussian_mixture"]

SHAPES = ("full", "diagonal", "spherical")


def gaussian_mixture(
    x: ArrayLike,
    components: int,
    *,
    covariance: str = "full",
    rng: Rng = None,
    start: Mixture | None = None,
    restarts: int = 0,
    sweeps: int = 1000,
    tol: float = 1e-8,
    floor: float = 1e-6,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Fit a mixture of Gaussians by expectation-maximization.

    .. math::
        q_{tk} &\leftarrow \frac{\pi_k\,\mathcal{N}(x_t; \mu_k, \Sigma_k)}
            {\sum_j \pi_j\,\mathcal{N}(x_t; \mu_j, \Sigma_j)} \\
        \pi_k &\leftarrow \frac{n_k}{T}, \quad
        \mu_k \leftarrow \frac{1}{n_k} \sum_t q_{tk}\, x_t, \quad
        \Sigma_k \leftarrow \frac{1}{n_k} \sum_t q_{tk} (x_t - \mu_k)(x_t - \mu_k)^T, \quad
        n_k = \sum_t q_{tk}

    Parameters
    ----------
    x : array of shape (T, D)
        The samples :math:`x_t`.
    components : int
        Number K of Gaussians.
    covariance : {"full", "diagonal", "spherical"}
        Which matrices :math:`\Sigma_k` are allowed.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where the starts come from: k-means, whose clusters become the first components.
    start : Mixture, optional
        The first start, instead of one by k-means; its covariances are cut down to what is allowed.
    restarts : int
        How many more starts to draw; the run that ends lowest is returned.
    sweeps : int
        The most sweeps; a sweep is an M-step and an E-step.
    tol : float
        Stop after a sweep in which F fell by at most tol times all that it has fallen so far, or by no
        more than rounding.
    floor : float
        The least variance of a component in any direction, with each feature measured in units of its
        variance over all samples (in a spherical model all in one unit). For numbers of precision u it
        is at least 20 D u.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`; a step is a half-step.

    Returns
    -------
    Trace
        `values` is :math:`F`, after an E-step the negative log-likelihood per sample, in nats;
        ``Mixture.unpack(trace.theta, K)`` is the fit. ``extras`` has "weights", "means" and
        "covariances" of each recorded step.

    Raises
    ------
    TypeError
        If arrays of different kinds are mixed, or `rng` is of the wrong kind.
    ValueError
        If `x` is not of shape (T, D), is empty, constant or not finite, or so small or large that its
        covariances, in squared units, cannot be held; if `covariance` is unknown,
        `start` has wrong shapes or weights, or a number is out of range; if a start is to be drawn for
        more components than there are distinct samples.

    Notes
    -----
    A component that collapses onto too few samples would have an infinite likelihood. The M-step
    therefore minimizes over the covariances that are nowhere below the floor, by raising their low
    eigenvalues, and F still never rises. The message says in how many M-steps that was needed.

    ``fit.responsibilities(x).argmax(1)`` gives each sample the number of its likeliest component.

    Densities are summed as logarithms, and distances measured by Cholesky factors, so that no density
    underflows. Covariances are sums of squares of differences: they cannot turn negative, not even for
    float32 samples far from the origin.

    References
    ----------
    Dempster, Laird & Rubin, Maximum likelihood from incomplete data via the EM algorithm, *Journal of
    the Royal Statistical Society B* 39 (1977). Neal & Hinton, A view of the EM algorithm that justifies
    incremental, sparse, and other variants (1998), for F.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).standard_normal((500, 1))
    >>> x[:200] += 8
    >>> fit = Mixture.unpack(gaussian_mixture(x, 2, rng=0).theta, 2)
    >>> sorted(fit.weights.round(2).tolist())
    [0.4, 0.6]
    """
    covariance = choice(covariance, "covariance", SHAPES)
    x, components = check_samples(x, components, "components", enough=start is None)
    given = None if start is None else check_start(x, components, start)
    sweeps = whole(sweeps, "sweeps")
    restarts = whole(restarts, "restarts", 0)
    tol = real(tol, "tol", "[0, inf]")
    floor = real(floor, "floor", "[0, inf)")
    rng = generator(rng)
    shift = mean(x)  # far from the origin, float32 would lose the digits of the differences
    x = x - shift
    floor = max(floor, 20 * x.shape[1] * _eps(x))
    units = _units(x, shift, covariance, floor)
    xT = compat.array_namespace(x).asarray(x.T, copy=True)

    def once(k: int) -> Trace:
        if given is not None and k == 0:
            first = replace(given, means=given.means - shift)
        else:
            first = _from_clusters(x, components, rng)
        model = Model(covariance, floor, units, shift, [])
        trace = collect(
            maximize_and_expect(xT, first, model),
            steps=2 * sweeps,
            until=[finite, never_rises(scale=1.0), settles(2, tol, scale=1.0)],
            used_up=f"used up all {sweeps} sweeps before it settled",
            sweep=2,
            record_every=record_every,
            callback=callback,
            progress=progress,
        )
        count = len(model.widened)
        note = f"; a collapsing component was widened to the floor {count} times" if count else ""
        return replace(trace, message=trace.message + note)

    return best_of(restarts + 1, once)


class Model(NamedTuple):
    """What the M-step must know besides the data."""

    covariance: str
    floor: float
    units: Array  # (D,)
    shift: Array  # (D,)
    widened: list[int]


def maximize_and_expect(xT: Array, mixture: Mixture, model: Model) -> Steps:
    """Find the best mixture for the shares q, then the best shares for the mixture; xT is (D, T)."""
    xp = compat.array_namespace(xT)
    buffers = buffers_for(mixture.weights.shape[0], xT)
    mixture = _allowed(mixture, model)
    joint = log_joint(mixture, xT, buffers)  # (K, T)
    total = log_sum_exp(joint)  # (T,)
    yield _step("the start", mixture, -total.mean(), model)
    while True:
        log_q = joint - total
        q = xp.exp(log_q)
        mixture = _allowed(_maximized(xT, q, model.covariance, buffers), model)
        joint = log_joint(mixture, xT, buffers)
        value = (q * (log_q - joint)).sum() / xT.shape[1]
        yield _step("the M-step", mixture, value, model)

        total = log_sum_exp(joint)
        yield _step("the E-step", mixture, -total.mean(), model)


def _maximized(xT: Array, q: Array, covariance: str, buffers: Buffers) -> Mixture:
    """Return the mixture that is best for the shares q, shape (K, T)."""
    xp = compat.array_namespace(xT)
    apart, shared = buffers  # (K, D, T)
    n = q.sum(1) + float(xp.finfo(xT.dtype).tiny)  # (K,)
    means = (q @ xT.T) / n[:, None]
    xp.subtract(xT[None, :, :], means[:, :, None], out=apart)
    xp.multiply(apart, q[:, None, :], out=shared)
    if covariance == "full":
        scatter = shared @ xp.matrix_transpose(apart)
        return Mixture(n / n.sum(), means, scatter / n[:, None, None])
    shared *= apart
    variances = shared.sum(-1) / n[:, None]  # (K, D)
    return Mixture(n / n.sum(), means, variances[:, :, None] * identity(xT))


def _allowed(mixture: Mixture, model: Model) -> Mixture:
    """Return the best covariances of the model's shape with no variance below the floor."""
    xp = compat.array_namespace(mixture.means)
    S = (mixture.covariances + xp.matrix_transpose(mixture.covariances)) / 2
    one = identity(mixture.means.T)
    if model.covariance != "full":
        S = S * one
    if model.covariance == "spherical":
        S = one * (S.sum((1, 2)) / one.shape[0])[:, None, None]
    deviations = model.units**0.5
    scale = deviations[:, None] * deviations
    low = xp.linalg.eigvalsh(S / scale)[:, 0] < model.floor  # (K,)
    if not bool(low.any()):
        return replace(mixture, covariances=S)
    model.widened.append(1)
    lam, V = xp.linalg.eigh(S / scale)
    raised = (V * xp.clip(lam, model.floor, None)[:, None, :]) @ xp.matrix_transpose(V) * scale
    return replace(mixture, covariances=xp.where(low[:, None, None], raised, S))


@np.errstate(all="ignore")
def _units(x: Array, shift: Array, covariance: str, floor: float) -> Array:
    """Return the variance that each feature is measured in, shape (D,); constant ones borrow theirs.

    Raises
    ------
    ValueError
        If all samples are equal, or if covariances of these data cannot be held.
    """
    xp = compat.array_namespace(x)
    with np.errstate(over="ignore", invalid="ignore"):
        variances = (x * x).sum(0) / x.shape[0]
    constant = xp.max(x, axis=0) - xp.min(x, axis=0) <= 10 * _eps(x) * xp.abs(shift)
    if bool(constant.all()):
        raise ValueError("all samples are equal, so there is nothing to fit a density to")
    held, limits = variances[~constant], xp.finfo(x.dtype)
    if not (float(xp.max(held)) < float(limits.max) and float(xp.min(held)) * floor >= limits.tiny):
        raise ValueError(out_of_range("a covariance of x, in squared units,", x))
    common = held.mean() + xp.zeros_like(variances)
    return common if covariance == "spherical" else xp.where(constant, common, variances)


@np.errstate(all="ignore")
def _from_clusters(x: Array, components: int, rng: Any) -> Mixture:
    """Return the components that k-means finds, each with the covariance of its cluster."""
    xp = compat.array_namespace(x)
    trace = kmeans(x, components, rng=rng, record_every=0, sweeps=30)
    if trace.message.startswith("interrupted"):
        raise KeyboardInterrupt
    labels = assign(x, trace.theta.reshape(components, x.shape[1]))
    numbers = xp.arange(components, device=compat.device(labels))
    q = xp.astype(labels[None, :] == numbers[:, None], x.dtype)
    xT = xp.asarray(x.T, copy=True)
    return _maximized(xT, q, "full", buffers_for(components, xT))


def _step(name: str, mixture: Mixture, value: Array, model: Model) -> Step:
    shown = replace(mixture, means=mixture.means + model.shift)
    extras = {"weights": shown.weights, "means": shown.means, "covariances": shown.covariances}
    return Step(shown.theta, value, extras=extras, name=name)


def _eps(x: Array) -> float:
    return float(compat.array_namespace(x).finfo(x.dtype).eps)
