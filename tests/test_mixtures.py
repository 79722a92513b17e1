"""EM: the path of scikit-learn, a value that never rises, and components that do not collapse."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lecturecode import Mixture, gaussian_mixture

pytestmark = pytest.mark.numeric

KINDS = {
    "numpy64": lambda a: np.asarray(a, dtype=np.float64),
    "numpy32": lambda a: np.asarray(a, dtype=np.float32),
    "torch64": lambda a: torch.tensor(np.asarray(a), dtype=torch.float64),
    "torch32": lambda a: torch.tensor(np.asarray(a), dtype=torch.float32),
}
each_kind = pytest.mark.parametrize("kind", KINDS)
SHAPES = {"full": "full", "diagonal": "diag", "spherical": "spherical"}


def samples(T=400, seed=0):
    rng = np.random.default_rng(seed)
    parts = [
        rng.standard_normal((T // 2, 2)),
        rng.standard_normal((T // 4, 2)) * [3, 0.5] + 5,
        rng.standard_normal((T // 4, 2)) @ [[0.5, 0.3], [0, 0.4]] + [-3, 3],
    ]
    return np.concatenate(parts)


def rough_start(x, K=3):
    D = x.shape[1]
    means = np.array([[0.5, 0], [4, 4], [-2, 2]])[:K] + 0 * x[:K]
    return Mixture(np.full(K, 1 / K), means, np.tile(4 * np.eye(D), (K, 1, 1)))


def of_kind(mixture, kind):
    return Mixture(
        *(KINDS[kind](part) for part in (mixture.weights, mixture.means, mixture.covariances))
    )


def peer_after(x, start, iterations, shape):
    from sklearn.mixture import GaussianMixture

    precisions = np.linalg.inv(start.covariances)
    first = {
        "full": precisions,
        "diag": np.diagonal(precisions, axis1=1, axis2=2),
        "spherical": precisions[:, 0, 0],
    }
    model = GaussianMixture(
        len(start.weights), covariance_type=shape, tol=0, reg_covar=0, max_iter=iterations,
        weights_init=start.weights, means_init=start.means, precisions_init=first[shape],
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not converged, as is intended
        return model.fit(x)


# --- EM -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("iterations", [1, 2, 25])
@pytest.mark.parametrize("shape", SHAPES)
def test_after_the_same_iterations_it_is_where_scikit_learn_is(shape, iterations):
    """Ours ends once F stands still, in a sweep that rounding decides; the peer then makes as many.

    A step divides sums over T samples, each right to T eps. EM pulls together what differs: starts and
    samples that differ by a share d lead to ends that differ by 2 d at most. Hence 10 T eps for all.
    """
    x = samples()
    close = 10 * len(x) * np.finfo(float).eps
    start = rough_start(x)
    trace = gaussian_mixture(x, 3, start=start, covariance=shape, sweeps=iterations, tol=0)
    made = trace.steps // 2
    assert made == iterations or (trace.converged and made > 10)
    peer = peer_after(x, start, made, SHAPES[shape])
    assert peer.n_iter_ == made
    assert trace.value == pytest.approx(-peer.score(x), rel=close)
    fit = Mixture.unpack(trace.last, 3)
    np.testing.assert_allclose(fit.weights, peer.weights_, rtol=close)
    np.testing.assert_allclose(fit.means, peer.means_, rtol=0, atol=close * abs(x).max())
    whole = {
        "full": lambda c: c,
        "diag": lambda c: np.array([np.diag(v) for v in c]),
        "spherical": lambda c: c[:, None, None] * np.eye(2),
    }[SHAPES[shape]](peer.covariances_)
    np.testing.assert_allclose(fit.covariances, whole, rtol=0, atol=close * abs(whole).max())
    np.testing.assert_allclose(fit.responsibilities(x), peer.predict_proba(x), atol=close)
    np.testing.assert_allclose(fit.log_density(x), peer.score_samples(x), rtol=close)


def test_the_values_are_the_free_energy_of_the_docstring_after_each_half_step():
    from scipy.stats import multivariate_normal

    x = samples(80)
    trace = gaussian_mixture(x, 3, start=rough_start(x), sweeps=4, tol=0)

    def log_joint(n):
        parts = (trace.extras[name][n] for name in ("weights", "means", "covariances"))
        return np.array([
            np.log(w) + multivariate_normal.logpdf(x, m, S) for w, m, S in zip(*parts, strict=True)
        ])  # fmt: skip

    for n in range(len(trace)):
        joint = log_joint(n)
        if n % 2:  # after an M-step q is still that of the parameters before
            before = log_joint(n - 1)
            log_q = before - np.log(np.exp(before).sum(0))
        else:
            log_q = joint - np.log(np.exp(joint).sum(0))
        F = (np.exp(log_q) * (log_q - joint)).sum() / len(x)
        assert trace.values[n] == pytest.approx(F, rel=1e-10)
    assert trace.extras["covariances"].shape == (9, 3, 2, 2)
    np.testing.assert_array_equal(trace.thetas[2], trace.thetas[1], "an E-step moves q alone")


@given(
    st.integers(0, 10_000),
    st.integers(1, 5),
    st.sampled_from(list(SHAPES)),
    st.sampled_from([0.3, 1e-2, 1e-6]),
)
@example(2457, 3, "full", 1e-6)  # where a narrow component rounds g by 1e-12
@settings(max_examples=60, deadline=None)
def test_the_value_never_rises_even_where_the_floor_acts(seed, K, shape, floor):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((30, 2)) * [1, 1000] + np.where(rng.random((30, 1)) < 0.4, 4, 0)
    x[:3] = x[0]
    trace = gaussian_mixture(x, K, rng=seed, covariance=shape, floor=floor, sweeps=200)
    assert "raised" not in trace.message
    assert (np.diff(trace.values) <= 1e-10).all()
    fit = Mixture.unpack(trace.theta, K)
    units = x.var(0) if shape != "spherical" else np.full(2, x.var(0).mean())
    least = np.linalg.eigvalsh(fit.covariances / np.sqrt(np.outer(units, units)))[:, 0]
    assert (least >= floor * (1 - 1e-6)).all()


def test_the_m_step_at_the_floor_is_the_best_one_allowed():
    from scipy.optimize import minimize

    x = np.random.default_rng(0).standard_normal((200, 2)) @ [[1.0, 0.98], [0, 0.05]]
    trace = gaussian_mixture(x, 1, floor=0.1, rng=0)
    S, units = np.cov(x.T, bias=True), np.sqrt(x.var(0))

    def nll(a):  # Sigma = units (floor I + L L^T) units
        L = np.array([[a[0], 0], [a[1], a[2]]])
        Sigma = (0.1 * np.eye(2) + L @ L.T) * np.outer(units, units)
        return 0.5 * (np.log(np.linalg.det(2 * math.pi * Sigma)) + np.trace(np.linalg.solve(Sigma, S)))

    best = min(minimize(nll, a, tol=1e-14).fun for a in ([1, 1, 1], [1, 0.5, 0.1], [0.5, -0.1, 1]))
    assert trace.value == pytest.approx(best, rel=1e-8)
    assert "widened" in trace.message


@each_kind
def test_every_kind(kind):
    x = samples()
    expected = gaussian_mixture(x, 3, start=rough_start(x), sweeps=5, tol=0)
    trace = gaussian_mixture(KINDS[kind](x), 3, start=of_kind(rough_start(x), kind), sweeps=5, tol=0)
    assert trace.steps == expected.steps == 10, "F still falls, so that rounding ends neither"
    assert type(trace.theta) is type(KINDS[kind](x))
    assert trace.theta.dtype == trace.values.dtype == KINDS[kind](x).dtype
    close = 10 * len(x) * np.finfo("float64" if kind.endswith("64") else "float32").eps
    np.testing.assert_allclose(np.asarray(trace.last), expected.last, rtol=close, atol=close)
    drawn = gaussian_mixture(KINDS[kind](x), 3, rng=0)
    assert drawn.converged, drawn.message
    assert drawn.value == pytest.approx(gaussian_mixture(x, 3, rng=0).value, rel=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["numpy32", "torch32"])
def test_float32_with_a_large_mean_keeps_positive_variances(kind, shape):
    near = np.round(samples() * 64) / 64  # so that float32 holds it at 1e4 too
    start = rough_start(near)
    expected = gaussian_mixture(near, 3, start=start, covariance=shape, sweeps=30, tol=0)
    moved = of_kind(Mixture(start.weights, start.means + 1e4, start.covariances), kind)
    trace = gaussian_mixture(KINDS[kind](near + 1e4), 3, start=moved, covariance=shape, sweeps=30, tol=0)
    fit, exact = Mixture.unpack(trace.last, 3), Mixture.unpack(expected.last, 3)
    assert (np.linalg.eigvalsh(np.asarray(fit.covariances, dtype=float)) > 0).all()
    np.testing.assert_allclose(np.asarray(fit.covariances), exact.covariances, rtol=1e-2, atol=1e-2)
    np.testing.assert_allclose(np.asarray(fit.means) - 1e4, exact.means, atol=1e-2)
    assert trace.value == pytest.approx(expected.value, rel=1e-4)
    assert "raised" not in trace.message


def test_it_finds_components_that_are_far_apart():
    x = samples() + np.repeat([[0, 0], [90, 0], [0, 90]], [200, 100, 100], axis=0)
    fit = Mixture.unpack(gaussian_mixture(x, 3, rng=0, restarts=3).theta, 3)
    order = np.argsort(-fit.weights)
    np.testing.assert_allclose(fit.weights[order], [0.5, 0.25, 0.25], atol=1e-9)
    np.testing.assert_allclose(fit.means[order[0]], x[:200].mean(0), atol=1e-9)
    np.testing.assert_allclose(fit.covariances[order[0]], np.cov(x[:200].T, bias=True), atol=1e-9)


def test_the_fit_does_not_depend_on_the_units_of_the_features():
    x = samples()
    units = np.array([1e-5, 1e4])
    start = rough_start(x)
    scaled = Mixture(start.weights, start.means * units, start.covariances * np.outer(units, units))
    for shape in ("full", "diagonal"):
        one = gaussian_mixture(x, 3, start=start, covariance=shape, sweeps=40, tol=0)
        two = gaussian_mixture(x * units, 3, start=scaled, covariance=shape, sweeps=40, tol=0)
        assert "widened" not in two.message
        expected = Mixture.unpack(one.last, 3).means
        np.testing.assert_allclose(
            Mixture.unpack(two.last, 3).means / units, expected, rtol=1e-6, atol=1e-8
        )
        assert two.values[-1] - np.log(units).sum() == pytest.approx(one.values[-1], rel=1e-10)


# --- collapse -------------------------------------------------------------------------------------


@each_kind
def test_a_component_that_collapses_is_widened_and_reported(kind):
    x = np.concatenate([samples(), np.full((5, 2), 50.0)])
    trace = gaussian_mixture(KINDS[kind](x), 4, rng=0)
    assert "a collapsing component was widened to the floor" in trace.message
    assert np.isfinite(np.asarray(trace.thetas)).all()
    fit = Mixture.unpack(trace.theta, 4)
    k = int(np.argmin(abs(np.asarray(fit.means) - 50).sum(1)))
    assert float(fit.weights[k]) == pytest.approx(5 / 405, rel=1e-3)
    least = max(
        1e-6, 40 * np.finfo(trace.theta.numpy().dtype if "torch" in kind else trace.theta.dtype).eps
    )
    np.testing.assert_allclose(np.diag(np.asarray(fit.covariances)[k]), least * x.var(0), rtol=1e-2)


def test_a_constant_column_and_dependent_columns():
    x = samples()[:, :1]
    for second in (np.full_like(x, 7.3), 2 * x):
        both = np.column_stack([x, second])
        for shape in SHAPES:
            trace = gaussian_mixture(both, 2, rng=0, covariance=shape)
            assert trace.converged, trace.message
            assert np.isfinite(trace.theta).all()
    constant = gaussian_mixture(np.column_stack([x, np.full_like(x, 7.3)]), 2, rng=0)
    fit = Mixture.unpack(constant.theta, 2)
    np.testing.assert_allclose(fit.means[:, 1], 7.3, rtol=1e-12)
    np.testing.assert_allclose(fit.covariances[:, 1, 1], 1e-6 * x.var(), rtol=1e-6)


def test_a_column_that_is_constant_to_rounding_counts_as_constant():
    x = samples()[:, :1]
    second = np.where(np.arange(len(x)) % 2, 7.3, np.nextafter(7.3, 8))[:, None]
    fit = Mixture.unpack(gaussian_mixture(np.hstack([x, second]), 2, rng=0).theta, 2)
    np.testing.assert_allclose(fit.covariances[:, 1, 1], 1e-6 * x.var(), rtol=1e-6)


def test_a_start_with_covariances_that_are_none_is_refused():
    x, start = samples(), rough_start(samples())
    skew = start.covariances + np.array([[0, 0.7], [-0.7, 0]])
    with pytest.raises(ValueError, match=r"the covariances of start must be symmetric"):
        gaussian_mixture(x, 3, start=Mixture(start.weights, start.means, skew), sweeps=3, tol=0)


def test_a_start_with_singular_covariances_is_widened():
    x = samples()
    start = rough_start(x)
    flat = Mixture(start.weights, start.means, start.covariances * np.array([[1.0, 0], [0, 0]]))
    trace = gaussian_mixture(x, 3, start=flat, sweeps=300)
    assert "widened to the floor" in trace.message
    assert np.isfinite(trace.values).all()
    assert (np.diff(trace.values) <= 1e-12).all()


def test_a_component_without_samples_dies_quietly():
    x = samples()
    start = rough_start(x)
    lost = Mixture(start.weights, start.means + np.array([[0], [0], [1e6]]), start.covariances)
    trace = gaussian_mixture(x, 3, start=lost)
    assert trace.converged, trace.message
    assert np.isfinite(trace.theta).all()
    two = Mixture(np.full(2, 0.5), start.means[:2], start.covariances[:2])
    assert trace.value == pytest.approx(gaussian_mixture(x, 2, start=two).value, rel=1e-6)


# --- Mixture --------------------------------------------------------------------------------------


@each_kind
def test_theta_and_unpack_are_inverse(kind):
    rng = np.random.default_rng(0)
    for K, D in ((1, 1), (3, 2), (2, 5)):
        one = Mixture(*(KINDS[kind](rng.random(s)) for s in [(K,), (K, D), (K, D, D)]))
        two = Mixture.unpack(one.theta, K)
        assert one.theta.shape == (K * (1 + D + D * D),)
        for name in ("weights", "means", "covariances"):
            np.testing.assert_array_equal(np.asarray(getattr(one, name)), np.asarray(getattr(two, name)))


@pytest.mark.parametrize(("size", "K"), [(7, 2), (2, 2), (1, 2), (0, 1), (4, 1)])
def test_a_theta_that_cannot_be_unpacked(size, K):
    with pytest.raises(ValueError, match=f"theta has {size} entries"):
        Mixture.unpack(np.ones(size), K)


def test_what_cannot_be_unpacked_at_all():
    with pytest.raises(ValueError, match="components must be an integer of at least 1; got 0"):
        Mixture.unpack(np.ones(5), 0)
    with pytest.raises(ValueError, match=r"theta has 6 entries in shape \(2, 3\)"):
        Mixture.unpack(np.ones((2, 3)), 2)


@each_kind
def test_densities_far_away_do_not_underflow(kind):
    two = Mixture(*map(KINDS[kind], ([0.5, 0.5], [[0.0], [10.0]], [[[1.0]], [[1.0]]])))
    far = KINDS[kind]([[1e4], [-1e4]])
    density = np.asarray(two.log_density(far), dtype=float)
    expected = [-((1e4 - 10) ** 2) / 2, -(1e4**2) / 2]
    np.testing.assert_allclose(
        density, np.array(expected) - math.log(2) - math.log(2 * math.pi) / 2, rtol=1e-6
    )
    np.testing.assert_array_equal(np.asarray(two.responsibilities(far)), [[0, 1], [1, 0]])
    shares = np.asarray(two.responsibilities(KINDS[kind]([[5.0], [4.9]])))
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(shares[0], 0.5, rtol=1e-5)
    np.testing.assert_allclose(shares[1, 1], 1 / (1 + math.e), rtol=1e-4)


def test_autograd_can_differentiate_a_density():
    parts = [[0.4, 0.6], [[0.0, 1.0], [2.0, 0.0]], np.tile([[2.0, 0.5], [0.5, 1.0]], (2, 1, 1))]
    x = torch.tensor([[1.0, 0.3], [-2.0, 4.0]], dtype=torch.float64, requires_grad=True)
    mixture = Mixture(*(torch.tensor(np.array(part), requires_grad=True) for part in parts))
    assert torch.autograd.gradcheck(
        lambda x, weights, means, S: Mixture(weights, means, (S + S.mT) / 2).log_density(x),
        (x, mixture.weights, mixture.means, mixture.covariances),
    )


def test_a_density_integrates_to_one():
    fit = Mixture.unpack(gaussian_mixture(samples(), 3, rng=0).theta, 3)
    a, b = np.meshgrid(np.linspace(-20, 30, 1001), np.linspace(-20, 30, 1001))
    density = np.exp(fit.log_density(np.column_stack([a.ravel(), b.ravel()])))
    assert density.sum() * 0.05**2 == pytest.approx(1, rel=1e-3)
    with pytest.raises(
        ValueError, match=r"x must have shape \(T, D\), and D is 2 in means; got \(1, 1\)$"
    ):
        fit.log_density([[1.0]])
    with pytest.raises(
        ValueError, match=r"x must .* \(T, D\); got \(2,\)\. A single row is x\[None, :\]"
    ):
        fit.responsibilities([1.0, 2.0])


# --- bad input ------------------------------------------------------------------------------------

GOOD = rough_start(samples())


@pytest.mark.parametrize(
    ("x", "components", "options", "words"),
    [
        (samples(), 0, {}, "components must be an integer"),
        (samples(), 0, {"start": GOOD}, "components must be an integer"),
        (samples()[:2], 3, {}, "only 2 samples, and 3 components"),
        (samples() * np.nan, 2, {}, "NaN"),
        (samples()[:, 0], 2, {}, r"x\[:, None\]"),
        (np.ones((5, 2)), 1, {}, "all samples are equal"),
        (np.full((5, 2), 0.1), 1, {}, "all samples are equal"),
        ([[1.0, 2.0]], 1, {}, "all samples are equal"),
        (np.repeat([[0.0], [1.0]], 5, axis=0), 3, {}, "only 2 distinct samples"),
        (samples(), 2, {"covariance": "tied"}, "full, diagonal, spherical"),
        (samples(), 2, {"floor": -1.0}, "floor"),
        (samples(), 2, {"floor": math.nan}, "floor"),
        (samples(), 2, {"sweeps": 0}, "sweeps"),
        (samples(), 2, {"tol": -1.0}, "tol"),
        (samples(), 2, {"restarts": -1}, "restarts"),
        (samples(), 2, {"start": GOOD}, r"start.weights must have shape \(2,\)"),
        (samples()[:, :1], 3, {"start": GOOD}, r"start.means must have shape \(3, 1\)"),
        (
            samples(),
            3,
            {"start": Mixture(GOOD.weights, GOOD.means, np.ones((3, 2)))},
            "start.covariances",
        ),
        (samples(), 3, {"start": Mixture(GOOD.weights * 2, GOOD.means, GOOD.covariances)}, "the sum 1"),
        (samples(), 3, {"start": Mixture(GOOD.weights * 1.01, GOOD.means, GOOD.covariances)}, "sum 1"),
        (
            samples(),
            3,
            {"start": Mixture(np.array([2.0, -0.5, -0.5]), GOOD.means, GOOD.covariances)},
            "negative",
        ),
        (samples(), 3, {"start": Mixture(GOOD.weights, GOOD.means * np.nan, GOOD.covariances)}, "NaN"),
    ],
)
def test_bad_input(x, components, options, words):
    with pytest.raises(ValueError, match=words):
        gaussian_mixture(x, components, rng=0, **options)


@pytest.mark.parametrize("start", [GOOD.means, (GOOD.weights, GOOD.means, GOOD.covariances), "kmeans"])
def test_a_start_that_is_no_mixture(start):
    with pytest.raises(TypeError, match=f"must be a Mixture.*got {type(start).__name__}"):
        gaussian_mixture(samples(), 3, start=start)


def test_samples_come_before_the_number_of_components():
    with pytest.raises(
        ValueError, match=r"components must .*; got ndarray .*\. The samples x come first"
    ):
        gaussian_mixture(3, samples())
    with pytest.raises(ValueError, match="components must be an integer of at least 1; got ndarray"):
        Mixture.unpack(3, samples())


def test_the_parts_of_a_mixture_go_together():
    x = samples()
    with pytest.raises(ValueError, match=r"weights must have shape \(K,\); got \(2, 1\)"):
        Mixture(np.ones((2, 1)), np.ones((2, 2)), np.ones((2, 2, 2))).log_density(x)
    with pytest.raises(ValueError, match=r"means must have shape \(K, D\), and K is 2 in weights"):
        Mixture(np.ones(2), np.ones((3, 2)), np.ones((2, 2, 2))).responsibilities(x)
    with pytest.raises(ValueError, match=r"covariances must have shape \(K, D, D\)"):
        Mixture(np.ones(2), np.ones((2, 2)), np.ones((2, 2))).log_joint(x)


def test_mixed_kinds():
    with pytest.raises(TypeError, match="tensor"):
        gaussian_mixture(samples(), 3, start=of_kind(GOOD, "torch64"))
    with pytest.raises(TypeError, match="dtype"):
        gaussian_mixture(samples().astype(np.float32), 3, start=GOOD)


# --- around ---------------------------------------------------------------------------------------


def test_too_few_sweeps_are_said_and_the_best_is_kept():
    x = samples()
    trace = gaussian_mixture(x, 3, start=rough_start(x), sweeps=2)
    assert not trace.converged
    assert "used up all 2 sweeps" in trace.message
    assert (trace.steps, trace.value) == (4, trace.values.min())


def test_callback_ctrl_c_record_every_and_restarts(monkeypatch):
    x = samples()
    full = gaussian_mixture(x, 3, rng=0)
    thin = gaussian_mixture(x, 3, rng=0, record_every=7)
    np.testing.assert_array_equal(thin.thetas, full.thetas[::7])
    np.testing.assert_array_equal(thin.extras["means"], full.extras["means"][::7])
    none = gaussian_mixture(x, 3, rng=0, record_every=0)
    np.testing.assert_array_equal(none.theta, full.theta)

    stopped = gaussian_mixture(x, 3, rng=0, restarts=4, callback=lambda trace: trace.steps == 5)
    assert "stopped by the callback after 5 updates" in stopped.message
    assert "the best of 1 starts, of 5" in stopped.message

    def interrupt(trace):
        raise KeyboardInterrupt

    assert "interrupted after 0 updates" in gaussian_mixture(x, 3, rng=0, callback=interrupt).message
    best = gaussian_mixture(x, 3, rng=0, restarts=4)
    assert best.value <= full.value
    assert "the best of 5 starts" in best.message

    calls = []

    def interrupted_start(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return kept(*arguments, **options)

    kept = gaussian_mixture.__globals__["clustered"]
    monkeypatch.setitem(gaussian_mixture.__globals__, "clustered", interrupted_start)
    partial = gaussian_mixture(x, 3, rng=0, restarts=4)
    assert partial.value == full.value, "Ctrl-C in a later start keeps the first"
    assert "the best of 1 starts, of 5" in partial.message
    calls.append(1)
    calls[:] = [1]
    with pytest.raises(KeyboardInterrupt):
        gaussian_mixture(x, 3, rng=0)


@pytest.mark.parametrize(
    ("unit", "dtype"), [(1e10, np.float32), (1e80, np.float64), (1e-80, np.float64)]
)
def test_units_of_any_size_give_the_same_mixture(unit, dtype):
    x = np.random.default_rng(0).standard_normal((40, 2))
    x[:20] += 6
    usual = Mixture.unpack(gaussian_mixture(x, 2, rng=0).theta, 2)
    scaled = Mixture.unpack(gaussian_mixture((x * unit).astype(dtype), 2, rng=0).theta, 2)
    np.testing.assert_allclose(scaled.means / unit, usual.means, rtol=1e-4)
    np.testing.assert_allclose(scaled.weights, usual.weights, rtol=1e-4)


def test_an_infinite_floor():
    with pytest.raises(ValueError, match="floor must be 0 or positive, and finite"):
        gaussian_mixture(np.arange(6.0)[:, None], 2, floor=np.inf)
