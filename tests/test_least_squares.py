"""Least squares: certified digits, the pseudo-inverse, least norm, where the formula fails."""

import itertools
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import LinearRegression

from lecturecode import (
    RankDeficientWarning,
    affine_error,
    design_matrix,
    fit_affine,
    gradient_descent,
    least_squares,
    normal_equations,
)
from lecturecode.datasets import norris, penguins

pytestmark = pytest.mark.numeric

EPS = np.finfo(float).eps


def log_relative_error(got, certified):
    """Number of correct significant digits, as NIST counts them."""
    return 16.0 if got == certified else -math.log10(abs(got - certified) / abs(certified))


def exactly(W, y):
    """Solve the normal equations in rational numbers: no rounding at all; W of full column rank."""
    rows = [[Fraction(float(w)) for w in row] for row in W]
    targets = [Fraction(float(value)) for value in y]
    P = len(rows[0])
    A = [
        [sum(r[i] * r[j] for r in rows) for j in range(P)]
        + [sum(r[i] * t for r, t in zip(rows, targets, strict=True))]
        for i in range(P)
    ]
    for k in range(P):
        A[k] = [a / A[k][k] for a in A[k]]
        for i in range(P):
            if i != k:
                A[i] = [a - A[i][k] * b for a, b in zip(A[i], A[k], strict=True)]
    return [row[-1] for row in A]


def digits(theta, exact):
    """Correct digits of the worst entry."""
    relative = [abs(Fraction(float(a)) - b) / abs(b) for a, b in zip(theta, exact, strict=True)]
    return min(16.0, -math.log10(max(float(max(relative)), 1e-17)))


def vandermonde(T, P, low, high, noise):
    """Polynomials of degree P - 1: the standard way to a hard design matrix."""
    W = np.linspace(low, high, T)[:, None] ** np.arange(P)
    return W, W.sum(1) + noise * np.random.default_rng(P).standard_normal(T)


def low_rank(T, P, rank, rng):
    return rng.standard_normal((T, rank)) @ rng.standard_normal((rank, P))


# --- certified data -------------------------------------------------------------------------------


def test_fit_affine_reaches_the_certified_digits_of_norris():
    data = norris()
    slope, intercept = fit_affine(data.x, data.y)
    assert log_relative_error(slope, data.certified.slope) >= 12
    assert log_relative_error(intercept, data.certified.intercept) >= 12


def test_residual_on_norris_is_the_certified_one():
    data = norris()
    residual = affine_error(data.x, data.y).residual(fit_affine(data.x, data.y))
    deviation = math.sqrt((residual**2).sum() / (36 - 2))
    assert log_relative_error(deviation, data.certified.residual_deviation) >= 12


def test_norris_in_float32_keeps_the_digits_of_float32():
    data = norris()
    x, y = data.x.astype(np.float32), data.y.astype(np.float32)
    theta = fit_affine(x, y)
    assert theta.dtype == np.float32
    exact = exactly(design_matrix(x.astype(float)), y)
    assert log_relative_error(float(theta[0]), float(exact[0])) >= 6
    assert log_relative_error(float(theta[1]), float(exact[1])) >= 4  # it is 4000 times smaller


# --- the formula, and the zero of the gradient ----------------------------------------------------


def test_design_matrix_has_rows_x_and_one():
    assert design_matrix([2.0, 5.0]).tolist() == [[2.0, 1.0], [5.0, 1.0]]
    assert design_matrix([[2.0, 3.0], [5.0, 7.0]]).tolist() == [[2.0, 3.0, 1.0], [5.0, 7.0, 1.0]]
    W = design_matrix(torch.tensor([2.0, 5.0]))
    assert W.dtype == torch.float32
    assert W.tolist() == [[2.0, 1.0], [5.0, 1.0]]


def test_design_matrix_makes_the_affine_model_linear():
    x, a, b = np.random.default_rng(0).standard_normal((9, 3)), np.array([1.0, -2.0, 0.5]), 4.0
    np.testing.assert_allclose(design_matrix(x) @ [*a, b], x @ a + b, rtol=1e-13)


@pytest.mark.parametrize("solve", [normal_equations, least_squares])
def test_the_answer_is_a_zero_of_the_gradient(solve):
    data = penguins()
    x, y = data["flipper_length_mm"], data["body_mass_g"]
    g = affine_error(x, y)
    theta = solve(design_matrix(x), y)
    scale = (np.abs(g.W).T @ np.abs(g.residual(theta))) * 2 / len(y)
    assert np.all(np.abs(g.gradient(theta)) <= 1e-10 * scale)
    for step in ([1e-3, 0.0], [0.0, 1.0], [-1e-3, 0.2]):
        assert g(theta + step) > g(theta)


@pytest.mark.parametrize("solve", [normal_equations, least_squares])
def test_small_example_by_hand(solve):
    """Through (0, 0), (1, 2), (2, 1): slope 1/2, intercept 1/2."""
    np.testing.assert_allclose(solve([[0, 1], [1, 1], [2, 1]], [0, 2, 1]), [0.5, 0.5], rtol=1e-14)


def test_fit_affine_agrees_with_scikit_learn_on_penguins():
    data = penguins()
    x, y = data.x[:, :3], data["body_mass_g"]
    model = LinearRegression().fit(x, y)
    np.testing.assert_allclose(fit_affine(x, y), [*model.coef_, model.intercept_], rtol=1e-10)


def test_fit_affine_is_where_gradient_descent_ends():
    x, y = [0.0, 1.0, 2.0, 4.0], [1.0, 2.5, 5.5, 8.0]
    trace = gradient_descent(affine_error(x, y), [0.0, 0.0], 0.1, steps=20_000, tol=1e-12)
    assert trace.converged
    np.testing.assert_allclose(trace.last, fit_affine(x, y), rtol=1e-10)


# --- against SciPy and NumPy ----------------------------------------------------------------------

SHAPES = [(1, 1), (2, 2), (7, 3), (50, 5), (200, 30), (30, 30), (3, 7), (1, 4), (5, 1), (20, 60)]


@pytest.mark.parametrize(("T", "P"), SHAPES)
@pytest.mark.parametrize("targets", [None, 1, 4])
def test_equals_scipy_on_random_matrices_tall_square_and_wide(T, P, targets):
    rng = np.random.default_rng(T + 100 * P)
    W = rng.standard_normal((T, P))
    y = rng.standard_normal(T if targets is None else (T, targets))
    theta = least_squares(W, y)
    assert theta.shape == (P, *y.shape[1:])
    np.testing.assert_allclose(theta, scipy.linalg.lstsq(W, y)[0], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("T", "P", "rank"), [(40, 6, 3), (6, 6, 5), (4, 9, 2), (30, 10, 1), (9, 9, 8)])
@pytest.mark.parametrize("targets", [None, 3])
def test_equals_the_pseudo_inverse_on_rank_deficient_matrices(T, P, rank, targets):
    rng = np.random.default_rng(T * P)
    W = low_rank(T, P, rank, rng)
    y = rng.standard_normal(T if targets is None else (T, targets))
    pinv = np.linalg.pinv(W, rcond=1e-12)
    np.testing.assert_allclose(least_squares(W, y), pinv @ y, rtol=1e-8, atol=1e-10)


def test_several_right_hand_sides_are_solved_as_if_alone():
    rng = np.random.default_rng(0)
    for W in (rng.standard_normal((20, 5)), low_rank(20, 5, 3, rng)):
        y = rng.standard_normal((20, 3))
        together = least_squares(W, y)
        for k in range(3):
            np.testing.assert_allclose(together[:, k], least_squares(W, y[:, k]), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("T", "P", "rank"), [(30, 5, 5), (5, 5, 5), (4, 9, 4), (30, 6, 3)])
def test_tensors_give_what_arrays_give(T, P, rank, dtype):
    rng = np.random.default_rng(5)
    W, y = low_rank(T, P, rank, rng).astype(dtype), rng.standard_normal((T, 2)).astype(dtype)
    ours, theirs = least_squares(W, y), least_squares(torch.from_numpy(W), torch.from_numpy(y))
    assert isinstance(theirs, torch.Tensor)
    assert ours.dtype == theirs.numpy().dtype == np.dtype(dtype)
    tolerance = 2e-3 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(theirs.numpy(), ours, rtol=tolerance, atol=tolerance)
    driver = "gelsd"
    expected = torch.linalg.lstsq(torch.from_numpy(W), torch.from_numpy(y), rcond=1e-5, driver=driver)
    np.testing.assert_allclose(theirs.numpy(), expected.solution.numpy(), rtol=tolerance, atol=tolerance)


def test_arguments_are_not_changed():
    rng = np.random.default_rng(0)
    for W in (rng.standard_normal((8, 3)), np.asfortranarray(low_rank(8, 4, 2, rng))):
        for y in (rng.standard_normal(8), rng.standard_normal((8, 2))):
            for library in (np.asarray, torch.from_numpy):
                W_before, y_before = W.copy(), y.copy()
                least_squares(library(W), library(y))
                np.testing.assert_array_equal(W, W_before)
                np.testing.assert_array_equal(y, y_before)


# --- dependent columns: least norm ----------------------------------------------------------------


def test_dependent_columns_give_the_answer_of_least_norm():
    """theta_1 + 2 theta_2 = 5: of that line, the point closest to the origin is (1, 2)."""
    W = np.outer([1.0, 2.0, -1.0], [1.0, 2.0])
    np.testing.assert_allclose(least_squares(W, 5 * W[:, 0]), [1.0, 2.0], rtol=1e-13)


def test_least_norm_is_measured_in_the_units_of_theta_not_of_the_scaled_columns():
    """a theta_1 + b theta_2 = c: the least-norm point is c (a, b) / (a^2 + b^2), whatever a and b."""
    for a, b in [(1.0, 1e6), (1e-8, 1.0), (1e8, 1e-8), (3.0, 4.0)]:
        W = np.array([[a, b], [2 * a, 2 * b]])
        expected = np.array([a, b]) / (a**2 + b**2)
        error = np.linalg.norm(least_squares(W, [1.0, 2.0]) - expected)
        assert error <= 1e-14 * np.linalg.norm(expected)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), T=st.integers(1, 12), P=st.integers(1, 12), rank=st.integers(1, 12))
def test_no_other_minimizer_is_shorter_or_fits_better(seed, T, P, rank):
    rng = np.random.default_rng(seed)
    rank = min(rank, T, P)
    W, y = low_rank(T, P, rank, rng), rng.standard_normal(T)
    theta = least_squares(W, y)
    null = np.linalg.svd(W)[2][rank:].T  # directions that do not change W theta
    size = np.linalg.norm(theta)
    assert np.linalg.norm(null.T @ theta) <= 1e-7 * (1 + size), "no part along the null space"
    other = theta + null @ rng.standard_normal(P - rank)
    assert np.linalg.norm(other) >= size * (1 - 1e-7)
    best = np.linalg.norm(W @ theta - y)
    for _ in range(3):
        assert np.linalg.norm(W @ (theta + 1e-3 * rng.standard_normal(P)) - y) >= best - 1e-9


def test_zero_columns_get_zero_coefficients():
    W = np.array([[0.0, 1.0], [0.0, 2.0]])
    np.testing.assert_allclose(least_squares(W, [1.0, 2.0]), [0.0, 1.0], atol=1e-15)
    assert least_squares(np.zeros((3, 2)), [1.0, 2.0, 3.0]).tolist() == [0.0, 0.0]
    assert least_squares(torch.zeros(3, 2), torch.ones(3, 2)).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_all_x_equal_gives_the_line_of_least_norm():
    with pytest.warns(RankDeficientWarning, match="all 3 values of x are equal"):
        a, b = fit_affine([2.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    assert 2 * a + b == pytest.approx(2.0, rel=1e-14), "the line passes through the mean"
    assert (a, b) == pytest.approx((0.8, 0.4), rel=1e-13), "2 a + b = 2 is closest to 0 there"


def test_a_single_point_gives_the_line_of_least_norm_through_it():
    with pytest.warns(RankDeficientWarning, match="a single point cannot determine 2 parameters"):
        a, b = fit_affine([3.0], [5.0])
    assert (a, b) == pytest.approx((1.5, 0.5), rel=1e-13)


def test_more_inputs_than_points_give_a_warning_with_the_rank():
    with pytest.warns(RankDeficientWarning, match=r"inputs of these 2 points.*3 parameters \(rank 2\)"):
        theta = fit_affine([[1.0, 2.0], [3.0, 5.0]], [1.0, 2.0])
    W = np.array([[1.0, 2.0, 1.0], [3.0, 5.0, 1.0]])
    np.testing.assert_allclose(theta, np.linalg.pinv(W) @ [1.0, 2.0], rtol=1e-12)


def test_data_that_determine_the_line_give_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_affine([1.0, 1.0 + 1e-9], [1.0, 2.0])
        fit_affine([1e-150, 2e-150], [1.0, 2.0])


# --- badly scaled data ----------------------------------------------------------------------------


def test_columns_of_very_different_units_are_all_determined():
    """Units of 1e-8 to 1e8 change theta by their inverse, and nothing else."""
    rng = np.random.default_rng(0)
    W, y = rng.standard_normal((40, 5)), rng.standard_normal(40)
    units = np.array([1e-8, 1e-4, 1.0, 1e4, 1e8])
    np.testing.assert_allclose(least_squares(W * units, y) * units, least_squares(W, y), rtol=1e-11)


def test_numpys_lstsq_drops_the_small_columns_that_least_squares_keeps():
    rng = np.random.default_rng(0)
    W, y = rng.standard_normal((40, 2)), rng.standard_normal(40)
    units = np.array([1e-9, 1e9])
    ours, theirs = least_squares(W * units, y), np.linalg.lstsq(W * units, y)[0]
    np.testing.assert_allclose(ours * units, least_squares(W, y), rtol=1e-11)
    assert abs(theirs[0] / ours[0]) < 1e-3


@pytest.mark.parametrize(
    ("unit", "target"),
    [(1e-200, 1e-200), (1e-200, 1.0), (1.0, 1e-200), (1.0, 1e200), (1e200, 1.0), (1e200, 1e200)],
)
@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_entries_near_the_ends_of_the_number_range_do_not_overflow(unit, target, library):
    rng = np.random.default_rng(0)
    W, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    expected = least_squares(W, y)
    theta = least_squares(library(W * unit), library(y * target))
    np.testing.assert_allclose(np.asarray(theta) / (target / unit), expected, rtol=1e-12)


def test_one_column_of_1e200_beside_one_of_1e_minus_200():
    rng = np.random.default_rng(0)
    W, y = rng.standard_normal((12, 2)), rng.standard_normal(12)
    units = np.array([1e200, 1e-200])
    np.testing.assert_allclose(least_squares(W * units, y) * units, least_squares(W, y), rtol=1e-12)


# --- correct digits -------------------------------------------------------------------------------

HARD = [
    (20, 4, 0.0, 1.0), (20, 6, 0.0, 1.0), (21, 8, 0.0, 1.0), (30, 9, -1.0, 3.0), (24, 10, -1.0, 3.0),
    (15, 7, 1.0, 2.0), (12, 6, 5.0, 9.0),
]  # fmt: skip
NOISE = [0.0, 1e-3, 1.0]


def first_order_bound(W, y, exact):
    """How far each parameter moves, as a share of itself, if columns and y move by eps of their length.

    delta theta = W^+ (delta y - delta W theta) + (W^T W)^-1 delta W^T (y - W theta)
    """
    theta = np.array([float(value) for value in exact])
    fitted = [sum(Fraction(float(w)) * value for w, value in zip(row, exact, strict=True)) for row in W]
    residual = np.array([float(Fraction(float(t)) - f) for t, f in zip(y, fitted, strict=True)])
    lengths = np.linalg.norm(W, axis=0)
    U, s, Vt = np.linalg.svd(W / lengths, full_matrices=False)  # of unit columns: few digits are lost
    pseudo_inverse = (Vt.T / s) @ U.T / lengths[:, None]
    inverse = (Vt.T / s**2) @ Vt / np.outer(lengths, lengths)
    moved = np.linalg.norm(pseudo_inverse, axis=1) * (lengths @ abs(theta) + np.linalg.norm(y))
    moved += (abs(inverse) @ lengths) * np.linalg.norm(residual)
    return EPS * moved / abs(theta)


def relative_errors(theta, exact):
    pairs = zip(theta, exact, strict=True)
    return np.array([float(abs(Fraction(float(a)) - b) / abs(b)) for a, b in pairs])


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("problem", HARD)
def test_no_more_digits_are_lost_than_the_condition_takes(problem, noise):
    """A QR moves each column by some eps of its length (Higham, Theorem 20.3), whatever the kernel."""
    W, y = vandermonde(*problem, noise)
    exact = exactly(W, y)
    bound = first_order_bound(W, y, exact)
    assert np.all(relative_errors(least_squares(W, y), exact) <= bound)
    if np.linalg.cond(W / np.linalg.norm(W, axis=0)) > 1e3:
        assert np.any(relative_errors(normal_equations(W, y), exact) > bound), "it takes the square"


def test_on_average_as_many_correct_digits_as_numpy_on_ill_conditioned_polynomials():
    """On one problem this or that way of rounding is lucky by a digit; over 63 of them it evens out."""
    gains = []
    for (T, *problem), more, noise in itertools.product(HARD, range(3), NOISE):
        W, y = vandermonde(T + more, *problem, noise)
        exact = exactly(W, y)
        gains.append(digits(least_squares(W, y), exact) - digits(np.linalg.lstsq(W, y)[0], exact))
    assert np.mean(gains) >= 0


def test_normal_equations_lose_twice_the_digits():
    """The error grows with the square of the condition number: twice the slope in a log-log plot."""
    conditions, formula, ours = [], [], []
    for T, P in itertools.product(range(18, 36, 2), range(3, 8)):  # many, so that luck averages out
        W, y = vandermonde(T, P, 0.0, 1.0, 0.0)
        exact = exactly(W, y)
        conditions.append(math.log10(np.linalg.cond(W)))
        formula.append(digits(normal_equations(W, y), exact))
        ours.append(digits(least_squares(W, y), exact))
    slope = -np.polyfit(conditions, formula, 1)[0]
    assert 1.6 < slope < 2.4
    assert -np.polyfit(conditions, ours, 1)[0] < 1.2
    hardest = slice(4, None, 5)  # P = 7, for each T
    assert np.mean(ours[hardest]) > np.mean(formula[hardest]) + 4


def test_normal_equations_have_nothing_left_where_least_squares_keeps_half():
    """Läuchli's matrix with 1e-8: W^T W rounds to a singular matrix, W itself is of full rank."""
    e = 1e-9
    W = np.array([[1.0, 1.0], [e, 0.0], [0.0, e]])
    y = W @ np.array([1.0, 2.0])
    with pytest.raises(ValueError, match="singular"):
        normal_equations(W, y)
    np.testing.assert_allclose(least_squares(W, y), [1.0, 2.0], rtol=1e-6)


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_normal_equations_say_when_columns_are_dependent(library):
    W, y = library(np.ones((3, 2))), library(np.ones(3))
    with pytest.raises(ValueError, match=r"columns of W are linearly dependent.*least_squares"):
        normal_equations(W, y)


@pytest.mark.parametrize("targets", [None, 3])
def test_normal_equations_agree_on_easy_data(targets):
    rng = np.random.default_rng(0)
    W, y = rng.standard_normal((30, 4)), rng.standard_normal(30 if targets is None else (30, targets))
    np.testing.assert_allclose(normal_equations(W, y), least_squares(W, y), rtol=1e-11)


def test_one_step_of_refinement_pays():
    """Against a plain QR, half a digit more on average where y lies in the range of W."""
    gains = []
    for seed in range(30):
        W = np.random.default_rng(seed).standard_normal((60, 6))
        y = W @ np.arange(1.0, 7.0)
        exact = exactly(W, y)
        Q, R = np.linalg.qr(W)
        plain = scipy.linalg.solve_triangular(R, Q.T @ y)
        gains.append(digits(least_squares(W, y), exact) - digits(plain, exact))
    assert np.mean(gains) > 0.3


# --- properties -----------------------------------------------------------------------------------

numbers = st.floats(-1e3, 1e3, allow_subnormal=False).map(lambda v: round(v, 3))


@settings(max_examples=100, deadline=None)
@given(
    arrays(float, st.tuples(st.integers(1, 8), st.integers(1, 6)), elements=numbers), st.integers(0, 999)
)
def test_residual_is_orthogonal_to_the_columns(W, seed):
    y = np.random.default_rng(seed).standard_normal(len(W))
    residual = W @ least_squares(W, y) - y
    lengths = np.linalg.norm(W, axis=0)
    assert np.all(np.abs(W.T @ residual) <= 1e-9 * lengths * (1 + np.linalg.norm(y)))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), shift=st.floats(-50, 50), factor=st.floats(-50, 50))
def test_fit_affine_follows_shifts_and_units_of_the_data(seed, shift, factor):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal(10), rng.standard_normal(10)
    a, b = fit_affine(x, y)
    moved = fit_affine(x + shift, factor * y + 3.0)
    expected = [factor * a, factor * (b - a * shift) + 3.0]
    np.testing.assert_allclose(moved, expected, rtol=1e-8, atol=1e-7)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), T=st.integers(2, 15), P=st.integers(1, 6))
def test_the_order_of_samples_and_columns_does_not_matter(seed, T, P):
    rng = np.random.default_rng(seed)
    W, y = low_rank(T, P, min(T, P, 3), rng), rng.standard_normal(T)
    rows, columns = rng.permutation(T), rng.permutation(P)
    theta = least_squares(W, y)
    shuffled = least_squares(W[rows][:, columns], y[rows])
    np.testing.assert_allclose(shuffled, theta[columns], rtol=1e-5, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), T=st.integers(1, 10), P=st.integers(1, 10))
def test_solving_against_the_identity_gives_a_pseudo_inverse(seed, T, P):
    """Penrose's four equations for W^+ = least_squares(W, I)."""
    rng = np.random.default_rng(seed)
    W = low_rank(T, P, min(T, P, 4), rng)
    G = least_squares(W, np.eye(T))
    tolerance = 1e-7 * (1 + np.abs(G).max()) * (1 + np.abs(W).max())
    np.testing.assert_allclose(W @ G @ W, W, atol=tolerance)
    np.testing.assert_allclose(G @ W @ G, G, atol=tolerance * (1 + np.abs(G).max()))
    np.testing.assert_allclose(W @ G, (W @ G).T, atol=tolerance)
    np.testing.assert_allclose(G @ W, (G @ W).T, atol=tolerance)


def test_lists_integers_and_arrays_give_the_same():
    W, y = [[1, 2], [3, 5], [7, 1]], [1, 0, 2]
    expected = least_squares(np.array(W, float), np.array(y, float))
    for kind in (np.array, list, tuple):
        np.testing.assert_array_equal(least_squares(kind(W), kind(y)), expected)


def test_integer_targets_beside_float_inputs_are_fine():
    x, y = np.array([0.0, 1.0, 2.0], np.float32), np.array([1, 3, 5])
    theta = fit_affine(x, y)
    assert theta.dtype == np.float32
    np.testing.assert_allclose(theta, [2.0, 1.0], rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_samples_do_not_make_columns_look_dependent(dtype):
    x = np.linspace(190, 210, 1_000_000, dtype=dtype)
    slope, intercept = fit_affine(x, dtype(0.5) * x - dtype(3))  # a warning would be an error
    assert abs(slope - 0.5) < 1e5 * np.finfo(dtype).eps
    assert abs(intercept + 3) < 1e7 * np.finfo(dtype).eps


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (10, 3), (100, 10), (1000, 10), (30, 60)])
def test_dependent_columns_are_seen_whatever_the_shape(shape):
    rng = np.random.default_rng(0)
    T, P = shape
    for _ in range(200):
        rank = int(rng.integers(1, min(T, P)))
        W = rng.standard_normal((T, rank)) @ rng.standard_normal((rank, P))
        y = W @ rng.standard_normal(P)
        theta = least_squares(W, y)
        np.testing.assert_allclose(W @ theta, y, atol=1e-8 * np.abs(y).max())
        assert np.linalg.norm(theta) <= np.linalg.norm(np.linalg.pinv(W, rcond=1e-12) @ y) * (1 + 1e-6)
