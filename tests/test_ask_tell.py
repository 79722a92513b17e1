"""The loop around searches and populations: what it records, when it stops, what failures leave."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
import tqdm.auto

from lecturecode import pointwise
from lecturecode.ask_tell import Run

LIBRARIES = pytest.mark.parametrize("library", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
KEEPS = pytest.mark.parametrize("keep", ["points", "populations", "best"])
GENERATIONS = np.array([[[3.0], [1.0], [2.0]], [[5.0], [0.5], [4.0]], [[7.0], [6.0], [0.25]]])


def first(theta):
    return theta[..., 0]


def asking(generations, told=None):
    """A method that asks for given generations, each with its number beside it."""

    def method():
        for number, thetas in enumerate(generations):
            beside = (
                np.full(2, float(number)) if isinstance(thetas, np.ndarray) else torch.full((2,), number)
            )
            values = yield thetas, {"number": beside}
            if told is not None:
                told.append(values)
        return True, "asked for all"

    return method()


def follow(g, keep, generations=GENERATIONS, **options):
    return Run(keep, len(generations), **options).follow(g, asking(generations))


# --- what is recorded -----------------------------------------------------------------------------


@LIBRARIES
def test_points_are_steps_of_their_own(library):
    trace = follow(first, "points", library(GENERATIONS))
    assert trace.values.tolist() == [3, 1, 2, 5, 0.5, 4, 7, 6, 0.25]
    assert trace.thetas[:, 0].tolist() == trace.values.tolist()
    assert trace.evaluations.tolist() == list(range(1, 10))
    assert (trace.converged, trace.message) == (True, "asked for all")
    assert trace.last.tolist() == [0.25]
    assert trace.extras == {}


@LIBRARIES
def test_populations_are_kept_whole_with_their_extras(library):
    trace = follow(first, "populations", library(GENERATIONS))
    assert trace.values.tolist() == GENERATIONS[..., 0].tolist()
    assert trace.thetas.tolist() == GENERATIONS.tolist()
    assert trace.evaluations.tolist() == [3, 6, 9]
    assert trace.extras["number"].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert (trace.theta.tolist(), trace.value) == ([0.25], 0.25)


@LIBRARIES
def test_of_populations_that_change_their_size_the_best_is_kept(library):
    generations = [library(GENERATIONS[0]), library(GENERATIONS[1, :2]), library(GENERATIONS[2, :1])]
    trace = follow(first, "best", generations)
    assert trace.values.tolist() == [1.0, 0.5, 7.0]
    assert trace.thetas.tolist() == [[1.0], [0.5], [7.0]]
    assert trace.evaluations.tolist() == [3, 5, 6]
    assert (trace.theta.tolist(), trace.value) == ([0.5], 0.5)
    assert trace.extras["number"].shape[0] == 3


@pytest.mark.parametrize(("every", "kept"), [(1, [0, 1, 2]), (2, [0, 2]), (5, [0])])
def test_extras_are_thinned_with_the_thetas(every, kept):
    trace = follow(first, "populations", record_every=every)
    assert trace.thetas.tolist() == GENERATIONS[kept].tolist()
    assert trace.extras["number"][:, 0].tolist() == kept
    assert len(trace) == 3


def test_with_record_every_0_only_best_and_last_population_remain():
    trace = follow(first, "populations", record_every=0)
    assert trace.thetas.tolist() == GENERATIONS[2:].tolist()
    assert trace.values.tolist() == GENERATIONS[..., 0].tolist()
    assert trace.extras == {}


def test_the_best_does_not_keep_its_population_alive():
    trace = follow(first, "populations")
    assert trace.theta.base is None or trace.theta.base.size < 3


@pytest.mark.parametrize("keep", ["points", "populations"])
def test_a_g_that_hands_over_a_graph_leaves_none_in_the_trace(keep):
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)
    trace = follow(lambda theta: (theta * weight).sum(-1), keep, torch.as_tensor(GENERATIONS))
    assert not trace.values.requires_grad
    assert trace.value == 0.25


# --- what the method is told ----------------------------------------------------------------------


@LIBRARIES
@KEEPS
def test_nan_and_infinity_are_told_as_worst_and_counted(library, keep):
    bad = {1.0: np.nan, 5.0: -np.inf, 0.25: np.inf, 0.5: np.nan}
    told = []

    def g(theta):
        values = np.array([bad.get(value, value) for value in np.asarray(theta)[:, 0].tolist()])
        return library(values)

    trace = Run(keep, 3).follow(g, asking(library(GENERATIONS), told))
    assert [values.tolist() for values in told] == [
        [3.0, np.inf, 2.0], [np.inf, np.inf, 4.0], [7.0, 6.0, np.inf]
    ]  # fmt: skip
    assert trace.message == "asked for all; g was not finite at 4 of 9 points, counted as worst"
    assert (trace.value, trace.theta.tolist()) == (2.0, [2.0])


def test_the_trace_keeps_what_g_really_said():
    trace = follow(lambda theta: np.where(theta[:, 0] == 1.0, np.nan, theta[:, 0]), "populations")
    assert np.isnan(trace.values[0, 1])


@KEEPS
def test_a_g_that_is_nowhere_finite_is_an_error_that_says_what_to_do(keep):
    with pytest.raises(
        ValueError, match=r"NaN or infinite at all \d points.*check g at one theta"
    ) as caught:
        follow(lambda theta: theta[:, 0] * np.nan, keep)
    calls = 9 if keep == "points" else 3  # a population has no use for a first generation without values
    assert f"all {calls} points" in str(caught.value)
    assert int(caught.value.trace.evaluations[-1]) == calls
    assert np.isnan(caught.value.trace.value)


# --- stopping -------------------------------------------------------------------------------------


@KEEPS
def test_the_target_stops_and_counts_as_converged(keep):
    trace = follow(first, keep, target=0.5)
    assert trace.converged
    assert trace.message == "reached the target 0.5 after 6 evaluations"
    assert trace.value == 0.5
    assert trace.evaluations[-1] == 6


@KEEPS
def test_a_target_out_of_reach_changes_nothing(keep):
    assert follow(first, keep, target=0.2).message == "asked for all"


@KEEPS
def test_the_callback_sees_the_trace_grow_and_stops_it(keep):
    seen = []

    def callback(trace):
        seen.append((int(trace.evaluations[-1]), trace.value))
        return len(seen) == 2

    trace = follow(first, keep, callback=callback)
    assert seen == [(3, 1.0), (6, 0.5)]
    assert not trace.converged
    assert trace.message == "stopped by the callback after 6 evaluations"


def test_a_callback_that_answers_nothing_stops_nothing():
    assert follow(first, "points", callback=lambda trace: None).converged


# --- failures -------------------------------------------------------------------------------------


def failing(at, error):
    def g(theta):
        if theta[0] == at:
            raise error
        return theta[0]

    return pointwise(g)


def test_a_failure_leaves_the_points_before_it_in_the_trace():
    with pytest.raises(OSError, match="disk") as caught:
        follow(failing(5.0, OSError("disk full")), "points")
    trace = caught.value.trace
    assert trace.values.tolist() == [3, 1, 2]
    assert caught.value.theta.tolist() == [5.0]
    assert not trace.converged
    assert "disk full" in trace.message


@LIBRARIES
def test_a_failure_inside_a_population_keeps_it_with_nan_where_g_was_not_called(library):
    with pytest.raises(OSError, match="disk") as caught:
        follow(failing(4.0, OSError("disk full")), "populations", library(GENERATIONS))
    trace = caught.value.trace
    assert trace.values[1, :2].tolist() == [5.0, 0.5]
    assert np.isnan(float(trace.values[1, 2]))
    assert trace.thetas.tolist() == GENERATIONS[:2].tolist()
    assert trace.evaluations.tolist() == [3, 5]
    assert (trace.theta.tolist(), trace.value) == ([0.5], 0.5)
    assert trace.extras["number"][:, 0].tolist() == [0, 1]


@LIBRARIES
def test_a_failure_keeps_the_best_that_was_finished(library):
    with pytest.raises(OSError, match="disk") as caught:
        follow(failing(4.0, OSError("disk full")), "best", library(GENERATIONS))
    trace = caught.value.trace
    assert trace.values.tolist() == [1.0, 0.5]
    assert trace.evaluations.tolist() == [3, 5]


@KEEPS
def test_what_was_finished_may_be_nan_and_does_not_hide_the_failure(keep):
    def g(theta):
        if theta[0] == 1.0:
            raise OSError("disk full")
        return np.nan

    with pytest.raises(OSError, match="disk full") as caught:
        follow(pointwise(g), keep)
    assert int(caught.value.trace.evaluations[-1]) == 1
    assert np.isnan(caught.value.trace.value)


@KEEPS
def test_without_any_finished_evaluation_there_is_no_trace(keep):
    with pytest.raises(OSError, match="disk") as caught:
        follow(failing(3.0, OSError("disk full")), keep)
    assert caught.value.trace is None


@pytest.mark.parametrize(
    "view", [lambda theta: theta, lambda theta: theta[:2], lambda theta: theta[:, None]]
)
def test_values_of_a_function_inside_g_are_not_taken_for_those_of_g(view):
    """What h found is not what -h would have: it must neither be recorded nor hide the failure."""
    h = failing(0.5, OSError("disk full"))
    with pytest.raises(OSError, match="disk full") as caught:
        follow(lambda theta: -h(view(theta)).reshape(-1)[0] - theta[:, 0], "points")
    assert caught.value.trace.evaluations[-1] == 3
    assert caught.value.theta.tolist() == [0.5]


def test_an_exception_of_the_callback_carries_the_trace_too():
    def callback(trace):
        raise LookupError("no such plot")

    with pytest.raises(LookupError) as caught:
        follow(first, "points", callback=callback)
    assert len(caught.value.trace) == 3


def test_an_exception_of_the_method_carries_the_trace_too():
    def method():
        yield GENERATIONS[0], {}
        raise ArithmeticError("no covariance")

    with pytest.raises(ArithmeticError) as caught:
        Run("populations", 3).follow(first, method())
    assert len(caught.value.trace) == 1


@pytest.mark.parametrize("g", [3.0, None, [1.0]])
def test_g_must_be_a_function(g):
    with pytest.raises(TypeError, match="g must be a function of theta; got"):
        follow(g, "points")


@KEEPS
def test_a_g_of_the_wrong_shape_is_refused(keep):
    with pytest.raises(ValueError, match=r"g returned shape \(3, 1\).*must return \(3,\)"):
        follow(lambda theta: theta, keep)


# --- Ctrl-C ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [2, 4, 5, 9])
def test_ctrl_c_at_any_call_returns_what_was_finished(call):
    calls = []

    def g(theta):
        calls.append(theta[0])
        if len(calls) == call:
            raise KeyboardInterrupt
        return theta[0] if theta[0] != 3.0 else np.nan

    trace = follow(pointwise(g), "points")
    assert trace.evaluations[-1] == len(trace) == call - 1
    text = f"interrupted after {call - 1} evaluations; g was not finite at 1 of {call - 1} points"
    assert trace.message.startswith(text)
    assert not trace.converged
    np.testing.assert_array_equal(trace.thetas[:, 0], GENERATIONS.ravel()[: call - 1])


def test_ctrl_c_inside_a_population_keeps_its_beginning():
    trace = follow(failing(4.0, KeyboardInterrupt()), "populations")
    assert trace.values[1, :2].tolist() == [5.0, 0.5]
    assert np.isnan(trace.values[1, 2])
    assert trace.message == "interrupted after 5 evaluations"


def test_ctrl_c_in_a_batch_returns_the_batches_before():
    def g(theta):
        if theta[0, 0] == 7.0:
            raise KeyboardInterrupt
        return theta[:, 0]

    trace = follow(g, "points")
    assert trace.message == "interrupted after 6 evaluations"


def test_ctrl_c_before_anything_was_found_is_passed_on():
    with pytest.raises(KeyboardInterrupt):
        follow(failing(3.0, KeyboardInterrupt()), "points")


def test_ctrl_c_in_the_callback_returns_the_trace():
    def callback(trace):
        raise KeyboardInterrupt

    assert follow(first, "points", callback=callback).message == "interrupted after 3 evaluations"


SCRIPT = """
import sys, time
from lecturecode import pointwise, random_search
from lecturecode.domains import Interval

def slow(theta):
    time.sleep(0.1)
    with open(sys.argv[1], "a") as file:
        file.write(f"{float(theta[0])!r}\\n")
    return float(theta[0])

trace = random_search(pointwise(slow, workers=int(sys.argv[2])), Interval(0, 1), 900, rng=0)
print(trace.message)
print(*trace.values.tolist())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals to process groups are POSIX")
@pytest.mark.parametrize("whom", [os.kill, os.killpg], ids=["process", "terminal"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_real_ctrl_c_returns_the_trace_and_ends_quietly(tmp_path, whom, workers):
    """A terminal sends the signal to the workers as well."""
    (tmp_path / "script.py").write_text(SCRIPT)
    log = tmp_path / "log"
    log.touch()
    running = subprocess.Popen(
        [sys.executable, tmp_path / "script.py", log, str(workers)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while len(log.read_text().split()) < 4 and running.poll() is None:
        time.sleep(0.02)
    whom(running.pid, signal.SIGINT)
    began = time.monotonic()
    output, errors = running.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert (running.returncode, errors) == (0, "")
    message, values = output.splitlines()
    found = {float(value) for value in values.split()}
    logged = {float(line) for line in log.read_text().split()}
    assert found <= logged
    assert len(logged) - len(found) <= workers  # written, and on the way back when the signal came
    assert message == f"interrupted after {len(found)} evaluations"
    assert len(found) >= 3


# --- progress -------------------------------------------------------------------------------------


@pytest.fixture
def bars(monkeypatch):
    """The progress bars that were made; all of them the real ones."""
    made = []

    class Bar(tqdm.auto.tqdm):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made.append(self)

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    return made


@pytest.mark.parametrize(("keep", "total", "unit"), [("points", 9, "point"), ("best", 3, "step")])
def test_the_bar_counts_points_or_steps_on_stderr(bars, capsys, keep, total, unit):
    run = Run(keep, total, progress=True)
    run.follow(first, asking(GENERATIONS))
    assert [(bar.n, bar.total, bar.unit, bar.disable) for bar in bars] == [(total, total, unit, True)]
    captured = capsys.readouterr()
    assert f"{total}/{total}" in captured.err
    assert captured.out == ""


def test_without_progress_there_is_no_bar(bars, capsys):
    follow(first, "points")
    assert not bars
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("g", "options", "raises"),
    [
        (failing(5.0, OSError("full")), {}, OSError),
        (failing(5.0, KeyboardInterrupt()), {}, None),
        (failing(3.0, KeyboardInterrupt()), {}, KeyboardInterrupt),
        (lambda theta: theta[:, 0] * np.nan, {}, ValueError),
        (first, {"callback": lambda trace: True}, None),
        (first, {"target": 1.0}, None),
    ],
    ids=["failure", "Ctrl-C", "Ctrl-C at once", "nowhere finite", "callback", "target"],
)
def test_the_bar_is_closed_whatever_happens(bars, g, options, raises):
    run = Run("points", 9, progress=True, **options)
    if raises:
        with pytest.raises(raises):
            run.follow(g, asking(GENERATIONS))
    else:
        run.follow(g, asking(GENERATIONS))
    assert [bar.disable for bar in bars] == [True]  # tqdm disables a bar that is closed
