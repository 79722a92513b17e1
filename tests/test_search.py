"""Brute force, grid and random search: every domain, every chunk, every bad input."""

import itertools
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
import torch

from lecturecode import brute_force, grid_search, pointwise, random_search, search
from lecturecode.domains import Choice, Interval, Positive, Real
from lecturecode.objectives import Himmelblau, Rastrigin

DOMAINS = {
    "choice": Choice("abcde"),
    "interval": Interval(-0.1, 0.3),
    "real": Real(2.0),
    "positive": Positive(1e-3),
    "square": Interval(-5, 5) ** 2,
    "mixed": Choice(["tanh", "relu", "gelu"]) * Positive(1e-3) * Interval(-0.1, 0.3) * Real(2.0),
    "choices": Choice("ab") * Choice([16, 32, 64]) * Choice([None]),
}
each_domain = pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
LIKES = {
    "float64": np.empty(0),
    "float32": np.empty(0, np.float32),
    "tensor64": torch.empty(0, dtype=torch.float64),
    "tensor32": torch.empty(0),
}
each_like = pytest.mark.parametrize("like", LIKES.values(), ids=LIKES)
SQUARE = DOMAINS["square"]
MIXED = DOMAINS["mixed"]
NUMBERS = np.arange(1000.0)[:, None]


def total(theta):
    return theta.sum(-1)


def wavy(theta):
    """A function with many local minima, for any number of coordinates."""
    return (np.sin(37 * theta) + theta**2).sum(-1)


def from_table(table):
    """g of the number of a point, read from a table."""
    return lambda theta: np.asarray(table, dtype=float)[theta[:, 0].astype(int)]


class Watch:
    """A g that remembers the sizes of the batches it was asked."""

    def __init__(self, g=total, nap=0.0):
        self.g, self.nap, self.sizes = g, nap, []

    def __call__(self, theta):
        self.sizes.append(len(theta))
        time.sleep(self.nap)
        return self.g(theta)


@pytest.fixture(params=[1, 7, 10_000], ids=lambda first: f"FIRST={first}")
def chunked(request, monkeypatch):
    """Chunks of other sizes than usual."""
    monkeypatch.setattr(search, "FIRST", request.param)
    monkeypatch.setattr(search, "CHUNK", 64)
    return request.param


def same(trace, other):
    for name in ("thetas", "values", "evaluations", "theta", "last"):
        np.testing.assert_array_equal(getattr(trace, name), getattr(other, name), err_msg=name)
    assert (trace.value, trace.message, trace.converged) == (other.value, other.message, other.converged)


# --- the right answer -----------------------------------------------------------------------------


@each_domain
@pytest.mark.parametrize("points", [1, 2, 6])
def test_a_grid_is_the_argmin_over_the_product_of_the_axes(domain, points):
    grid = np.array(list(itertools.product(*domain.axes(points))))
    trace = grid_search(wavy, domain, points)
    np.testing.assert_array_equal(trace.thetas, grid)
    np.testing.assert_array_equal(trace.values, wavy(grid))
    np.testing.assert_array_equal(trace.theta, grid[np.argmin(wavy(grid))])
    assert trace.value == wavy(grid).min()
    assert domain.contains(trace.thetas).all()
    assert trace.converged
    assert trace.message == f"tried all {len(grid)} points of the grid"


@pytest.mark.parametrize(("g", "points"), [(Himmelblau(), 41), (Rastrigin(), (30, 17))])
def test_a_grid_finds_what_scipy_finds(g, points):
    counts = np.broadcast_to(points, 2)
    ranges = [slice(-5, 5, k * 1j) for k in counts]
    theta, value, *_ = scipy.optimize.brute(g, ranges, finish=None, full_output=True)
    trace = grid_search(g, SQUARE, points)
    np.testing.assert_allclose(trace.theta, theta, rtol=1e-14)
    assert trace.value == pytest.approx(value, rel=1e-14)
    assert len(trace) == counts.prod()


def test_each_axis_may_have_its_own_number_of_points():
    counts = [9, 2, 3, 4]
    axes = [MIXED.axes(k)[p] for p, k in enumerate(counts)]
    trace = grid_search(total, MIXED, counts)
    np.testing.assert_array_equal(trace.thetas, list(itertools.product(*axes)))
    assert len(trace) == 3 * 2 * 3 * 4  # a choice is tried whole, whatever was asked for


@each_domain
@each_like
def test_random_draws_stay_in_the_domain_and_in_the_kind_of_like(domain, like):
    trace = random_search(total, domain, 3000, rng=0, like=like)
    assert type(trace.thetas) is type(like)
    assert trace.thetas.dtype == trace.values.dtype == like.dtype
    assert bool(domain.contains(trace.thetas).all())
    assert bool(domain.contains(trace.theta))
    assert tuple(trace.thetas.shape) == (3000, domain.size)
    assert (trace.converged, trace.message) == (False, "used up all 3000 draws")


@each_domain
@each_like
def test_grid_points_stay_in_the_domain_and_in_the_kind_of_like(domain, like):
    trace = grid_search(total, domain, 5, like=like)
    assert type(trace.thetas) is type(like)
    assert trace.thetas.dtype == trace.values.dtype == like.dtype
    assert bool(domain.contains(trace.thetas).all())
    np.testing.assert_allclose(trace.thetas, grid_search(total, domain, 5).thetas, rtol=1e-6)


def test_a_torch_generator_draws_on_its_own():
    like = torch.empty(0)
    draws = [random_search(total, MIXED, 500, rng=torch.Generator().manual_seed(s), like=like).thetas
             for s in (1, 1, 2)]  # fmt: skip
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


@pytest.mark.parametrize(
    "rng", [5, np.int64(5), np.random.default_rng(5)], ids=["int", "int64", "generator"]
)
def test_a_seed_says_all(rng):
    same(random_search(wavy, MIXED, 700, rng=rng), random_search(wavy, MIXED, 700, rng=5))


def test_without_rng_each_search_is_another_one():
    one, other = (random_search(total, SQUARE, 5).thetas for _ in range(2))
    assert not np.array_equal(one, other)


def test_one_generator_goes_on_from_search_to_search():
    rng = np.random.default_rng(0)
    one, other = (random_search(total, SQUARE, 5, rng=rng).thetas for _ in range(2))
    assert not np.isin(one, other).any()


@each_domain
@pytest.mark.parametrize(("few", "many"), [(1, 2), (10, 23), (1000, 1024), (1024, 1025), (2000, 9001)])
def test_more_draws_begin_with_the_same_ones(domain, few, many):
    few, many = (random_search(wavy, domain, draws, rng=11) for draws in (few, many))
    np.testing.assert_array_equal(many.thetas[: len(few)], few.thetas)
    assert many.value <= few.value


@pytest.mark.parametrize("like", [np.empty(0, np.float32), torch.empty(0)], ids=["numpy", "torch"])
def test_more_draws_of_a_torch_generator_begin_with_the_same_ones(like):
    seed = (lambda: torch.Generator().manual_seed(3)) if isinstance(like, torch.Tensor) else (lambda: 3)
    few, many = (random_search(total, MIXED, n, rng=seed(), like=like).thetas for n in (5, 3000))
    np.testing.assert_array_equal(many[:5], few)


def test_candidates_are_tried_in_their_order():
    candidates = np.random.default_rng(0).normal(size=(700, 3))
    trace = brute_force(wavy, candidates)
    np.testing.assert_array_equal(trace.thetas, candidates)
    np.testing.assert_array_equal(trace.theta, candidates[np.argmin(wavy(candidates))])
    assert trace.message == "tried all 700 candidates"
    assert trace.converged


def test_candidates_may_be_a_list_of_integers_or_a_tensor():
    assert brute_force(total, [[3, 1], [1, 2]]).theta.tolist() == [1.0, 2.0]
    candidates = torch.tensor([[3.0], [1.0]], requires_grad=True)
    trace = brute_force(total, candidates)
    assert trace.theta.tolist() == [1.0]
    assert trace.thetas.dtype == torch.float32
    assert not trace.values.requires_grad


def test_a_domain_of_choices_is_tried_whole():
    domain = DOMAINS["choices"]
    trace = brute_force(wavy, domain)
    assert trace.message == "tried all 6 candidates"
    same(replace(trace, message="tried all 6 points of the grid"), grid_search(wavy, domain, 4))
    assert [domain.decode(theta) for theta in brute_force(wavy, domain).thetas] == list(
        itertools.product("ab", [16, 32, 64], [None])
    )


def test_a_trace_does_not_change_with_the_candidates_it_came_from():
    candidates = np.array([[2.0], [1.0], [3.0]])
    trace = brute_force(total, candidates)
    candidates[:] = 0.0
    assert trace.thetas.tolist() == [[2.0], [1.0], [3.0]]
    assert (trace.theta.tolist(), trace.last.tolist()) == ([1.0], [3.0])


# --- ties and worst values ------------------------------------------------------------------------


@each_like
@pytest.mark.parametrize("where", [[0], [3, 5], [255, 256, 257], [999], [700, 2, 701]])
@pytest.mark.parametrize("record_every", [1, 0])
def test_of_equal_values_the_first_is_best(like, where, record_every):
    table = np.ones(1000)
    table[where] = 0.5
    candidates = NUMBERS.astype(np.float32) if like.dtype in (np.float32, torch.float32) else NUMBERS
    candidates = torch.as_tensor(candidates) if isinstance(like, torch.Tensor) else candidates
    g = from_table(table)
    trace = brute_force(lambda theta: g(np.asarray(theta)), candidates, record_every=record_every)
    assert trace.theta.tolist() == [min(where)]
    assert trace.value == 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [[0], [0, 1, 2], [300, 999], range(1, 1000), range(999)])
@pytest.mark.parametrize("record_every", [1, 0])
def test_values_that_are_not_finite_count_as_worst_and_are_counted(bad, where, record_every):
    table = 1000.0 - np.arange(1000)
    table[where] = bad
    trace = brute_force(from_table(table), NUMBERS, record_every=record_every)
    best = np.flatnonzero(np.isfinite(table))[-1]
    assert (trace.theta.tolist(), trace.value) == ([best], 1000.0 - best)
    count = len(where)
    assert trace.message == (
        f"tried all 1000 candidates; g was not finite at {count} of 1000 points, counted as worst"
    )


@pytest.mark.parametrize("record_every", [None, 0, 1, 7])
def test_a_g_that_is_nan_everywhere_is_an_error_with_all_it_tried(record_every):
    with pytest.raises(ValueError, match="NaN or infinite at all 400 points that were tried") as caught:
        grid_search(lambda theta: theta[:, 0] * np.nan, SQUARE, 20, record_every=record_every)
    assert caught.value.trace.evaluations[-1] == 400
    assert np.isnan(caught.value.trace.value)
    assert SQUARE.contains(caught.value.trace.theta)


def test_warnings_of_numpy_about_bad_points_are_not_passed_on():
    trace = grid_search(lambda theta: np.log(theta[:, 0]), Interval(-1, 1), 11)
    assert "not finite at 6 of 11" in trace.message  # five negative ones, and log(0)


# --- chunks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("record_every", [0, 1, 7])
@pytest.mark.parametrize("kind", ["brute", "grid", "random"])
def test_nothing_depends_on_the_sizes_of_the_chunks(chunked, kind, record_every, monkeypatch):
    options = {"record_every": record_every}
    candidates = np.random.default_rng(1).normal(size=(3000, 2)).round(1)  # many ties
    candidates[[0, 5, 400]] = np.nan_to_num(np.inf), 0
    searches = {
        "brute": lambda g: brute_force(g, candidates, **options),
        "grid": lambda g: grid_search(g, MIXED, 10, **options),
        "random": lambda g: random_search(g, MIXED, 3000, rng=2, **options),
    }
    trace = searches[kind](Watch(wavy))
    monkeypatch.undo()
    usual = Watch(wavy)
    same(trace, searches[kind](usual))
    assert len(usual.sizes) > 1


def test_nothing_depends_on_the_speed_of_g():
    quick, slow = Watch(wavy), Watch(wavy, nap=0.11)
    same(random_search(quick, MIXED, 3500, rng=0), random_search(slow, MIXED, 3500, rng=0))
    assert quick.sizes != slow.sizes


def test_chunks_grow_while_g_is_quick_and_keep_within_bounds(monkeypatch):
    monkeypatch.setattr(search, "CHUNK", 6000)
    g = Watch()
    grid_search(g, SQUARE, 200)
    assert g.sizes[0] == search.FIRST
    assert max(g.sizes) == 3000  # of two coordinates each
    assert sum(g.sizes) == 40_000


@pytest.mark.parametrize("seconds", [0.5, 10.0])
def test_a_slow_g_is_asked_for_as_many_points_as_many_workers_can_share(monkeypatch, seconds):
    monkeypatch.setattr(search.time, "perf_counter", itertools.count(step=seconds).__next__)
    g = Watch()
    random_search(g, SQUARE, 5000, rng=0)
    assert g.sizes == [16] * 312 + [8]


# --- what is recorded -----------------------------------------------------------------------------


@pytest.mark.parametrize("record_every", [1, 7, 1000, 2500])
def test_values_are_all_kept_and_thetas_one_in_so_many(chunked, record_every):
    candidates = np.random.default_rng(0).normal(size=(2003, 2))
    trace = brute_force(wavy, candidates, record_every=record_every)
    np.testing.assert_array_equal(trace.values, wavy(candidates))
    np.testing.assert_array_equal(trace.thetas, candidates[::record_every])
    np.testing.assert_array_equal(trace.evaluations, np.arange(1, 2004))
    np.testing.assert_array_equal(trace.last, candidates[-1])
    assert trace.record_every == record_every


@each_like
def test_record_every_0_keeps_what_improved_and_the_last(like):
    candidates = np.random.default_rng(0).normal(size=(2003, 2)).round(2).astype("float32")
    kind = (torch.as_tensor if isinstance(like, torch.Tensor) else np.asarray)(candidates)
    trace = brute_force(total, kind, record_every=0)
    values = total(candidates)
    lowest = np.minimum.accumulate(values)
    steps = [n for n in range(2003) if n == 0 or lowest[n] < lowest[n - 1]]
    steps += [2002] if steps[-1] != 2002 else []
    assert trace.evaluations.tolist() == [n + 1 for n in steps]
    np.testing.assert_array_equal(trace.values, values[steps])
    np.testing.assert_array_equal(trace.thetas, candidates[-1:])
    np.testing.assert_array_equal(trace.last, candidates[-1])
    np.testing.assert_array_equal(trace.theta, candidates[np.argmin(values)])
    assert trace.value == values.min()


@pytest.mark.parametrize("last", [-1.0, 0.0, 1.0, np.nan])
def test_the_last_point_stands_once_at_the_end(last):
    table = np.array([3.0, np.nan, 0.0, 2.0, last])
    trace = brute_force(from_table(table), NUMBERS[:5], record_every=0)
    assert trace.evaluations.tolist() == [1, 3, 5]
    np.testing.assert_array_equal(trace.values, [3.0, 0.0, last])


@pytest.mark.parametrize("record_every", [0, 1, 7])
def test_best_so_far_is_the_running_minimum(record_every, monkeypatch):
    monkeypatch.setattr(search, "FIRST", 10)
    monkeypatch.setattr(search, "CHUNK", 20)
    seen = []
    trace = random_search(
        wavy, SQUARE, 500, rng=0, record_every=record_every,
        callback=lambda so_far: seen.append((int(so_far.evaluations[-1]), so_far.value, so_far.theta)),
    )  # fmt: skip
    points = random_search(wavy, SQUARE, 500, rng=0).thetas
    lowest = np.minimum.accumulate(wavy(points))
    assert len(seen) >= 40
    for calls, value, theta in seen:
        assert value == lowest[calls - 1] == wavy(theta)
    assert trace.value == lowest[-1]


@pytest.mark.parametrize("record_every", [0, 1, 7])
def test_a_trace_given_to_a_callback_stays_as_it_was(record_every, monkeypatch):
    monkeypatch.setattr(search, "FIRST", 50)
    monkeypatch.setattr(search, "CHUNK", 100)
    kept = []

    def callback(trace):
        kept.append((trace, [np.copy(a) for a in (trace.thetas, trace.values, trace.evaluations)]))

    random_search(wavy, SQUARE, 1000, rng=0, record_every=record_every, callback=callback)
    for trace, arrays in kept:
        for now, then in zip((trace.thetas, trace.values, trace.evaluations), arrays, strict=True):
            np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(("count", "every"), [(100, 1), (101, 0)])
def test_many_points_are_thinned_to_improvements_unless_asked_for(monkeypatch, count, every):
    finds = [
        (1, lambda: brute_force(total, NUMBERS[:count])),
        (1, lambda: grid_search(total, Interval(0, 1), count)),
        (2, lambda: random_search(total, SQUARE, count, rng=0)),
    ]
    for size, find in finds:
        monkeypatch.setattr(search, "KEPT", 100 * 8 * (size + 2))  # theta, g and the count of calls
        trace = find()
        assert trace.record_every == every
        assert trace.message.endswith("improved on all before") == (every == 0)
        assert trace.evaluations[-1] == count
    assert len(brute_force(total, NUMBERS[:count], record_every=1)) == count


@pytest.mark.parametrize("record_every", [-1, 1.5, "all"])
def test_record_every_is_checked(record_every):
    with pytest.raises(ValueError, match="record_every must be an integer of at least 0; got"):
        random_search(total, SQUARE, 3, record_every=record_every)


# --- stopping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("find", [
    lambda **options: brute_force(total, NUMBERS, **options),
    lambda **options: grid_search(total, SQUARE, 40, **options),
    lambda **options: random_search(total, SQUARE, 1000, rng=0, **options),
])  # fmt: skip
def test_callback_and_progress(find, capsys):
    trace = find(callback=lambda so_far: True, progress=True)
    assert trace.message == f"stopped by the callback after {search.FIRST} evaluations"
    assert (len(trace), trace.converged) == (search.FIRST, False)
    assert np.isfinite(trace.value)
    assert f" {search.FIRST}/" in capsys.readouterr().err


def test_ctrl_c_returns_the_best_so_far():
    calls = []

    def g(theta):
        calls.append(float(theta[0]))
        if len(calls) == 600:
            raise KeyboardInterrupt
        return theta[0]

    trace = random_search(pointwise(g), Interval(0, 1), 5000, rng=0)
    assert trace.message == "interrupted after 599 evaluations"
    np.testing.assert_array_equal(trace.thetas[:, 0], calls[:599])
    assert trace.value == min(calls[:599])


# --- grids that are too large ---------------------------------------------------------------------


def test_a_grid_beyond_patience_says_how_many_points_and_how_long():
    def slow(theta):
        time.sleep(0.01 * len(theta))
        return total(theta)

    with pytest.raises(ValueError, match="the grid has") as caught:
        grid_search(slow, Interval(0, 1) ** 3, 1000)
    message = str(caught.value)
    assert "1000 x 1000 x 1000 = 1e+09 points, more than max_points = 10000000" in message
    assert "raise max_points" in message
    assert "use random_search" in message
    days = float(message.split("they would take about ")[1].split(" days")[0])
    assert 0.9 * 116 < days < 3 * 116  # 10^9 points at 0.01 s or a little more each


def test_a_slow_g_is_tried_at_a_single_point():
    g = Watch(nap=0.06)
    with pytest.raises(ValueError, match="measured on 1"):
        grid_search(g, Interval(0, 1) ** 2, 10_000)
    assert g.sizes == [1]


@pytest.mark.parametrize(("P", "k", "written"), [
    (2, 3, "3 x 3 = 9 points"), (5, 40, "40 x 40 x 40 x 40 x 40 = 1.024e+08 points"),
    (20, 10, "10 x ... x 10 = 1e+20 points"), (400, 10, "10 x ... x 10 = 10^400 points"),
    (5000, 100, "100 x ... x 100 = 10^10000 points"),
])  # fmt: skip
def test_a_grid_of_any_size_is_refused_within_a_moment(P, k, written):
    began = time.monotonic()
    with pytest.raises(ValueError, match="more than max_points = 8;") as caught:
        grid_search(total, Interval(0, 1) ** P, k, max_points=8)
    assert written in str(caught.value)
    assert time.monotonic() - began < 10


def test_max_points_is_the_largest_grid_that_starts():
    assert len(grid_search(total, SQUARE, 3, max_points=9)) == 9
    with pytest.raises(ValueError, match="max_points = 8"):
        grid_search(total, SQUARE, 3, max_points=8)


def test_a_refused_grid_warns_of_nothing_else():
    with pytest.raises(ValueError, match="max_points = 5"):
        grid_search(lambda theta: np.log(-theta[:, 0]), Interval(0, 1), 100, max_points=5)


@pytest.mark.parametrize(("seconds", "text"), [
    (0.5, "about 0.5 seconds"), (119, "about 119 seconds"), (121, "about 2.02 minutes"),
    (7201, "about 2 hours"), (3 * 86_400, "about 3 days"), (4 * 31_557_600, "about 4 years"),
])  # fmt: skip
def test_durations_are_said_in_units_one_can_imagine(seconds, text):
    assert search._duration(seconds) == text


MEMORY = """
import resource, sys, time
from lecturecode import grid_search, random_search
from lecturecode.domains import Interval
from lecturecode.objectives import Himmelblau

calls = 0
g = Himmelblau()
def counted(theta):
    global calls
    calls += len(theta)
    return g(theta)

box, count = Interval(-5, 5) ** 2, int(sys.argv[1])
if sys.argv[2] == "grid":
    trace = grid_search(counted, box, [count // 1000, 1000], max_points=count)
else:
    trace = random_search(counted, box, count, rng=0)
if sys.platform == "linux":  # where ru_maxrss begins with what the parent had
    with open("/proc/self/status") as status:
        peak = next(int(row.split()[1]) for row in status if row.startswith("VmHWM")) / 2**10
else:
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
print(calls, trace.evaluations[-1], trace.value, peak)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("grid", 100_000_000), ("random", 20_000_000)])
def test_memory_does_not_grow_with_the_number_of_points(kind, count):
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(count), kind], capture_output=True, text=True, check=True
    )
    calls, evaluations, value, megabytes = done.stdout.split()
    assert int(calls) == int(evaluations) == count
    assert 0 <= float(value) < 1e-3
    assert float(megabytes) < 500


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("draws", [0, -3, 2.5, True, "10", None])
def test_draws_must_be_at_least_one(draws):
    with pytest.raises(ValueError, match="draws must be an integer of at least 1; got"):
        random_search(total, SQUARE, draws)


@pytest.mark.parametrize("points", [0, -1, [3, 0], [0, 3]])
def test_points_must_be_at_least_one(points):
    with pytest.raises(ValueError, match="points must be an integer of at least 1; got"):
        grid_search(total, SQUARE, points)


@pytest.mark.parametrize("points", [2.5, True, "many", None, [[1], [2, 3]]])
def test_points_must_be_an_integer_or_one_for_each_axis(points):
    with pytest.raises(ValueError, match=r"points must be an integer .*; got .* one for each"):
        grid_search(total, SQUARE, points)


@pytest.mark.parametrize("points", [[3.7, 3], np.array([2.5, 3.0])])
def test_fractions_of_points_are_not_rounded_away(points):
    with pytest.raises(ValueError, match="points must be an integer"):
        grid_search(total, SQUARE, points)


@pytest.mark.parametrize("points", [[3], [3, 3, 3], []])
def test_points_of_another_number_than_axes(points):
    with pytest.raises(
        ValueError, match=rf"points has {len(points)} entries and the domain 2 coordinates"
    ):
        grid_search(total, SQUARE, points)


@pytest.mark.parametrize("make", [
    lambda: Interval(1, 1), lambda: Interval(2, 1), lambda: Interval(0, np.inf), lambda: Choice([]),
    lambda: Interval(np.nan, 1), lambda: Real(0.0), lambda: Positive(-1.0),
])  # fmt: skip
def test_domains_that_are_none_are_refused_when_they_are_made(make):
    says = r"ends a < b|[ab] must be finite|at least one option|scale must be positive"
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize("domain", [Real(), Positive(), Choice("ab") * Real()], ids=repr)
@pytest.mark.parametrize(
    "find", [lambda d: random_search(total, d, 5), lambda d: grid_search(total, d, 5)]
)
def test_an_unbounded_coordinate_without_scale_says_how_to_give_one(find, domain):
    with pytest.raises(ValueError, match=r"unbounded and has no scale.*\(scale=1\.0\)"):
        find(domain)


@pytest.mark.parametrize("domain", [(-5, 5), [(-5, 5)], None, Interval, np.zeros((3, 2))], ids=str)
@pytest.mark.parametrize(
    "find", [lambda d: random_search(total, d, 5), lambda d: grid_search(total, d, 5)]
)
def test_what_is_no_domain_is_refused(find, domain):
    with pytest.raises(
        TypeError, match=r"domain must be a Domain, such as Interval.*; got|Interval; make one"
    ):
        find(domain)


@pytest.mark.parametrize("domain", [Interval(0, 1), Choice("ab") * Real(1.0)], ids=repr)
def test_brute_force_needs_a_finite_set(domain):
    with pytest.raises(TypeError, match=r"only a finite set.*use grid_search or random_search"):
        brute_force(total, domain)


@pytest.mark.parametrize("shape", [(0,), (2,), (), (0, 2), (2, 0), (2, 2, 2)])
def test_candidates_must_be_rows(shape):
    with pytest.raises(ValueError, match=r"candidates (must have shape \(C, P\); got|is empty \(shape)"):
        brute_force(total, np.ones(shape))


def test_candidates_must_be_finite_real_numbers():
    with pytest.raises(ValueError, match=r"candidates has 1 value.*index \(1, 0\)"):
        brute_force(total, [[1.0], [np.nan]])
    with pytest.raises(TypeError, match="candidates must hold real numbers; got list"):
        brute_force(total, [["a"], ["b"]])
    with pytest.raises(TypeError, match="candidates is complex"):
        brute_force(total, [[1j]])


FINDERS = pytest.mark.parametrize("find", [
    lambda g: brute_force(g, NUMBERS), lambda g: brute_force(g, Choice("abc")),
    lambda g: grid_search(g, SQUARE, 4), lambda g: random_search(g, SQUARE, 10),
    lambda g: grid_search(g, SQUARE, 10_000),
])  # fmt: skip


@FINDERS
@pytest.mark.parametrize("g", [3.0, None, "g"])
def test_a_g_that_is_no_function(find, g):
    with pytest.raises(TypeError, match="g must be a function of theta; got"):
        find(g)


@FINDERS
def test_a_g_of_the_wrong_shape(find):
    with pytest.raises(ValueError, match=r"g returned shape .* it must return .*pointwise\(g\)"):
        find(lambda theta: theta[..., None])


@FINDERS
def test_a_g_that_returns_no_numbers(find):
    with pytest.raises(TypeError, match=r"g\(theta\) must hold real numbers"):
        find(lambda theta: "low")


@FINDERS
def test_a_g_that_raises_does_so_with_theta_and_trace(find):
    with pytest.raises(ZeroDivisionError) as caught:
        find(lambda theta: 1 / 0)
    assert caught.value.theta.ndim == 2
    assert caught.value.trace is None


@pytest.mark.parametrize("rng", [1.5, "0", True, np.random.RandomState(0), np.random])
def test_an_rng_of_a_wrong_kind(rng):
    with pytest.raises(TypeError, match=r"rng must be None, an int, a numpy\.random\.Generator or"):
        random_search(total, SQUARE, 5, rng=rng)


def test_a_torch_generator_for_arrays():
    with pytest.raises(TypeError, match=r"torch\.Generator draws tensors"):
        random_search(total, SQUARE, 5, rng=torch.Generator())


@pytest.mark.parametrize("like", [np.arange(3), torch.arange(3), [1]], ids=["array", "tensor", "list"])
def test_integers_as_like_do_not_make_integers_of_theta(like):
    for trace in (grid_search(total, Interval(0, 1), 5, like=like),
                  random_search(total, Interval(0, 1), 5, rng=0, like=like)):  # fmt: skip
        assert len(set(trace.thetas[:, 0].tolist())) == 5
        assert isinstance(trace.thetas, torch.Tensor) == isinstance(like, torch.Tensor)
