"""Evolution strategy (CMA-ES): a cloud of normal draws moves, stretches and turns towards low values."""

import math
from collections.abc import Callable

from lecturecode.arrays import Array
from lecturecode.ask_tell import Method, Run
from lecturecode.domains import Domain
from lecturecode.population.adaptation import Cloud
from lecturecode.population.coordinates import Coordinates
from lecturecode.randomness import Rng, generator
from lecturecode.search import check_count
from lecturecode.trace import Callback, Trace

__all__ = ["evolution_strategy"]


def evolution_strategy(
    g: Callable[[Array], Array],
    domain: Domain,
    *,
    steps: int,
    population: int | None = None,
    restarts: int = 0,
    max_evaluations: int | None = None,
    rng: Rng = None,
    target: float = -math.inf,
    like: Array | None = None,
    record_every: int = 1,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Minimize g by a normal distribution that learns from the ranking of its draws (CMA-ES).

    .. math::
        \theta_k &= m + \sigma y_k, \qquad y_k = C^{1/2} z_k, \qquad z_k \sim \mathcal N(0, I),
            \qquad k = 1..\lambda \\
        m &\leftarrow m + \sigma \langle y \rangle, \qquad
            \langle y \rangle = \textstyle\sum_{k \le \lambda/2} w_k\, y_{k:\lambda} \\
        p_\sigma &\leftarrow (1 - c_\sigma)\, p_\sigma
            + \sqrt{c_\sigma (2 - c_\sigma) \mu}\; C^{-1/2} \langle y \rangle \\
        p_c &\leftarrow (1 - c_c)\, p_c + h\, \sqrt{c_c (2 - c_c) \mu}\; \langle y \rangle \\
        C &\leftarrow C + c_1 \bigl(p_c p_c^T - C\bigr)
            + c_\mu \textstyle\sum_{k \le \lambda} w_k \bigl(y_{k:\lambda}\, y_{k:\lambda}^T - C\bigr) \\
        \sigma &\leftarrow \sigma \exp\Bigl(\frac{c_\sigma}{d_\sigma}
            \Bigl(\frac{\|p_\sigma\|}{\mathrm E \|z\|} - 1\Bigr)\Bigr)

    Here :math:`y_{k:\lambda}` belongs to the k-th best draw. The weights :math:`w_k` fall with k and are
    negative in the worse half, so that C shrinks where steps are bad. The paths :math:`p_\sigma` and
    :math:`p_c` are fading sums of the moves of m: a long path means that the moves agree, so steps
    should be larger; h is 0 while :math:`p_\sigma` is too long, else 1.

    Parameters
    ----------
    g : callable
        Takes theta of shape (M, P), returns shape (M,).
    domain : Domain
        The set :math:`\Theta`. The distribution lives in the search coordinates of
        :mod:`lecturecode.population.coordinates`. A draw outside of an interval is moved to its end, and
        falls behind in the ranking by the square of the distance. Options of a choice count as ordered.
    steps : int
        How often, at most, the distribution moves.
    population : int, optional
        Number :math:`\lambda` of draws, at least 4. If it is not given: 4 + 3 ln P, rounded down.
    restarts : int
        How often to begin anew, elsewhere and with twice the population, when a run has ended. With
        `max_evaluations` the population grows only as far as the rest would last for such a run.
    max_evaluations : int, optional
        A population that would exceed this number of evaluations is not drawn.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where chance comes from.
    target : float
        Stop once g is at most this.
    like : array, optional
        Points are made in its library, dtype and device; float64 NumPy arrays if not given.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`.

    Returns
    -------
    Trace
        Without restarts `thetas` has shape (records, M, P) and `values` (steps + 1, M). With restarts
        the populations differ in size: the trace has the best member of each, shapes (records, P) and
        (steps + 1,). The distribution from which a population was drawn is in ``extras["means"]``,
        shape (records, P), ``extras["sigmas"]``, shape (records,), in search coordinates, and, for P up
        to 100, ``extras["covariances"]``, shape (records, P, P), which is :math:`\sigma^2 C` in
        the units of theta (decades for a positive coordinate). It has converged if the differences of
        values, or the steps, became too small to matter in some run, or if the target was reached.

    Raises
    ------
    TypeError
        If `g` is not callable, `domain` is not a domain, or `rng` is of the wrong kind.
    ValueError
        If a number is out of range, if a coordinate is unbounded and has no scale, if `g` returns the
        wrong shape, or if it is finite nowhere in the first population.
    Exception
        Whatever `g` raises, with attributes ``theta`` and ``trace``.

    Notes
    -----
    Only the order of the values matters, so that g and exp(g) give the same path up to the end of
    a run. Values that are NaN or infinite come last. Rates and weights are those of the tutorial, but
    :math:`c_\sigma \le 1/2` as in pycma, since a path has to be longer than one move, and the negative
    weights are scaled by :math:`P / \|z\|^2`, as there. The first step :math:`\sigma` is a tenth
    of the width of an interval; it was chosen on the BBOB functions, and the tutorial has 0.3. A run
    ends by the rules of the tutorial's appendix B.3, or when its values settle far above those of a
    run before.

    References
    ----------
    Hansen, The CMA Evolution Strategy: A Tutorial, arXiv:1604.00772; the restarts are those of Auger &
    Hansen, A restart CMA evolution strategy with increasing population size, *CEC* (2005).

    Examples
    --------
    >>> from lecturecode.domains import Interval
    >>> from lecturecode.objectives import Himmelblau
    >>> trace = evolution_strategy(Himmelblau(), Interval(-5, 5) ** 2, steps=200, rng=0)
    >>> trace.value < 1e-10, trace.converged, trace.thetas.shape[1:]
    (True, True, (6, 2))
    """
    space = Coordinates(domain, like)
    size = 4 + int(3 * math.log(space.size)) if population is None else population
    check_count(size, "population", least=4)
    check_count(steps, "steps")
    check_count(restarts, "restarts", least=0)
    if max_evaluations is not None:
        check_count(max_evaluations, "max_evaluations", least=size)
    run = Run("best" if restarts else "populations", steps + 1, record_every, callback, progress, target)
    limits = (steps + 1, math.inf if max_evaluations is None else max_evaluations)
    return run.follow(g, _evolve(space, size, restarts, limits, generator(rng), record_every > 0))


def _evolve(
    space: Coordinates, least: int, restarts: int, limits: tuple, rng: Rng, recorded: bool
) -> Method:
    generations, evaluations = limits
    size, record, converged = least, math.inf, False
    for _ in range(restarts + 1):
        cloud, reason, before = Cloud(space, size, rng, record), "", evaluations
        while not reason:
            if not generations:
                return False, f"used up all {limits[0] - 1} steps"
            if evaluations < size:
                return False, f"used up max_evaluations = {limits[1]}, but for {evaluations}"
            generations, evaluations = generations - 1, evaluations - size
            values = yield cloud.draw(), cloud.extras() if recorded else {}
            reason = cloud.learn(values)
        record = min(record, *cloud.watch.best)
        converged |= cloud.watch.converged
        size = _next_size(size, least, before - evaluations, evaluations)
    message = f"{reason} after {limits[0] - generations - 1} steps"
    return converged, message + (f" and {restarts} restarts" if restarts else "")


def _next_size(size: int, least: int, used: float, left: float) -> int:
    """Double the population, unless what is left of the evaluations would not last for such a run."""
    if left == math.inf:
        return 2 * size
    return min(2 * size, max(least, int(size * left / used)))
