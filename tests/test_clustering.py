"""k-means: the half-steps are those of the formulas, and the end is that of scikit-learn."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lecturecode import kmeans, kmeans_start
from lecturecode.alternating import assign, inertia
from lecturecode.alternating.clustering import far_apart, mean
from lecturecode.alternating.samples import as_samples

KINDS = {
    "numpy64": lambda a: np.asarray(a, dtype=np.float64),
    "numpy32": lambda a: np.asarray(a, dtype=np.float32),
    "torch64": lambda a: torch.tensor(np.asarray(a), dtype=torch.float64),
    "torch32": lambda a: torch.tensor(np.asarray(a), dtype=torch.float32),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def blobs(T, D, K, seed, width=1.0):
    rng = np.random.default_rng(seed)
    return 4 * rng.standard_normal((K, D))[rng.integers(0, K, T)] + width * rng.standard_normal((T, D))


def sample_by_sample(x, c, labels=None):
    """Distances by loops: the labels of the nearest centers, and the inertia."""
    apart = [[sum((a - b) ** 2 for a, b in zip(row, center, strict=True)) for center in c] for row in x]
    if labels is None:
        labels = [row.index(min(row)) for row in apart]
    return labels, sum(row[k] for row, k in zip(apart, labels, strict=True))


# --- half-steps -----------------------------------------------------------------------------------


def test_each_half_step_is_that_of_the_formula():
    x = blobs(40, 3, 4, 0, width=3)
    trace = kmeans(x, 4, start=x[:4])
    c = x[:4]
    labels, value = sample_by_sample(x, c)
    for n in range(len(trace)):
        np.testing.assert_allclose(trace.thetas[n].reshape(4, 3), c, atol=1e-12)
        np.testing.assert_array_equal(trace.extras["labels"][n], labels)
        assert trace.values[n] == pytest.approx(value, rel=1e-12)
        if n % 2 == 0:  # next are the means
            c = np.array([x[np.array(labels) == k].mean(0) for k in range(4)])
            _, value = sample_by_sample(x, c, labels)
        else:
            labels, value = sample_by_sample(x, c)
    assert trace.converged
    assert trace.steps >= 6
    assert trace.steps % 2 == 0
    assert "no label changed" in trace.message
    np.testing.assert_array_equal(trace.extras["labels"][-1], trace.extras["labels"][-3])


@pytest.mark.parametrize("seed", range(4))
def test_same_start_same_end_as_scikit_learn(seed):
    from sklearn.cluster import KMeans

    x = blobs(1500, 5, 8, seed, width=2)
    peer = KMeans(8, init=x[:8], n_init=1, tol=0, algorithm="lloyd", max_iter=300).fit(x)
    trace = kmeans(x, 8, start=x[:8])
    assert trace.value == pytest.approx(peer.inertia_, rel=1e-10)
    np.testing.assert_allclose(trace.theta.reshape(8, 5), peer.cluster_centers_, rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(trace.extras["labels"][-1], peer.labels_)
    np.testing.assert_array_equal(assign(x, trace.theta.reshape(8, 5)), peer.labels_)
    assert trace.steps // 2 == peer.n_iter_ - 1, "there the labels of the start count"


@each_kind
def test_the_value_keeps_its_digits_while_it_falls_by_many_orders(kind):
    rng = np.random.default_rng(0)
    places = np.array([[0.0, 0], [100, 0], [100, 1], [0, 30]])
    x = KINDS[kind](places[rng.integers(0, 4, 400)] + 1e-3 * rng.standard_normal((400, 2)))
    trace = kmeans(x, 4, start=x[:4] * 0 + KINDS[kind]([[90, 9], [0, 1], [200, 1], [110, -9]]))
    assert trace.values[0] > 1e6 * trace.values[-1]
    exact, close = np.asarray(x, dtype=np.float64), 1e-12 if kind.endswith("64") else 1e-5
    for n in range(len(trace)):
        c = np.asarray(trace.thetas[n], dtype=np.float64).reshape(4, 2)
        labels = np.asarray(trace.extras["labels"][n])
        expected = sample_by_sample(exact, c, labels)[1]
        assert float(trace.values[n]) == pytest.approx(expected, rel=close, abs=1e3 * close**2)


def test_tensors_that_ask_for_gradients_are_welcome():
    x = torch.tensor(blobs(60, 2, 3, 0), requires_grad=True)
    c = x[:3].detach().clone().requires_grad_()
    trace = kmeans(x, 3, start=c)
    assert not trace.theta.requires_grad
    expected = kmeans(x.detach().numpy(), 3, start=c.detach().numpy())
    assert trace.value == pytest.approx(expected.value, rel=1e-12)
    labels = trace.extras["labels"][-1]
    assert bool((assign(x, trace.theta.reshape(3, 2).requires_grad_()) == labels).all())


def test_sums_that_follow_the_samples_that_moved_are_those_of_all():
    x = blobs(3000, 4, 12, 7, width=3)
    trace = kmeans(x, 12, start=x[:12])
    assert trace.steps > 40
    for n in range(1, len(trace), 2):
        labels = trace.extras["labels"][n]
        means = np.array([x[labels == k].mean(0) for k in range(12)])
        np.testing.assert_allclose(trace.thetas[n].reshape(12, 4), means, rtol=0, atol=1e-13)


@given(
    st.integers(0, 10_000),
    st.integers(1, 6),
    st.integers(6, 60),
    st.sampled_from(["numpy64", "numpy32"]),
)
@settings(max_examples=60, deadline=None)
def test_the_inertia_never_rises(seed, K, T, kind):
    x = KINDS[kind](blobs(T, 2, 3, seed) + 100)
    trace = kmeans(x, K, rng=seed)
    assert trace.converged, trace.message
    slack = 1e-12 if kind == "numpy64" else 1e-5
    assert (np.diff(trace.values) <= slack * (1 + trace.values[:-1])).all()
    c = trace.theta.reshape(K, 2)
    assert trace.value == pytest.approx(float(inertia(x, c, assign(x, c))), rel=1e-3, abs=1e-3)


def test_the_end_is_the_best_of_all_partitions_with_enough_restarts():
    x = blobs(9, 2, 3, 5, width=2)
    lowest = min(
        sum(((x[np.array(s) == k] - x[np.array(s) == k].mean(0)) ** 2).sum() for k in set(s))
        for s in itertools.product(range(3), repeat=9)
        if len(set(s)) == 3
    )
    trace = kmeans(x, 3, rng=0, restarts=20)
    assert trace.value == pytest.approx(lowest, rel=1e-12)
    assert "the best of 21 starts" in trace.message
    single = [kmeans(x, 3, rng=seed).value for seed in range(20)]
    assert max(single) > lowest * 1.01, "one start is not always enough"


@each_kind
def test_every_kind_takes_the_same_path(kind):
    x = blobs(200, 3, 4, 1)
    expected = kmeans(x, 4, rng=3)
    trace = kmeans(KINDS[kind](x), 4, rng=3)
    assert type(trace.theta) is type(KINDS[kind](x))
    assert trace.theta.dtype == trace.values.dtype == KINDS[kind](x).dtype
    np.testing.assert_array_equal(np.asarray(trace.extras["labels"][-1]), expected.extras["labels"][-1])
    close = 1e-10 if kind.endswith("64") else 1e-4
    np.testing.assert_allclose(np.asarray(trace.theta), expected.theta, rtol=close, atol=close)
    assert trace.value == pytest.approx(expected.value, rel=close)


@pytest.mark.parametrize("kind", ["numpy32", "torch32"])
def test_float32_far_from_the_origin(kind):
    near = np.round(blobs(300, 2, 3, 2) * 64) / 64  # so that float32 holds it at 1e4 too
    expected = kmeans(near, 3, start=near[:3])
    far = KINDS[kind](near + 1e4)
    trace = kmeans(far, 3, start=far[:3])
    np.testing.assert_array_equal(np.asarray(trace.extras["labels"][-1]), expected.extras["labels"][-1])
    assert trace.value == pytest.approx(expected.value, rel=1e-5)
    np.testing.assert_array_equal(
        np.asarray(assign(far, trace.theta.reshape(3, 2))), expected.extras["labels"][-1]
    )


def test_many_float32_samples_with_a_large_mean():
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((200_000, 1)) + 5000 + 8 * rng.integers(0, 2, (200_000, 1))).astype(
        np.float32
    )
    centers = np.sort(kmeans(x, 2, rng=0).theta)
    exact = np.sort(kmeans(x.astype(np.float64), 2, rng=0).theta)
    np.testing.assert_allclose(centers, exact, atol=1e-3)


# --- starts ---------------------------------------------------------------------------------------


def test_the_second_center_is_drawn_by_squared_distance():
    x = np.array([[0.0], [1.0], [3.0]])
    seconds = np.zeros((3, 3))
    for seed in range(4000):
        first, second = kmeans_start(x, 2, rng=seed).ravel()
        seconds[[0, 1, 3].index(first) if first != 3 else 2, [0, 1, 3].index(second)] += 1
    counts = seconds.sum(1)
    np.testing.assert_allclose(counts / 4000, 1 / 3, atol=0.03)
    expected = np.array([[0, 1, 9], [1, 0, 4], [9, 4, 0]])
    expected = expected / expected.sum(1, keepdims=True)
    np.testing.assert_allclose(seconds / counts[:, None], expected, atol=0.04)  # 4 standard deviations
    assert (seconds.diagonal() == 0).all()


def test_the_third_center_looks_at_the_nearest_of_the_two():
    x = np.array([[0.0], [10.0], [11.0], [13.0]])
    rng, thirds = np.random.default_rng(0), []
    for _ in range(6000):
        c = kmeans_start(x, 3, rng=rng).ravel()
        if set(c[:2]) == {0.0, 10.0}:
            thirds.append(c[2])
    assert len(thirds) > 500
    assert set(thirds) == {11.0, 13.0}
    assert np.mean(np.array(thirds) == 13) == pytest.approx(9 / 10, abs=0.05)


@each_kind
def test_a_start_has_samples_all_different(kind):
    x = KINDS[kind](np.repeat(np.arange(6.0), 50)[:, None])
    start = kmeans_start(x, 6, rng=0)
    assert type(start) is type(x)
    assert start.dtype == x.dtype
    assert sorted(np.asarray(start).ravel()) == [0, 1, 2, 3, 4, 5]


def test_a_torch_generator_draws_and_repeats():
    x = torch.tensor(blobs(50, 2, 3, 0))
    one = kmeans_start(x, 3, rng=torch.Generator().manual_seed(4))
    two = kmeans_start(x, 3, rng=torch.Generator().manual_seed(4))
    assert bool((one == two).all())
    with pytest.raises(TypeError, match=r"torch\.Generator"):
        kmeans_start(x.numpy(), 3, rng=torch.Generator())


def test_small_distances_count_beside_a_large_one_in_float32(monkeypatch):
    """Summed in float32, 2^24 + 1 is 2^24, and no sample after the far one could be drawn."""
    x = np.ones((10_002, 1), np.float32)
    x[0], x[1] = 0, 2**12
    monkeypatch.setattr(
        "lecturecode.alternating.clustering.uniform",
        lambda rng, shape, like: np.array([0.0, 0.99999], like.dtype),
    )
    np.testing.assert_array_equal(far_apart(as_samples(x), 2, None).ravel(), [0, 1])


def test_the_middle_of_many_float32_samples_is_that_of_float64():
    x = (np.random.default_rng(0).random((1_000_000, 2)) + 1e4).astype(np.float32)
    exact = x.astype(np.float64).mean(0)
    assert abs(x.sum(0) / len(x) - exact).max() > 1, "summed in float32 it would drift"
    for kind in (np.asarray, torch.from_numpy):
        np.testing.assert_allclose(np.asarray(mean(kind(x))), exact, rtol=1e-7)
        assert mean(kind(x)).dtype == kind(x).dtype


def test_a_chance_of_one_still_picks_a_sample(monkeypatch):
    monkeypatch.setattr(
        "lecturecode.alternating.clustering.uniform", lambda rng, shape, like: np.ones(shape, like.dtype)
    )
    np.testing.assert_array_equal(far_apart(as_samples([[1.0], [5.0], [5.0]]), 2, None).ravel(), [5, 1])


# --- empty clusters -------------------------------------------------------------------------------


def test_an_empty_cluster_gets_the_farthest_sample_and_it_is_said():
    x = np.array([[0.0], [1.0], [2.0], [50.0]])
    trace = kmeans(x, 2, start=[[1.0], [1000.0]])
    np.testing.assert_array_equal(trace.thetas[1], [1.0, 50.0])
    assert trace.value == 2
    assert "1 empty cluster(s) were given the farthest sample" in trace.message
    assert (np.diff(trace.values) <= 0).all()


def test_a_sample_that_is_alone_is_not_taken_from_its_cluster():
    x = np.array([[0.0], [0.5], [100.0]])  # 100 is farthest from its center, and all that center 1 has
    trace = kmeans(x, 3, start=[[0.0], [150.0], [-300.0]])
    assert trace.value == 0
    assert sorted(trace.theta) == [0, 0.5, 100]
    assert np.isfinite(trace.thetas).all()


def test_two_empty_clusters_get_different_samples():
    trace = kmeans([[0.0], [1.0], [10.0]], 3, start=[[0.0], [0.0], [0.0]])
    assert sorted(trace.theta) == [0, 1, 10]
    assert "2 empty" in trace.message


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_starts_from_anywhere_leave_no_cluster_empty(seed):
    rng = np.random.default_rng(seed)
    x, c = rng.standard_normal((12, 2)), 10.0 ** rng.uniform(-3, 8) * rng.standard_normal((5, 2))
    trace = kmeans(x, 5, start=c)
    assert trace.converged, trace.message
    assert set(trace.extras["labels"][-1]) == set(range(5))
    np.testing.assert_allclose(
        trace.value, sample_by_sample(x, trace.theta.reshape(5, 2))[1], rtol=1e-10, atol=1e-14
    )


def test_equal_samples_whose_mean_rounds_are_no_rise():
    x = np.repeat([[0.1], [0.7]], [3, 1001], axis=0)
    for centers in (None, [[0.1], [0.7]]):
        trace = kmeans(x, 2, rng=0, start=centers)
        assert trace.converged, trace.message
        assert trace.value < 1e-25


def test_labels_that_float32_cannot_tell_apart_are_no_rise():
    rng = np.random.default_rng(0)
    places = np.repeat([[0.0], [0.3], [2e4]], 30, axis=0)
    x = (places + 1e-2 * rng.standard_normal((90, 1))).astype(np.float32)
    trace = kmeans(x, 3, start=np.array([[0.0], [0.3], [2e4]], np.float32))
    assert trace.converged, trace.message
    assert (np.diff(trace.values) <= 0).all()


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("centers", [None, [[0.0], [7.0], [9.0]], [[0.0], [0.0], [7.0]]])
def test_more_clusters_than_distinct_samples(centers):
    with pytest.raises(ValueError, match="only 2 distinct samples"):
        kmeans([[0.0], [0.0], [7.0], [7.0]], 3, rng=0, start=centers)


@pytest.mark.parametrize(
    ("x", "clusters", "options", "words"),
    [
        ([[1.0], [2.0]], 0, {}, "clusters must be an integer of at least 1"),
        ([[1.0], [2.0]], 1.5, {}, "clusters"),
        ([[1.0], [2.0]], 3, {}, "only 2 samples"),
        ([[1.0], [np.nan]], 1, {}, "NaN"),
        ([[1.0], [np.inf]], 1, {}, "infinite"),
        ([1.0, 2.0], 1, {}, r"x\[:, None\]"),
        (np.empty((0, 2)), 1, {}, "empty"),
        ([[1.0], [2.0]], 1, {"start": [[1.0, 2.0]]}, r"start must .* D is 1 in x; got \(1, 2\)"),
        ([[1.0], [2.0]], 1, {"start": [[1.0], [2.0]]}, r"shape \(1, D\); got \(2, 1\)"),
        ([[1.0], [2.0]], 1, {"start": [[np.nan]]}, "NaN"),
        ([[1.0], [2.0]], 1, {"sweeps": 0}, "sweeps"),
        ([[1.0], [2.0]], 1, {"restarts": -1}, "restarts"),
        ([[1.0], [2.0]], 1, {"tol": -1.0}, "tol"),
        ([[1.0], [2.0]], 1, {"tol": np.nan}, "tol"),
    ],
)
def test_bad_input(x, clusters, options, words):
    with pytest.raises(ValueError, match=words):
        kmeans(x, clusters, **options)


def test_samples_come_before_the_number_of_clusters():
    x = blobs(9, 2, 3, 0)
    with pytest.raises(
        ValueError, match=r"clusters must .*; got ndarray of shape \(9, 2\)\. The samples"
    ):
        kmeans(4, x)
    with pytest.raises(
        ValueError, match=r"clusters must .*; got ndarray .* come first, then the number"
    ):
        kmeans_start(4, x)


def test_mixed_kinds():
    with pytest.raises(TypeError, match="tensor"):
        kmeans(np.ones((3, 1)), 1, start=torch.ones((1, 1)))
    with pytest.raises(TypeError, match="rng"):
        kmeans(np.ones((3, 1)), 1, rng="seed")
    assert kmeans([[1.0], [3.0]], 1, start=torch.zeros((1, 1))).theta.dtype == torch.float32


def test_a_start_that_is_not_finite_does_not_hide_the_restarts():
    x = blobs(50, 2, 3, 0)
    lost = kmeans(x, 3, start=np.full((3, 2), 1e300), sweeps=5)
    trace = kmeans(x, 3, start=np.full((3, 2), 1e300), rng=0, restarts=3, sweeps=5)
    assert "g is not finite at the start" in lost.message
    assert np.isfinite(trace.value)
    assert "the best of 4 starts" in trace.message


def test_one_sample_and_constant_columns():
    one = kmeans([[3.0, 4.0]], 1, rng=0)
    np.testing.assert_array_equal(one.theta, [3, 4])
    assert (one.value, one.converged) == (0, True)
    x = np.column_stack([blobs(60, 1, 3, 0), np.full(60, 7.0)])
    trace = kmeans(x, 3, rng=0)
    np.testing.assert_allclose(trace.theta.reshape(3, 2)[:, 1], 7, rtol=1e-15)
    assert trace.value == pytest.approx(kmeans(x[:, :1], 3, rng=0).value, rel=1e-12)


def test_assign_and_inertia_look_at_their_arguments():
    with pytest.raises(ValueError, match="centers must have shape"):
        assign([[1.0, 2.0]], [[1.0]])
    with pytest.raises(ValueError, match="labels must have shape"):
        inertia([[1.0], [2.0]], [[1.0]], [0])
    assert float(inertia(torch.tensor([[1.0], [4.0]]), torch.tensor([[2.0]]), [0, 0])) == 5
    np.testing.assert_array_equal(assign([[2.0]], [[1.0], [3.0]]), [0])  # the first of equals


# --- around ---------------------------------------------------------------------------------------


def test_tol_sweeps_record_every_callback_and_ctrl_c():
    x = blobs(2000, 2, 6, 0, width=3)
    full = kmeans(x, 6, start=x[:6])
    early = kmeans(x, 6, start=x[:6], tol=1e-2)
    assert early.converged
    assert early.steps < full.steps
    falls = early.values[:-2:2] - early.values[2::2]
    assert falls[-1] <= 1e-2 * early.values[-1]
    assert (falls[:-1] > 1e-2 * early.values[2:-2:2]).all()
    tiny = kmeans(1e-9 * x, 6, start=1e-9 * x[:6], tol=1e-2)
    assert tiny.steps == early.steps, "units do not matter"

    short = kmeans(x, 6, start=x[:6], sweeps=2)
    assert not short.converged
    assert "used up all 2 sweeps" in short.message
    assert short.value == short.values.min()
    thin = kmeans(x, 6, start=x[:6], record_every=5)
    np.testing.assert_array_equal(thin.thetas, full.thetas[::5])
    np.testing.assert_array_equal(thin.extras["labels"], full.extras["labels"][::5])
    none = kmeans(x, 6, start=x[:6], record_every=0)
    assert none.value == full.value
    assert not none.extras

    calls = []
    stopped = kmeans(x, 6, rng=0, restarts=5, callback=lambda trace: calls.append(1) or len(calls) == 3)
    assert len(calls) == 3, "the callback ends the restarts too"
    assert "stopped by the callback after 2 updates; the best of 1 starts, of 6" in stopped.message

    def interrupt(trace):
        if trace.steps == 4:
            raise KeyboardInterrupt

    broken = kmeans(x, 6, rng=0, restarts=5, callback=interrupt)
    assert "interrupted after 4 updates" in broken.message
    assert not broken.converged


def test_a_given_start_is_one_of_the_starts():
    x = blobs(9, 2, 3, 5, width=2)
    worst = max((kmeans(x, 3, rng=seed) for seed in range(20)), key=lambda t: t.value)
    again = kmeans(x, 3, start=worst.theta.reshape(3, 2), rng=0, restarts=20)
    assert again.value < worst.value
    best = kmeans(x, 3, start=again.theta.reshape(3, 2))
    assert best.value == pytest.approx(again.value, rel=1e-12)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 1, 2], ValueError, r"labels must hold numbers of centers, .* from 0 to 1; got 0\.\.2"),
        ([0, -1, 1], ValueError, r"got -1\.\.1"),
        (
            [0.0, 1.0, 1.0],
            TypeError,
            "labels must hold numbers of centers, integers .*; got dtype float64",
        ),
    ],
)
def test_labels_that_are_no_numbers_of_centers(labels, error, message):
    with pytest.raises(error, match=message):
        inertia(np.arange(6.0).reshape(3, 2), np.eye(2), labels)
