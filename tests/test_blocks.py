"""Alternated minimization: the staircase, a value that never rises, and what "converged" leaves open."""

import math
import re
import warnings

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lecturecode import alternate, coordinate_descent
from lecturecode.alternating import golden_section, newton_section
from lecturecode.iteration import Step, collect
from lecturecode.objectives import DoubleWell, Function, Himmelblau, Quadratic, Rosenbrock

KINDS = {
    "numpy64": lambda a: np.asarray(a, dtype=np.float64),
    "numpy32": lambda a: np.asarray(a, dtype=np.float32),
    "torch64": lambda a: torch.tensor(a, dtype=torch.float64),
    "torch32": lambda a: torch.tensor(a, dtype=torch.float32),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def bowl(theta):
    """Its minimum over theta_0 is at -theta_1 / 2, and the other way round."""
    return theta[0] ** 2 + theta[0] * theta[1] + theta[1] ** 2


HALVES = [lambda theta: -theta[1] / 2, lambda theta: -theta[0] / 2]


def quadratic(P, seed, least=0.1):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((P, P)))[0]
    return Quadratic(rng.uniform(least, 3, P), rng.standard_normal(P), Q)


def gauss_seidel(H, b, theta, sweeps):
    """Solve H theta = b coordinate by coordinate; every step of it."""
    path = [theta.copy()]
    for _ in range(sweeps):
        for p in range(len(b)):
            theta[p] = (b[p] - sum(H[p, q] * theta[q] for q in range(len(b)) if q != p)) / H[p, p]
            path.append(theta.copy())
    return np.array(path)


# --- alternate ------------------------------------------------------------------------------------


@each_kind
def test_each_sweep_quarters_theta_and_the_trace_is_the_staircase(kind):
    start = KINDS[kind]([1.0, 1.0])
    trace = alternate(bowl, HALVES, start, sweeps=6, tol=0)
    assert type(trace.thetas) is type(start)
    assert trace.thetas.dtype == trace.values.dtype == start.dtype
    path = np.asarray(trace.thetas)
    assert path.shape == (13, 2)
    for n in range(1, 13):
        moved, still = (n - 1) % 2, n % 2
        assert path[n, still] == path[n - 1, still], "a stair has one tread"
        assert path[n, moved] == -path[n - 1, still] / 2
    assert path[12, 1] == 0.25**6, "powers of two are exact"
    np.testing.assert_array_equal(np.asarray(trace.values), [bowl(t) for t in path])
    np.testing.assert_array_equal(trace.evaluations, np.arange(1, 14))
    assert list(np.asarray(start)) == [1, 1], "the argument is left alone"


def test_it_stops_when_a_whole_sweep_gains_nothing():
    trace = alternate(bowl, HALVES, [1.0, 1.0], sweeps=100)
    assert trace.converged
    assert trace.steps % 2 == 0
    falls = trace.values[:-2:2] - trace.values[2::2]
    fallen = trace.values[0] - trace.values[2::2]
    small = falls <= 1e-12 * fallen[: len(falls)]
    assert small.tolist() == [False] * (len(falls) - 1) + [True]
    assert f"in sweep {trace.steps // 2}" in trace.message


def test_blocks_may_be_numbers_slices_lists_and_tuples():
    g = quadratic(6, 0)
    H, b = g.H, g.H @ g.center
    sets = [[2], [0, 1], [5, 3, 4]]

    def over(block):
        def block_minimizer(theta):
            rest = [p for p in range(6) if p not in block]
            return np.linalg.solve(
                H[np.ix_(block, block)], b[block] - H[np.ix_(block, rest)] @ theta[rest]
            )

        return block_minimizer

    one = alternate(g, [over(s) for s in sets], np.zeros(6), sweeps=400, tol=0, blocks=sets)
    two = alternate(
        g, [over(s) for s in sets], np.zeros(6), sweeps=400, tol=0, blocks=[2, slice(0, 2), (5, 3, 4)]
    )
    np.testing.assert_array_equal(one.thetas, two.thetas)
    np.testing.assert_allclose(one.theta, g.center, atol=1e-7)
    moved = (np.diff(one.thetas[:4], axis=0) != 0).astype(int)
    np.testing.assert_array_equal(moved, [[0, 0, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1]])
    everything = alternate(g, [over(list(range(6)))], np.zeros(6), sweeps=1, blocks=[range(6)])
    np.testing.assert_allclose(everything.last, g.center, atol=1e-10)


@given(st.integers(0, 10_000), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_the_value_never_rises(seed, P):
    g = quadratic(P, seed, least=0.01)
    trace = coordinate_descent(g, np.random.default_rng(seed).uniform(-9, 9, P), sweeps=30)
    assert (np.diff(trace.values) <= 1e-13 * (1 + trace.values[:-1])).all()
    one_axis = np.count_nonzero(np.diff(trace.thetas, axis=0), axis=1)
    assert (one_axis <= 1).all()


def test_a_minimizer_that_raises_g_is_reported_by_name():
    def careless(theta):
        return theta[1] + 5

    trace = alternate(bowl, [HALVES[0], careless], [1.0, 1.0], sweeps=9)
    assert not trace.converged
    assert "careless (block 1)" in trace.message
    assert "raised g from 0.75" in trace.message
    assert "in sweep 1" in trace.message
    np.testing.assert_array_equal(trace.theta, [-0.5, 1.0])
    assert trace.steps == 2

    def nearly(theta):
        return -theta[0] / 2 + 1e-5

    little = alternate(bowl, [HALVES[0], nearly], [0.0, 0.0], sweeps=9)
    assert "nearly (block 1) raised g from 0 to 1e-10" in little.message


def test_a_minimizer_that_returns_nan_is_reported_and_the_best_is_kept():
    def lost(theta):
        return np.nan

    trace = alternate(bowl, [HALVES[0], lost], [1.0, 1.0], sweeps=9)
    assert "g is not finite after lost (block 1) in sweep 1" in trace.message
    assert trace.value == 0.75
    assert not trace.converged
    at_once = alternate(lambda theta: np.nan, HALVES, [1.0, 1.0], sweeps=9)
    assert "g is not finite at the start" in at_once.message


def test_a_minimizer_may_write_into_the_theta_it_gets():
    def untidy(theta):
        theta *= 0
        return theta[0]

    trace = alternate(bowl, [untidy, HALVES[1]], [1.0, 1.0], sweeps=1)
    np.testing.assert_array_equal(trace.thetas, [[1, 1], [0, 1], [0, 0]])

    def untidy_and_wrong(theta):
        theta *= 0
        return 100

    trace = alternate(bowl, [untidy_and_wrong, HALVES[1]], [1.0, 1.0], sweeps=1)
    np.testing.assert_array_equal(trace.theta, [1, 1])


@pytest.mark.parametrize(
    ("minimizers", "blocks", "error", "words"),
    [
        (HALVES[:1], None, ValueError, "1 block minimizers and 2 coordinates"),
        (HALVES, [[0, 1]], ValueError, "2 block minimizers and 1 blocks"),
        (HALVES, [[0, 1], [[0, 1], [1]]], ValueError, "does not fit theta"),
        (HALVES, [0, 2], ValueError, "block 2 does not fit"),
        (HALVES, [0, 0.5], ValueError, "does not fit"),
        (HALVES, [0, []], ValueError, "does not fit"),
        (HALVES, [[0, 0], 1], ValueError, "coordinate 0 is in 2 of them"),
        (HALVES, [0, 0], ValueError, "coordinate 0 is in 2 of them"),
        (HALVES[:1], [0], ValueError, "coordinate 1 is in 0 of them"),
        ([], [], ValueError, "coordinate 0 is in 0 of them"),
        (HALVES[0], None, TypeError, "one function per block"),
        (None, None, TypeError, "one function per block; got NoneType"),
        (HALVES, slice(0, 2), TypeError, r"blocks must be a list.*slice\(0, 3\).*got slice"),
        (HALVES[:1], 0, TypeError, "blocks must be a list.*got int"),
        (
            [HALVES[0], 3.0],
            None,
            TypeError,
            r"block_minimizers\[1\] must be a function of theta; got float",
        ),
        ([HALVES[0], lambda theta: theta], None, ValueError, r"returned shape \(2,\)"),
        ([lambda theta: theta[:1]], [[0, 1]], ValueError, r"returned shape \(1,\).*has shape \(2,\)"),
        ([lambda theta: theta[None]], [[0, 1]], ValueError, r"returned shape \(1, 2\)"),
        ([HALVES[0], lambda theta: torch.tensor(1.0)], None, TypeError, "tensor"),
    ],
)
def test_blocks_and_minimizers_that_do_not_fit(minimizers, blocks, error, words):
    with pytest.raises(error, match=words):
        alternate(bowl, minimizers, [1.0, 1.0], sweeps=3, blocks=blocks)


@pytest.mark.parametrize(
    ("theta", "options", "words"),
    [
        ([], {}, "P >= 1"),
        ([[1.0, 2.0]], {}, "shape"),
        ([1.0, np.nan], {}, "NaN"),
        ([1.0, 1.0], {"sweeps": 0}, "sweeps"),
        ([1.0, 1.0], {"tol": -1.0}, "tol"),
        ([1.0, 1.0], {"tol": math.nan}, "tol"),
        ([1.0, 1.0], {"record_every": -1}, "record_every"),
    ],
)
def test_bad_numbers(theta, options, words):
    with pytest.raises(ValueError, match=words):
        alternate(bowl, HALVES, theta, **{"sweeps": 3, **options})
    with pytest.raises(ValueError, match=words):
        coordinate_descent(bowl, theta, **{"sweeps": 3, **options})


def test_a_generator_of_minimizers_will_do():
    trace = alternate(bowl, (half for half in HALVES), [1.0, 1.0], sweeps=1)
    assert trace.thetas.tolist() == [[1, 1], [-0.5, 1], [-0.5, 0.25]]


def test_graphs_of_autograd_are_let_go():
    start, weight = torch.ones(2, requires_grad=True), torch.ones((), requires_grad=True)
    halves = [lambda t: -weight * t[1] / 2, lambda t: -weight * t[0] / 2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trace = alternate(lambda t: weight * bowl(t), halves, start, sweeps=2)
        descent = coordinate_descent(lambda t: weight * bowl(t), start, sweeps=2)
    for array in (trace.thetas, trace.theta, trace.last, trace.values, descent.thetas, descent.values):
        assert not array.requires_grad


def test_an_exception_carries_theta_and_the_trace():
    def breaks(theta):
        raise RuntimeError("no answer")

    with pytest.raises(RuntimeError, match="no answer") as caught:
        alternate(bowl, [HALVES[0], breaks], [1.0, 1.0], sweeps=3)
    np.testing.assert_array_equal(caught.value.theta, [-0.5, 1.0])
    assert caught.value.trace.steps == 1
    with pytest.raises(RuntimeError, match="no answer") as caught:
        coordinate_descent(breaks, [1.0, 1.0], sweeps=3)
    assert caught.value.trace is None


def test_callback_ctrl_c_record_every_and_progress(capsys):
    seen = []

    def third(trace):
        seen.append(trace.steps)
        return trace.steps == 3

    trace = alternate(bowl, HALVES, [1.0, 1.0], sweeps=9, callback=third)
    assert seen == [0, 1, 2, 3]
    assert (trace.steps, trace.converged) == (3, False)
    assert "callback" in trace.message

    def interrupted(theta):
        if theta[0] < 0:
            raise KeyboardInterrupt
        return -theta[1] / 2

    trace = alternate(bowl, [interrupted, HALVES[1]], [1.0, 1.0], sweeps=9)
    assert "interrupted after 2 updates" in trace.message
    assert trace.value == bowl([-0.5, 0.25])

    thin = alternate(bowl, HALVES, [1.0, 1.0], sweeps=9, record_every=4, tol=0, progress=True)
    assert re.search(r"9/9 .*sweep/s", capsys.readouterr().err)
    full = alternate(bowl, HALVES, [1.0, 1.0], sweeps=9, tol=0)
    np.testing.assert_array_equal(thin.thetas, full.thetas[::4])
    np.testing.assert_array_equal(thin.values, full.values)
    none = alternate(bowl, HALVES, [1.0, 1.0], sweeps=9, record_every=0, tol=0)
    np.testing.assert_array_equal(none.theta, full.theta)


def test_it_says_that_the_sweeps_were_used_up():
    trace = alternate(bowl, HALVES, [1.0, 1.0], sweeps=2)
    assert not trace.converged
    assert trace.message.startswith("used up all 2 sweeps")
    assert trace.steps == 4
    assert trace.value == trace.values.min()


def test_the_last_update_allowed_may_be_the_one_that_is_done():
    def updates():
        yield Step(np.ones(1), 1.0, name="the start")
        yield Step(np.zeros(1), 0.0, name="the step", done=(True, "all is well {place}"))

    trace = collect(updates(), steps=1, sweep=1)
    assert (trace.converged, trace.message) == (True, "all is well in sweep 1")


# --- coordinate descent ---------------------------------------------------------------------------


def test_on_a_quadratic_it_is_gauss_seidel():
    g = quadratic(5, 3, least=0.5)
    expected = gauss_seidel(g.H, g.H @ g.center, np.full(5, 2.0), 8)
    trace = coordinate_descent(g, np.full(5, 2.0), sweeps=8, tol=0)
    np.testing.assert_allclose(trace.thetas, expected, atol=1e-12)


def test_without_derivatives_the_path_is_the_same_to_half_of_the_digits():
    g = quadratic(3, 1, least=0.5)
    newton = coordinate_descent(g, np.full(3, 2.0), sweeps=5, tol=0)
    golden = coordinate_descent(lambda theta: g(theta), np.full(3, 2.0), sweeps=5, tol=0)
    size = min(len(newton), len(golden))
    np.testing.assert_allclose(golden.thetas[:size], newton.thetas[:size], atol=1e-6)
    assert not np.array_equal(golden.thetas[1], newton.thetas[1])


@each_kind
def test_both_sections_on_every_kind(kind):
    start = KINDS[kind]([2.0, -1.0, 0.5])
    center = KINDS[kind]([1.0, 2.0, 3.0])
    close = 1e-6 if kind.endswith("64") else 3e-3

    def plain(theta):
        return ((theta - center) ** 2).sum() + theta[0] * theta[1]

    smooth = Quadratic(KINDS[kind]([1.0, 2.0, 3.0]), center)
    for g, minimum in ((smooth, [1, 2, 3]), (plain, [0, 2, 3])):
        trace = coordinate_descent(g, start, sweeps=60, tol=0)
        assert trace.converged, trace.message
        assert type(trace.theta) is type(start)
        assert trace.theta.dtype == start.dtype
        np.testing.assert_allclose(np.asarray(trace.theta), minimum, atol=close)


def test_evaluations_are_the_calls_of_g():
    calls = []

    def counted(theta):
        calls.append(1)
        return float(((theta - 3) ** 2).sum())

    trace = coordinate_descent(counted, [0.0, 10.0], sweeps=3)
    assert int(trace.evaluations[-1]) == len(calls)
    smooth = Function(counted, lambda t: 2 * (t - 3), lambda t: 2 * np.eye(2))
    calls.clear()
    trace = coordinate_descent(smooth, [0.0, 10.0], sweeps=3)
    assert int(trace.evaluations[-1]) == len(calls)
    assert len(calls) <= 10


@pytest.mark.parametrize("g", [Rosenbrock(), Himmelblau(), DoubleWell()])
def test_curved_and_concave_axes(g):
    trace = coordinate_descent(g, [0.3, -0.4], sweeps=5000, tol=1e-15, record_every=0)
    assert (np.diff(trace.values) <= 0).all()
    assert np.abs(g.gradient(trace.theta)).max() < 1e-4
    assert np.linalg.norm(g.minima - trace.theta, axis=1).min() < 1e-3


@given(st.floats(-1e6, 1e6), st.floats(0.01, 100), st.floats(-1e3, 1e3))
@example(0.48, 48.5, 1.8835873968079477e-203)  # where the first step is far below the rounding of g
@settings(max_examples=50, deadline=None)
def test_golden_section_finds_the_kink_of_an_absolute_value(place, slope, start):
    theta, value, calls = golden_section(lambda t: slope * abs(t[1] - place), np.array([7.0, start]), 1)
    assert theta[0] == 7
    assert abs(theta[1] - place) <= 1e-7 * (1 + abs(place))
    assert value == slope * abs(theta[1] - place)
    assert calls < 150


def test_golden_section_of_a_lopsided_bracket_agrees_with_scipy():
    from scipy.optimize import minimize_scalar

    def g(t):
        return math.cosh(t[0] - 4) + math.exp(-t[0])

    theta, value, _ = golden_section(g, np.array([-3.0]), 0)
    peer = minimize_scalar(lambda t: g([t]), bracket=(0, 4), method="golden", tol=1e-10)
    assert theta[0] == pytest.approx(peer.x, abs=1e-6)
    assert value == pytest.approx(peer.fun, rel=1e-14)


def test_golden_section_takes_nan_for_infinite_and_never_ends_higher():
    def log_barrier(t):
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(t[0] - np.log(t[0]))

    theta, _, _ = golden_section(log_barrier, np.array([0.3]), 0)
    assert theta[0] == pytest.approx(1, abs=1e-6)
    steep, _, _ = golden_section(lambda t: log_barrier(-50 * t), np.array([-0.03]), 0)
    assert steep[0] == pytest.approx(-0.02, abs=1e-6), "most of the bracket is NaN"
    only_here = golden_section(lambda t: 1.0 if t[0] == 0.3 else math.nan, np.array([0.3]), 0)
    assert (only_here[0][0], only_here[1]) == (0.3, 1.0)
    flat = golden_section(lambda t: 2.0, np.array([5.0]), 0)
    assert (flat[0][0], flat[1]) == (5.0, 2.0)
    rough = golden_section(lambda t: math.sin(40 * t[0]) + 0.1 * t[0] ** 2, np.array([0.3]), 0)
    assert rough[1] <= math.sin(12) + 0.009


def test_the_reach_follows_the_size_of_theta():
    theta, _, _ = golden_section(lambda t: abs(t[0] - 1e17), np.array([3e17]), 0)
    assert theta[0] == pytest.approx(1e17, rel=1e-7)


def test_a_function_without_lower_bound_says_so_and_keeps_the_trace():
    def slope(theta):
        return float(theta[0] ** 2 - theta[1])

    with pytest.raises(ValueError, match="no lower bound"):
        golden_section(slope, np.array([1.0, 1.0]), 1)
    trace = coordinate_descent(slope, [1.0, 1.0], sweeps=5)
    assert not trace.converged
    assert "coordinate 1" in trace.message
    assert "no lower bound" in trace.message
    assert trace.steps == 1
    hill = coordinate_descent(Quadratic([1.0, -1.0]), [1.0, 1.0], sweeps=10_000)
    assert not hill.converged
    assert "no lower bound" in hill.message


def test_a_gradient_that_is_nan_is_no_minimum():
    g = Function(lambda t: float((t**2).sum()), lambda t: t * np.nan, lambda t: np.eye(2))
    trace = coordinate_descent(g, [1.0, 1.0], sweeps=5)
    assert not trace.converged
    assert "not finite along coordinate 0" in trace.message


def test_newton_section_halves_a_step_that_is_too_long():
    g = Function(
        lambda t: float(np.sqrt(1 + t[0] ** 2)),
        lambda t: np.array([t[0] / np.sqrt(1 + t[0] ** 2)]),
        lambda t: np.array([[(1 + t[0] ** 2) ** -1.5]]),
    )  # the plain Newton step from t is to -t^3, away from 0
    theta, value, calls = newton_section(g, np.array([3.0]), 0)
    assert abs(theta[0]) < 1e-7
    assert value == 1
    assert 4 < calls < 80


def test_newton_section_goes_downhill_where_the_curvature_is_negative():
    g = Function(lambda t: math.cos(t[0]), lambda t: -np.sin(t), lambda t: -np.cos(t)[:, None])
    theta, value, _ = newton_section(g, np.array([0.5]), 0)
    assert (abs(theta[0]) / math.pi) % 2 == pytest.approx(1, abs=1e-7)
    assert value == -1
    once, _, _ = newton_section(g, np.array([0.5]), 0, steps=1)
    assert once[0] == pytest.approx(0.5 + math.tan(0.5), rel=1e-15), "the slope over |H|"
    top = newton_section(g, np.array([0.0]), 0)
    assert (top[0][0], top[1]) == (0, 1), "exactly at the maximum it stays"


def test_the_golden_section_takes_over_where_there_is_no_curvature():
    """A slope has no length: a step of minus the slope would depend on the units of g and theta."""
    g = Function(lambda t: t[0] ** 4 / 4 + t[0], lambda t: t**3 + 1, lambda t: 3 * t[:, None] ** 2)
    theta, value, calls = newton_section(g, np.array([0.0]), 0)
    assert theta[0] == pytest.approx(-1, rel=1e-7)
    assert value == pytest.approx(-0.75, rel=1e-14)
    assert calls < 60


def test_newton_section_takes_a_step_whose_gain_rounding_hides():
    g = Function(
        lambda t: 1 + 1e-20 * (t[0] - 1) ** 2,
        lambda t: 2e-20 * (t - 1),
        lambda t: np.full((1, 1), 2e-20),
    )
    theta, value, calls = newton_section(g, np.array([3.0]), 0)
    assert (theta[0], value) == (1, 1)
    assert calls == 2, "the start and one step"


def test_too_few_sweeps_of_coordinate_descent_are_said_and_the_best_is_kept():
    for g in (quadratic(4, 0), Himmelblau().__call__):
        start = np.full(4 if isinstance(g, Quadratic) else 2, 3.5)
        trace = coordinate_descent(g, start, sweeps=1)
        assert not trace.converged
        assert trace.message == "used up all 1 sweeps before it settled"
        assert trace.value == trace.values.min() == trace.values[-1] < trace.values[0]
        np.testing.assert_array_equal(trace.theta, trace.last)


# --- what converges (X40) -------------------------------------------------------------------------


def kinked(theta):
    return abs(theta[0] + theta[1]) + 3 * abs(theta[0] - theta[1])


def test_at_a_kink_coordinate_descent_stalls_where_there_is_no_minimum():
    trace = coordinate_descent(kinked, [2.0, 1.0], sweeps=50)
    assert trace.converged
    theta = trace.theta
    assert theta[0] == pytest.approx(theta[1], abs=1e-6), "on the kink, where it got first"
    assert trace.value > 1.9
    for p in range(2):
        for step in (-0.5, -1e-3, 1e-3, 0.5):
            moved = theta.copy()
            moved[p] += step
            assert kinked(moved) > trace.value, "no axis leads down"
    assert kinked(theta / 2) < 0.51 * trace.value, "and yet there is a way down, to g = 0"
    assert kinked(theta * 0) == 0


def powell(theta):
    x, y, z = theta
    return -x * y - y * z - z * x + sum(max(abs(t) - 1, 0) ** 2 for t in theta)


def powell_minimizer(p):
    """-t s + (|t| - 1)_+^2 is least where |t| = 1 + |s| / 2, s the sum of the two others."""

    def along(theta):
        s = theta.sum() - theta[p]
        return math.copysign(1 + abs(s) / 2, s)

    return along


def test_the_block_minimizers_of_powell_are_exact():
    rng = np.random.default_rng(0)
    for theta in rng.uniform(-2, 2, (20, 3)):
        for p in range(3):
            moved = theta.copy()
            moved[p] = powell_minimizer(p)(theta)
            grid = np.tile(theta, (4001, 1))
            grid[:, p] = np.linspace(-5, 5, 4001)
            assert powell(moved) <= min(powell(t) for t in grid) + 1e-12


def test_powells_example_goes_round_the_cube_for_ever():
    e = 1.0
    start = np.array([-1 - e, 1 + e / 2, -1 - e / 4])
    trace = alternate(powell, [powell_minimizer(p) for p in range(3)], start, sweeps=8, tol=0)
    assert (np.diff(trace.values) < 0).all()
    signs = np.sign(trace.thetas)
    np.testing.assert_array_equal(signs[6:], signs[:-6])
    assert len(np.unique(signs, axis=0)) == 6, "of the eight vertices"
    np.testing.assert_allclose(np.abs(trace.thetas[-6:]), 1, atol=1e-5)
    steps = np.linalg.norm(np.diff(trace.thetas[-7:], axis=0), axis=1)
    assert (steps > 1.99).all(), "the iterates do not settle"
    assert trace.values[-1] == pytest.approx(1, abs=1e-5), "the value does"
    sizes = np.abs(trace.thetas[np.arange(1, 25), np.arange(24) % 3]) - 1
    np.testing.assert_allclose(sizes, e / 8 / 2.0 ** np.arange(24), rtol=1e-6)  # Powell's halving
    x, y, z = trace.last
    gradient = np.array([-y - z, -x - z, -x - y]) + 2 * np.sign(trace.last) * np.maximum(
        np.abs(trace.last) - 1, 0
    )
    assert np.abs(gradient).max() > 1.99, "no vertex on the way is stationary"
    long = alternate(powell, [powell_minimizer(p) for p in range(3)], start, sweeps=100)
    assert long.converged, "converged means that the value settled"


def test_a_reach_of_low_precision_is_a_reach():
    wide = golden_section(lambda t: abs(t[0] - 3), np.array([0.0]), 0, reach=np.float32(0.5))
    exact = golden_section(lambda t: abs(t[0] - 3), np.array([0.0]), 0, reach=0.5)
    np.testing.assert_array_equal(wide[0], exact[0])
    assert wide[1:] == exact[1:]


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"reach": 0.0}, ValueError, "reach must be positive and finite; got 0.0"),
        ({"reach": math.nan}, ValueError, "reach must be positive and finite"),
        ({"value": "low"}, TypeError, "value must be a number; got str"),
        ({"p": 2}, ValueError, "p must be an integer from 0 to 1; got 2. It is the number of a coord"),
        ({"p": -1}, ValueError, "p must be an integer from 0 to 1; got -1"),
        ({"theta": 1.0}, ValueError, r"theta must have shape \(P,\); got \(\). A single number"),
        ({"g": 3.0}, TypeError, "g must be a function of theta; got float"),
    ],
)
def test_golden_section_looks_at_its_arguments(how, error, message):
    good = {"g": lambda t: (t**2).sum(), "theta": np.ones(2), "p": 0}
    with pytest.raises(error, match=message):
        golden_section(**{**good, **how})


def test_newton_section_needs_derivatives():
    with pytest.raises(
        TypeError, match=r"g must have gradient and hessian; got function\. For instance"
    ):
        newton_section(lambda t: (t**2).sum(), np.ones(2), 0)
