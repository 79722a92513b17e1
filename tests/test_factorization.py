"""Low rank by alternating least squares reaches the error of Eckart and Young."""

import numpy as np
import pytest
import torch

from lecturecode import factorize
from lecturecode.alternating import factorization, factors

pytestmark = pytest.mark.numeric

KINDS = {
    "numpy64": lambda a: np.asarray(a, dtype=np.float64),
    "numpy32": lambda a: np.asarray(a, dtype=np.float32),
    "torch64": lambda a: torch.tensor(np.asarray(a), dtype=torch.float64),
    "torch32": lambda a: torch.tensor(np.asarray(a), dtype=torch.float32),
}


def with_spectrum(s, m, n, seed=0):
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.standard_normal((m, len(s))))[0]
    V = np.linalg.qr(rng.standard_normal((n, len(s))))[0]
    return (U * s) @ V.T


SPECTRA = {
    "gap": np.array([10.0, 8, 6, 1, 0.9, 0.8, 0.7, 0.1]),
    "geometric": 0.8 ** np.arange(12.0),
    "near-gapless": np.array([5.0, 4, 3, 2.99, 2.98, 2.9, 2.8, 1]),
    "tighter": np.array([5.0, 4, 3, 3 * (1 - 1e-3), 2.9, 2.8, 2.5, 2.4, 2.3, 2]),
    "tightest": np.array([5.0, 4, 3, 3 * (1 - 1e-6), 2.9, 2.8, 2.5, 2.4, 2.3, 2]),
    "equal": np.ones(8),
    "little noise": np.array([3.0, 2, 1, 1e-5, 1e-6, 1e-7]),
}


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
@pytest.mark.parametrize("name", SPECTRA)
def test_the_error_is_that_of_eckart_and_young(name, scale):
    s = SPECTRA[name] * scale
    M = with_spectrum(s, 30, 20)
    trace = factorize(M, 3, rng=1)
    assert trace.converged, trace.message
    best = (s[3:] ** 2).sum()
    assert trace.value == pytest.approx(best, rel=1e-6)
    assert trace.value >= best * (1 - 1e-9)
    A, B = factors(trace.theta, M.shape)
    assert ((M - A @ B.T) ** 2).sum() == pytest.approx(trace.value, rel=1e-9)


def test_the_error_of_the_subspace_shrinks_as_the_docstring_says():
    s = np.array([10.0, 8, 6, 3, 2, 1])
    M = with_spectrum(s, 30, 20)
    best = (s[3:] ** 2).sum()
    excess = factorize(M, 3, rng=0, sweeps=11, tol=0).values[2::2] - best
    rates = excess[6:10] / excess[5:9]
    np.testing.assert_allclose(rates, (3 / 6) ** 4, rtol=0.02)


def test_each_half_step_is_the_least_squares_solution():
    M = np.random.default_rng(0).standard_normal((9, 6))
    trace = factorize(M, 2, rng=0, sweeps=4, tol=0)
    assert (np.diff(trace.values) <= 1e-12).all()
    assert trace.values[0] == pytest.approx((M * M).sum(), rel=1e-14)
    for n in range(1, len(trace)):
        A, B = factors(trace.thetas[n], M.shape)
        A0, B0 = factors(trace.thetas[n - 1], M.shape)
        if n % 2:
            reached, before = A @ B.T, np.linalg.lstsq(B0, M.T)[0].T @ B0.T
        else:
            reached, before = A @ B.T, A0 @ np.linalg.lstsq(A0, M)[0]
        np.testing.assert_allclose(reached, before, atol=1e-12)
        assert trace.values[n] == pytest.approx(((M - reached) ** 2).sum(), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind):
    s = SPECTRA["gap"]
    M = KINDS[kind](with_spectrum(s, 30, 20))
    trace = factorize(M, 3, rng=0)
    assert trace.converged
    assert type(trace.theta) is type(M)
    assert trace.theta.dtype == M.dtype
    close = 1e-10 if kind.endswith("64") else 1e-5
    assert trace.value == pytest.approx((s[3:] ** 2).sum(), rel=close)


@pytest.mark.parametrize("tol", [0.0, 1e-6, 1e-13])
@pytest.mark.parametrize("rank", [1, 3, 6])
def test_a_matrix_of_lower_rank_is_met_exactly(rank, tol):
    M = with_spectrum(np.array([3.0]), 8, 6)  # rank 1
    trace = factorize(M, rank, rng=0, tol=tol)
    assert trace.converged, trace.message
    assert trace.value < 1e-27
    zero = factorize(np.zeros((4, 3)), 2, rng=0, tol=tol)
    assert (zero.value, zero.converged) == (0, True)


def test_full_rank_and_single_row():
    M = np.random.default_rng(0).standard_normal((3, 5))
    assert factorize(M, 3, rng=0).value < 1e-26
    assert factorize(M[:1], 1, rng=0).value < 1e-26
    assert factorize([[4.0]], 1, rng=0).value < 1e-28


@pytest.mark.parametrize(
    ("matrix", "rank", "options", "words"),
    [
        (np.ones((3, 2)), 3, {}, "at most rank 2"),
        (np.ones((3, 2)), 0, {}, "rank must be an integer"),
        (np.ones((3, 2)), 1.0, {}, "rank must be an integer"),
        (np.array([[1.0, np.nan]]), 1, {}, "NaN"),
        (np.ones(3), 1, {}, "shape"),
        (np.ones((0, 2)), 1, {}, "empty"),
        (np.ones((3, 2)), 1, {"sweeps": 0}, "sweeps"),
        (np.ones((3, 2)), 1, {"tol": -1.0}, "tol"),
    ],
)
def test_bad_input(matrix, rank, options, words):
    with pytest.raises(ValueError, match=words):
        factorize(matrix, rank, **options)


def test_complex_matrices_and_thetas_that_do_not_fit():
    with pytest.raises(TypeError, match="complex"):
        factorize(np.ones((2, 2)) * 1j, 1)
    A, B = factors([1, 2, 3, 4, 5], (3, 2))
    assert (A @ B.T).tolist() == [[4, 5], [8, 10], [12, 15]]
    for theta in (np.ones(6), np.ones((5, 1)), 3.0, []):
        with pytest.raises(ValueError, match=r"m \+ n = 5"):
            factors(theta, (3, 2))


def test_too_few_sweeps_are_said_and_the_best_is_kept():
    M = with_spectrum(SPECTRA["near-gapless"], 30, 20)
    trace = factorize(M, 3, rng=0, sweeps=3)
    assert not trace.converged
    assert "used up all 3 sweeps" in trace.message
    assert trace.value == trace.values.min() == trace.values[-1]
    assert trace.steps == 6
    assert len(factorize(M, 3, rng=0, sweeps=3, record_every=2).thetas) == 4
    stopped = factorize(M, 3, rng=0, callback=lambda trace: trace.steps == 2)
    assert (stopped.steps, stopped.converged) == (2, False)


# --- the steps that are fast ----------------------------------------------------------------------


@pytest.mark.parametrize("share", [2.0, 0.3, 0.11, 0.09, 1e-3, 0.0])
def test_the_error_by_sums_of_squares_is_that_by_definition(share):
    """Where A is the best for an orthonormal B, the product and the rest are orthogonal."""
    M = with_spectrum(np.array([1.0, 1.0, share**0.5]), 30, 20)
    for seed in range(5):
        B = np.linalg.qr(np.random.default_rng(seed).standard_normal((20, 2)))[0]
        g, A = factorization.Error(M), M @ B
        plain = ((M - A @ B.T) ** 2).sum()
        assert abs(float(g(A, B)) - plain) <= 20 * np.finfo(float).eps * plain / factorization.SMALL
    A = M @ (B := np.linalg.svd(M)[2][:2].T)
    assert float(factorization.Error(M)(A, B)) == pytest.approx(((M - A @ B.T) ** 2).sum(), rel=1e-12)


@pytest.mark.parametrize("condition", [1.0, 3.0, 1e2, 1e5, 1e9, 1e14, np.inf])
@pytest.mark.parametrize("kind", KINDS)
def test_a_basis_is_orthonormal_and_spans_the_columns(kind, condition):
    rng = np.random.default_rng(0)
    U = np.linalg.qr(rng.standard_normal((50, 6)))[0]
    V = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    A = (U * np.linspace(1, 1 / condition, 6)) @ V
    Q = np.asarray(factorization._orthonormal(KINDS[kind](A)), dtype=float)
    eps = np.finfo(kind.replace("numpy", "float").replace("torch", "float")).eps
    # Cholesky is taken where the squared condition, summed over all directions, is at most this
    assert np.abs(Q.T @ Q - np.eye(6)).max() <= 10 * eps * 30 * 6**2
    assert np.abs(A - Q @ (Q.T @ A)).max() <= 10 * eps * 30 * 6**2


def test_a_run_is_that_of_the_plain_steps(monkeypatch):
    M = with_spectrum(0.9 ** np.arange(20.0), 40, 20)
    fast = factorize(M, 4, rng=0)
    monkeypatch.setattr(factorization, "SMALL", 2.0)
    monkeypatch.setattr(factorization, "EASY", 0.0)
    plain = factorize(M, 4, rng=0)
    n = min(len(fast.values), len(plain.values))
    assert abs(len(fast.values) - len(plain.values)) <= 4
    np.testing.assert_allclose(fast.values[:n], plain.values[:n], rtol=1e-11)
