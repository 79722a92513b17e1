"""g on other processes: the same answer however many, no finished evaluation lost, nothing left over."""

import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from functools import partial

import numpy as np
import pytest
import torch
from sent_functions import (
    NotHere,
    RefusedError,
    StubbornError,
    Weighty,
    exits,
    is_killed,
    logged,
    pid,
    says,
    scribble,
    total,
)

from lecturecode import brute_force, pointwise, random_search, workers
from lecturecode.domains import Choice, Interval, Positive, Real

MIXED = Choice("abc") * Interval(-1, 1) * Positive(1.0) * Real(2.0)
THETAS = np.arange(12.0).reshape(6, 2)


@pytest.fixture(scope="module")
def processes():
    """A pool of the standard library; spawned, since the test process has threads."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="module")
def threads():
    with ThreadPoolExecutor(3) as pool:
        yield pool


@pytest.fixture(params=["1", "2", "threads", "processes", "list"])
def way(request):
    """Each of the ways to say where g runs."""
    if request.param in "12":
        return int(request.param)
    if request.param == "list":
        return lambda function, points: [function(point) for point in points]
    return request.getfixturevalue(request.param).map


def finished(path):
    return sorted(float(line) for line in path.read_text().split())


def alive(number):
    """Tell whether a process runs; one that has ended and waits to be collected does not."""
    try:
        os.kill(number, 0)
        with open(f"/proc/{number}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def all_gone(numbers, seconds=10.0):
    until = time.monotonic() + seconds
    while any(map(alive, numbers)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(alive, numbers))


def within(seconds, function, *args):
    """Call a function that may hang; return what it returned or raised."""
    outcome = []

    def run():
        try:
            outcome.append(function(*args))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert outcome, f"no answer within {seconds} seconds"
    return outcome[0]


def python(script, *args, **kwargs):
    """Run a script in a new interpreter."""
    environment = os.environ | {"PYTHONWARNINGS": "error", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, script, *map(str, args)],
        capture_output=True, text=True, timeout=60, env=environment, check=False, **kwargs,
    )  # fmt: skip


# --- the same answer ------------------------------------------------------------------------------


@pytest.mark.parametrize("like", [np.empty(0), torch.empty(0)], ids=["numpy", "torch-float32"])
def test_the_same_seed_gives_the_same_answer_whoever_works(way, like):
    expected = random_search(lambda theta: theta.sum(-1), MIXED, 60, rng=7, like=like)
    trace = random_search(pointwise(total, workers=way), MIXED, 60, rng=7, like=like)
    np.testing.assert_array_equal(trace.thetas, expected.thetas)
    np.testing.assert_allclose(trace.values, expected.values, rtol=1e-6)
    np.testing.assert_array_equal(trace.theta, expected.theta)
    assert trace.values.dtype == like.dtype


def test_three_processes_give_what_one_gives():
    one, three = (random_search(pointwise(total, workers=n), MIXED, 50, rng=1) for n in (1, 3))
    np.testing.assert_array_equal(three.values, one.values)
    np.testing.assert_array_equal(three.thetas, one.thetas)


def test_values_stand_in_the_order_of_the_points_not_of_their_arrival():
    def slow_first(theta):
        time.sleep(0.2 if theta[0] == 0 else 0)
        return theta[0]

    assert pointwise(slow_first, workers=2)(THETAS).tolist() == THETAS[:, 0].tolist()


def test_the_work_is_really_spread_over_other_processes():
    pids = set(pointwise(pid, workers=2)(np.zeros((12, 1))).tolist())
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_lambdas_and_closures_travel():
    scale = 3.0
    assert pointwise(lambda theta: scale * theta[0], workers=2)([[1.0], [2.0]]).tolist() == [3.0, 6.0]


def test_a_function_that_is_not_kept_lives_until_it_has_answered():
    assert pointwise(total, workers=2)(THETAS).tolist() == THETAS.sum(-1).tolist()


def test_leading_axes_and_no_points_at_all():
    g = pointwise(total, workers=2)
    np.testing.assert_array_equal(g(THETAS.reshape(2, 3, 2)), THETAS.sum(-1).reshape(2, 3))
    assert g(np.empty((0, 2))).shape == (0,)


def test_a_g_that_writes_into_theta_changes_nothing_outside(way):
    candidates = THETAS.copy()
    trace = brute_force(pointwise(scribble, workers=way), candidates)
    np.testing.assert_array_equal(candidates, THETAS)
    np.testing.assert_array_equal(trace.thetas, THETAS)
    assert trace.theta.tolist() == [0.0, 1.0]


def test_a_row_of_a_tensor_travels_without_the_others():
    sizes = []

    def weighs(function, points):
        points = list(points)
        sizes.append(len(pickle.dumps(points[0])))
        return map(function, points)

    pointwise(lambda theta: 0.0, workers=weighs)(torch.zeros(2000, 3))
    assert sizes[0] < 1000


# --- how processes live and end -------------------------------------------------------------------


def test_g_is_sent_to_each_worker_once(tmp_path):
    path = tmp_path / "unpickled"
    g = pointwise(Weighty(path), workers=2)
    pids = {*g(np.zeros((10, 1))).tolist(), *g(np.zeros((10, 1))).tolist()}
    assert sorted(map(float, path.read_text().split())) == sorted(pids)
    assert len(pids) == 2


def test_the_processes_end_with_the_function():
    g = pointwise(pid, workers=2)
    pids = {int(number) for number in g(np.zeros((8, 1)))}
    assert all(map(alive, pids))
    again = partial(g)  # Python takes nested partials apart: it holds what is inside g, not g
    del g
    gc.collect()
    assert {int(number) for number in again(np.zeros((8, 1)))} == pids
    del again
    gc.collect()
    assert all_gone(pids)


SCRIPT = """
import os, sys
import numpy as np
from lecturecode import pointwise, random_search
from lecturecode.domains import Interval

class Own(Exception):
    pass

def g(theta):
    if theta[0] < 0:
        raise Own("below")
    return theta[0] + 0 * len(sys.argv)

def who(theta):
    return os.getpid()

trace = random_search(pointwise(g, workers=2), Interval(0, 1), 40, rng=0)
print(trace.value == trace.values.min() > 0, len(trace))
try:
    pointwise(g, workers=2)(np.array([[1.0], [-1.0]]))
except Own as error:
    print("Own", error, error.theta.tolist())
kept = pointwise(who, workers=2)
print(*{int(number) for number in kept(np.zeros((6, 1)))})
"""


def test_a_script_without_a_main_guard_ends_quickly_quietly_and_leaves_no_process(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    began = time.monotonic()
    done = python(tmp_path / "script.py")
    assert time.monotonic() - began < 30
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["True 40", "Own below [-1.0]"]
    assert all_gone([int(number) for number in lines[2].split()])


# --- g fails --------------------------------------------------------------------------------------


def test_a_failure_keeps_its_type_and_knows_its_theta_and_what_was_finished(way, tmp_path):
    g = pointwise(partial(logged, tmp_path / "log", fatal=[6.0]), workers=way)
    with pytest.raises(RefusedError, match="not there") as caught:
        g(THETAS)
    error = caught.value
    assert error.theta.tolist() == [6.0, 7.0]
    assert sum("raised by g at theta = [6. 7.]" in note for note in error.__notes__) == 1
    assert error.finished.shape == error.values.shape == (6,)
    assert error.finished[:3].tolist() == [True] * 3
    assert not error.finished[3]
    assert sorted(error.values[error.finished]) == finished(tmp_path / "log")
    np.testing.assert_array_equal(error.values[error.finished], THETAS.sum(-1)[error.finished])
    assert np.isnan(error.values[~error.finished]).all()


def test_finished_has_the_leading_axes_of_theta(way, tmp_path):
    g = pointwise(partial(logged, tmp_path / "log", fatal=[10.0]), workers=way)
    with pytest.raises(RefusedError) as caught:
        g(THETAS.reshape(3, 2, 2))
    assert caught.value.finished.tolist() == [[True, True], [True, True], [True, False]]
    assert caught.value.values.shape == (3, 2)


@pytest.mark.parametrize("search", ["brute_force", "random_search"])
def test_no_finished_evaluation_is_missing_in_the_trace_of_the_exception(way, search, tmp_path):
    candidates = random_search(lambda theta: theta.sum(-1), Interval(0, 1) ** 2, 400, rng=3).thetas
    fatal = candidates[300, 0]
    g = pointwise(partial(logged, tmp_path / "log", fatal=[fatal]), workers=way)
    searches = {
        "brute_force": lambda: brute_force(g, candidates),
        "random_search": lambda: random_search(g, Interval(0, 1) ** 2, 400, rng=3),
    }
    with pytest.raises(RefusedError) as caught:
        searches[search]()
    trace = caught.value.trace
    assert caught.value.theta.tolist() == candidates[300].tolist()
    assert sorted(trace.values.tolist()) == finished(tmp_path / "log")
    assert len(trace) == trace.evaluations[-1] >= 300
    np.testing.assert_array_equal(trace.thetas[:300], candidates[:300])
    np.testing.assert_array_equal(trace.thetas.sum(-1), trace.values)
    assert trace.value == trace.values.min()
    assert "not there" in trace.message


def test_of_several_failures_the_first_point_is_named():
    with pytest.raises(RefusedError) as caught:
        pointwise(partial(logged, os.devnull, fatal=[2.0, 4.0, 8.0]), workers=2)(THETAS)
    assert caught.value.theta.tolist() == [2.0, 3.0]


def test_after_a_failure_nothing_is_begun_and_what_is_under_way_is_finished(tmp_path):
    begun = tmp_path / "begun"

    def g(theta):
        with open(begun, "a") as file:
            file.write(f"{theta[0]}\n")
        time.sleep(3 if theta[0] else 0.2)  # a busy machine tells of the failure late
        if not theta[0]:
            raise RefusedError
        return 1.0

    g = pointwise(g, workers=2)
    with pytest.raises(RefusedError) as caught:
        g(np.arange(20.0)[:, None])
    began = {float(line) for line in begun.read_text().split()}
    assert len(began) <= 2
    assert caught.value.finished.sum() == len(began) - 1
    assert np.flatnonzero(caught.value.finished).tolist() == sorted(began - {0.0})


def test_after_a_failure_a_pool_of_somebody_else_is_not_asked_on(tmp_path):
    one = partial(logged, tmp_path / "log", fatal=[3.0], nap=0.01)
    with ThreadPoolExecutor(1) as pool:
        g = pointwise(one, workers=pool.map)
        with pytest.raises(RefusedError):
            g(np.arange(200.0)[:, None])
    assert len(finished(tmp_path / "log")) < 50  # a few slip in before it is told


class Slow(Executor):
    """An executor that, like a cluster, does not say what is running nor that it has cancelled."""

    def __init__(self, **done_after):
        self.done_after = done_after
        self.futures = []

    def submit(self, function, *args):
        future = Future()
        self.futures.append(future)
        seconds = self.done_after.get(f"_{len(self.futures) - 1}")
        if seconds is not None:
            threading.Timer(seconds, self._run, [future, function, *args]).start()
        return future

    def _run(self, future, function, *args):
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)


def test_a_failure_waits_for_points_under_way_and_not_for_those_never_begun():
    executor = Slow(_0=0.3, _1=0.0, _2=0.1)
    g = pointwise(partial(logged, os.devnull, fatal=[4.0]), workers=executor.map)
    error = within(10, g, THETAS)
    assert isinstance(error, RefusedError)
    assert error.theta.tolist() == [4.0, 5.0]
    assert error.finished.tolist() == [True, True, False, False, False, False]
    assert all(future.cancelled() for future in executor.futures[3:])


def test_a_point_whose_turn_did_not_come_is_no_failure():
    outcomes = [workers.NotBegun(), RefusedError("there"), workers.NotBegun()]

    def submit(theta):
        future = Future()
        future.set_exception(outcomes[int(theta[0])])
        return future

    results, error = workers.finish(submit, [np.array([0.0]), np.array([1.0]), np.array([2.0])])
    assert results == [None] * 3
    assert error is outcomes[1]
    assert error.theta.tolist() == [1.0]


def test_one_after_the_other_stops_at_the_failure():
    seen = []

    def g(theta):
        seen.append(theta[0])
        return 1 / (int(theta[0]) - 4)

    with pytest.raises(ZeroDivisionError):
        pointwise(g)(THETAS)
    assert seen == [0.0, 2.0, 4.0]


def test_what_a_map_finished_after_the_failure_is_kept():
    def whole(function, points):
        return [function(point) for point in points]

    with pytest.raises(RefusedError) as caught:
        pointwise(partial(logged, os.devnull, fatal=[2.0]), workers=whole)(THETAS)
    assert caught.value.finished.tolist() == [True, False, True, True, True, True]


def test_the_same_function_works_again_after_a_failure(way, tmp_path):
    g = pointwise(partial(logged, tmp_path / "log", fatal=[6.0]), workers=way)
    for _ in range(2):
        with pytest.raises(RefusedError):
            g(THETAS)
        assert g(THETAS[:3]).tolist() == THETAS[:3].sum(-1).tolist()


def test_an_exception_that_cannot_travel_is_described_and_the_worker_lives_on():
    def g(theta):
        if theta[0] == 4.0:
            raise StubbornError(7, "full disk")
        return os.getpid()

    g = pointwise(g, workers=2)
    with pytest.raises(RuntimeError, match="StubbornError: full disk") as caught:
        g(THETAS)
    assert caught.value.theta.tolist() == [4.0, 5.0]
    before = {*g(THETAS[:1]).tolist(), *g(THETAS[:1]).tolist()}
    assert before <= {*g(THETAS[3:]).tolist()}


def test_the_cause_of_an_exception_is_not_cut_off():
    def g(theta):
        try:
            {}["missing"]
        except KeyError as error:
            raise RefusedError("no entry") from error

    with pytest.raises(RefusedError) as caught:
        pointwise(g, workers=2)(THETAS)
    assert "KeyError: 'missing'" in str(caught.value.__cause__)


def test_a_g_that_cannot_be_made_again_says_why():
    with pytest.raises(RuntimeError, match=r"g could not be made again.*FileNotFoundError.*nowhere"):
        pointwise(NotHere(), workers=2)(THETAS)


@pytest.mark.parametrize("answer", [np.ones(2), None])
def test_a_wrong_answer_is_located_too(way, answer):
    error = TypeError if answer is None else ValueError
    with pytest.raises(
        error, match=r"g returned shape \(2,\) for one theta|g\(theta\) must hold"
    ) as caught:
        pointwise(partial(says, answer), workers=way)(THETAS)
    assert caught.value.theta.tolist() == [0.0, 1.0]
    assert not caught.value.finished.any()


# --- a worker dies --------------------------------------------------------------------------------


@pytest.mark.parametrize("death", [exits, is_killed])
def test_a_dead_worker_names_its_theta_and_takes_nothing_with_it(death, tmp_path):
    g = pointwise(partial(logged, tmp_path / "log", fatal=[6.0], failure=death, nap=0.02), workers=2)
    candidates = np.arange(40.0).reshape(20, 2)
    with pytest.raises(BrokenExecutor) as caught:
        brute_force(g, candidates)
    error = caught.value
    assert error.theta.tolist() == [6.0, 7.0]
    assert "a worker process died while it evaluated this theta" in error.__notes__
    assert sorted(error.trace.values.tolist()) == finished(tmp_path / "log")
    assert {1.0, 5.0, 9.0} <= set(error.trace.values.tolist())
    np.testing.assert_array_equal(error.trace.thetas.sum(-1), error.trace.values)
    again = brute_force(g, candidates[4:])
    assert again.values.tolist() == candidates[4:].sum(-1).tolist()


def test_a_g_that_kills_every_worker_does_not_hang():
    g = pointwise(partial(logged, os.devnull, fatal=range(40), failure=exits), workers=2)
    for _ in range(2):
        error = within(20, g, np.arange(40.0)[:, None])
        assert isinstance(error, BrokenExecutor)
        assert not error.finished.any()
        assert error.theta[0] in (0.0, 1.0)


def test_a_pool_that_does_not_know_the_culprit_says_so(tmp_path):
    g = partial(logged, tmp_path / "log", fatal=[6.0], failure=exits, nap=0.05)
    with (
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool,
        pytest.raises(BrokenExecutor) as caught,
    ):
        brute_force(pointwise(g, workers=pool.map), np.arange(40.0).reshape(20, 2))
    error = caught.value
    assert any("does not tell at which of" in note for note in error.__notes__)
    found, done = set(error.trace.values), set(finished(tmp_path / "log"))
    assert found <= done
    assert len(done - found) <= 1  # such a pool ends the other worker too, whatever that had in hand
    assert {1.0, 5.0} & found


def test_an_executor_that_was_shut_down_blames_no_theta():
    with ThreadPoolExecutor(1) as pool:
        pass
    with pytest.raises(RuntimeError, match="after shutdown") as caught:
        pointwise(total, workers=pool.map)(THETAS)
    assert not hasattr(caught.value, "theta")
    assert not caught.value.finished.any()


def test_an_executor_that_breaks_while_points_are_handed_over_loses_nothing():
    class Breaks(ThreadPoolExecutor):
        def submit(self, function, *args):
            if args[0][0] == 4.0:
                raise BrokenExecutor("gone")
            return super().submit(function, *args)

    with Breaks(1) as pool, pytest.raises(BrokenExecutor, match="gone") as caught:
        pointwise(total, workers=pool.map)(THETAS)
    assert caught.value.finished.tolist() == [True, True, False, False, False, False]
    assert caught.value.values[:2].tolist() == [1.0, 5.0]


# --- g cannot be sent -----------------------------------------------------------------------------


def test_an_unpicklable_g_is_refused_before_any_process_starts():
    lock = threading.Lock()

    def g(theta):
        with lock:
            return 0.0

    with pytest.raises(TypeError, match=r"cannot be sent to another process.*lock") as caught:
        pointwise(g, workers=2)
    assert "Define it with def at the top of a module" in str(caught.value)
    assert "ThreadPoolExecutor(4).map" in str(caught.value)
    with ThreadPoolExecutor(2) as pool:  # the remedy works
        assert pointwise(g, workers=pool.map)(THETAS).tolist() == [0.0] * 6


def test_a_pool_of_the_standard_library_says_how_to_send_a_lambda(processes):
    with pytest.raises(TypeError, match=r"cannot be sent to another process.*Define it with def"):
        pointwise(lambda theta: 0.0, workers=processes.map)(THETAS)
    assert pointwise(total, workers=processes.map)(THETAS).tolist() == THETAS.sum(-1).tolist()


# --- callables that are no map --------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_map_that_returns_too_few_results_is_refused(count):
    def short(function, points):
        return [function(point) for point in points[:count]]

    with pytest.raises(ValueError, match=rf"workers returned {count} results for 6 points.*like"):
        pointwise(total, workers=short)(THETAS)


def test_an_error_of_the_map_itself_is_passed_on_with_what_it_had_given():
    def breaks(function, points):
        yield function(points[0])
        raise ConnectionError("cluster gone")

    with pytest.raises(ConnectionError, match="cluster gone") as caught:
        pointwise(total, workers=breaks)(THETAS)
    assert caught.value.finished.tolist() == [True] + [False] * 5


# --- Ctrl-C ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["2", "threads"])
def test_ctrl_c_begins_nothing_more_and_keeps_what_was_finished(kind, tmp_path, monkeypatch):
    """The signal is played by the function that waits; a real one stands in test_iteration."""
    path = tmp_path / "log"
    path.touch()

    def interrupted(futures, **_):
        while not any(future.done() for future in futures):  # its value has come back as well
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "wait_for", interrupted)
    with ThreadPoolExecutor(2) as pool:
        one = partial(logged, path, nap=0.1)
        g = pointwise(one, workers=2 if kind == "2" else pool.map)
        with pytest.raises(KeyboardInterrupt) as caught:
            g(np.arange(100.0)[:, None])
        monkeypatch.undo()
        assert 1 <= caught.value.finished.sum() <= 4
        assert set(caught.value.values[caught.value.finished]) <= set(finished(path))
    assert len(finished(path)) < 10
    if kind == "2":
        assert within(20, g, np.arange(3.0)[:, None]).tolist() == [0.0, 1.0, 2.0]
