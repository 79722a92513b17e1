"""CMA-ES: its constants, what it learns, what it must not care about, and bad input."""

import math

import numpy as np
import pytest
import torch

from lecturecode import evolution_strategy
from lecturecode.domains import Choice, Integers, Interval, Positive, Real
from lecturecode.domains.coordinates import Coordinates
from lecturecode.objectives import Himmelblau, Quadratic, Rastrigin
from lecturecode.population.cmaes import Cloud, Watch, constants

BOX = Interval(-5, 5)


def rosenbrock(x):
    """The sum over neighbouring coordinates, any number of them."""
    return (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(-1)


def rotated(P, condition, seed=0, center=None):
    """A quadratic whose valley lies askew, with its Hessian's eigenvalues spread evenly in logarithm."""
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((P, P)))[0]
    return Quadratic(np.logspace(0, math.log10(condition), P), center=center, basis=basis)


def started(space, size, rng):
    """Return a cloud at a point drawn from the domain."""
    return Cloud(space, space.draw(1, rng)[0], size, rng)


# --- the constants of the tutorial ----------------------------------------------------------------


@pytest.mark.parametrize(("P", "lam"), [(1, 4), (2, 6), (5, 8), (10, 10), (10, 80), (40, 15), (3, 501)])
def test_constants_are_those_of_the_tutorial(P, lam):
    # table 1 of arXiv:1604.00772 with alpha_cov = 2, term by term and without arrays
    raw = [math.log((lam + 1) / 2) - math.log(i) for i in range(1, lam + 1)]
    mu = lam // 2
    mu_eff = sum(raw[:mu]) ** 2 / sum(w**2 for w in raw[:mu])
    mu_minus = sum(raw[mu:]) ** 2 / sum(w**2 for w in raw[mu:])
    c_1 = 2 / ((P + 1.3) ** 2 + mu_eff)
    c_mu = min(1 - c_1, 2 * (0.25 + mu_eff + 1 / mu_eff - 2) / ((P + 2) ** 2 + 2 * mu_eff / 2))
    alphas = 1 + c_1 / c_mu, 1 + 2 * mu_minus / (mu_eff + 2), (1 - c_1 - c_mu) / (P * c_mu)
    plus, minus = sum(w for w in raw if w > 0), -sum(w for w in raw if w < 0)
    weights = [w / plus if w >= 0 else min(alphas) * w / minus for w in raw]
    found = constants(P, lam)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-12, atol=1e-15)
    assert found.mu == pytest.approx(mu_eff, rel=1e-12)
    assert found.c_c == pytest.approx((4 + mu_eff / P) / (P + 4 + 2 * mu_eff / P), rel=1e-12)
    assert found.c_1 == pytest.approx(c_1, rel=1e-12)
    assert found.c_mu == pytest.approx(c_mu, rel=1e-12)
    published = (mu_eff + 2) / (P + mu_eff + 5)
    assert found.c_sigma == pytest.approx(min(published, 1 / 2), rel=1e-12)
    extra = max(0, math.sqrt((mu_eff - 1) / (P + 1)) - 1)
    assert found.d_sigma == pytest.approx(1 + 2 * extra + found.c_sigma, rel=1e-12)
    draws = np.linalg.norm(np.random.default_rng(0).standard_normal((100_000, P)), axis=1)
    assert found.length == pytest.approx(draws.mean(), rel=0.02 if P == 1 else 0.005)


def test_the_default_population_grows_with_the_logarithm_of_P():
    for P, expected in [(1, 4), (2, 6), (5, 8), (10, 10), (100, 17)]:
        trace = evolution_strategy(lambda x: (x**2).sum(-1), BOX**P, steps=1, rng=0)
        assert trace.values.shape == (2, expected)


# --- one generation, written out ------------------------------------------------------------------


@pytest.mark.numeric
def test_a_generation_does_what_the_equations_say():
    # Three generations with h = 1 and h = 0 among them, against loops over members and coordinates.
    P, lam = 3, 8
    cloud = started(Coordinates(Real(1.0) ** P), lam, np.random.default_rng(4))
    k = cloud.k
    m, sigma, C = cloud.m, cloud.sigma, np.eye(P)
    p_sigma, p_c = np.zeros(P), np.zeros(P)
    seen = set()
    for generation in range(1, 13):
        x = cloud.draw()
        values = x[:, 0] - 3 * x[:, 1]  # an endless slope: the path soon becomes long
        eigenvalues, B = np.linalg.eigh(C)
        whiten = B @ np.diag(eigenvalues**-0.5) @ B.T
        y = [(x[i] - m) / sigma for i in np.argsort(values)]
        mean = sum(max(w, 0) * step for w, step in zip(k.weights, y, strict=True))
        p_sigma = (1 - k.c_sigma) * p_sigma + math.sqrt(
            k.c_sigma * (2 - k.c_sigma) * k.mu
        ) * whiten @ mean
        length = np.linalg.norm(p_sigma)
        h = length / math.sqrt(1 - (1 - k.c_sigma) ** (2 * generation)) < (1.4 + 2 / (P + 1)) * k.length
        seen.add(bool(h))
        p_c = (1 - k.c_c) * p_c + h * math.sqrt(k.c_c * (2 - k.c_c) * k.mu) * mean
        lost = (1 - h) * k.c_c * (2 - k.c_c)
        new = (1 + k.c_1 * lost - k.c_1 - k.c_mu * sum(k.weights)) * C + k.c_1 * np.outer(p_c, p_c)
        for w, step in zip(k.weights, y, strict=True):
            scale = 1 if w >= 0 else P / np.linalg.norm(whiten @ step) ** 2
            new = new + k.c_mu * w * scale * np.outer(step, step)
        m, C = m + sigma * mean, new
        sigma = sigma * math.exp(k.c_sigma / k.d_sigma * (length / k.length - 1))
        cloud.learn(values)
        np.testing.assert_allclose(cloud.m, m, rtol=1e-9)
        np.testing.assert_allclose(cloud.C, C, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(cloud.p_c, p_c, rtol=1e-9, atol=1e-12)
        assert cloud.sigma == pytest.approx(sigma, rel=1e-9)
    assert seen == {True, False}


# --- convergence ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("P", [2, 5, 10])
def test_it_finds_the_bottom_of_a_narrow_valley(P, seed):
    center = np.linspace(-2, 3, P)
    g = rotated(P, 1e6, seed, center)
    trace = evolution_strategy(g, BOX**P, steps=2000, rng=seed)
    assert trace.value < 1e-10
    np.testing.assert_allclose(trace.theta, center, atol=1e-4)
    assert trace.converged
    assert "no longer differ" in trace.message


@pytest.mark.parametrize("seed", range(3))
def test_it_follows_the_bend_of_rosenbrock(seed):
    trace = evolution_strategy(rosenbrock, Real(1.0) ** 6, steps=2000, population=20, rng=seed)
    assert trace.value < 1e-10
    np.testing.assert_allclose(trace.theta, np.ones(6), atol=1e-4)


def test_the_covariance_becomes_the_inverse_of_the_hessian():
    g = rotated(4, 1e3)
    trace = evolution_strategy(g, BOX**4, steps=120, rng=0)
    C, inverse = trace.extras["covariances"][-1], np.linalg.inv(g.hessian(np.zeros(4)))
    C, inverse = C / np.trace(C), inverse / np.trace(inverse)
    assert np.corrcoef(C.ravel(), inverse.ravel())[0, 1] > 0.95
    values = np.linalg.eigvals(np.linalg.solve(inverse, C)).real
    assert values.max() / values.min() < 20  # the condition was 1000


def test_restarts_find_what_one_run_misses():
    g, domain = Rastrigin(), Interval(-5.12, 5.12) ** 4
    alone = [evolution_strategy(g, domain, steps=2000, rng=seed).value for seed in range(8)]
    again = [evolution_strategy(g, domain, steps=2000, restarts=5, rng=s).value for s in range(8)]
    assert sum(value < 1e-8 for value in alone) < 4
    assert sum(value < 1e-8 for value in again) >= 7


# --- what must not matter -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", [np.exp, np.arctan, lambda v: 3 * v + 1024], ids=["exp", "arctan", "affine"]
)
def test_only_the_order_of_the_values_matters(change):
    g = lambda x: Himmelblau()(x) / 64  # noqa: E731
    plain = evolution_strategy(g, BOX**2, steps=25, rng=1)
    changed = evolution_strategy(lambda x: change(g(x)), BOX**2, steps=25, rng=1)
    np.testing.assert_array_equal(plain.thetas, changed.thetas)


def test_the_same_seed_gives_the_same_answer():
    def run(rng):
        return evolution_strategy(rosenbrock, BOX**3, steps=40, restarts=1, rng=rng).thetas

    np.testing.assert_array_equal(run(5), run(np.random.default_rng(5)))
    assert not np.array_equal(run(5), run(6))


def test_stretching_the_domain_stretches_the_path():
    one = evolution_strategy(lambda x: (x**4).sum(-1), Interval(-1, 1) ** 2, steps=20, rng=3)
    ten = evolution_strategy(lambda x: (x**4).sum(-1), Interval(-8, 8) ** 2, steps=20, rng=3)
    np.testing.assert_array_equal(8 * one.thetas, ten.thetas)
    np.testing.assert_allclose(64 * one.extras["covariances"], ten.extras["covariances"], rtol=1e-12)
    np.testing.assert_array_equal(one.extras["sigmas"], ten.extras["sigmas"])


# --- domains --------------------------------------------------------------------------------------


def test_points_never_leave_the_domain():
    asked = []

    def g(x):
        asked.append(x)
        return -(x**2).sum(-1)

    evolution_strategy(g, Interval(2, 3) * Interval(-1, 0) * Positive(2.0), steps=100, rng=0)
    points = np.concatenate(asked)
    assert np.all((points[:, 0] >= 2) & (points[:, 0] <= 3))
    assert np.all((points[:, 1] >= -1) & (points[:, 1] <= 0))
    assert np.all(points[:, 2] >= 0)


@pytest.mark.parametrize("seed", range(4))
def test_a_minimum_on_the_border_is_found(seed):
    g = lambda x: (x[:, 0] - 7) ** 2 + (x[:, 1] + 0.3 * x[:, 0]) ** 2  # noqa: E731
    trace = evolution_strategy(g, BOX**2, steps=400, rng=seed)
    np.testing.assert_allclose(trace.theta, [5, -1.5], atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_a_minimum_in_a_corner_is_found(seed):
    trace = evolution_strategy(lambda x: x.sum(-1), BOX**3, steps=400, rng=seed)
    np.testing.assert_allclose(trace.theta, [-5, -5, -5], atol=1e-6)


def cloud_across_the_border():
    """Draws around 0.95 in [-1, 1], half of them outside, and two coordinates that are free."""
    cloud = started(Coordinates(Interval(-1, 1) * Real(1.0) ** 2), 12, np.random.default_rng(0))
    cloud.m, cloud.sigma = np.array([0.95, 0.0, 0.0]), 0.1
    return cloud, cloud.draw()


def test_draws_outside_are_moved_to_the_border():
    cloud, theta = cloud_across_the_border()
    outside = cloud.u[:, 0] > 1
    assert 0 < outside.sum() < 12
    np.testing.assert_array_equal(theta[outside, 0], 1.0)
    np.testing.assert_array_equal(theta[~outside], cloud.u[~outside])


def test_draws_outside_fall_behind_by_the_square_of_their_distance():
    cloud, _ = cloud_across_the_border()
    values = np.random.default_rng(1).permutation(np.repeat(np.arange(6.0), 2))
    score = [
        sum(other < value for other in values) / 12 + max(0, (u[0] - 1) / 0.1) ** 2
        for value, u in zip(values, cloud.u, strict=True)
    ]
    np.testing.assert_array_equal(cloud.order(values), np.argsort(score, kind="stable"))
    assert list(cloud.order(values)) != list(np.argsort(values, kind="stable"))


def test_deviations_in_an_interval_are_at_most_0_3_of_its_width():
    cloud = started(Coordinates(Interval(-1, 1) * Real(1.0)), 6, np.random.default_rng(0))
    cloud.sigma = 9.0
    cloud.learn(rosenbrock(cloud.draw()))
    assert cloud.sigma * math.sqrt(cloud.C[0, 0]) == pytest.approx(0.6)
    free = started(Coordinates(Real(1.0) ** 2), 6, np.random.default_rng(0))
    free.sigma = 9.0
    free.learn(rosenbrock(free.draw()))
    assert free.sigma > 2


def mixed(x):
    option = np.array([3.0, 1.0, 0.0, 2.0])[x[:, 0].astype(int)]
    return option + (x[:, 1] - 1.5) ** 2 + np.log10(x[:, 2] / 0.01) ** 2 + 1e-3 * (x[:, 3] - 40) ** 2


@pytest.mark.parametrize("seed", range(5))
def test_a_mixed_domain(seed):
    domain = Choice("abcd") * Interval(0, 2) * Positive(1.0) * Real(10.0)
    trace = evolution_strategy(mixed, domain, steps=400, restarts=1, rng=seed)
    assert np.all(np.isin(trace.thetas[:, 0], [0, 1, 2, 3]))
    assert domain.decode(trace.theta)[0] == "c"
    np.testing.assert_allclose(trace.theta[1:], [1.5, 0.01, 40], rtol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_choices_alone(seed):
    g = lambda x: ((x - np.array([4, 0, 2])) ** 2).sum(-1)  # noqa: E731
    trace = evolution_strategy(g, Choice(range(5)) ** 3, steps=60, rng=seed)
    np.testing.assert_array_equal(trace.theta, [4, 0, 2])


def test_a_choice_is_never_settled_for_good():
    # While g falls along x, both options look alike; in the end the other one is better.
    g = lambda x: np.where(np.abs(x[:, 1]) < 1e-2, x[:, 0] - 1, 0) + np.abs(x[:, 1])  # noqa: E731
    for seed in range(5):
        trace = evolution_strategy(g, Choice("ab") * BOX, steps=300, population=8, rng=seed)
        assert trace.theta[0] == 0


# --- the trace ------------------------------------------------------------------------------------


def test_without_restarts_the_trace_keeps_populations_and_distributions():
    trace = evolution_strategy(Himmelblau(), BOX**2, steps=7, population=9, rng=0)
    assert trace.thetas.shape == (8, 9, 2)
    assert trace.values.shape == (8, 9)
    np.testing.assert_array_equal(trace.values, Himmelblau()(trace.thetas))
    assert {name: array.shape for name, array in trace.extras.items()} == {
        "means": (8, 2),
        "sigmas": (8,),
        "covariances": (8, 2, 2),
    }
    assert trace.message == "used up all 7 steps"
    assert not trace.converged


def test_covariances_are_in_the_units_of_theta():
    domain = Interval(-20, 20) * Interval(0, 0.1) * Positive(3.0)
    trace = evolution_strategy(lambda x: x[:, 0] ** 2, domain, steps=1, population=20_000, rng=0)
    mean, C = trace.extras["means"][0], trace.extras["covariances"][0]
    np.testing.assert_allclose(np.sqrt(np.diag(C)), [0.2 * 20, 0.2 * 0.05, 0.2], rtol=1e-12)
    assert trace.extras["sigmas"][0] == pytest.approx(0.2)
    decades = np.log10(trace.thetas[0, :, 2])
    assert decades.mean() == pytest.approx(math.log10(mean[2]), abs=0.02)
    assert decades.std() == pytest.approx(0.2, rel=0.03)


def test_extras_thin_out_with_the_thetas_and_stay_away_when_there_are_none():
    trace = evolution_strategy(Himmelblau(), BOX**2, steps=20, rng=0, record_every=5)
    assert trace.thetas.shape[0] == trace.extras["means"].shape[0] == 5
    trace = evolution_strategy(Himmelblau(), BOX**2, steps=20, rng=0, record_every=0)
    assert trace.extras == {}
    assert trace.value == trace.values.min()


def test_covariances_of_very_many_parameters_are_not_kept():
    trace = evolution_strategy(lambda x: (x**2).sum(-1), BOX**101, steps=2, rng=0)
    assert set(trace.extras) == {"means", "sigmas"}


def test_the_best_point_visited_is_returned():
    trace = evolution_strategy(Himmelblau(), BOX**2, steps=15, rng=2)
    assert trace.value == trace.values.min()
    at = np.unravel_index(trace.values.argmin(), trace.values.shape)
    np.testing.assert_array_equal(trace.theta, trace.thetas[at])


def test_restarts_double_the_population_and_move_elsewhere():
    g = lambda x: (x**2).sum(-1)  # noqa: E731
    trace = evolution_strategy(g, BOX**2, steps=5000, restarts=3, rng=0)
    sizes = np.diff(trace.evaluations, prepend=0)
    assert sorted(set(sizes)) == [6, 12, 24, 48]
    assert np.all(np.diff(sizes) >= 0)
    assert trace.thetas.shape == (len(trace), 2)
    starts = trace.extras["means"][np.unique(sizes, return_index=True)[1]]
    assert len(np.unique(starts.round(3), axis=0)) == 4
    assert trace.message.endswith("and 3 restarts")


def test_the_population_grows_only_as_far_as_the_evaluations_last():
    trace = evolution_strategy(
        Rastrigin(), Interval(-5.12, 5.12) ** 2, steps=5000, restarts=9, max_evaluations=12_000, rng=0
    )
    sizes = np.diff(trace.evaluations, prepend=0)
    assert set(sizes[: len(sizes) // 2]) <= {6, 12, 24}
    assert sizes.min() == 6
    assert np.any(np.diff(sizes) < 0)


@pytest.mark.parametrize("most", [6, 7, 100, 1001])
def test_max_evaluations_is_never_exceeded(most):
    calls = []

    def g(x):
        calls.append(len(x))
        return Rastrigin()(x)

    trace = evolution_strategy(g, BOX**2, steps=10_000, restarts=9, max_evaluations=most, rng=0)
    assert sum(calls) == trace.evaluations[-1] <= most
    assert most - sum(calls) < 2 * calls[-1]
    assert f"used up max_evaluations = {most}" in trace.message


def test_a_target_stops():
    trace = evolution_strategy(Himmelblau(), BOX**2, steps=500, rng=0, target=1e-3)
    assert trace.converged
    assert trace.value <= 1e-3 < trace.values[:-1].min()


def test_a_callback_stops():
    trace = evolution_strategy(Himmelblau(), BOX**2, steps=50, rng=0, callback=lambda t: t.steps >= 4)
    assert trace.steps == 4
    assert "stopped by the callback" in trace.message


def test_an_interruption_keeps_the_trace():
    calls = []

    def g(x):
        calls.append(x)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return (x**2).sum(-1)

    trace = evolution_strategy(g, BOX**2, steps=50, rng=0)
    assert trace.steps == 3
    assert "interrupted" in trace.message


def test_progress_shows_a_bar(capsys):
    evolution_strategy(Himmelblau(), BOX**2, steps=5, rng=0, progress=True)
    assert "6/6" in capsys.readouterr().err


# --- ends of a run --------------------------------------------------------------------------------


def test_it_stops_on_a_flat_function():
    trace = evolution_strategy(lambda x: np.ones(len(x)), BOX**2, steps=1000, rng=0)
    assert trace.converged
    assert trace.steps < 40
    assert trace.message.startswith("values no longer differ")


def test_it_stops_where_there_is_no_minimum():
    trace = evolution_strategy(lambda x: x.sum(-1), Real(1.0) ** 2, steps=1000, rng=0)
    assert not trace.converged
    assert "too large" in trace.message


def test_it_stops_when_steps_fall_below_the_rounding_of_theta():
    trace = evolution_strategy(lambda x: np.abs(x - 1).sum(-1) ** 0.01, BOX**2, steps=2000, rng=0)
    assert trace.converged
    assert "too small" in trace.message


def test_it_stops_when_the_covariance_is_singular():
    g = lambda x: x[:, 0] ** 2 + 1e17 * x[:, 1] ** 2  # noqa: E731
    trace = evolution_strategy(g, BOX**2, steps=3000, rng=0)
    assert not trace.converged
    assert "singular" in trace.message


@pytest.mark.parametrize("factor", [Choice(range(10)), Integers(0, 9)], ids=["choice", "integers"])
def test_no_choice_and_no_integer_settles_for_good(factor):
    """Its neighbors stay within a few deviations, when the real number beside it is all but found."""
    cloud = started(Coordinates(factor * Real(1.0)), 6, np.random.default_rng(0))
    for _ in range(40):
        theta = cloud.draw()
        assert cloud.learn((theta[:, 0] - 3) ** 2 + theta[:, 1] ** 2) == ""
    apart = 2 / 10  # from one option to the next, in search coordinates
    assert cloud.sigma * cloud.C[0, 0] ** 0.5 >= 0.299 * apart
    assert cloud.sigma * cloud.C[1, 1] ** 0.5 < 0.1 * apart


def after_nine_generations(domain):
    cloud = started(Coordinates(domain), 6, np.random.default_rng(0))
    for _ in range(9):
        assert cloud.learn(rosenbrock(cloud.draw())) == ""
    return cloud


@pytest.mark.parametrize(("factor", "stops"), [(1e-9, False), (1e-12, True)])
def test_a_run_ends_when_steps_became_too_small_to_matter(factor, stops):
    cloud = after_nine_generations(BOX**2)
    cloud.m, cloud.sigma, cloud.p_c = 1e-9 * cloud.m, factor * 0.2, 0 * cloud.p_c
    cloud.draw()
    assert (cloud.learn(np.arange(6.0)) == "steps became too small to matter") == stops
    assert cloud.watch.converged == stops


@pytest.mark.parametrize(("size", "stops"), [(1e6, False), (1e14, True)])
def test_a_run_ends_when_steps_vanish_in_rounding(size, stops):
    cloud = after_nine_generations(Real(1.0) ** 2)
    cloud.m, cloud.sigma = np.array([size, size]), 1e-6
    cloud.draw()
    assert (cloud.learn(np.arange(6.0)) == "steps became too small for the dtype") == stops
    assert cloud.watch.converged == stops


@pytest.mark.parametrize(("trend", "stops"), [(0.0, True), (-0.01, False)])
def test_a_run_ends_when_values_stop_improving(trend, stops):
    cloud = after_nine_generations(BOX**2)
    watch = Watch(2, 6, sigma=0.2, eps=2e-16, record=math.inf)
    reasons = [watch.reason(np.arange(6.0) + t % 7 + trend * t, cloud.shape) for t in range(1000)]
    assert ("values stopped improving" in reasons) == stops
    assert not watch.converged


def test_a_run_ends_when_it_settles_above_an_earlier_one():
    cloud = after_nine_generations(BOX**2)

    def first_reason(record):
        watch = Watch(2, 6, sigma=0.2, eps=2e-16, record=record)
        values = (1 + 0.8**t * np.arange(1.0, 7.0) for t in range(300))
        reasons = [watch.reason(ordered, cloud.shape) for ordered in values]
        return next((t, reason) for t, reason in enumerate(reasons) if reason)

    alone, again = first_reason(math.inf), first_reason(0.0)
    assert alone[1] == first_reason(2.0)[1] == "values no longer differ"
    assert again[1] == "values settled above those of an earlier run"
    assert again[0] < alone[0] / 2


def test_a_restart_knows_what_the_run_before_it_reached():
    def message(restarts, seed):
        trace = evolution_strategy(Rastrigin(), BOX**2, steps=999, restarts=restarts, rng=seed)
        return trace.message

    assert any(message(1, seed).startswith("values settled above") for seed in range(10))
    assert not any("settled" in message(0, seed) for seed in range(10))


# --- arrays and tensors ---------------------------------------------------------------------------


@pytest.mark.numeric
def test_tensors_follow_the_path_of_arrays():
    like = torch.empty(0, dtype=torch.float64)
    domain = Choice("abc") * Interval(-5, 5) ** 2 * Positive(1.0) * Real(2.0)
    g = lambda x: ((x - 1) ** 2).sum(-1) + x[:, 1] * x[:, 2]  # noqa: E731
    arrays = evolution_strategy(g, domain, steps=40, rng=7)
    tensors = evolution_strategy(g, domain, steps=40, rng=7, like=like)
    assert isinstance(tensors.thetas, torch.Tensor)
    np.testing.assert_allclose(tensors.thetas.numpy(), arrays.thetas, rtol=1e-9, atol=1e-9)
    for name in ("means", "sigmas", "covariances"):
        assert isinstance(tensors.extras[name], torch.Tensor)
        np.testing.assert_allclose(
            tensors.extras[name].numpy(), arrays.extras[name], rtol=1e-7, atol=1e-9
        )


def test_a_torch_generator():
    def run(seed):
        rng, like = torch.Generator().manual_seed(seed), torch.empty(0, dtype=torch.float64)
        return evolution_strategy(Himmelblau(), BOX**2, steps=200, rng=rng, like=like)

    assert run(0).value < 1e-10
    assert torch.equal(run(0).thetas, run(0).thetas)


@pytest.mark.parametrize(
    "like", [np.empty(0, np.float32), torch.empty(0, dtype=torch.float32)], ids=type
)
def test_float32_stays_float32(like):
    trace = evolution_strategy(rotated_f32, BOX**4, steps=2000, rng=0, like=like)
    assert trace.thetas.dtype == trace.values.dtype == like.dtype
    assert all(array.dtype == like.dtype for array in trace.extras.values())
    assert trace.value < 1e-4
    assert trace.steps < 2000
    assert bool((trace.values == trace.values).all())


def rotated_f32(x):
    return (x[:, 0] - 1) ** 2 + 1e4 * (x[:, 1] - x[:, 0]) ** 2 + 10 * x[:, 2] ** 2 + x[:, 3] ** 2


# --- values that are not finite -------------------------------------------------------------------


def test_members_where_g_is_nan_count_as_worst():
    def g(x):
        return np.where(x[:, 0] < 0.5, np.nan, rosenbrock(x))

    trace = evolution_strategy(g, BOX**2, steps=300, rng=1)
    assert np.isnan(trace.values).any()
    assert trace.value < 1e-10
    assert np.all(np.isfinite(trace.extras["means"]))
    count = int(np.isnan(trace.values).sum())
    assert f"not finite at {count} of {trace.evaluations[-1]} points" in trace.message


def test_a_whole_population_of_nan_is_survived():
    calls = []

    def g(x):
        calls.append(x)
        return np.full(len(x), np.nan) if len(calls) in (3, 4) else rosenbrock(x)

    trace = evolution_strategy(g, BOX**2, steps=400, rng=0)
    assert trace.value < 1e-10
    assert np.all(np.isfinite(trace.thetas))


def test_nan_everywhere_is_an_error():
    with pytest.raises(ValueError, match="NaN or infinite at all 6 points"):
        evolution_strategy(lambda x: np.full(len(x), np.nan), BOX**2, steps=3, rng=0)


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("population", [3, 1, 0, -4, 6.0, True])
def test_a_population_too_small_is_an_error(population):
    with pytest.raises(ValueError, match="population must be an integer of at least 4"):
        evolution_strategy(Himmelblau(), BOX**2, steps=3, population=population)


@pytest.mark.parametrize("steps", [0, -1, 2.5])
def test_steps_that_are_none_is_an_error(steps):
    with pytest.raises(ValueError, match="steps must be an integer of at least 1"):
        evolution_strategy(Himmelblau(), BOX**2, steps=steps)


def test_negative_restarts_are_an_error():
    with pytest.raises(ValueError, match="restarts must be an integer of at least 0"):
        evolution_strategy(Himmelblau(), BOX**2, steps=3, restarts=-1)


def test_max_evaluations_below_one_population_is_an_error():
    with pytest.raises(ValueError, match="max_evaluations must be an integer of at least 6; got 5"):
        evolution_strategy(Himmelblau(), BOX**2, steps=3, max_evaluations=5)


def test_a_domain_without_scale_is_an_error():
    with pytest.raises(ValueError, match="unbounded and has no scale"):
        evolution_strategy(Himmelblau(), Real() ** 2, steps=3)


def test_what_is_not_a_domain_is_an_error():
    with pytest.raises(TypeError, match="domain must be a Domain, such as Interval"):
        evolution_strategy(Himmelblau(), [(-5, 5), (-5, 5)], steps=3)


def test_an_rng_of_a_wrong_kind_is_an_error():
    with pytest.raises(TypeError, match="rng must be None, an int"):
        evolution_strategy(Himmelblau(), BOX**2, steps=3, rng=np.random.RandomState(0))


def test_a_g_that_returns_a_wrong_shape_is_an_error():
    with pytest.raises(ValueError, match=r"g returned shape \(6, 2\)"):
        evolution_strategy(lambda x: x, BOX**2, steps=3)


def test_an_error_inside_g_carries_the_trace():
    calls = []

    def g(x):
        calls.append(x)
        if len(calls) == 3:
            raise RuntimeError("the simulator crashed")
        return (x**2).sum(-1)

    with pytest.raises(RuntimeError, match="crashed") as caught:
        evolution_strategy(g, BOX**2, steps=9, rng=0)
    assert caught.value.trace.steps == 1
