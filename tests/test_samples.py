"""Samples in chunks: the same groups from an array, a file, a list, a function, and other processes."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

import lecturecode as lc
from lecturecode import (
    LostDigitsWarning,
    Mixture,
    TotalLoss,
    UnequalUnitsWarning,
    gaussian_mixture,
    kmeans,
    kmeans_start,
)
from lecturecode.alternating import assign, samples


def blobs(T=600, D=4, K=5, seed=0, width=2.0):
    rng = np.random.default_rng(seed)
    return 4 * rng.standard_normal((K, D))[rng.integers(0, K, T)] + width * rng.standard_normal((T, D))


def plain_kmeans(x, c, sweeps):
    """The two lines of a sweep, and nothing else; labels of each."""
    labels = [((x[:, None, :] - c) ** 2).sum(2).argmin(1)]
    for _ in range(sweeps):
        c = np.array([x[labels[-1] == k].mean(0) for k in range(len(c))])
        labels.append(((x[:, None, :] - c) ** 2).sum(2).argmin(1))
    return c, labels


@pytest.fixture
def small_pieces(monkeypatch):
    """Let a piece be 64 samples, and no array small enough to be moved at once."""
    monkeypatch.setattr(samples, "AT_ONCE", 1)
    monkeypatch.setattr(samples, "ON_ONE_CORE", 1)
    monkeypatch.setattr(samples, "HELD", 0)


# --- k-means --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(3))
def test_samples_that_are_left_alone_would_not_have_moved(seed, dtype, small_pieces):
    """Most are not looked at in a sweep: labels are those of the two lines, sweep after sweep."""
    x = blobs(2000, 3, 12, seed, width=3).astype(dtype)
    trace = kmeans(x, 12, start=x[:12], record_every=1)
    c, labels = plain_kmeans(x.astype(float), x[:12].astype(float), trace.steps // 2)
    assert trace.steps > 20, "many sweeps, or nothing is left alone"
    for sweep, expected in enumerate(labels):
        np.testing.assert_array_equal(trace.extras["labels"][2 * sweep], expected)
    close = 1e-12 if dtype is np.float64 else 1e-5
    np.testing.assert_allclose(trace.theta.reshape(12, 3), c, rtol=close, atol=close)


def test_few_samples_are_looked_at_in_the_end(monkeypatch):
    looked, near = [], samples.Chunk.near

    def counting(chunk, some):
        found = near(chunk, some)
        looked.append(found.shape[0])
        return found

    x = blobs(4000, 3, 12, 0, width=3)
    counts = []
    monkeypatch.setattr(samples.Chunk, "near", counting)

    def callback(trace):
        counts.append(sum(looked))
        looked.clear()

    trace = kmeans(x, 12, start=x[:12], callback=callback)
    assert trace.converged
    assert max(counts[-20:]) < len(x) / 4


def in_chunks(x):
    return lambda: iter([x[:7], x[7:300], x[300:]])


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_chunks_give_what_the_array_gives(library, small_pieces):
    x = library(blobs())
    whole = kmeans(x, 5, rng=0)
    for chunks in (in_chunks(x), [x[:200], x[200:]], lambda: [x]):
        trace = kmeans(chunks, 5, rng=0)
        assert trace.message == whole.message
        assert bool((trace.extras["labels"][-1] == whole.extras["labels"][-1]).all())
        np.testing.assert_allclose(trace.thetas, whole.thetas, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(trace.values, whole.values, rtol=1e-12)
    c = whole.theta.reshape(5, 4)
    assert bool((assign(in_chunks(x), c) == assign(x, c)).all())
    assert bool((kmeans_start(in_chunks(x), 5, rng=1) == kmeans_start(x, 5, rng=1)).all())
    given = kmeans(in_chunks(x), 5, start=x[:5])
    np.testing.assert_allclose(given.theta, kmeans(x, 5, start=x[:5]).theta, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("unit", "dtype"), [(1e-23, "float32"), (1e21, "float32"), (1e300, "float64")])
def test_chunks_in_units_of_any_size(unit, dtype):
    x = (blobs() / 64 * unit).astype(dtype)
    chunked, whole = kmeans(in_chunks(x), 5, rng=0), kmeans(x, 5, rng=0)
    np.testing.assert_array_equal(chunked.extras["labels"][-1], whole.extras["labels"][-1])
    np.testing.assert_allclose(chunked.theta / unit, whole.theta / unit, rtol=1e-5)


def test_an_empty_cluster_of_chunks_gets_the_farthest_sample():
    parts = [np.array([[0.0], [1.0]]), np.array([[2.0], [50.0]])]
    trace = kmeans(parts, 2, start=[[1.0], [1000.0]])
    np.testing.assert_array_equal(trace.thetas[1], [1.0, 50.0])
    assert "1 empty cluster(s) were given the farthest sample" in trace.message


# --- mixtures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("covariance", ["full", "diagonal", "spherical"])
def test_a_mixture_of_chunks_is_that_of_the_array(covariance, small_pieces):
    x = blobs(width=1.0)
    options = {"covariance": covariance, "rng": 0, "sweeps": 20, "tol": 0.0}
    whole = gaussian_mixture(x, 3, **options)
    for chunks in (in_chunks(x), [x[:200], x[200:]]):
        trace = gaussian_mixture(chunks, 3, **options)
        np.testing.assert_allclose(trace.last, whole.last, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(trace.values, whole.values, rtol=1e-12)


def test_the_sums_are_those_of_the_formulas(small_pieces):
    """F after the M-step, by its definition: a sum over all samples and components."""
    x = blobs(200, 2, 3)
    start = Mixture(np.array([0.2, 0.3, 0.5]), x[:3], np.tile(4 * np.eye(2), (3, 1, 1)))
    trace = gaussian_mixture(x, 3, start=start, sweeps=2, tol=0)
    for step, q_of in ((1, 0), (3, 2)):
        before, after = (Mixture.unpack(trace.thetas[i], 3) for i in (q_of, step))
        q = before.responsibilities(x)
        n = q.sum(0)
        np.testing.assert_allclose(after.weights, n / len(x), rtol=1e-12)
        np.testing.assert_allclose(after.means, q.T @ x / n[:, None], rtol=1e-12)
        apart = x[:, None, :] - after.means
        scatter = np.einsum("tk,tkd,tke->kde", q, apart, apart)
        np.testing.assert_allclose(after.covariances, scatter / n[:, None, None], rtol=1e-11)
        F = (q * (np.log(q) - after.log_joint(x).T)).sum() / len(x)
        assert trace.values[step] == pytest.approx(F, rel=1e-12)


# --- memory ---------------------------------------------------------------------------------------

LIMITED = """
    import resource
    import numpy as np
    import array_api_compat.numpy
    import lecturecode as lc
    from lecturecode import total_loss
    from lecturecode.alternating import assign, samples
    samples.HELD = total_loss.AT_ONCE = 2**16  # as many bytes and numbers as suit small data
    x = np.memmap({file!r}, dtype="float64", mode="r", shape=(300_000, 20))  # 48 MB
    small = x[:2000]
    {run}
    used = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmData"))
    limit = 1024 * int(used) + 24 * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    small = x
    {run}
    try:
        x + 1
    except MemoryError:
        print("bounded")
"""
RUNS = {
    "kmeans": "trace = lc.kmeans(small, 3, start=x[:3], sweeps=2, record_every=0)",
    "kmeans, drawn": "trace = lc.kmeans(small, 3, rng=0, sweeps=1, record_every=0)",
    "kmeans, chunks": "trace = lc.kmeans(lambda: np.array_split(small, 31), 3, "
    " start=x[:3], sweeps=2, record_every=0)",
    "assign": "assign(small, x[:3])",
    "gaussian_mixture": "lc.gaussian_mixture(small, 2, start=lc.Mixture(np.full(2, 0.5), x[:2], "
    "np.tile(np.eye(20), (2, 1, 1))), sweeps=1, record_every=0)",
    "train": "lc.train(lc.Network((20, 4, 1)), lc.SquaredError(), small, small[:, :1], lc.Adam(0.01), "
    "epochs=1, batch_size=2000, rng=0)",
    "TotalLoss": "g = lc.TotalLoss(lc.Network((20, 16, 1)), lc.SquaredError(), small, small[:, :1]); "
    "g(np.zeros(g.network.size)); g.gradient(np.zeros(g.network.size))",
    "pytorch.train": "from lecturecode import pytorch; "
    "pytorch.train(pytorch.MLP((20, 4, 1)).double(), lc.SquaredError(), small, small[:, :1], "
    "lc.Adam(0.01), epochs=1, batch_size=2000, rng=0)",
}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("samples") / "x.dat"
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300_000, 20)) + 5 * rng.integers(0, 3, (300_000, 1))
    x.tofile(path)
    return str(path)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory are those of Linux")
@pytest.mark.parametrize("run", RUNS)
def test_a_file_is_never_copied_into_memory(run, file):
    """The data have 48 MB, and the limit leaves 24 MB: the same run on few samples is over before."""
    code = textwrap.dedent(LIMITED).format(file=file, run=RUNS[run])
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=300
    )
    assert found.returncode == 0, found.stderr[-2000:]
    assert found.stdout.split() == ["bounded"]


def test_a_total_loss_in_parts_is_that_of_all(monkeypatch):
    x = blobs(50, 3)
    network = lc.Network((3, 5, 2))
    g = TotalLoss(network, lc.SquaredError(), x, x[:, :2])
    theta = np.stack([network.init(k) for k in range(3)])
    value, (same, gradient) = g(theta), g.value_and_gradient(theta)
    monkeypatch.setattr("lecturecode.total_loss.AT_ONCE", 7 * 5 * 3)
    np.testing.assert_allclose(g(theta), value, rtol=1e-14)
    np.testing.assert_allclose(g.value_and_gradient(theta)[0], same, rtol=1e-14)
    np.testing.assert_allclose(g.gradient(theta), gradient, rtol=1e-12, atol=1e-14)


# --- other processes ------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_blocks_of_a_dask_array_stay_where_they_are():
    dask = pytest.importorskip("dask.array", reason="pip install 'lecturecode[scale]'")
    distributed = pytest.importorskip("distributed")
    x = blobs()
    start = Mixture(np.full(3, 1 / 3), x[:3], np.tile(4 * np.eye(4), (3, 1, 1)))
    groups, em = {"start": x[:5], "sweeps": 2}, {"start": start, "sweeps": 1, "tol": 0.0}
    whole, mixture = kmeans(x, 5, **groups), gaussian_mixture(x, 3, **em)
    blocks = dask.from_array(x, chunks=(250, 2))
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        trace = kmeans(blocks, 5, **groups)
        spread = gaussian_mixture(blocks, 3, **em)
        labels = assign(blocks, trace.theta.reshape(5, 4))
    np.testing.assert_array_equal(trace.extras["labels"], whole.extras["labels"])
    np.testing.assert_allclose(trace.thetas, whole.thetas, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(spread.last, mixture.last, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(labels, assign(x, whole.theta.reshape(5, 4)))


# --- what is refused, and what is warned of -------------------------------------------------------


def runs_dry(x):
    parts = iter([x[:300], x[300:]])
    return lambda: parts


@pytest.mark.parametrize(
    ("chunks", "error", "words"),
    [
        (lambda x: (part for part in [x]), TypeError, "x is a generator, which runs dry .* lambda:"),
        (lambda x: iter([x]), TypeError, "x is a list_iterator, which runs dry"),
        (runs_dry, ValueError, r"0 of the 2 chunks came again.*fresh iterator"),
        (lambda x: lambda: [], ValueError, "x gave no chunk"),
        (lambda x: lambda: 3, TypeError, r"x\(\) must return an iterable of arrays .*; got 3"),
        (lambda x: [x, x[:, :2]], ValueError, "chunk 1 of x must have 4 columns"),
        (lambda x: [x, x.astype("float32")], TypeError, "chunk 1 of x has dtype float32"),
        (lambda x: [x, torch.from_numpy(x)], TypeError, "and chunk 1 of x is a PyTorch tensor"),
        (lambda x: [x, x[:0]], ValueError, "chunk 1 of x is empty"),
        (lambda x: [x, x * np.nan], ValueError, "chunk 1 of x has .* NaN"),
        (lambda x: lambda: [x[:, 0]], ValueError, r"chunk 0 of x must have shape \(n, D\)"),
    ],
)
def test_chunks_that_are_none(chunks, error, words):
    with pytest.raises(error, match=words):
        kmeans(chunks(blobs()), 3, rng=0)


def test_chunks_that_change_between_passes():
    x, calls = blobs(), []

    def changing():
        calls.append(1)
        return [x] if len(calls) == 1 else [x[:5]]

    with pytest.raises(ValueError, match=r"chunk 0 has shape \(5, 4\), and had \(600, 4\)"):
        kmeans(changing, 3, rng=0)


def test_a_column_whose_unit_decides_is_named():
    x = blobs() * [1.0, 1.0, 1e5, 1.0]
    with pytest.warns(UnequalUnitsWarning, match=r"column 2 of x spreads .* as column \d.*x.std\(0\)"):
        kmeans(x, 3, rng=0)
    with pytest.warns(UnequalUnitsWarning, match="column 2"):
        gaussian_mixture(x, 2, rng=0, sweeps=2)
    scaled = (x - x.mean(0)) / x.std(0)
    kmeans(scaled, 3, rng=0)  # no warning: it would be an error here
    kmeans(np.column_stack([x[:, 0], np.full(len(x), 7.3)]), 3, rng=0)  # a constant has no unit
    start = Mixture(np.full(2, 0.5), x[:2], np.tile(np.diag(x.var(0)), (2, 1, 1)))
    gaussian_mixture(x, 2, start=start, sweeps=2)  # EM does not see units
    with pytest.warns(UnequalUnitsWarning):
        gaussian_mixture(x, 2, start=start, sweeps=2, covariance="spherical")


def test_numbers_that_rounding_has_left_few_digits_of():
    x = blobs()
    far = (x + np.array([0.0, 4e6, 0.0, 0.0])).astype("float32")
    with pytest.warns(LostDigitsWarning, match=r"column 1 of x spreads .* 4e\+06, where float32 tells"):
        kmeans(far, 3, rng=0)
    start = Mixture(np.full(2, 0.5, "float32"), far[:2], np.tile(np.eye(4, dtype="float32"), (2, 1, 1)))
    with pytest.warns(LostDigitsWarning, match="column 1"):
        gaussian_mixture(far, 2, start=start, sweeps=2)
    kmeans(x + 4e6, 3, rng=0)  # float64 holds them


@pytest.mark.parametrize("method", [kmeans, gaussian_mixture])
def test_a_warning_points_at_the_line_that_called(method):
    with pytest.warns(UnequalUnitsWarning) as caught:
        method(blobs() * [1.0, 1.0, 1e5, 1.0], 2, rng=0, sweeps=1)
    assert [warning.filename for warning in caught] == [__file__]
