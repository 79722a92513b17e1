"""Zeros of the gradient: the points that Newton finds, and the kinds that eigenvalues tell."""

import numpy as np
import pytest
import torch

from lecturecode import classify, find_stationary_point
from lecturecode.objectives import (
    DoubleWell,
    Function,
    Himmelblau,
    MeanSquaredError,
    MonkeySaddle,
    Quadratic,
    Rosenbrock,
    Saddle,
)

pytestmark = pytest.mark.numeric

# The nine flat points of Himmelblau's function, as tables give them.
NINE = [
    ([3.0, 2.0], "minimum"),
    ([-2.805118, 3.131313], "minimum"),
    ([-3.779310, -3.283186], "minimum"),
    ([3.584428, -1.848127], "minimum"),
    ([0.086678, 2.884255], "saddle"),
    ([-3.073026, -0.081353], "saddle"),
    ([3.385154, 0.073852], "saddle"),
    ([-0.127961, -1.953715], "saddle"),
    ([-0.270845, -0.923039], "maximum"),
]


def roots_of_himmelblaus_gradient():
    """All real zeros of the gradient, by eliminating theta_1: roots of a resultant, no Newton."""
    # d/da: 4a(a^2+b-11) + 2(a+b^2-7) = 0 ; d/db: 2(a^2+b-11) + 4b(a+b^2-7) = 0
    # The second gives a^2 + 2ab + (b + 2b^3 - 14b - 11) = 0: a = -b +- sqrt(b^2 - c(b)).
    found = []
    b = np.linspace(-6, 6, 400_001)
    root = np.emath.sqrt(b**2 - (2 * b**3 - 13 * b - 11))
    for sign in (1, -1):
        a = np.where(root.imag == 0, -b + sign * root.real, np.nan)
        f = 4 * a * (a**2 + b - 11) + 2 * (a + b**2 - 7)
        k = np.flatnonzero((f[:-1] * f[1:] < 0) & (abs(f[:-1]) < 1) & (abs(f[1:]) < 1))
        found += [(float(a[i]), float(b[i])) for i in k]
    return np.array(found)


@pytest.mark.parametrize(("point", "kind"), NINE)
def test_finds_and_names_himmelblaus_nine_stationary_points(point, kind):
    g = Himmelblau()
    trace = find_stationary_point(g.gradient, g.hessian, np.array(point) + 0.02)
    assert trace.converged
    np.testing.assert_allclose(trace.theta, point, atol=1e-6)
    assert np.linalg.norm(g.gradient(trace.theta)) <= 1e-10
    assert classify(g.hessian(trace.theta)) == kind


def test_himmelblau_has_no_tenth_stationary_point():
    found = roots_of_himmelblaus_gradient()
    assert len(found) == 9
    for point, _ in NINE:
        assert np.linalg.norm(found - point, axis=1).min() < 1e-3


def test_many_starts_lead_to_all_nine_and_nowhere_else():
    g, kinds = Himmelblau(), set()
    for start in np.random.default_rng(0).uniform(-5, 5, (80, 2)):
        trace = find_stationary_point(g.gradient, g.hessian, start)
        if trace.converged:
            distances = [np.linalg.norm(trace.theta - point) for point, _ in NINE]
            assert min(distances) < 1e-6
            kinds.add(int(np.argmin(distances)))
    assert kinds == set(range(9))


def test_newton_converges_quadratically():
    """Each step squares the error: e' <= C e^2, and the digits double until rounding."""
    g = Himmelblau()
    trace = find_stationary_point(g.gradient, g.hessian, [3.4, 2.4])
    errors = np.linalg.norm(trace.thetas - [3.0, 2.0], axis=1)
    errors = errors[(errors < 0.5) & (errors > 1e-7)]
    assert len(errors) >= 3
    orders = np.log(errors[1:]) / np.log(errors[:-1])
    ratios = errors[1:] / errors[:-1] ** 2
    assert orders[-1] > 1.7
    assert ratios.max() < 1.5


def test_newton_converges_only_linearly_where_the_hessian_is_singular():
    """At the monkey saddle the gradient is quadratic, so each step halves the distance."""
    g = MonkeySaddle()
    trace = find_stationary_point(g.gradient, g.hessian, [1.0, 0.3])
    errors = np.linalg.norm(trace.thetas, axis=1)
    np.testing.assert_allclose(errors[1:] / errors[:-1], 0.5, rtol=1e-9)
    assert trace.converged


def test_newton_solves_a_quadratic_in_one_step_whatever_its_kind():
    for lam, kind in [([1.0, 9.0], "minimum"), ([-1.0, -2.0], "maximum"), ([1.0, -5.0], "saddle")]:
        g = Quadratic(lam, center=[0.5, -1.0])
        trace = find_stationary_point(g.gradient, g.hessian, [3.0, 4.0])
        assert trace.converged
        assert trace.steps == 1
        np.testing.assert_allclose(trace.theta, [0.5, -1.0], atol=1e-14)
        assert classify(g.hessian(trace.theta)) == kind


def test_newton_brings_the_zero_nearer_at_every_step():
    g = Rosenbrock()
    trace = find_stationary_point(g.gradient, g.hessian, [1.4, 1.5])
    assert trace.converged
    assert trace.steps > 3
    for before, after in zip(trace.thetas[:-1], trace.thetas[1:], strict=True):
        inverse = np.linalg.inv(g.hessian(before))
        step_here, step_there = inverse @ g.gradient(before), inverse @ g.gradient(after)
        shorter_step = np.linalg.norm(step_there) < np.linalg.norm(step_here)
        assert shorter_step or np.linalg.norm(g.gradient(after)) < np.linalg.norm(g.gradient(before))
    np.testing.assert_allclose(trace.theta, [1.0, 1.0], atol=1e-10)


def test_newton_gets_through_a_curved_valley_from_nearly_everywhere():
    g = Rosenbrock()
    starts = np.random.default_rng(0).uniform(g.domain.low, g.domain.high, (100, 2))
    traces = [find_stationary_point(g.gradient, g.hessian, s) for s in [[-1.2, 1.0], *starts]]
    assert traces[0].converged  # the start of Rosenbrock's paper
    assert sum(trace.converged for trace in traces) >= 97
    assert all("try another start" in trace.message for trace in traces if not trace.converged)


@pytest.mark.parametrize("unit", [2.0**-60, 1.0, 2.0**60])
def test_a_start_where_only_rounding_is_left_has_converged_in_every_unit(unit):
    """Targets far from zero leave a gradient of 1e-8: Newton's step from there is of the last digits."""
    W = np.random.default_rng(0).normal(size=(50, 3))
    g = MeanSquaredError(W, W @ [1.0, 2.0, 3.0] + 1e9)
    derivatives = lambda t: unit * g.gradient(t), lambda t: unit * g.hessian(t)
    there = find_stationary_point(*derivatives, np.zeros(3)).theta
    for start in [there, *(there * (1 + 1e-16 * np.random.default_rng(1).normal(size=(20, 3))))]:
        again = find_stationary_point(*derivatives, start)
        assert again.converged, again.message
        np.testing.assert_allclose(again.theta, there, rtol=1e-12)
        assert not find_stationary_point(*derivatives, start, tol=1e-30 * unit).converged


def test_where_newtons_step_says_nothing_of_the_gradient_it_has_not_converged():
    trace = find_stationary_point(lambda t: np.ones(1), lambda t: np.zeros((1, 1)), [1.0])
    assert not trace.converged
    assert "try another start" in trace.message
    saddle = MonkeySaddle()
    assert find_stationary_point(saddle.gradient, saddle.hessian, [0.0, 0.0]).steps == 0
    infinite = find_stationary_point(lambda t: t / 0.0, lambda t: np.eye(1), [1.0], tol=np.inf)
    assert not infinite.converged


def test_values_are_gradient_norms_and_evaluations_are_gradient_calls():
    g, calls = Himmelblau(), []

    def gradient(theta):
        calls.append(theta)
        return g.gradient(theta)

    trace = find_stationary_point(gradient, g.hessian, [1.0, 1.0])
    np.testing.assert_allclose(trace.values, np.linalg.norm(g.gradient(trace.thetas), axis=1))
    assert trace.evaluations[-1] == len(calls)
    assert trace.value == trace.values.min()


def test_a_start_that_is_flat_already_takes_no_step():
    trace = find_stationary_point(Saddle().gradient, Saddle().hessian, [0.0, 0.0])
    assert trace.converged
    assert trace.steps == 0


def test_says_when_there_is_no_flat_point():
    g = Function(np.sum, gradient=lambda t: t**2 + 1.0, hessian=lambda t: 2 * t[:, None])
    trace = find_stationary_point(g.gradient, g.hessian, [0.7])
    assert not trace.converged
    assert "norm is" in trace.message
    assert trace.value == pytest.approx(1.0, abs=0.2)


def test_says_when_the_steps_are_used_up():
    g = Himmelblau()
    trace = find_stationary_point(g.gradient, g.hessian, [30.0, 20.0], steps=2)
    assert not trace.converged
    assert "used up all 2 steps" in trace.message


def test_says_when_the_gradient_is_not_finite():
    trace = find_stationary_point(lambda t: t * np.nan, lambda t: np.eye(2), [1.0, 1.0])
    assert not trace.converged
    assert "not finite" in trace.message


def test_newton_on_tensors_is_newton_on_arrays():
    g, start = Himmelblau(), np.array([-1.0, 3.0])
    ours = find_stationary_point(g.gradient, g.hessian, start)
    theirs = find_stationary_point(g.gradient, g.hessian, torch.from_numpy(start))
    assert isinstance(theirs.theta, torch.Tensor)
    np.testing.assert_allclose(theirs.thetas.numpy(), ours.thetas, rtol=1e-9, atol=1e-12)
    assert start.tolist() == [-1.0, 3.0]


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"steps": 0}, ValueError, "steps must be.*at least 1; got 0"),
        ({"steps": 2.5}, ValueError, "steps must be an integer.*got 2.5"),
        ({"tol": float("nan")}, ValueError, "tol must be 0 or positive; got nan"),
        ({"theta": [[1.0, 2.0]]}, ValueError, r"shape \(P,\).*got \(1, 2\)"),
        ({"theta": []}, ValueError, r"P >= 1; got \(0,\)"),
        ({"theta": [np.inf, 0.0]}, ValueError, "theta has 1 value"),
        ({"gradient": 3.0}, TypeError, "gradient must be a function of theta; got float"),
        ({"hessian": None}, TypeError, "hessian must be a function of theta; got NoneType"),
        ({"gradient": lambda t: t[:1]}, ValueError, r"gradient returned shape \(1,\).*\(2,\)"),
        ({"gradient": lambda t: [0.0, 1.0]}, ValueError, r"gradient returned list.*\(2,\)"),
        ({"hessian": lambda t: t}, ValueError, r"hessian returned shape \(2,\).*\(2, 2\)"),
    ],
)
def test_find_stationary_point_refuses_bad_arguments(arguments, error, says):
    g = Himmelblau()
    good = {"gradient": g.gradient, "hessian": g.hessian, "theta": [1.0, 1.0]}
    with pytest.raises(error, match=says):
        find_stationary_point(**(good | arguments))


# --- classify -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("eigenvalues", "kind"),
    [
        ([1.0, 2.0, 3.0], "minimum"),
        ([-1.0, -2.0, -3.0], "maximum"),
        ([1.0, -2.0, 3.0], "saddle"),
        ([1.0, -1.0, 0.0], "saddle"),  # det H = 0, and yet decided
        ([1.0, 0.0, 2.0], "inconclusive"),
        ([-1.0, 0.0, -2.0], "inconclusive"),
        ([0.0, 0.0, 0.0], "inconclusive"),
        ([1e-9, 2e-9, 3e-9], "minimum"),  # small is not zero: the scale is that of H
        ([1e9, 2e9, -1e9], "saddle"),
    ],
)
@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_kind_is_told_by_the_signs_of_the_eigenvalues(eigenvalues, kind, library):
    Q = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))[0]
    H = (Q * eigenvalues) @ Q.T
    assert classify(library((H + H.T) / 2)) == kind


def test_a_saddle_with_a_zero_eigenvalue_is_still_a_saddle():
    H = np.diag([1.0, -1.0, 0.0])
    assert np.linalg.det(H) == 0
    assert classify(H) == "saddle"


def test_the_monkey_saddle_is_inconclusive_at_the_origin_and_a_saddle_beside_it():
    g = MonkeySaddle()
    assert classify(g.hessian([0.0, 0.0])) == "inconclusive"
    assert classify(g.hessian([0.1, 0.2])) == "saddle"


@pytest.mark.parametrize(("power", "sign", "truth"), [(4, 1, "min"), (4, -1, "max"), (3, 1, "neither")])
def test_a_singular_semi_definite_hessian_leaves_all_kinds_open(power, sign, truth):
    """x^4 has a minimum, -x^4 a maximum, x^3 neither; their second derivatives at 0 are all 0."""
    second = sign * power * (power - 1) * 0.0 ** (power - 2)
    x = np.array([-1e-2, 1e-2])
    beside = sign * x**power
    assert {"min": (beside > 0).all(), "max": (beside < 0).all(), "neither": beside[0] < 0 < beside[1]}[
        truth
    ]
    assert classify([[second]]) == "inconclusive"


def test_a_kind_is_confirmed_by_the_values_around_the_point():
    g, rng = Himmelblau(), np.random.default_rng(0)
    for point, kind in NINE:
        flat = find_stationary_point(g.gradient, g.hessian, point).theta
        around = rng.standard_normal((500, 2))
        rise = g(flat + 1e-3 * around / np.linalg.norm(around, axis=1, keepdims=True)) - g(flat)
        seen = "minimum" if (rise > 0).all() else "maximum" if (rise < 0).all() else "saddle"
        assert seen == kind


def test_a_batch_of_hessians_is_named_one_by_one():
    rng = np.random.default_rng(3)
    A = rng.standard_normal((4, 5, 2, 2))
    H = A + np.swapaxes(A, -1, -2)
    kinds = classify(H)
    assert kinds.shape == (4, 5)
    assert len(set(kinds.ravel())) == 3
    for index in np.ndindex(4, 5):
        assert kinds[index] == classify(H[index])


def test_matrices_of_a_batch_do_not_lend_each_other_their_scale():
    tiny = 1e-12 * np.diag([1.0, 2.0])
    assert classify(np.stack([1e6 * np.eye(2), tiny])).tolist() == ["minimum", "minimum"]
    lopsided = 1e-12 * np.array([[1.0, 1.0], [0.0, 1.0]])
    with pytest.raises(ValueError, match="must be symmetric"):
        classify(np.stack([1e6 * np.eye(2), lopsided]))


def test_tol_says_what_counts_as_zero():
    H = np.diag([1.0, 1e-3])
    assert classify(H) == "minimum"
    assert classify(H, tol=1e-2) == "inconclusive"


def test_one_coordinate_is_enough():
    assert classify(DoubleWell(size=1).hessian([0.08])) == "maximum"
    assert classify(DoubleWell(size=1).hessian([1.0])) == "minimum"


@pytest.mark.parametrize(
    ("H", "error", "says"),
    [
        ([[1.0, 2.0], [0.0, 1.0]], ValueError, "must be symmetric"),
        ([[1.0, 2.0]], ValueError, r"shape \(\.\.\., P, P\); got \(1, 2\)"),
        ([1.0, 2.0], ValueError, r"got \(2,\)"),
        (np.empty((0, 0)), ValueError, r"empty \(shape \(0, 0\)\)"),
        ([[np.nan]], ValueError, "hessian has 1 value"),
        ([[1j]], TypeError, "hessian is complex"),
    ],
)
def test_classify_refuses_what_is_no_hessian(H, error, says):
    with pytest.raises(error, match=says):
        classify(H)
