"""The lasso by ADMM: the answer of coordinate descent, and the conditions of a minimum."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lecturecode import LostDigitsWarning, largest_penalty, lasso
from lecturecode.alternating import soft_threshold
from lecturecode.alternating.lasso_admm import _inverse_triangle

pytestmark = pytest.mark.numeric

KINDS = {
    "numpy64": lambda a: np.asarray(a, dtype=np.float64),
    "numpy32": lambda a: np.asarray(a, dtype=np.float32),
    "torch64": lambda a: torch.tensor(np.asarray(a), dtype=torch.float64),
    "torch32": lambda a: torch.tensor(np.asarray(a), dtype=torch.float32),
}


def problem(name, T=60, P=20, seed=0):
    rng = np.random.default_rng(seed)
    if name == "wide":
        T, P = 30, 80
    W = rng.standard_normal((T, P))
    if "collinear" in name:
        W = rng.standard_normal((T, 1)) + 0.05 * W
    if "scaled" in name:
        W = W * 10 ** rng.uniform(-3, 3, P)
    lengths = np.linalg.norm(W, axis=0) / T**0.5
    theta = np.where(rng.random(P) < 0.3, rng.standard_normal(P), 0) / lengths
    return W, W @ theta + 0.1 * rng.standard_normal(T), lengths


def violation(W, y, penalty, theta):
    """How far the subgradient condition is missed, relative to the largest penalty of each column."""
    slopes = 2 / len(y) * W.T @ (y - W @ theta)
    active = theta != 0
    miss = np.where(active, abs(slopes - penalty * np.sign(theta)), np.maximum(abs(slopes) - penalty, 0))
    return (miss / (2 / len(y) * np.linalg.norm(W, axis=0) * np.linalg.norm(y))).max()


NAMES = ["easy", "scaled", "collinear", "scaled collinear", "wide"]


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
@pytest.mark.parametrize("name", NAMES)
def test_it_agrees_with_scikit_learn(name, share):
    from sklearn.linear_model import Lasso

    W, y, lengths = problem(name)
    penalty = share * largest_penalty(W, y)
    trace = lasso(W, y, penalty)
    assert trace.converged, trace.message
    peer = Lasso(alpha=penalty / 2, fit_intercept=False, tol=1e-14, max_iter=1_000_000).fit(W, y).coef_
    scale = abs(peer * lengths).max()
    np.testing.assert_allclose(trace.theta * lengths, peer * lengths, rtol=0, atol=1e-6 * scale)
    np.testing.assert_array_equal(trace.theta == 0, peer == 0)
    assert violation(W, y, penalty, trace.theta) < 1e-9
    value = ((W @ trace.theta - y) ** 2).mean() + penalty * abs(trace.theta).sum()
    assert trace.value == pytest.approx(value, rel=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 30), st.floats(0.02, 2))
@settings(max_examples=60, deadline=None)
def test_the_conditions_of_a_minimum_hold(seed, P, T, share):
    rng = np.random.default_rng(seed)
    W, y = rng.standard_normal((T, P)), rng.standard_normal(T)
    penalty = share * largest_penalty(W, y)
    trace = lasso(W, y, penalty)
    assert trace.converged, trace.message
    assert violation(W, y, penalty, trace.theta) < 1e-6


def test_a_single_column_has_a_formula():
    w, y = np.array([1.0, 2.0, -1.0]), np.array([2.0, 1.0, 1.0])
    for penalty in (0.0, 0.3, 1.0, 5.0):
        expected = max(w @ y - 3 * penalty / 2, 0) / (w @ w)
        assert lasso(w[:, None], y, penalty).theta[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("over", [1e-6, 1e-8, -1e-8])
def test_a_coordinate_just_above_the_penalty_is_not_taken_for_zero(over):
    W, y = np.eye(3), np.array([3.0, 1 + over, -2.0])  # g = (1/3)(theta - y)^2 + (2/3) |theta|
    theta = lasso(W, y, 2 / 3).theta
    np.testing.assert_allclose(theta, [2, max(over, 0), -1], rtol=1e-5, atol=0)


@pytest.mark.parametrize("P", [1, 2, 31, 32, 33, 63, 65, 130])
def test_the_inverse_of_a_triangle_by_halves(P):
    W = np.random.default_rng(P).standard_normal((3 * P + 1, P))
    L = np.linalg.cholesky(W.T @ W / len(W))
    R = _inverse_triangle(L)
    np.testing.assert_allclose(R @ L, np.eye(P), atol=1e-13)
    np.testing.assert_array_equal(R, np.tril(R))


def test_no_penalty_is_least_squares():
    W, y, _ = problem("easy")
    np.testing.assert_allclose(lasso(W, y, 0.0).theta, np.linalg.lstsq(W, y)[0], rtol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_theta_is_zero_from_the_largest_penalty_on_and_not_below(name):
    W, y, _ = problem(name)
    top = largest_penalty(W, y)
    assert top == pytest.approx(2 / len(y) * abs(W.T @ y).max(), rel=1e-15)
    for penalty in (top, 1.5 * top, 1e6 * top):
        trace = lasso(W, y, penalty)
        assert trace.converged
        assert not trace.theta.any()
        assert trace.value == pytest.approx((y * y).mean(), rel=1e-12)
    assert np.count_nonzero(lasso(W, y, 0.99 * top).theta) == 1


def test_the_first_steps_are_those_of_the_formulas():
    W, y, lengths = problem("easy")
    lengths = lengths * 2**0.5  # 2/T W^T W gets a diagonal of ones
    S, penalties, rho = W / lengths, 0.2 / lengths, 0.7
    trace = lasso(W, y, 0.2, rho=rho, steps=4)
    z, u = np.zeros(20), np.zeros(20)
    for n in range(1, 5):
        theta = np.linalg.solve(2 / 60 * S.T @ S + rho * np.eye(20), 2 / 60 * S.T @ y + rho * (z - u))
        mixed, before = 1.6 * theta - 0.6 * z, z
        z = np.array([
            math.copysign(max(abs(a) - k / rho, 0), a) for a, k in zip(mixed + u, penalties, strict=True)
        ])  # fmt: skip
        u = u + mixed - z
        np.testing.assert_allclose(trace.thetas[n], z / lengths, rtol=1e-9, atol=1e-12)
        assert trace.extras["primal"][n] == pytest.approx(np.linalg.norm(theta - z), rel=1e-9)
        assert trace.extras["dual"][n] == pytest.approx(rho * np.linalg.norm(z - before), rel=1e-9)
    assert not trace.converged
    assert "used up all 4 steps" in trace.message
    assert trace.value == trace.values.min(), "the best is kept"


@pytest.mark.parametrize("rho", [0.1, 1.0, 10.0])
def test_rho_changes_the_speed_and_not_the_answer(rho):
    W, y, _ = problem("wide")
    penalty = 0.1 * largest_penalty(W, y)
    reference = lasso(W, y, penalty)
    trace = lasso(W, y, penalty, rho=rho)
    np.testing.assert_allclose(trace.theta, reference.theta, atol=1e-9)


def test_equal_columns_share_and_the_minimum_is_reached():
    W, y, _ = problem("easy")
    penalty = 0.1 * largest_penalty(W, y)
    single = lasso(W, y, penalty)
    twice = lasso(np.concatenate([W, W], axis=1), y, penalty)
    assert twice.converged
    assert twice.value == pytest.approx(single.value, rel=1e-8)
    np.testing.assert_allclose(twice.theta[:20] + twice.theta[20:], single.theta, atol=1e-6)


def test_columns_and_targets_of_zeros():
    W, y, _ = problem("easy")
    penalty = 0.1 * largest_penalty(W, y)
    wider = lasso(np.concatenate([W, np.zeros((60, 1))], axis=1), y, penalty)
    np.testing.assert_allclose(wider.theta[:20], lasso(W, y, penalty).theta, atol=1e-10)
    assert wider.theta[20] == 0
    nothing = lasso(W, 0 * y, 0.5)
    assert (nothing.value, nothing.converged) == (0, True)
    assert not nothing.theta.any()
    assert not lasso(W, 0 * y, 0.0).theta.any()
    assert largest_penalty(W, 0 * y) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind):
    W, y, _ = problem("easy")
    penalty = 0.1 * largest_penalty(W, y)
    expected = lasso(W, y, penalty).theta
    trace = lasso(KINDS[kind](W), KINDS[kind](y), penalty)
    assert trace.converged
    assert type(trace.theta) is type(KINDS[kind](W))
    assert trace.theta.dtype == trace.extras["dual"].dtype == KINDS[kind](W).dtype
    close = 1e-10 if kind.endswith("64") else 1e-4
    np.testing.assert_allclose(np.asarray(trace.theta), expected, atol=close)
    np.testing.assert_array_equal(np.asarray(trace.theta) == 0, expected == 0)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((np.ones((3, 2)), np.ones(3), -1.0), {}, "penalty must be 0 or positive, and finite"),
        ((np.ones((3, 2)), np.ones(3), math.nan), {}, "penalty"),
        ((np.ones((3, 2)), np.ones(3), math.inf), {}, "penalty"),
        (
            (np.ones((3, 2)), np.ones(2), 1.0),
            {},
            r"y must have shape \(T,\), and T is 3 in W; got \(2,\)",
        ),
        ((np.ones(3), np.ones(3), 1.0), {}, r"W must have shape \(T, P\)"),
        ((np.ones((3, 2)) * np.nan, np.ones(3), 1.0), {}, "NaN"),
        ((np.ones((0, 2)), np.ones(0), 1.0), {}, "empty"),
        ((np.ones((3, 2)), np.ones(3), 1.0), {"rho": 0.0}, "rho"),
        ((np.ones((3, 2)), np.ones(3), 1.0), {"steps": 0}, "steps"),
        ((np.ones((3, 2)), np.ones(3), 1.0), {"tol": -1.0}, "tol"),
    ],
)
def test_bad_input(arguments, options, words):
    with pytest.raises(ValueError, match=words):
        lasso(*arguments, **options)


def test_mixed_kinds():
    with pytest.raises(TypeError, match="tensor"):
        lasso(np.ones((3, 2)), torch.ones(3), 1.0)
    with pytest.raises(TypeError, match="tensor"):
        largest_penalty(np.ones((3, 2)), torch.ones(3))


def test_callback_and_record_every():
    W, y, _ = problem("collinear")
    penalty = 0.5 * largest_penalty(W, y)
    full = lasso(W, y, penalty)
    assert full.steps > 20
    stopped = lasso(W, y, penalty, callback=lambda trace: trace.steps == 7)
    assert (stopped.steps, stopped.converged) == (7, False)
    thin = lasso(W, y, penalty, record_every=5)
    np.testing.assert_array_equal(thin.thetas, full.thetas[::5])
    assert thin.extras["primal"].shape == (len(thin.thetas),)
    np.testing.assert_array_equal(lasso(W, y, penalty, record_every=0).theta, full.theta)
    np.testing.assert_array_equal(full.theta, full.last)


@pytest.mark.parametrize("kind", KINDS)
def test_soft_threshold_is_the_minimizer_that_it_claims_to_be(kind):
    a = KINDS[kind](np.linspace(-3, 3, 25))
    grid = np.linspace(-4, 4, 16001)
    found = soft_threshold(a, 0.75)
    assert found.dtype == a.dtype
    for x, z in zip(np.asarray(a), np.asarray(found), strict=True):
        best = grid[np.argmin((grid - x) ** 2 / 2 + 0.75 * abs(grid))]
        assert abs(z - best) <= 5e-4
    assert (np.asarray(found)[abs(np.asarray(a)) <= 0.75] == 0).all()
    each = soft_threshold([[3.0, -3.0]], [1.0, 2.0])
    np.testing.assert_array_equal(each, [[2, -1]])
    with pytest.raises(ValueError, match="threshold must be at least 0"):
        soft_threshold(a, -1.0)
    for shape, threshold in ((25, [1.0, 2.0]), (25, np.ones((2, 25))), ((), [1.0])):
        with pytest.raises(ValueError, match="threshold must be a number or have shape"):
            soft_threshold(np.ones(shape), threshold)


def test_the_value_of_a_close_fit_is_that_of_its_residual():
    """Written out as a quadratic, g is a difference of numbers 1e8 times as large as itself."""
    rng = np.random.default_rng(0)
    W, theta = rng.standard_normal((60, 4)), np.array([3.0, -2.0, 1.0, 4.0])
    y = W @ theta + 1e-6 * rng.standard_normal(60)
    trace = lasso(W, y, 0.0)
    r = W @ trace.theta - y
    assert trace.value == pytest.approx(r @ r / 60, rel=1e-12)
    assert 0 < trace.value < 2e-12


@pytest.mark.parametrize("unit", [1e-200, 1e-160, 1e160])
def test_the_unit_of_the_columns_only_changes_the_unit_of_theta(unit):
    """The squares of such columns leave the range of the numbers."""
    rng = np.random.default_rng(1)
    W, y = rng.standard_normal((30, 4)), rng.standard_normal(30)
    usual, scaled = lasso(W, y, 0.2), lasso(W * unit, y, 0.2 * unit)
    assert 0 < (usual.theta != 0).sum() < 4
    np.testing.assert_allclose(scaled.theta * unit, usual.theta, rtol=1e-9, atol=1e-12)
    assert scaled.value == pytest.approx(usual.value, rel=1e-12)


@pytest.mark.parametrize("rho", [1e-300, 1e-17])
@pytest.mark.parametrize("seed", range(10))
def test_a_rho_that_rounding_swallows_is_named(seed, rho):
    """Whether Cholesky's method fails as well is up to rounding, and other in each column."""
    W = np.random.default_rng(seed).standard_normal((5, 1)) * [1, 3]
    with pytest.raises(ValueError, match=f"rho = {rho:g} is lost in rounding"):
        lasso(W, np.arange(5.0), 0.1, rho=rho)
    assert lasso(W, np.arange(5.0), 0.1, rho=1e-3).converged


def test_a_penalty_that_is_no_number():
    with pytest.raises(TypeError, match="penalty must be a number; got NoneType"):
        lasso(np.eye(2), np.ones(2), None)


@pytest.mark.parametrize("kind", ["numpy32", "torch32"])
def test_few_digits_are_told_where_what_is_left_is_nearly_dependent(kind):
    W = np.array([[1.0, 1.05, 0.0], [0.0, 2.0**-7, 0.0], [0.0, 0.0, 1.0]])
    W, y = KINDS[kind](W), KINDS[kind](W @ [1, 1, 2])
    with pytest.warns(LostDigitsWarning, match=r"of the 7 digits of (torch\.)?float32") as caught:
        assert (lasso(W, y, 1e-6).theta != 0).all()
    assert caught[0].filename == __file__
    theta = lasso(W, y, 0.5).theta  # where one of the two is left out, no digits are lost
    assert int((theta != 0).sum()) == 2
