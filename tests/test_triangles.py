"""Least squares of data in chunks: triangles add up, whatever holds the rows."""

import subprocess
import sys
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lecturecode import (
    LostDigitsWarning,
    RankDeficientWarning,
    design_matrix,
    least_squares,
    normal_equations,
    triangles,
)

pytestmark = pytest.mark.numeric

EPS = np.finfo(float).eps


def with_condition(T, P, condition, seed=0):
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.standard_normal((T, P)))[0]
    V = np.linalg.qr(rng.standard_normal((P, P)))[0]
    return (U * np.geomspace(1, 1 / condition, P)) @ V.T


def easy(T=300, P=4, K=None, seed=0):
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((T, P))
    return W, rng.standard_normal(T if K is None else (T, K))


def cut(W, y, *rows):
    return list(zip(np.split(W, rows), np.split(y, rows), strict=True))


def same_triangle(one, other, rtol):
    """A triangle is unique but for the signs of its rows."""
    signs = np.sign(np.diagonal(one)) * np.sign(np.diagonal(other))
    lengths = np.linalg.norm(one, axis=0)
    return np.abs(one - signs[:, None] * other).max() <= rtol * lengths.max()


# --- the triangle of one chunk --------------------------------------------------------------------


@pytest.mark.parametrize("condition", [1.0, 1e3, 1e6])
def test_two_factorizations_by_cholesky_give_what_reflections_give(condition):
    """R is unique, and both methods change W by some eps of its length; R follows by the condition."""
    W, y = with_condition(500, 8, condition), easy(500)[1][:, None]
    found = triangles._by_cholesky(W, y)
    assert found is not None
    R, c = triangles._reflected(W, y)
    assert same_triangle(R, found[0], 100 * EPS * condition)
    np.testing.assert_allclose(found[0].T @ found[0], W.T @ W, atol=100 * EPS)
    np.testing.assert_allclose(np.abs(found[1]), np.abs(c), atol=1e3 * EPS * condition)


@pytest.mark.parametrize("condition", [1e10, 1e13])
def test_columns_close_to_dependent_are_reflected(condition):
    W, y = with_condition(500, 8, condition), easy(500)[1][:, None]
    assert triangles._by_cholesky(W, y) is None
    assert triangles._by_cholesky(np.ones((50, 2)), y[:50]) is None
    assert triangles._by_cholesky(np.zeros((50, 2)), y[:50]) is None


def test_one_factorization_alone_would_lose_the_square_of_the_condition():
    """The angle between V R2^-1 and an orthonormal basis shows what the second factorization is for."""
    W, y = with_condition(500, 8, 1e6), easy(500)[1][:, None]
    once = np.linalg.cholesky(W.T @ W).T
    twice, _ = triangles._by_cholesky(W, y)
    off = [np.abs((Q := W @ np.linalg.inv(R)).T @ Q - np.eye(8)).max() for R in (once, twice)]
    assert off[0] > 1e-7
    assert off[1] < 1e3 * EPS * 1e6


@pytest.mark.parametrize("condition", [1.0, 1e5, 1e9])
def test_tall_data_lose_no_more_digits_than_the_condition_takes(condition):
    """A change of W and y by eps moves theta by at most that many eps (Higham, Theorem 20.1)."""
    W = with_condition(3000, 10, condition)
    theta = np.ones(10)
    y = W @ theta
    assert np.linalg.norm(least_squares(W, y) - theta) <= 50 * EPS * condition * np.linalg.norm(theta)


@pytest.mark.parametrize("K", [None, 1, 3, 9])
def test_blocks_are_cut_for_speed_and_change_nothing(monkeypatch, K):
    W, y = easy(700, 4, K)
    whole = least_squares(W, y)
    monkeypatch.setattr(triangles, "ENTRIES", 4 * 50)
    assert len(list(triangles.in_blocks(W, y))) == 14
    np.testing.assert_allclose(least_squares(W, y), whole, rtol=1e-12)


# --- chunks ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 999),
    T=st.integers(2, 60),
    P=st.integers(1, 6),
    rank=st.integers(1, 6),
    K=st.sampled_from([None, 2, 9]),
    data=st.data(),
)
def test_however_rows_are_cut_the_answer_is_that_of_all(seed, T, P, rank, K, data):
    rng = np.random.default_rng(seed)
    rank = min(rank, T, P)
    W = rng.standard_normal((T, rank)) @ rng.standard_normal((rank, P))
    y = rng.standard_normal(T if K is None else (T, K))
    at = sorted(data.draw(st.sets(st.integers(1, T - 1), max_size=5)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LostDigitsWarning)  # a square matrix may be close to singular
        whole, chunked = least_squares(W, y), least_squares(cut(W, y, *at))
    assert chunked.shape == whole.shape
    s = np.linalg.svd(W, compute_uv=False)
    condition = s[0] / s[rank - 1]
    np.testing.assert_allclose(chunked, whole, atol=1e3 * EPS * condition**2 * (1 + np.abs(whole).max()))


def test_a_list_a_function_and_a_generator_are_chunks():
    W, y = easy()
    whole, chunks = least_squares(W, y), cut(W, y, 100, 220)
    np.testing.assert_allclose(least_squares(chunks), whole, rtol=1e-13)
    np.testing.assert_array_equal(least_squares(lambda: iter(chunks)), least_squares(chunks))
    np.testing.assert_allclose(least_squares(iter(chunks)), whole, rtol=1e-12)
    np.testing.assert_allclose(least_squares([(W.tolist(), y.tolist())]), whole, rtol=1e-13)
    tensors = [(torch.from_numpy(V), torch.from_numpy(z)) for V, z in chunks]
    assert isinstance(least_squares(tensors), torch.Tensor)
    np.testing.assert_allclose(least_squares(tensors), whole, rtol=1e-12)


def test_chunks_that_are_read_again_are_refined_and_a_generator_is_not():
    """With y in the range of W: half a digit on average, as for arrays."""
    gains = []
    for seed in range(30):
        W = with_condition(200, 6, 1e4, seed)
        theta = np.arange(1.0, 7.0)
        chunks = cut(W, W @ theta, 50, 120)
        errors = [np.abs(least_squares(c) - theta).max() + 1e-17 for c in (chunks, iter(chunks))]
        gains.append(np.log10(errors[1] / errors[0]))
    assert np.mean(gains) > 0.3


def test_each_chunk_may_lie_in_the_same_memory():
    W, y = easy(600, 5)

    def chunks():
        V, z = np.empty((100, 5)), np.empty(100)
        for i in range(0, 600, 100):
            V[:], z[:] = W[i : i + 100], y[i : i + 100]
            yield V, z
            V[:] = z[:] = np.nan

    np.testing.assert_allclose(least_squares(chunks), least_squares(W, y), rtol=1e-12)
    np.testing.assert_allclose(least_squares(chunks()), least_squares(W, y), rtol=1e-12)


@pytest.mark.parametrize("unit", [1e-300, 1e-160, 1e160, 1e300])
def test_chunks_of_any_unit_and_of_different_ones(unit):
    W, y = easy(60, 3)
    whole = least_squares(W, y)
    np.testing.assert_allclose(least_squares(cut(W * unit, y, 20, 40)) * unit, whole, rtol=1e-12)
    np.testing.assert_allclose(least_squares(cut(W, y * unit, 20)) / unit, whole, rtol=1e-12)
    small = np.where(np.arange(60)[:, None] < 20, min(unit, 1 / unit), 1.0)  # the first chunk vanishes
    rest = least_squares(W[20:], y[20:])
    np.testing.assert_allclose(least_squares(cut(W * small, y * small[:, 0], 20)), rest, rtol=1e-12)
    zero = cut(np.concatenate([0 * W, W * unit]), np.concatenate([0 * y, y]), 60)
    np.testing.assert_allclose(least_squares(zero) * unit, whole, rtol=1e-12)


def test_rank_is_that_of_all_rows_and_not_of_a_chunk():
    W = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    np.testing.assert_allclose(least_squares(cut(W, W @ [5.0, 7.0], 2)), [5.0, 7.0], rtol=1e-13)
    same = np.outer([1.0, 2.0, -1.0, 3.0], [1.0, 2.0])
    np.testing.assert_allclose(least_squares(cut(same, 5 * same[:, 0], 1)), [1.0, 2.0], rtol=1e-13)


def test_dummy_columns_are_named_where_the_data_can_be_read_again():
    x = np.eye(3)[np.arange(12) % 3]
    chunks = cut(design_matrix(x), np.arange(12.0), 1, 7)
    with pytest.warns(RankDeficientWarning, match="Columns 0, 1, 2 and 3 of W have two values each"):
        theta = least_squares(chunks)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(least_squares(iter(chunks)), theta, atol=1e-13)
    chunks[1][0][2, 0] = 0.5  # a third value, in the second chunk
    chunks[1][0][2, 1] = 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        least_squares(chunks)


@pytest.mark.parametrize(
    ("chunks", "error", "words"),
    [
        ([], ValueError, "there are no chunks"),
        (lambda: (), ValueError, "there are no chunks"),
        (np.ones((3, 2)), TypeError, "y is missing"),
        (torch.ones(3, 2), TypeError, "y is missing"),
        (3.0, TypeError, r"must be chunks, an iterable of pairs \(W, y\).*got 3.0"),
        (None, TypeError, "must be chunks"),
        (["text"], TypeError, r"each chunk must be a pair \(W, y\) of rows; chunk 0 is 'text'"),
        ([np.ones((2, 2))], TypeError, "chunk 0 is ndarray of shape"),
        ([(np.ones((3, 2)), np.ones(2))], ValueError, r"y of chunk 0 must have shape \(T,\)"),
        ([(np.ones(3), np.ones(3))], ValueError, r"W of chunk 0 must have shape \(T, P\)"),
        ([(np.full((3, 2), np.nan), np.ones(3))], ValueError, "W of chunk 0 has 6 value"),
        ([(np.ones((0, 2)), np.ones(0))], ValueError, "W of chunk 0 is empty"),
    ],
)
def test_what_is_no_chunk_is_refused(chunks, error, words):
    with pytest.raises(error, match=words):
        least_squares(chunks)


def test_a_later_chunk_must_fit_the_first():
    first = (np.ones((3, 2)), np.ones(3))
    for later, error, words in [
        ((np.ones((3, 3)), np.ones(3)), ValueError, r"W of chunk 1 must have rows of shape \(2,\)"),
        ((np.ones((3, 2)), np.ones((3, 1))), ValueError, "y of chunk 1 must have rows of shape"),
        ((np.ones((3, 2), "f"), np.ones(3, "f")), TypeError, "W of chunk 1"),
        ((torch.ones(3, 2), torch.ones(3)), TypeError, "W of chunk 1"),
    ]:
        with pytest.raises(error, match=words):
            least_squares([first, later])


def test_chunks_that_are_others_the_second_time_are_refused():
    W, y = easy()
    reader = iter(cut(W, y, 100, 200))
    with pytest.raises(ValueError, match=r"there are no chunks.*each time"):
        least_squares(lambda: reader)
    passes = iter([cut(W, y, 100), cut(W[:50], y[:50])])
    with pytest.raises(ValueError, match="had 300 rows, and 50 when they were read once more"):
        least_squares(lambda: next(passes))


def test_the_reader_runs_with_the_settings_of_the_caller():
    seen = []

    def chunks():
        seen.append(np.geterr()["divide"])
        yield easy()

    with np.errstate(divide="raise"):
        least_squares(chunks)
        assert np.geterr()["divide"] == "raise"
    assert seen == ["raise", "raise"]


def test_a_chunk_is_let_go_before_the_next_is_made():
    W, y = easy()
    made, alive = [], []

    def copy():
        V = W.copy()
        made.append(weakref.ref(V))
        return V, y

    def chunks():
        for _ in range(3):
            alive.append([ref() is not None for ref in made])
            yield copy()

    least_squares(chunks())
    assert alive == [[], [False], [False, False]]


def test_what_a_reader_raises_arrives():
    def chunks():
        yield easy()
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        least_squares(chunks)


# --- beyond memory --------------------------------------------------------------------------------

BOUNDED = """
import resource, sys
import numpy as np
import lecturecode as lc

T, P = 200_000, 100                                      # 160 MB
folder, kind, more = sys.argv[1], sys.argv[2], int(sys.argv[3])
W = np.lib.format.open_memmap(folder + "/W.npy", mode="r")
y = np.load(folder + "/y.npy")
lc.least_squares(W[:1000], y[:1000])                     # libraries take their buffers
status = open("/proc/self/status").read()
limit = 1024 * int(status.split("VmData:")[1].split()[0]) + more
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
def chunks():
    for i in range(0, T, 20_000):
        yield np.array(W[i : i + 20_000]), y[i : i + 20_000]
theta = {"map": lambda: lc.least_squares(W, y), "function": lambda: lc.least_squares(chunks),
         "generator": lambda: lc.least_squares(chunks()),
         "memory": lambda: lc.least_squares(np.array(W), y)}[kind]()
print(float(np.abs(theta - 1).max()))
"""


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    W = np.lib.format.open_memmap(folder / "W.npy", mode="w+", shape=(200_000, 100), dtype=float)
    for i in range(0, 200_000, 20_000):
        W[i : i + 20_000] = rng.standard_normal((20_000, 100))
    np.save(folder / "y.npy", W.sum(1))
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA bounds anonymous memory on Linux")
@pytest.mark.parametrize("kind", ["map", "function", "generator", "memory"])
def test_memory_is_bounded_by_a_chunk(on_disk, kind):
    """Data of 160 MB, in chunks of 16 MB, in 40 MB beside what Python and the libraries take."""
    command = [sys.executable, "-c", BOUNDED, str(on_disk), kind, str(40 * 10**6)]
    environment = {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    if kind == "memory":
        assert run.returncode != 0, "the limit would not be one"
        assert "MemoryError" in run.stderr
    else:
        assert run.returncode == 0, run.stderr
        assert float(run.stdout) < 1e-13


# --- digits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_normal_equations_say_how_few_digits_are_left(library):
    W = library(with_condition(50, 4, 10**7.5))
    with pytest.warns(LostDigitsWarning, match=r"about [01] of the 16 digits.*least_squares"):
        normal_equations(W, W.sum(1))
    fine = library(with_condition(50, 4, 1e5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        normal_equations(fine, fine.sum(1))
        least_squares(W, W.sum(1))


def test_the_digits_said_are_those_left():
    """The condition of unit columns bounds what is lost, but for a small multiple of P."""
    missed = []
    for seed in range(40):
        W = with_condition(60, 4, 10**7.2, seed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            theta = normal_equations(W, W.sum(1))
        if caught:  # three digits are where it begins
            said = int(str(caught[0].message).split()[1])
            missed.append(-np.log10(np.abs(theta - 1).max()) - said)
    assert len(missed) > 10
    assert min(missed) > -np.log10(4 * 4) - 0.5  # errors of P products each, and what is rounded
    assert np.mean(missed) < 2.5


def test_units_of_columns_lose_no_digits():
    W, y = easy(40, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        normal_equations(W * [1e-8, 1.0, 1e8], y)


def test_least_squares_say_it_in_float32():
    W = with_condition(50, 4, 3e4).astype(np.float32)
    with pytest.warns(LostDigitsWarning, match=r"digits of float32 are left.*higher precision"):
        least_squares(W, W.sum(1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        least_squares(W.astype(float), W.sum(1).astype(float))


def test_the_warning_points_at_the_call():
    W = with_condition(50, 4, 10**7.5)
    with pytest.warns(LostDigitsWarning) as caught:
        normal_equations(W, W.sum(1))
    assert caught[0].filename == __file__
    with pytest.warns(LostDigitsWarning) as caught:
        least_squares(with_condition(50, 4, 3e4).astype(np.float32), W.sum(1).astype(np.float32))
    assert caught[0].filename == __file__
