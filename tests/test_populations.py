"""What all populations that take g and a domain have in common: the trace, the domain, bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lecturecode import evolution_strategy, genetic, grid_search, particle_swarm, random_search
from lecturecode.domains import Choice, Integers, Interval, LogInterval, Positive, Product, Real
from lecturecode.objectives import Himmelblau, Rastrigin

MIXED = Choice("abc") * Interval(-3, 1) * Real(2.0) * Positive(0.01) * Choice("vwxyz")
PLANE = Interval(-5, 5) ** 2
METHODS = pytest.mark.parametrize("method", [genetic, particle_swarm])

factors = st.one_of(
    st.integers(1, 6).map(lambda n: Choice(range(n))),
    st.tuples(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3)).map(lambda ab: Interval(ab[0], ab[0] + ab[1])),
    st.floats(1e-3, 1e3).map(Real),
    st.floats(1e-3, 1e3).map(Positive),
)


def bowl(theta):
    return (theta**2).sum(-1)


@METHODS
def test_the_trace_counts_every_evaluation(method):
    calls = []

    def g(theta):
        calls.append(len(theta))
        return bowl(theta)

    trace = method(g, MIXED, population=7, steps=9, rng=0)
    assert calls == [7] * 10
    assert trace.evaluations.tolist() == [7 * (i + 1) for i in range(10)]
    assert trace.thetas.shape == (10, 7, 5)
    assert trace.values.shape == (10, 7)
    assert trace.steps == 9
    assert not trace.converged
    assert trace.message == "used up all 9 steps"
    np.testing.assert_array_equal(trace.values, bowl(trace.thetas))
    assert trace.value == trace.values.min() == bowl(trace.theta)


@METHODS
def test_same_seed_same_answer_and_another_seed_another(method):
    runs = [method(Rastrigin(), PLANE, population=9, steps=8, rng=seed) for seed in (5, 5, 6)]
    np.testing.assert_array_equal(runs[0].thetas, runs[1].thetas)
    assert (runs[0].thetas != runs[2].thetas).all()
    generator = method(Rastrigin(), PLANE, population=9, steps=8, rng=np.random.default_rng(5))
    np.testing.assert_array_equal(runs[0].thetas, generator.thetas)


@METHODS
def test_thinning_changes_what_is_kept_and_not_the_path(method):
    full = method(Rastrigin(), PLANE, population=9, steps=10, rng=5)
    thin = method(Rastrigin(), PLANE, population=9, steps=10, rng=5, record_every=4)
    none = method(Rastrigin(), PLANE, population=9, steps=10, rng=5, record_every=0)
    np.testing.assert_array_equal(thin.thetas, full.thetas[::4])
    for trace in (thin, none):
        np.testing.assert_array_equal(trace.values, full.values)
        np.testing.assert_array_equal(trace.last, full.thetas[-1])
        np.testing.assert_array_equal(trace.theta, full.theta)


@METHODS
@settings(max_examples=40, deadline=None)
@given(
    domain=st.lists(factors, min_size=1, max_size=5).map(lambda some: Product(*some)),
    population=st.integers(2, 30),
    seed=st.integers(0, 10**6),
)
def test_never_outside_the_domain(method, domain, population, seed):
    trace = method(lambda theta: -abs(theta).sum(-1), domain, population=population, steps=8, rng=seed)
    assert domain.contains(trace.thetas).all()


@METHODS
@pytest.mark.parametrize("domain", [PLANE, MIXED], ids=["box", "mixed"])
def test_tensors_go_the_way_of_arrays(method, domain):
    ours = method(bowl, domain, population=12, steps=25, rng=0)
    theirs = method(
        bowl, domain, population=12, steps=25, rng=0, like=torch.empty(0, dtype=torch.float64)
    )
    np.testing.assert_allclose(theirs.thetas.numpy(), ours.thetas, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(theirs.values.numpy(), ours.values, rtol=1e-9, atol=1e-12)


@METHODS
@pytest.mark.parametrize("like", [np.empty(0, np.float32), torch.empty(0)], ids=["numpy", "torch"])
def test_float32_stays_float32(method, like):
    kinds = set()

    def g(theta):
        kinds.add((type(theta), theta.dtype))
        return bowl(theta)

    trace = method(g, MIXED, population=12, steps=6, rng=0, like=like)
    assert kinds == {(type(like), like.dtype)}
    for array in (trace.thetas, trace.values, trace.theta, trace.last, *trace.extras.values()):
        assert array.dtype == like.dtype
    assert MIXED.contains(trace.thetas).all()


@METHODS
def test_values_that_are_not_finite_count_as_worst_and_are_counted(method):
    bad = []

    def g(theta):
        values = np.where(theta[:, 0] > 0, np.nan, bowl(theta))
        values[theta[:, 1] > 2] = np.inf
        values[theta[:, 1] < -4] = -np.inf
        bad.append(int((~np.isfinite(values)).sum()))
        return values

    trace = method(g, PLANE, population=20, steps=15, rng=0)
    assert sum(bad) > 0
    assert f"g was not finite at {sum(bad)} of 320 points, counted as worst" in trace.message
    assert np.isfinite(trace.value)
    assert trace.theta[0] <= 0
    assert -4 <= trace.theta[1] <= 2


@METHODS
def test_g_that_is_finite_nowhere(method):
    with pytest.raises(ValueError, match=r"NaN or infinite at all 6 points that were tried"):
        method(lambda theta: np.full(len(theta), np.nan), PLANE, population=6, steps=3, rng=0)


@METHODS
def test_the_target_ends_the_run(method):
    trace = method(Himmelblau(), PLANE, population=30, steps=500, rng=0, target=1e-3)
    assert trace.converged
    assert trace.value <= 1e-3
    assert trace.steps < 500
    assert trace.values[:-1].min() > 1e-3
    assert trace.message.startswith("reached the target 0.001 after")


@METHODS
def test_the_callback_sees_every_step_and_may_end_the_run(method):
    seen = []

    def stop(trace):
        seen.append(trace.steps)
        return trace.steps == 3

    trace = method(bowl, PLANE, population=8, steps=50, rng=0, callback=stop)
    assert seen == [0, 1, 2, 3]
    assert trace.steps == 3
    assert "stopped by the callback" in trace.message
    assert not trace.converged


@METHODS
def test_control_c_keeps_what_was_found(method):
    calls = []

    def g(theta):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return bowl(theta)

    trace = method(g, PLANE, population=8, steps=50, rng=0)
    assert trace.steps == 2
    assert trace.evaluations[-1] == 24
    assert trace.message == "interrupted after 24 evaluations"


@METHODS
def test_an_exception_in_g_carries_the_trace(method):
    calls = []

    def g(theta):
        calls.append(1)
        if len(calls) == 3:
            raise ZeroDivisionError("a part broke")
        return bowl(theta)

    with pytest.raises(ZeroDivisionError, match="a part broke") as caught:
        method(g, PLANE, population=8, steps=50, rng=0)
    assert caught.value.trace.steps == 1
    assert caught.value.theta.shape == (8, 2)


@METHODS
@pytest.mark.parametrize("count", [0, 1, -3, 2.5, True, "many", None])
def test_a_population_that_is_too_small(method, count):
    with pytest.raises(ValueError, match="population must be an integer of at least 2; got"):
        method(bowl, PLANE, population=count, steps=3)


@METHODS
@pytest.mark.parametrize("steps", [0, -1, 1.5, False])
def test_no_steps(method, steps):
    with pytest.raises(ValueError, match="steps must be an integer of at least 1; got"):
        method(bowl, PLANE, population=5, steps=steps)


@METHODS
def test_bad_domains(method):
    with pytest.raises(TypeError, match=r"domain must be a Domain, such as .*got tuple"):
        method(bowl, (-5, 5), population=5, steps=3)
    with pytest.raises(ValueError, match=r"Real\(\) is unbounded and has no scale"):
        method(bowl, Interval(0, 1) * Real(), population=5, steps=3)
    with pytest.raises(ValueError, match=r"Positive\(\) is unbounded and has no scale"):
        method(bowl, Positive(), population=5, steps=3)


@METHODS
def test_bad_g(method):
    with pytest.raises(TypeError, match="g must be a function of theta; got float"):
        method(3.0, PLANE, population=5, steps=3)
    with pytest.raises(ValueError, match=r"g returned shape \(5, 2\).*it must return \(5,\)"):
        method(lambda theta: theta, PLANE, population=5, steps=3)


@METHODS
@pytest.mark.parametrize("rng", [np.random.RandomState(0), "0", 1.5, True])
def test_an_rng_of_the_wrong_kind(method, rng):
    with pytest.raises(TypeError, match=r"rng must be None, an int, a numpy\.random\.Generator"):
        method(bowl, PLANE, population=5, steps=3, rng=rng)


@METHODS
def test_a_torch_generator_does_not_draw_arrays(method):
    with pytest.raises(TypeError, match=r"a torch\.Generator draws tensors"):
        method(bowl, PLANE, population=5, steps=3, rng=torch.Generator())


@METHODS
@pytest.mark.parametrize("domain", [Choice("a"), Interval(0, 1), Choice("ab") ** 3, Positive(1.0)])
def test_the_smallest_populations_and_domains_run(method, domain):
    trace = method(bowl, domain, population=2, steps=3, rng=0)
    assert trace.thetas.shape == (4, 2, domain.size)
    assert domain.contains(trace.thetas).all()


# --- whole numbers, and what varies by factors ----------------------------------------------------

COUNTED = Integers(-20, 60) * LogInterval(1e-8, 10.0)


def far_from_middle(theta):
    """Least at 37 and 1e-6, on the logarithm of the second coordinate; there it is 0."""
    return ((theta[..., 0] - 37) / 10) ** 2 + (np.log10(theta[..., 1]) + 6) ** 2


@pytest.mark.parametrize(
    ("find", "near", "factor"),
    [
        (lambda g: genetic(g, COUNTED, population=30, steps=60, rng=0), 0, 1.1),
        (lambda g: particle_swarm(g, COUNTED, population=30, steps=60, rng=0), 0, 1.1),
        (lambda g: evolution_strategy(g, COUNTED, population=10, steps=150, rng=0), 0, 1.1),
        (lambda g: grid_search(g, COUNTED, [81, 10]), 0, 1.001),
        (lambda g: random_search(g, COUNTED, 3000, rng=0), 2, 1.6),
    ],
    ids=["genetic", "particle_swarm", "evolution_strategy", "grid_search", "random_search"],
)
def test_whole_numbers_and_orders_of_magnitude_are_found(find, near, factor):
    trace = find(far_from_middle)
    thetas = trace.thetas.reshape(-1, 2)
    assert COUNTED.contains(thetas).all()
    count, rate = COUNTED.decode(trace.theta)
    assert type(count) is int
    assert abs(count - 37) <= near
    assert 1e-6 / factor < rate < 1e-6 * factor


@METHODS
def test_a_population_begins_evenly_on_the_logarithm(method):
    first = method(far_from_middle, COUNTED, population=2000, steps=1, rng=0).thetas[0]
    decades = np.log10(first[:, 1])
    assert abs(decades.mean() + 3.5) < 4 * 9 / (12 * 2000) ** 0.5
    assert decades.var() == pytest.approx(81 / 12, rel=0.1)
    assert first[:, 0].mean() == pytest.approx(20, abs=4 * 81 / (12 * 2000) ** 0.5)
