"""The one first-order loop: the equation, its rates and limits, what a trace keeps, what is said."""

import math

import numpy as np
import pytest
import torch

from lecturecode import GradientDescent, affine_error, check_gradient, gradient_descent, minimize
from lecturecode.datasets import norris
from lecturecode.objectives import (
    Ackley,
    DoubleWell,
    Function,
    Himmelblau,
    MonkeySaddle,
    Quadratic,
    Rastrigin,
    Rosenbrock,
    Saddle,
)

pytestmark = pytest.mark.numeric

LIBRARIES = pytest.mark.parametrize("library", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])


class Counting:
    """An objective that counts the points it is asked for, value and gradient apart."""

    def __init__(self, g):
        self.g, self.values, self.gradients = g, 0, 0

    def __call__(self, theta):
        self.values += math.prod(theta.shape[:-1])
        return self.g(theta)

    def gradient(self, theta):
        self.gradients += math.prod(theta.shape[:-1])
        return self.g.gradient(theta)


def both(g):
    return lambda theta: (g(theta), g.gradient(theta))


class AtOnce:
    """An objective that can be asked for both alone."""

    def __init__(self, g):
        self.g, self.calls = g, 0

    def __call__(self, theta):
        raise AssertionError("both are asked for at once")

    gradient = __call__

    def value_and_gradient(self, theta):
        self.calls += 1
        return self.g(theta), self.g.gradient(theta)


# --- the equation ---------------------------------------------------------------------------------


@LIBRARIES
@pytest.mark.parametrize("start", [[0.7, -0.4], [[0.7, -0.4], [-1.2, 1.0], [0.0, 0.5]]])
def test_minimize_takes_a_function_of_the_pair_or_an_objective(start, library):
    g, start, rule = Rosenbrock(), library(np.array(start)), GradientDescent(1e-3)
    pair = minimize(both(g), start, rule, steps=20)
    at_once = AtOnce(g)
    for objective in (g, Counting(g), at_once, Function(g, gradient=g.gradient)):
        trace = minimize(objective, start, rule, steps=20)
        assert trace.values.tolist() == pair.values.tolist()
        assert trace.thetas.tolist() == pair.thetas.tolist()
    assert at_once.calls == 21
    assert gradient_descent(at_once, start, 1e-3, steps=20).last.tolist() == pair.last.tolist()


@LIBRARIES
@pytest.mark.parametrize(
    "g", [Rosenbrock(), Himmelblau(), DoubleWell(), Rastrigin(), Ackley()], ids=repr
)
def test_one_step_is_the_equation(g, library):
    """theta <- theta - epsilon grad g(theta), with the gradient taken from autograd."""
    start = torch.tensor([0.7, -0.4], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(g(start), start)
    expected = start.detach().numpy() - 1e-3 * slope.numpy()
    trace = gradient_descent(g, library(np.array([0.7, -0.4])), 1e-3, steps=1)
    np.testing.assert_allclose(trace.last, expected, rtol=1e-14)


def test_every_step_is_the_equation():
    g, epsilon = Rosenbrock(), 1e-3
    trace = gradient_descent(g, [-1.2, 1.0], epsilon, steps=200)
    for now, after in zip(trace.thetas[:-1], trace.thetas[1:], strict=True):
        np.testing.assert_array_equal(after, now - epsilon * g.gradient(now))


def test_gradient_descent_is_minimize_with_gradient_descent():
    g = Himmelblau()
    ours = gradient_descent(g, [1.0, 1.0], 0.01, steps=50)
    same = minimize(both(g), [1.0, 1.0], GradientDescent(0.01), steps=50)
    np.testing.assert_array_equal(ours.thetas, same.thetas)
    assert ours.message == same.message


def test_the_loop_passes_the_state_from_step_to_step():
    class Slowing:
        """Halves its step every time: the state is the step to take next."""

        def init(self, theta):
            return 1.0

        def step(self, theta, gradient, state):
            return theta - state, state / 2

    trace = minimize(lambda t: (t.sum(), np.ones(1)), [4.0], Slowing(), steps=3)
    assert trace.thetas.ravel().tolist() == [4.0, 3.0, 2.5, 2.25]


def test_the_path_on_a_quadratic_is_the_closed_form():
    """theta_i - c = Q diag(1 - epsilon lambda)^i Q^T (theta_0 - c)."""
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    lam, c, start = np.array([0.1, 1.0, 3.0, 7.0]), np.arange(4.0), np.array([3.0, -1.0, 2.0, 5.0])
    trace = gradient_descent(Quadratic(lam, c, Q), start, 0.2, steps=60, tol=0)
    powers = (1 - 0.2 * lam) ** np.arange(61)[:, None]
    np.testing.assert_allclose(trace.thetas, c + (powers * (Q.T @ (start - c))) @ Q.T, atol=1e-12)


# --- rates and limits -----------------------------------------------------------------------------


@pytest.mark.parametrize("epsilon", [0.05, 0.1, 2 / 11, 0.19])
def test_rate_on_a_quadratic_is_the_largest_factor(epsilon):
    lam = np.array([1.0, 10.0])
    trace = gradient_descent(Quadratic(lam), [1.0, 1.0], epsilon, steps=120, tol=0)
    errors = np.linalg.norm(trace.thetas, axis=1)
    measured = (errors[120] / errors[60]) ** (1 / 60)
    assert measured == pytest.approx(np.abs(1 - epsilon * lam).max(), rel=1e-3)


def test_the_best_learning_rate_on_a_quadratic_is_two_over_the_sum_of_the_extremes():
    g, best = Quadratic([1.0, 10.0]), 2 / (1 + 10)

    def steps(epsilon):
        trace = gradient_descent(g, [1.0, 0.1], epsilon, steps=2000, tol=1e-8)  # equal slopes
        assert trace.converged
        return trace.steps

    assert steps(best) < min(steps(0.9 * best), steps(1.05 * best))
    errors = np.linalg.norm(gradient_descent(g, [1.0, 1.0], best, steps=40, tol=0).thetas, axis=1)
    np.testing.assert_allclose(errors[1:] / errors[:-1], 9 / 11, rtol=1e-9)


@pytest.mark.parametrize("largest", [0.5, 4.0, 1000.0])
def test_stable_just_below_and_diverging_just_above_two_over_the_largest_eigenvalue(largest):
    g, limit = Quadratic([0.3 * largest, largest]), 2 / largest
    below = gradient_descent(g, [1.0, 1.0], 0.999 * limit, steps=20_000, record_every=0)
    above = gradient_descent(g, [1.0, 1.0], 1.001 * limit, steps=2000, record_every=0)
    assert below.converged
    assert not above.converged
    assert float(above.values[-1]) > 20 * float(above.values[0])


def test_at_the_limit_exactly_descent_swings_for_ever():
    trace = gradient_descent(Quadratic([1.0, 4.0]), [0.0, 1.0], 0.5, steps=100)
    assert trace.thetas[:, 1].tolist() == [(-1.0) ** i for i in range(101)]
    assert not trace.converged


def test_a_minimum_is_stable_only_below_two_over_the_largest_eigenvalue_there():
    """On a function that is no quadratic: just above the limit, descent leaves Himmelblau's (3, 2)."""
    g, minimum = Himmelblau(), np.array([3.0, 2.0])
    limit = 2 / np.linalg.eigvalsh(g.hessian(minimum)).max()
    start = minimum + np.array([1e-6, 2e-6])
    stays = gradient_descent(g, start, 0.98 * limit, steps=1500, tol=0, record_every=0)
    leaves = gradient_descent(g, start, 1.02 * limit, steps=1500, tol=0, record_every=0)
    assert np.linalg.norm(stays.last - minimum) < 1e-9
    assert np.linalg.norm(leaves.last - minimum) > 1e-2


def test_small_steps_go_down_at_every_step():
    for g in (Rosenbrock(), Himmelblau(), DoubleWell()):
        trace = gradient_descent(g, [-1.2, 1.0], 5e-4, steps=2000)
        assert np.all(np.diff(trace.values) <= 0)


@pytest.mark.parametrize(
    ("g", "flat"),
    [(Saddle(), [0.0, 0.0]), (MonkeySaddle(), [0.0, 0.0]), (Quadratic([-1.0, -2.0]), [0.0, 0.0]),
     (Rastrigin(), [0.0, 0.0])],
)  # fmt: skip
def test_descent_started_exactly_on_a_stationary_point_stays(g, flat):
    trace = gradient_descent(g, flat, 0.1, steps=50, tol=0)
    assert trace.converged
    assert trace.steps == 0
    assert trace.last.tolist() == flat


def test_descent_started_on_the_stable_axis_of_a_saddle_runs_into_it():
    trace = gradient_descent(Saddle(), [1.0, 0.0], 0.1, steps=500)
    assert trace.converged
    np.testing.assert_allclose(trace.last, 0, atol=1e-8)


@pytest.mark.parametrize("aside", [1e-12, -1e-3])
def test_descent_started_beside_a_saddle_leaves_it(aside):
    trace = gradient_descent(Saddle(), [1.0, aside], 0.1, steps=300, tol=0)
    assert abs(trace.last[1]) > 1
    assert np.sign(trace.last[1]) == np.sign(aside)
    assert trace.values[-1] < -1


def test_descent_started_beside_a_maximum_leaves_it():
    trace = gradient_descent(Himmelblau(), [-0.27, -0.92], 0.005, steps=2000)
    assert trace.converged
    assert np.linalg.norm(Himmelblau().minima - trace.theta, axis=1).min() < 1e-6


def test_the_end_depends_on_the_start():
    """C52: in the double well, each side keeps its own; one of the two is spurious."""
    g = DoubleWell()
    for start, well in [(-0.5, g.minima[0]), (0.5, g.minima[1])]:
        trace = gradient_descent(g, [start, 1.0], 0.05, steps=2000)
        np.testing.assert_allclose(trace.theta, well, atol=1e-7)


def test_converges_to_a_local_minimum_from_almost_everywhere():
    """C51: no random start on Himmelblau ends at one of its five other stationary points."""
    g = Himmelblau()
    starts = g.domain.sample(300, rng=0)
    trace = gradient_descent(g, starts, 0.005, steps=3000, record_every=0)
    assert trace.converged
    gaps = np.linalg.norm(trace.last[:, None] - g.minima, axis=-1)
    assert gaps.min(axis=1).max() < 1e-7
    assert set(gaps.argmin(axis=1)) == {0, 1, 2, 3}


def test_descent_on_data_arrives_at_the_least_squares_line():
    data = norris()
    x = (data.x - data.x.mean()) / data.x.std()
    trace = gradient_descent(affine_error(x, data.y), [0.0, 0.0], 0.4, steps=200, tol=1e-10)
    slope = trace.theta[0] / data.x.std()
    assert trace.converged
    assert slope == pytest.approx(data.certified.slope, rel=1e-11)
    assert trace.theta[1] - slope * data.x.mean() == pytest.approx(data.certified.intercept, rel=1e-8)


# --- several starts -------------------------------------------------------------------------------


@LIBRARIES
@pytest.mark.parametrize("g", [Himmelblau(), Rosenbrock(), DoubleWell()], ids=repr)
def test_many_starts_at_once_equal_single_runs(g, library):
    starts = np.random.default_rng(1).uniform(-1.5, 1.5, (6, 2))
    together = gradient_descent(g, library(starts), 1e-3, steps=100, tol=0)
    assert tuple(together.thetas.shape) == (101, 6, 2)
    assert tuple(together.values.shape) == (101, 6)
    for m, start in enumerate(starts):
        alone = gradient_descent(g, start, 1e-3, steps=100, tol=0)
        np.testing.assert_allclose(together.thetas[:, m], alone.thetas, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(together.values[:, m], alone.values, rtol=1e-11, atol=1e-13)
    best = np.asarray(together.values).min()
    assert together.value == best
    np.testing.assert_allclose(g(np.asarray(together.theta)), best, rtol=1e-12)
    assert together.evaluations[-1] == 6 * 101


def test_of_several_starts_those_that_diverge_are_left_behind():
    g = Function(lambda t: (t**2 + t**4).sum(-1), gradient=lambda t: 2 * t + 4 * t**3)
    trace = gradient_descent(g, [[0.5], [100.0]], 0.1, steps=300, record_every=0)
    assert not trace.converged
    assert trace.message.startswith("1 of 2 starts diverged, the others are flat at step ")
    assert abs(float(trace.theta[0])) < 1e-8
    assert math.isfinite(trace.value)


def test_when_all_starts_diverge_the_trace_says_so():
    trace = gradient_descent(Quadratic([1.0]), [[1.0], [2.0]], 1e3, steps=1000)
    assert trace.message.startswith("diverged from all starts at step ")
    assert trace.theta.tolist() == [1.0]
    assert trace.value == 0.5


# --- what a trace keeps ---------------------------------------------------------------------------


@pytest.mark.parametrize("lead", [(), (3,)])
def test_evaluations_are_the_calls_of_g(lead):
    g = Counting(Himmelblau())
    trace = gradient_descent(g, np.full((*lead, 2), 0.5), 0.01, steps=40)
    assert trace.evaluations[-1] == g.values == g.gradients
    assert len(trace) == trace.steps + 1 == len(trace.evaluations)
    assert np.all(np.diff(trace.evaluations) == math.prod(lead))


def test_values_are_g_at_the_iterates():
    g = Himmelblau()
    trace = gradient_descent(g, [0.5, -1.0], 0.01, steps=40)
    np.testing.assert_allclose(trace.values, g(trace.thetas), rtol=1e-13)
    np.testing.assert_array_equal(trace.last, trace.thetas[-1])


def test_the_best_point_is_the_lowest_visited_not_the_last():
    """|theta| with steps of 0.3 from 1: down to 0.1, then to and fro between -0.2 and 0.1."""
    g = Function(lambda t: abs(t).sum(-1), gradient=np.sign)
    trace = gradient_descent(g, [1.0], 0.3, steps=4)
    best = int(np.argmin(trace.values))
    assert best == 3
    assert trace.last[0] == pytest.approx(-0.2)
    assert trace.value == trace.values[best]
    np.testing.assert_array_equal(trace.theta, trace.thetas[best])


@pytest.mark.parametrize(("every", "count"), [(1, 101), (7, 15), (50, 3), (1000, 1), (0, 1)])
def test_record_every_thins_the_iterates_and_nothing_else(every, count):
    g = Rosenbrock()
    full = gradient_descent(g, [-1.2, 1.0], 1e-3, steps=100)
    thin = gradient_descent(g, [-1.2, 1.0], 1e-3, steps=100, record_every=every)
    assert thin.thetas.shape == (count, 2)
    np.testing.assert_array_equal(thin.thetas, full.thetas[::every] if every else full.thetas[-1:])
    np.testing.assert_array_equal(thin.values, full.values)
    np.testing.assert_array_equal(thin.theta, full.theta)
    np.testing.assert_array_equal(thin.last, full.last)


def test_the_callback_sees_every_step_and_can_stop():
    seen = []

    def callback(trace):
        seen.append((trace.steps, trace.value))
        return trace.steps == 4

    trace = gradient_descent(Quadratic([1.0, 2.0]), [1.0, 1.0], 0.1, steps=100, callback=callback)
    assert [steps for steps, _ in seen] == [0, 1, 2, 3, 4]
    assert [value for _, value in seen] == trace.values.tolist()
    assert trace.message == "stopped by the callback at step 4"
    assert trace.steps == 4
    assert not trace.converged


def test_a_callback_that_returns_nothing_changes_nothing():
    g = Quadratic([1.0, 2.0])
    with_callback = gradient_descent(g, [1.0, 1.0], 0.1, steps=20, callback=lambda trace: None)
    np.testing.assert_array_equal(
        with_callback.thetas, gradient_descent(g, [1.0, 1.0], 0.1, steps=20).thetas
    )


@pytest.mark.parametrize("lead", [(), (3,)])
def test_progress_counts_the_steps(capsys, lead):
    gradient_descent(Quadratic([1.0, 2.0]), np.ones((*lead, 2)), 0.1, steps=12, tol=0, progress=True)
    assert "12/12" in capsys.readouterr().err


def test_no_progress_bar_unless_asked(capsys):
    gradient_descent(Quadratic([1.0, 2.0]), [1.0, 1.0], 0.1, steps=12)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_keyboard_interrupt_keeps_the_trace():
    calls = 0

    def interrupted(theta):
        nonlocal calls
        calls += 1
        if calls == 6:
            raise KeyboardInterrupt
        return (theta**2).sum(-1), 2 * theta

    trace = minimize(interrupted, [1.0], GradientDescent(0.1), steps=100)
    assert trace.message == "interrupted after 4 steps"
    assert len(trace.values) == 5
    assert not trace.converged
    assert float(trace.theta[0]) == pytest.approx(0.8**4)


def test_an_exception_inside_g_carries_theta_step_and_trace():
    def g(theta):
        if theta[0] < 1.0:
            raise ZeroDivisionError("no logarithm here")
        return theta.sum(), np.ones(1)

    with pytest.raises(ZeroDivisionError, match="no logarithm here") as caught:
        minimize(g, [2.0], GradientDescent(0.3), steps=100)
    error = caught.value
    assert error.theta == pytest.approx([0.8])
    assert any("0.8" in note and "step 4" in note for note in error.__notes__)
    assert error.trace.thetas.ravel() == pytest.approx([2.0, 1.7, 1.4, 1.1])
    assert error.trace.value == pytest.approx(1.1)


def test_an_exception_at_the_start_carries_theta_and_no_trace():
    def g(theta):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        minimize(g, [2.0], GradientDescent(0.3), steps=100)
    assert caught.value.theta.tolist() == [2.0]
    assert caught.value.trace is None


@LIBRARIES
def test_a_learning_rate_that_diverges_keeps_the_best_finite_point_and_says_when(library):
    g = Function(lambda t: (t**4).sum(-1), gradient=lambda t: 4 * t**3)
    trace = gradient_descent(g, library(np.array([3.0])), 0.1, steps=100)
    assert not trace.converged
    assert trace.message == (
        f"diverged at step {trace.steps}: g is not finite; try a smaller learning_rate"
    )
    assert not np.isfinite(np.asarray(trace.values[-1]))
    assert np.isfinite(np.asarray(trace.values[:-1])).all()
    assert (float(trace.theta[0]), trace.value) == (3.0, 81.0)


def test_g_without_a_lower_bound_is_named_as_such():
    g = Function(lambda t: -(t**4).sum(-1), gradient=lambda t: -4 * t**3)
    trace = gradient_descent(g, [1.0], 1.0, steps=100)
    assert "fell to minus infinity; it has no lower bound this way" in trace.message
    assert math.isfinite(trace.value)
    assert trace.value == np.asarray(trace.values)[:-1].min()


@pytest.mark.filterwarnings("ignore:invalid value encountered in log")
def test_a_start_where_g_is_not_finite_asks_for_another_start():
    g = Function(lambda t: np.log(t).sum(-1), gradient=lambda t: 1 / t)
    trace = gradient_descent(g, [-1.0], 0.1, steps=10)
    assert trace.message == "g is not finite at the start; try another start"
    assert trace.steps == 0
    assert math.isnan(trace.value)


def test_tol_is_the_norm_of_the_gradient_at_which_descent_stops():
    g = Quadratic([1.0, 3.0])
    trace = gradient_descent(g, [1.0, 1.0], 0.3, steps=1000, tol=1e-3)
    norms = np.linalg.norm(g.gradient(trace.thetas), axis=1)
    assert trace.converged
    assert norms[-1] <= 1e-3 < norms[:-1].min()
    assert f"flat at step {trace.steps}" in trace.message


def test_steps_is_the_most_steps_taken():
    trace = gradient_descent(Quadratic([1.0]), [1.0], 0.1, steps=7)
    assert (trace.steps, len(trace.thetas), trace.converged) == (7, 8, False)
    assert trace.message == "used up all 7 steps before the gradient was flat"


@LIBRARIES
def test_the_start_is_not_changed(library):
    start = library(np.array([1.0, 2.0]))
    trace = gradient_descent(Quadratic(library(np.array([1.0, 3.0]))), start, 0.1, steps=5)
    assert start.tolist() == [1.0, 2.0]
    trace.thetas[0] += 5.0
    assert start.tolist() == [1.0, 2.0]


@LIBRARIES
def test_the_trace_does_not_change_with_the_start(library):
    """The best point of a diverging run is the start itself; the trace keeps its own copy."""
    start = library(np.array([1.0, 2.0]))
    trace = gradient_descent(Quadratic(library(np.array([1.0, 3.0]))), start, 5.0, steps=5)
    start += 7.0
    assert trace.theta.tolist() == [1.0, 2.0]
    assert trace.thetas[0].tolist() == [1.0, 2.0]


@LIBRARIES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [0.1, np.float64(0.1), np.float32(0.1)], ids=["float", "f64", "f32"])
def test_the_trace_keeps_library_and_dtype(library, dtype, rate):
    start = library(np.array([1.0, 2.0], dtype))
    trace = gradient_descent(Himmelblau(), start, rate, steps=5)
    for array in (trace.thetas, trace.values, trace.theta, trace.last):
        assert type(array) is type(start)
        assert array.dtype == start.dtype


def test_a_gradient_from_autograd_needs_no_graph_kept():
    """Values that carry a graph are recorded without it, else memory would grow with the steps."""
    calls = []

    def value_and_gradient(theta):
        theta = theta.requires_grad_(True)
        value = ((theta - 1) ** 2).sum()
        value.backward()
        calls.append(theta)
        return value, theta.grad

    start = torch.zeros(2, dtype=torch.float64)
    trace = minimize(value_and_gradient, start, GradientDescent(0.25), steps=100)
    assert trace.converged
    assert not trace.values.requires_grad
    assert not trace.thetas.requires_grad
    assert not start.requires_grad
    np.testing.assert_allclose(trace.theta.numpy(), 1, atol=1e-8)


# --- check_gradient -------------------------------------------------------------------------------

SMOOTH = [Rosenbrock(), Himmelblau(), DoubleWell(), Rastrigin(), MonkeySaddle(), Saddle(),
          Quadratic([1.0, 10.0], center=[0.3, 0.2])]  # fmt: skip


@LIBRARIES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("g", [Ackley(), *SMOOTH[:-1]], ids=repr)
def test_check_gradient_passes_right_gradients_at_random_points(g, dtype, library):
    for theta in np.random.default_rng(0).uniform(-3, 3, (25, 2)).astype(dtype):
        assert check_gradient(g, g.gradient, library(theta)) < (5e-2 if dtype == "float32" else 1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("g", SMOOTH, ids=lambda g: type(g).__name__)
@pytest.mark.parametrize("distance", [0.0, 1e-10, 1e-7, 1e-5, 1e-3, 1e-2])
def test_check_gradient_passes_right_gradients_at_and_near_flat_points(g, distance, dtype):
    if isinstance(g, Quadratic) and dtype == "float32":
        g = Quadratic(g.eigenvalues.astype(dtype), g.center.tolist())
    flat = [*g.minima, *([[0.0, 0.0]] if not len(g.minima) else [])]
    for point in flat:
        theta = (np.asarray(point) + np.array([distance, -0.6 * distance])).astype(dtype)
        check_gradient(g, g.gradient, theta)


def test_check_gradient_passes_at_the_perfect_fit_of_large_data():
    data = norris()
    g = affine_error(data.x, 1.0 + 2.0 * data.x)
    for distance in (0.0, 1e-9, 1e-6, 1.0):
        check_gradient(g, g.gradient, [2.0 + distance, 1.0 - distance])


@LIBRARIES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrong", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "spoil", [lambda s: -s, lambda s: 2 * s, lambda s: 0 * s, lambda s: 1.02 * s, lambda s: s + np.nan],
    ids=["sign", "factor", "zero", "2 percent", "nan"],
)  # fmt: skip
def test_check_gradient_names_the_wrong_coordinate(wrong, spoil, dtype, library):
    g = DoubleWell(size=4)

    def gradient(theta):
        slope = g.gradient(theta)
        slope[wrong] = spoil(slope[wrong])
        return slope

    theta = library(np.array([0.4, 1.0, -2.0, 3.0], dtype))
    with pytest.raises(
        ValueError, match=f"the gradient is wrong in coordinate {wrong}: it says"
    ) as caught:
        check_gradient(g, gradient, theta)
    stated, measured = float(gradient(theta)[wrong]), float(g.gradient(theta)[wrong])
    says = str(caught.value).split("it says ")[1].split(", central differences say ")
    assert float(says[0]) == pytest.approx(stated, rel=1e-5, nan_ok=True)
    assert float(says[1]) == pytest.approx(measured, rel=2e-2)


def test_check_gradient_sees_a_sign_flip_close_to_a_minimum():
    g = Himmelblau()
    theta = np.array([3.0 + 1e-5, 2.0 + 1e-5])
    flip = np.array([1.0, -1.0])
    with pytest.raises(ValueError, match="wrong in coordinate 1"):
        check_gradient(g, lambda t: flip * g.gradient(t), theta)


def test_check_gradient_sees_a_small_wrong_coordinate_beside_a_large_right_one():
    def g(theta):
        return 1e6 * theta[0] + 1e-1 * theta[1]

    with pytest.raises(ValueError, match=r"wrong in coordinate 1: it says -0\.1, .* say 0\.[01]"):
        check_gradient(g, lambda t: np.array([1e6, -1e-1]), [1.0, 1.0])


def test_check_gradient_sees_the_missing_one_over_t():
    g = affine_error(norris().x, norris().y)
    with pytest.raises(ValueError, match="wrong in coordinate 0"):
        check_gradient(g, lambda t: 36 * g.gradient(t), [1.0, 0.0])


def test_check_gradient_returns_the_relative_difference():
    def g(theta):
        return 3 * theta[0] + 2 * theta[1]

    claimed = np.array([3.0, 2.0 * (1 + 1e-8)])
    assert check_gradient(g, lambda t: claimed, [1.0, 1.0]) == pytest.approx(2e-8 / 3, rel=2e-2)


@pytest.mark.parametrize(
    ("gradient", "says"),
    [
        (lambda t: t[:1], r"gradient has shape \(1,\) and theta has shape \(2,\)"),
        (lambda t: [1.0, 2.0], r"gradient is a list and theta has shape \(2,\)"),
        (lambda t: 1.0, r"gradient is a float and theta has shape \(2,\)"),
    ],
)
def test_check_gradient_refuses_a_gradient_of_the_wrong_shape(gradient, says):
    with pytest.raises(ValueError, match=says):
        check_gradient(lambda t: t.sum(), gradient, [1.0, 2.0])


def test_check_gradient_leaves_theta_alone_and_accepts_lists():
    theta = np.array([0.5, 0.25])
    check_gradient(Rosenbrock(), Rosenbrock().gradient, theta)
    assert theta.tolist() == [0.5, 0.25]
    assert check_gradient(Rosenbrock(), Rosenbrock().gradient, [1, 2]) < 1e-8


def test_check_gradient_wants_one_theta():
    with pytest.raises(ValueError, match=r"shape \(P,\); got \(1, 2\)"):
        check_gradient(Rosenbrock(), Rosenbrock().gradient, [[1.0, 2.0]])
