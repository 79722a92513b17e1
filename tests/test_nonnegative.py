"""Non-negative least squares: SciPy's answer, and a certificate by the KKT conditions."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lecturecode import LostDigitsWarning, kkt_violation, least_squares, nonnegative_least_squares
from lecturecode.alternating.nonnegative import SquaredError

pytestmark = pytest.mark.numeric

KINDS = {
    "numpy64": lambda a: np.asarray(a, dtype=np.float64),
    "numpy32": lambda a: np.asarray(a, dtype=np.float32),
    "torch64": lambda a: torch.tensor(np.asarray(a), dtype=torch.float64),
    "torch32": lambda a: torch.tensor(np.asarray(a), dtype=torch.float32),
}


def certificate(W, y, theta):
    """The conditions, written out once more."""
    s = W.T @ (W @ theta - y) / (np.linalg.norm(W, axis=0) * np.linalg.norm(y))
    assert (theta >= 0).all()
    return max(abs(s[theta > 0]).max(initial=0), -s[theta == 0].min(initial=0))


@pytest.mark.parametrize("seed", range(100))
def test_it_agrees_with_scipy(seed):
    from scipy.optimize import nnls

    rng = np.random.default_rng(seed)
    P = int(rng.integers(1, 20))
    T = P + int(rng.integers(0, 20))
    W = rng.standard_normal((T, P))
    if seed % 3 == 1:  # condition numbers up to 1e6
        U, _, V = np.linalg.svd(W, full_matrices=False)
        W = U * np.logspace(0, -6 * rng.random(), P) @ V
    if seed % 3 == 2:  # columns of all sizes
        W = W * 10 ** rng.uniform(-4, 4, P)
    y = rng.standard_normal(T)
    trace = nonnegative_least_squares(W, y)
    peer, norm = nnls(W, y)
    assert trace.converged, trace.message
    lengths = np.linalg.norm(W, axis=0)
    np.testing.assert_allclose(
        trace.theta * lengths, peer * lengths, rtol=0, atol=1e-8 * abs(peer * lengths).max()
    )
    assert trace.value == pytest.approx(norm**2 / T, rel=1e-10)
    assert certificate(W, y, trace.theta) < 1e-10
    assert kkt_violation(W, y, trace.theta) == pytest.approx(
        certificate(W, y, trace.theta), rel=1e-3, abs=1e-15
    )
    assert (trace.thetas >= 0).all()
    assert (np.diff(trace.values) <= 1e-14 * trace.values[0]).all()


@pytest.mark.parametrize("power", [8, 10, 12])
@pytest.mark.parametrize("seed", range(5))
def test_hard_conditions_end_at_the_same_residual(seed, power):
    """It is no farther from the minimum than its slopes allow.

    F = |W theta - y|^2 is convex, so with s = W^T (W theta - y) no theta' lies lower than F(theta) by
    more than 2 s^T (theta - theta'). That is at most 2 v |y| sum_p |w_p| |theta_p - theta'_p| where the
    slopes are v relative to |w_p| |y|. The norm is evaluated to within P eps sum_p |w_p| theta_p.
    """
    from scipy.optimize import nnls

    rng = np.random.default_rng(seed)
    U, _, V = np.linalg.svd(rng.standard_normal((30, 12)), full_matrices=False)
    W, y = U * np.logspace(0, -power, 12) @ V, rng.standard_normal(30)
    trace = nonnegative_least_squares(W, y)
    assert trace.converged, trace.message
    eps, lengths, size = np.finfo(float).eps, np.linalg.norm(W, axis=0), np.linalg.norm(y)
    v = 1e-12 + 10 * eps * (lengths @ trace.theta) / size  # tol, and the rounding of a slope
    assert certificate(W, y, trace.theta) < v
    peer, norm = nnls(W, y)
    rounding = 12 * eps * (lengths @ (trace.theta + peer))
    gap = 2 * v * size * (lengths @ abs(trace.theta - peer))
    assert trace.value * 30 <= (norm + rounding) ** 2 + gap


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_small_whole_numbers_with_ties_and_dependent_columns(seed, T, P):
    from scipy.optimize import nnls

    rng = np.random.default_rng(seed)
    W, y = rng.integers(-2, 3, (T, P)).astype(float), rng.integers(-3, 4, T).astype(float)
    trace = nonnegative_least_squares(W, y)
    assert trace.converged, trace.message
    assert np.sqrt(trace.value * T) == pytest.approx(nnls(W, y)[1], abs=1e-7)
    assert kkt_violation(W, y, trace.theta) < 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_more_columns_than_rows_reach_the_same_residual(seed):
    from scipy.optimize import nnls

    rng = np.random.default_rng(seed)
    W, y = rng.standard_normal((8, 30)), rng.standard_normal(8)
    W[:, rng.random(30) < 0.5] = abs(W[:, :1])
    trace = nonnegative_least_squares(W, y)
    assert trace.converged
    assert np.sqrt(trace.value * 8) == pytest.approx(nnls(W, y)[1], abs=1e-10)


def test_a_known_positive_solution_is_found():
    rng = np.random.default_rng(0)
    W = rng.random((50, 10))
    theta = np.where(np.arange(10) % 3 == 0, 0.0, rng.random(10))
    found = nonnegative_least_squares(W, W @ theta).theta
    np.testing.assert_allclose(found, theta, atol=1e-12)


def test_the_minimum_is_below_random_points_and_above_least_squares():
    rng = np.random.default_rng(1)
    W, y = rng.standard_normal((20, 5)), rng.standard_normal(20)
    trace = nonnegative_least_squares(W, y)
    points = rng.exponential(0.3, (5000, 5))
    assert ((points @ W.T - y) ** 2).mean(1).min() >= trace.value
    free = np.linalg.lstsq(W, y)[0]
    assert (free < 0).any()
    assert trace.value > ((W @ free - y) ** 2).mean()


def test_each_half_step_by_hand():
    W = np.array([[1.0, 0.9], [0.0, 0.5], [0.0, 0.0]])
    y = np.array([1.0, 2.0, 1.0])  # first column 1 is set free, then 0 would be negative
    trace = nonnegative_least_squares(W, y)
    slopes = W.T @ y / np.linalg.norm(W, axis=0)
    assert np.argmax(slopes) == 1
    np.testing.assert_allclose(trace.thetas[1], [0, 1.9 / 1.06], rtol=1e-14)
    assert trace.steps == 1
    assert "the Karush-Kuhn-Tucker conditions hold to" in trace.message

    rng = np.random.default_rng(18)
    W, y = rng.standard_normal((12, 8)) + 1.0, rng.standard_normal(12) + 2
    trace = nonnegative_least_squares(W, y)
    caught = 0
    for before, after in zip(trace.thetas[:-1], trace.thetas[1:], strict=True):
        lost = (before > 0) & (after == 0)
        caught += int(lost.any())
        if not lost.any():  # a minimum over the free ones
            s = W.T @ (W @ after - y)
            assert abs(s[after > 0]).max() < 1e-10
    assert caught >= 1, "the walk back to the border is part of the test"


@pytest.mark.parametrize(
    ("kind", "scales"),
    [("numpy64", [1e-200, 1e-160, 1e160]), ("torch32", [1e-25, 1e-20, 1e20])],
)
def test_squares_that_leave_the_range_of_the_numbers_are_not_formed(kind, scales):
    rng = np.random.default_rng(0)
    W, y = rng.standard_normal((30, 4)), rng.standard_normal(30)
    reference = nonnegative_least_squares(W, y)
    assert np.count_nonzero(reference.theta) == 2
    for scale in scales:
        trace = nonnegative_least_squares(KINDS[kind](W * scale), KINDS[kind](y))
        close = 1e-10 if kind == "numpy64" else 1e-4
        assert trace.value == pytest.approx(reference.value, rel=close)
        np.testing.assert_allclose(
            np.asarray(trace.theta, dtype=float) * scale, reference.theta, rtol=close
        )
        start = KINDS[kind](np.zeros(4))
        said = kkt_violation(KINDS[kind](W * scale), KINDS[kind](y), start)
        assert said == pytest.approx(kkt_violation(W, y, np.zeros(4)), rel=1e-6)


def test_columns_too_nearly_dependent_for_the_precision_are_named():
    said, lost = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        U, _, V = np.linalg.svd(rng.standard_normal((25, 20)), full_matrices=False)
        W, y = (U * np.logspace(0, -10, 20) @ V).astype(np.float32), rng.standard_normal(25)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", LostDigitsWarning)
            trace = nonnegative_least_squares(W, y.astype(np.float32))
        assert all(warning.filename == __file__ for warning in caught)
        lost.append(len(caught))
        assert trace.value == np.min(trace.values) <= trace.values[0]
        assert (trace.theta >= 0).all()
        if not trace.converged:
            said.append(trace.message)
            assert "some columns of W are nearly dependent; leave some out" in trace.message
        assert nonnegative_least_squares(W.astype(float), y).converged, "in float64 they are not"
    assert said
    assert sum(lost), "nearly dependent columns, both with positive coordinates"


def test_zeros():
    W = np.column_stack([np.ones(4), np.zeros(4), -np.ones(4)])
    y = np.array([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(nonnegative_least_squares(W, y).theta, [2.5, 0, 0])
    for nothing in (nonnegative_least_squares(W, 0 * y), nonnegative_least_squares(0 * W, y)):
        assert not nothing.theta.any()
        assert (nothing.converged, nothing.steps) == (True, 0)
    assert nonnegative_least_squares(-W[:, :1], y).steps == 0
    assert kkt_violation(-W[:, :1], y, [0.0]) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_every_kind(kind, seed):
    rng = np.random.default_rng(seed)
    W, y = rng.standard_normal((40, 15)), rng.standard_normal(40)
    expected = nonnegative_least_squares(W, y).theta
    trace = nonnegative_least_squares(KINDS[kind](W), KINDS[kind](y))
    assert trace.converged, trace.message
    assert type(trace.theta) is type(KINDS[kind](W))
    assert trace.theta.dtype == KINDS[kind](W).dtype
    np.testing.assert_allclose(
        np.asarray(trace.theta), expected, atol=1e-10 if kind.endswith("64") else 1e-5
    )


def test_the_violation_tells_what_is_wrong():
    W, y = np.eye(2), np.array([3.0, -2.0])
    norm = np.linalg.norm(y)
    assert kkt_violation(W, y, [3.0, 0.0]) == 0
    assert kkt_violation(W, y, [2.0, 0.0]) == pytest.approx(1 / norm)
    assert kkt_violation(W, y, [0.0, 0.0]) == pytest.approx(3 / norm)
    assert kkt_violation(W, y, [3.0, 1.0]) == pytest.approx(3 / norm)
    assert kkt_violation(W, y, [3.0, -2.0]) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("W", "y", "options", "words"),
    [
        (np.ones((3, 2)), np.ones(2), {}, r"y must have shape \(T,\), and T is 3 in W; got \(2,\)"),
        (np.ones(3), np.ones(3), {}, r"W must have shape"),
        (np.ones((3, 2)), np.ones((3, 1)), {}, r"y must have shape \(T,\); got \(3, 1\)"),
        (np.ones((3, 2)) * np.nan, np.ones(3), {}, "NaN"),
        (np.ones((3, 0)), np.ones(3), {}, "empty"),
        (np.ones((3, 2)), np.ones(3), {"steps": 0}, "steps"),
        (np.ones((3, 2)), np.ones(3), {"tol": -1.0}, "tol"),
    ],
)
def test_bad_input(W, y, options, words):
    with pytest.raises(ValueError, match=words):
        nonnegative_least_squares(W, y, **options)


def test_bad_candidates_and_mixed_kinds():
    with pytest.raises(ValueError, match=r"theta must have shape \(P,\), and P is 2 in W; got \(3,\)"):
        kkt_violation(np.ones((3, 2)), np.ones(3), np.ones(3))
    with pytest.raises(TypeError, match="tensor"):
        nonnegative_least_squares(np.ones((3, 2)), torch.ones(3))


def test_too_few_steps_record_every_and_callback():
    rng = np.random.default_rng(0)
    W, y = rng.random((60, 30)), rng.random(60)
    full = nonnegative_least_squares(W, y)
    assert full.steps > 5
    short = nonnegative_least_squares(W, y, steps=3)
    assert not short.converged
    assert "used up all 3 steps" in short.message
    np.testing.assert_array_equal(short.theta, full.thetas[3])
    exact = nonnegative_least_squares(W, y, steps=full.steps)
    assert exact.converged, "the last step allowed may be the one that ends it"
    np.testing.assert_array_equal(
        nonnegative_least_squares(W, y, record_every=2).thetas, full.thetas[::2]
    )
    stopped = nonnegative_least_squares(W, y, callback=lambda trace: trace.steps == 2)
    assert (stopped.steps, stopped.converged) == (2, False)


# --- the step that is fast ------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(1, 15), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_the_triangle_that_grows_gives_the_minimum_of_least_squares(seed, T, P):
    """Set free and caught in any order, the free columns have the minimizer that a new QR finds."""
    rng = np.random.default_rng(seed)
    W, y = rng.standard_normal((T, P)), rng.standard_normal(T)
    g, free = SquaredError(W, y), np.zeros(P, dtype=bool)
    for _ in range(12):
        p = int(rng.integers(P))
        free = free.copy()
        free[p] = not free[p]
        if free.sum() > min(T, P):
            free[p] = False
        theta = np.zeros(P)
        theta[free] = least_squares(W[:, free], y) if free.any() else 0
        condition = np.linalg.cond(W[:, free]) if free.any() else 1.0
        np.testing.assert_allclose(
            g.minimum(free), theta, atol=1e-13 * condition**2 * (1 + abs(theta).max())
        )
        assert float(g(theta)) == pytest.approx(((W @ theta - y) ** 2).mean(), rel=1e-12, abs=1e-28)
        slopes = W.T @ (W @ theta - y) / (np.linalg.norm(W, axis=0) * np.linalg.norm(y))
        np.testing.assert_allclose(g.relative_slopes(theta), slopes, atol=1e-13)


@pytest.mark.parametrize("seed", range(6))
def test_each_step_is_that_of_plain_least_squares(seed, monkeypatch):
    def minimum(self, free):
        theta = np.zeros(len(free))
        theta[free] = least_squares(W[:, free], y)
        self.order = np.flatnonzero(free).tolist()
        return theta

    rng = np.random.default_rng(seed)
    W, y = rng.standard_normal((60, 20)) + 0.5, rng.standard_normal(60) + 1
    fast = nonnegative_least_squares(W, y)
    monkeypatch.setattr(SquaredError, "minimum", minimum)
    plain = nonnegative_least_squares(W, y)
    np.testing.assert_allclose(fast.thetas, plain.thetas, atol=1e-12)
    np.testing.assert_allclose(fast.values, plain.values, rtol=1e-12)


def test_a_column_that_is_set_free_costs_one_reflection(monkeypatch):
    """A triangle is made anew only when a column is caught."""
    rng = np.random.default_rng(0)
    W, y = rng.random((50, 12)), rng.random(50)
    g, free, made = SquaredError(W, y), np.zeros(12, dtype=bool), []
    qr = np.linalg.qr
    monkeypatch.setattr(np.linalg, "qr", lambda *a, **o: made.append(1) or qr(*a, **o))
    for p in range(6):
        free[p] = True
        g.minimum(free)
    assert not made
    free[2] = False
    g.minimum(free)
    assert len(made) == 1
