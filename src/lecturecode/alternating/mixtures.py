r"""Expectation-maximization: a new variable makes a hard minimization into two easy ones.

The likelihood of a mixture has a logarithm of a sum in it, and no direct minimizer. With a new variable
q, the shares of the components in each sample, it becomes

.. math:: F(q, \theta) = \frac{1}{T} \sum_t \sum_k q_{tk}
    \bigl(\log q_{tk} - \log \pi_k\, \mathcal{N}(x_t; \mu_k, \Sigma_k)\bigr)
    \;\ge\; -\frac{1}{T} \sum_t \log \sum_k \pi_k\, \mathcal{N}(x_t; \mu_k, \Sigma_k),

with equality at the best q. Both blocks, q and theta, have a direct solution.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import array_api_compat as compat
import numpy as np

from lecturecode.alternating.clustering import assign, check_samples, clustered
from lecturecode.alternating.gaussians import (
    Buffers,
    Mixture,
    buffers_for,
    check_start,
    identity,
    log_joint,
    log_sum_exp,
    whitening,
)
from lecturecode.alternating.samples import Chunk, Data, Frame, Samples, eps, warn_of_columns
from lecturecode.arrays import Array, namespace
from lecturecode.door import choice, real, whole
from lecturecode.iteration import Step, Steps, best_of, collect, finite, never_rises, settles
from lecturecode.randomness import Rng, generator
from lecturecode.trace import Callback, Trace
from lecturecode.units import out_of_range

__all__ = ["gaussian_mixture"]

SHAPES = ("full", "diagonal", "spherical")


def gaussian_mixture(
    x: Data,
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
        The samples :math:`x_t`. An array mapped from a file, or chunks, as for
        :func:`lecturecode.kmeans`: only a piece is in memory at a time.
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

    Warns
    -----
    UnequalUnitsWarning, LostDigitsWarning
        As :func:`lecturecode.kmeans`; the first where k-means finds a start, or the model is spherical.

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
    samples, components = check_samples(x, components, "components", enough=start is None)
    given = None if start is None else check_start(samples.one_row, components, start)
    sweeps = whole(sweeps, "sweeps")
    restarts = whole(restarts, "restarts", 0)
    tol = real(tol, "tol", "[0, inf]")
    floor = real(floor, "floor", "[0, inf)")
    rng = generator(rng)
    shift = samples.mean()  # far from the origin, float32 would lose the digits of the differences
    samples = samples.seen_from(Frame(shift=shift))
    floor = max(floor, 20 * samples.features * eps(shift))
    units = _units(samples, covariance, floor)
    by_distances = start is None or restarts > 0 or covariance == "spherical"  # or k-means starts it
    warn_of_columns(samples, distances=by_distances)

    # x^T S^-1 x is rounded by D / floor of its digits, and 100 of the scale are allowed
    hides = max(1.0, samples.features / (100 * floor))

    def once(k: int) -> Trace:
        if given is not None and k == 0:
            first = replace(given, means=given.means - shift)
        else:
            first = _from_clusters(samples, components, rng)
        model = Model(covariance, floor, units, shift, [])
        trace = collect(
            maximize_and_expect(samples, first, model),
            steps=2 * sweeps,
            until=[finite, never_rises(scale=hides), settles(2, tol, scale=1.0)],
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


def maximize_and_expect(samples: Samples, mixture: Mixture, model: Model) -> Steps:
    """Find the best mixture for the shares q, then the best shares for the mixture."""
    mixture = _allowed(mixture, model)
    q = expected(samples, mixture, model)
    yield _step("the start", mixture, -q.log_likelihood, model)
    while True:
        mixture = _allowed(maximized(q, mixture), model)
        yield _step("the M-step", mixture, free_energy(q, mixture), model)

        q = expected(samples, mixture, model)
        yield _step("the E-step", mixture, -q.log_likelihood, model)


class Shares(NamedTuple):
    """The shares q of all samples, as far as the M-step has to know them: sums over t, in float64."""

    n: Array  # (K,), the sum of q
    means: Array  # (K, D), of x, weighted by q
    scatter: Array  # (K, D, D), the sum of q (x - mean)(x - mean)^T; maybe its diagonal only
    q_log_q: Array  # ()
    total: Array  # (), the sum of log sum_k v, v as in the joint density
    samples: int  # how many they are

    @property
    def log_likelihood(self) -> float:
        """The mean of the logarithm of the density."""
        return float(self.total) / self.samples


def expected(samples: Samples, mixture: Mixture, model: Model) -> Shares:
    """Find the best shares for a mixture: the E-step."""
    return together(samples.told(samples.over(_shares, None, mixture, model.covariance)))


@np.errstate(all="ignore")
def _shares(chunk: Chunk, known: None, mixture: Mixture, covariance: str) -> Shares:
    """Find the best shares for the samples of a chunk."""
    return together(_in_pieces(chunk, mixture, covariance))


def _in_pieces(chunk: Chunk, mixture: Mixture, covariance: str) -> Iterator[Shares]:
    xp, (K, D) = namespace(mixture.means), mixture.means.shape
    buffers: Buffers | None = None
    for some in chunk.pieces(2 * K * D):
        xT = xp.asarray(chunk.near(some).T, copy=True)
        buffers = buffers or buffers_for(K, xT)
        joint = log_joint(mixture, xT, buffers)  # (K, n), log v
        total = log_sum_exp(joint)  # (n,)
        log_q = joint - total
        q = xp.exp(log_q)
        yield _summed(xT, q, log_q, total, covariance, buffers)


def _summed(
    xT: Array, q: Array, log_q: Array, total: Array, covariance: str, buffers: Buffers
) -> Shares:
    """Return the sums over some samples; xT is (D, n), q and log_q are (K, n)."""
    xp = namespace(xT)
    apart, shared = (buffer[..., : xT.shape[1]] for buffer in buffers)  # (K, D, n)
    n = q.sum(1) + float(xp.finfo(xT.dtype).tiny)  # (K,)
    means = (q @ xT.T) / n[:, None]
    xp.subtract(xT[None, :, :], means[:, :, None], out=apart)
    xp.multiply(apart, q[:, None, :], out=shared)
    if covariance == "full":
        scatter = shared @ xp.matrix_transpose(apart)
    else:
        shared *= apart
        scatter = shared.sum(-1)[:, :, None] * identity(xT)
    q_log_q = xp.where(q > 0, q * log_q, xp.zeros_like(q)).sum()
    n, means, scatter, q_log_q, in_all = (
        xp.astype(part, xp.float64) for part in (n, means, scatter, q_log_q, total.sum())
    )
    return Shares(n, means, scatter, q_log_q, in_all, xT.shape[1])


def together(parts: Iterable[Shares]) -> Shares:
    """Return the sums over all samples of several parts.

    Scatters about different means are brought to the common one by a sum of squares, so that none
    becomes negative.
    """
    parts = iter(parts)
    one = next(parts)
    for other in parts:
        n, moved = one.n + other.n, other.means - one.means
        means = one.means + (other.n / n)[:, None] * moved
        between = (one.n / n * other.n)[:, None, None] * moved[:, :, None] * moved[:, None, :]
        one = Shares(
            n,
            means,
            one.scatter + other.scatter + between,
            one.q_log_q + other.q_log_q,
            one.total + other.total,
            one.samples + other.samples,
        )
    return one


def maximized(q: Shares, like: Mixture) -> Mixture:
    """Return the mixture that is best for the shares, if all covariances are allowed: the M-step."""
    xp, dtype = namespace(q.n), like.means.dtype
    found = (q.n / q.n.sum(), q.means, q.scatter / q.n[:, None, None])
    return Mixture(*(xp.astype(part, dtype) for part in found))


def free_energy(q: Shares, mixture: Mixture) -> float:
    r"""Return F, from the sums alone, for a mixture with the means of the shares.

    .. math:: \sum_t q_{tk} \lVert L_k^{-1} (x_t - \mu_k) \rVert^2
        = \operatorname{tr}\bigl(L_k^{-1} S_k L_k^{-T}\bigr), \qquad
        S_k = \sum_t q_{tk} (x_t - \mu_k)(x_t - \mu_k)^T
    """
    xp = namespace(q.n)
    parts = (mixture.weights, mixture.means, mixture.covariances)
    inverse, log_peak = whitening(Mixture(*(xp.astype(part, xp.float64) for part in parts)))
    squares = ((inverse @ q.scatter) * inverse).sum((1, 2))  # (K,)
    return float(q.q_log_q - (q.n * log_peak).sum() + squares.sum() / 2) / q.samples


def _allowed(mixture: Mixture, model: Model) -> Mixture:
    """Return the best covariances of the model's shape with no variance below the floor."""
    xp = namespace(mixture.means)
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
def _units(samples: Samples, covariance: str, floor: float) -> Array:
    """Return the variance that each feature is measured in, shape (D,); constant ones borrow theirs.

    Raises
    ------
    ValueError
        If all samples are equal, or if covariances of these data cannot be held.
    """
    shift, extent = samples.middle, samples.extent
    xp = namespace(shift)
    variances = xp.astype(extent.squares / samples.count, shift.dtype)
    constant = extent.high - extent.low <= 10 * eps(shift) * xp.abs(shift)
    if bool(xp.all(constant)):
        raise ValueError("all samples are equal, so there is nothing to fit a density to")
    held, limits = variances[~constant], xp.finfo(shift.dtype)
    if not (float(xp.max(held)) < float(limits.max) and float(xp.min(held)) * floor >= limits.tiny):
        raise ValueError(out_of_range("a covariance of x, in squared units,", shift))
    common = held.mean() + xp.zeros_like(variances)
    return common if covariance == "spherical" else xp.where(constant, common, variances)


def _from_clusters(samples: Samples, components: int, rng: Any) -> Mixture:
    """Return the components that k-means finds, each with the covariance of its cluster."""
    near = samples.near_mean()
    trace = clustered(near, components, None, rng, 0, 30, 0.0, 0, None, False)
    if trace.message.startswith("interrupted"):
        raise KeyboardInterrupt
    labels = assign(samples, trace.theta.reshape(components, samples.features))
    groups = samples.over(_grouped, samples.split(labels), components)
    return maximized(together(samples.told(groups)), Mixture(trace.theta, trace.theta, trace.theta))


@np.errstate(all="ignore")
def _grouped(chunk: Chunk, labels: Array, components: int) -> Shares:
    """Return shares of 1 in the component that a label says, and 0 in the others."""
    return together(_groups_in_pieces(chunk, labels, components))


def _groups_in_pieces(chunk: Chunk, labels: Array, components: int) -> Iterator[Shares]:
    xp = namespace(labels)
    numbers = xp.arange(components, device=compat.device(labels))
    for some in chunk.pieces(2 * components * chunk.rows.shape[1]):
        xT = xp.asarray(chunk.near(some).T, copy=True)
        q = xp.astype(labels[some][None, :] == numbers[:, None], xT.dtype)
        yield _summed(xT, q, q, q, "full", buffers_for(components, xT))


def _step(name: str, mixture: Mixture, value: float, model: Model) -> Step:
    shown = replace(mixture, means=mixture.means + model.shift)
    extras = {"weights": shown.weights, "means": shown.means, "covariances": shown.covariances}
    return Step(shown.theta, value, extras=extras, name=name)
