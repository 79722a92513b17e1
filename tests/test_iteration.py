"""One loop for all methods: what it records, when it stops, what failures leave; and methods by hand."""

import ast
import contextlib
import itertools
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
import tqdm.auto

import lecturecode
from lecturecode import (
    Adam,
    Mixture,
    Step,
    Told,
    Trace,
    alternate,
    ant_colony,
    ant_paths,
    brute_force,
    collect,
    coordinate_descent,
    descent,
    evolution_strategy,
    factorize,
    find_stationary_point,
    gaussian_mixture,
    genetic,
    gradient_descent,
    grid_search,
    kmeans,
    lasso,
    minimize,
    nonnegative_least_squares,
    particle_swarm,
    pointwise,
    random_search,
    search,
    stationary,
    tour_length,
)
from lecturecode.alternating import blocks, clustering, factorization, lasso_admm, mixtures, nonnegative
from lecturecode.alternating.samples import as_samples
from lecturecode.domains import Interval
from lecturecode.domains.coordinates import Coordinates
from lecturecode.iteration import never_rises, reaches
from lecturecode.objectives import Himmelblau, Quadratic, Rosenbrock
from lecturecode.population import ants, cmaes, foraging, genetics, swarms
from lecturecode.randomness import generator, normal

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


def follow(g, keep, generations=GENERATIONS, *, target=-math.inf, told=None, **options):
    count = 9 if keep == "points" else len(generations)
    method = Told(g, asking(generations, told), keep)
    return collect(method, until=[reaches(target)], expected=count, **options)


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

    trace = follow(g, keep, library(GENERATIONS), told=told)
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
        collect(Told(first, method()))
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
    try:
        while len(log.read_text().split()) < 4 and running.poll() is None:
            time.sleep(0.02)
        whom(running.pid, signal.SIGINT)
        began = time.monotonic()
        output, errors = running.communicate(timeout=30)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)  # whatever went wrong, nothing stays behind
    assert time.monotonic() - began < 10
    assert (running.returncode, errors) == (0, "")
    message, values = output.splitlines()
    found = {float(value) for value in values.split()}
    logged = {float(line) for line in log.read_text().split()}
    assert found <= logged
    assert len(logged) - len(found) <= workers  # written, and on the way back when the signal came
    assert message == f"interrupted after {len(found)} evaluations"
    assert len(found) >= 3


def is_shielded(theta):
    return float(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_workers_leave_ctrl_c_to_the_process_that_started_them():
    trace = random_search(pointwise(is_shielded, workers=2), Interval(0, 1), 4, rng=0)
    assert trace.values.tolist() == [1.0] * 4
    assert is_shielded(None) == 0.0


def starting_workers(parent):
    """Return how many processes of `parent` have become workers, which may not have begun to work."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            child_of = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            found += child_of == parent and b"popen_loky" in (folder / "cmdline").read_bytes()
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("wait", [0.0, 0.05, 0.15, 0.3])
def test_ctrl_c_while_workers_are_starting_prints_nothing_of_theirs(tmp_path, wait):
    (tmp_path / "script.py").write_text(SCRIPT)
    running = subprocess.Popen(
        [sys.executable, tmp_path / "script.py", tmp_path / "log", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        while not starting_workers(running.pid) and running.poll() is None:
            time.sleep(0.005)
        time.sleep(wait)
        os.killpg(running.pid, signal.SIGINT)
        _, errors = running.communicate(timeout=30)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    assert "popen_loky" not in errors
    assert "runpy" not in errors  # where Python begins a module given by -m, as it does a worker
    assert running.returncode in (0, 1, 130, -signal.SIGINT)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.slow
def test_the_tests_of_ctrl_c_hold_in_the_background_of_a_shell_without_job_control():
    """There SIGINT is ignored, and what is ignored is inherited by all that a test starts."""
    name = "test_a_real_ctrl_c_returns_the_trace_and_ends_quietly[1-process]"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{__file__}::{name}"],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]


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
    follow(first, keep, progress=True)
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
    if raises:
        with pytest.raises(raises):
            follow(g, "points", progress=True, **options)
    else:
        follow(g, "points", progress=True, **options)
    assert [bar.disable for bar in bars] == [True]  # tqdm disables a bar that is closed


# --- laws of all methods --------------------------------------------------------------------------

RNG = np.random.default_rng(0)
SAMPLES = RNG.standard_normal((40, 2)) + np.repeat([[0.0, 0.0], [4.0, 1.0]], 20, axis=0)
MATRIX = RNG.standard_normal((6, 5))
W = RNG.standard_normal((20, 5))
Y = W @ np.array([2.0, 0.0, -1.0, 0.0, 0.5]) + RNG.standard_normal(20)
TOWNS = RNG.uniform(0, 1, (7, 2))
ROADS = np.linalg.norm(TOWNS[:, None] - TOWNS, axis=-1)
BRIDGES = np.array([[0, 1, 2, math.inf], [1, 0, math.inf, 1], [2, math.inf, 0, 2], [math.inf, 1, 2, 0]])
BOX = Interval(-5, 5) ** 2
LATTICE = np.stack(np.meshgrid(np.linspace(-2, 2, 25), np.linspace(-1, 3, 25)), axis=-1).reshape(-1, 2)
FIRST_MIXTURE = Mixture(np.full(2, 0.5), SAMPLES[[0, 30]], np.tile(np.eye(2), (2, 1, 1)))
CANYON, FOUR_WELLS = Rosenbrock(), Himmelblau()
HALVES = [lambda theta: theta[1] / 4, lambda theta: theta[0] / 4]


class Case(NamedTuple):
    """A method by its door, which takes what is told of each theta, and as a stream."""

    door: Callable[..., Trace]
    stream: Callable[[], Iterable[Step]]
    calls_g: bool = True
    points: bool = False


def spied(g, spy):
    """The function g, which first shows its theta to a spy."""

    def shown(theta):
        spy(theta)
        return g(theta)

    return shown


def valley(theta):
    """An elongated bowl, of which `HALVES` minimizes each coordinate."""
    return theta[0] ** 2 - theta[0] * theta[1] / 2 + theta[1] ** 2


def with_gradient(theta):
    return CANYON(theta), CANYON.gradient(theta)


def crowd(generator_function, *arguments):
    """The stream of a population on Himmelblau's function, from the seed that its door takes."""
    space = Coordinates(BOX)
    return Told(FOUR_WELLS, generator_function(space, 8, np.random.default_rng(3), *arguments))


def mixture_stream():
    samples, shift = as_samples(SAMPLES).near_mean(), SAMPLES.mean(0)
    model = mixtures.Model("full", 1e-6, SAMPLES.var(0), shift, [])
    first = replace(FIRST_MIXTURE, means=FIRST_MIXTURE.means - shift)
    return mixtures.maximize_and_expect(samples, first, model)


def kmeans_stream():
    samples = as_samples(SAMPLES).near_mean()
    return clustering.refine(clustering.Clusters(samples, samples.frame(SAMPLES[:3])))


def factors_stream():
    return factorization.solve_in_turn(MATRIX, normal(generator(1), (5, 2), MATRIX))


CASES = {
    "minimize": Case(
        lambda spy, steps=12, **o: minimize(
            spied(with_gradient, spy), [-1.2, 1.0], Adam(0.1), steps=steps, tol=0, **o
        ),
        lambda: descent.descend(
            lambda theta: (theta, *with_gradient(theta)), np.array([-1.2, 1.0]), Adam(0.1), 0.0
        ),
    ),
    "find_stationary_point": Case(
        lambda spy, steps=12, **o: find_stationary_point(
            spied(CANYON.gradient, spy), CANYON.hessian, [-1.2, 1.0], steps=steps, tol=0, **o
        ),
        lambda: stationary.newton(CANYON.gradient, CANYON.hessian, np.array([-1.2, 1.0]), 0.0),
    ),
    "brute_force": Case(
        lambda spy, **o: brute_force(pointwise(spied(FOUR_WELLS, spy)), LATTICE, **o),
        lambda: Told(
            FOUR_WELLS, search.try_all(lambda a, b: LATTICE[a:b], len(LATTICE), "candidates"), "points"
        ),
        points=True,
    ),
    "grid_search": Case(
        lambda spy, **o: grid_search(pointwise(spied(FOUR_WELLS, spy)), BOX, 25, **o),
        lambda: Told(
            FOUR_WELLS, search.try_all(search.Grid(BOX.axes(25)).points, 625, "points"), "points"
        ),
        points=True,
    ),
    "random_search": Case(
        lambda spy, **o: random_search(pointwise(spied(FOUR_WELLS, spy)), BOX, 625, rng=3, **o),
        lambda: Told(
            FOUR_WELLS,
            search.draw(BOX, 625, np.random.default_rng(3), np.empty(0), np.empty((0, 2))),
            "points",
        ),
        points=True,
    ),
    "genetic": Case(
        lambda spy, steps=9, **o: genetic(
            pointwise(spied(FOUR_WELLS, spy)), BOX, population=8, steps=steps, rng=3, **o
        ),
        lambda: crowd(
            lambda space, M, rng: genetics.evolve(space, space.draw(M, rng), rng, 3, 1, 0.5, 0.5)
        ),
    ),
    "evolution_strategy": Case(
        lambda spy, steps=9, **o: evolution_strategy(
            pointwise(spied(FOUR_WELLS, spy)), BOX, population=8, steps=steps, rng=3, **o
        ),
        lambda: crowd(lambda space, M, rng: cmaes.evolve(space, space.draw(1, rng)[0], M, rng)),
    ),
    "particle_swarm": Case(
        lambda spy, steps=9, **o: particle_swarm(
            pointwise(spied(FOUR_WELLS, spy)), BOX, population=8, steps=steps, rng=3, scouts=0.2, **o
        ),
        lambda: crowd(
            lambda space, M, rng: swarms.fly(space, space.draw(M, rng), 1, rng, 2.05),
        ),
    ),
    "ant_colony": Case(
        lambda spy, steps=9, **o: ant_colony(ROADS, population=5, steps=steps, rng=3, **o),
        lambda: Told(
            lambda tours: tour_length(ROADS, tours),
            ants.tour(
                ROADS * (1 - np.eye(7)),
                np.empty((0, 7), int),
                5,
                np.random.default_rng(3),
                1.0,
                2.0,
                0.02,
            ),
        ),
        calls_g=False,
    ),
    "ant_paths": Case(
        lambda spy, steps=9, **o: ant_paths(BRIDGES, 0, 3, population=5, steps=steps, rng=3, **o),
        lambda: Told(
            lambda paths: np.array([path_length(path) for path in paths.astype(int)]),
            foraging.forage(BRIDGES, 0, 3, 5, np.random.default_rng(3), 2.0, 0.5),
        ),
        calls_g=False,
    ),
    "alternate": Case(
        lambda spy, steps=6, **o: alternate(
            spied(valley, spy), HALVES, [1.0, 1.0], sweeps=steps, tol=0, **o
        ),
        lambda: blocks.take_turns(
            valley,
            [blocks.Block("first", 0, HALVES[0]), blocks.Block("second", 1, HALVES[1])],
            np.ones(2),
        ),
    ),
    "coordinate_descent": Case(
        lambda spy, steps=6, **o: coordinate_descent(
            spied(CANYON, spy), [-1.2, 1.0], sweeps=steps, tol=0, **o
        ),
        lambda: blocks.walk_along_axes(lambda theta: CANYON(theta), np.array([-1.2, 1.0])),
    ),
    "kmeans": Case(
        lambda spy, steps=300, **o: kmeans(SAMPLES, 3, start=SAMPLES[:3], sweeps=steps, **o),
        kmeans_stream,
        calls_g=False,
    ),
    "factorize": Case(
        lambda spy, steps=6, **o: factorize(MATRIX, 2, rng=1, sweeps=steps, **o),
        factors_stream,
        calls_g=False,
    ),
    "gaussian_mixture": Case(
        lambda spy, steps=6, **o: gaussian_mixture(
            SAMPLES, 2, start=FIRST_MIXTURE, sweeps=steps, tol=0, **o
        ),
        mixture_stream,
        calls_g=False,
    ),
    "lasso": Case(
        lambda spy, steps=10_000, **o: lasso(W, Y, 0.3, steps=steps, **o),
        lambda: lasso_admm.split(lasso_admm.scaled(W, Y, np.float64(0.3)), 1.0, 1e-8),
        calls_g=False,
    ),
    "nonnegative_least_squares": Case(
        lambda spy, steps=50, **o: nonnegative_least_squares(W, Y, steps=steps, **o),
        lambda: nonnegative.free_and_catch(nonnegative.SquaredError(W, Y), 1e-12),
        calls_g=False,
    ),
}
every_method = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
calling_g = pytest.mark.parametrize(
    "case", [case for case in CASES.values() if case.calls_g], ids=[n for n in CASES if CASES[n].calls_g]
)
in_steps = pytest.mark.parametrize(
    "case",
    [case for case in CASES.values() if not case.points],
    ids=[n for n in CASES if not CASES[n].points],
)


def nobody(theta):
    """A spy who does nothing."""


def path_length(path):
    steps = [BRIDGES[i, j] for i, j in itertools.pairwise(path)]
    return sum(steps) if path[-1] == 3 else math.inf


def thetas_of(steps, case):
    rows = [np.asarray(step.theta) for step in steps]
    return np.concatenate(rows) if case.points else np.stack(rows)


def values_of(steps, case):
    rows = [np.asarray(step.value) for step in steps]
    return np.concatenate(rows) if case.points else np.stack(rows)


def agree(steps, trace, case):
    """The steps are those of the trace, up to the rounding that a g of batches allows itself."""
    thetas, values = thetas_of(steps, case), values_of(steps, case)
    assert 0 < len(values) <= len(trace)
    np.testing.assert_allclose(thetas, trace.thetas[: len(values)], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(values, trace.values[: len(values)], rtol=1e-12, atol=1e-13)
    return len(values)


@every_method
def test_a_method_can_be_driven_by_hand_and_takes_the_steps_of_its_door(case):
    trace = case.door(nobody)
    steps = list(itertools.islice(case.stream(), len(trace)))
    assert agree(steps, trace, case) == len(trace) > 3
    assert all(isinstance(step, Step) for step in steps)


@every_method
def test_a_loop_may_break_and_another_goes_on_where_it_was(case):
    trace, stream, steps = case.door(nobody), case.stream(), []
    for step in stream:
        steps.append(step)
        if len(steps) == 2:
            break
    steps += itertools.islice(stream, 1)
    assert len(steps) == 3
    agree(steps, trace, case)


@every_method
def test_two_methods_can_race_step_by_step(case):
    """Two copies of one method neither disturb each other nor share what they draw."""
    trace = case.door(nobody)
    race = list(itertools.islice(zip(case.stream(), case.stream(), strict=False), 3))
    for runner in zip(*race, strict=True):
        agree(runner, trace, case)


@every_method
@pytest.mark.parametrize("at", [0, 1, 2])
def test_ctrl_c_at_any_step_returns_what_was_found(case, at):
    def interrupt(trace):
        if next(count) == at:
            raise KeyboardInterrupt

    count = itertools.count()
    whole, cut = case.door(nobody), case.door(nobody, callback=interrupt)
    assert "interrupted after" in cut.message
    assert not cut.converged
    assert case.points or cut.steps == at
    assert 0 < len(cut) <= len(whole)
    np.testing.assert_array_equal(cut.thetas, whole.thetas[: len(cut)])
    np.testing.assert_array_equal(cut.values, whole.values[: len(cut)])
    assert cut.value == np.nanmin(np.where(np.isfinite(cut.values), cut.values, np.nan))


@calling_g
def test_ctrl_c_inside_g_returns_what_was_found(case):
    def interrupt(theta):
        if next(count) == 11:
            raise KeyboardInterrupt

    count = itertools.count()
    whole, cut = case.door(nobody), case.door(interrupt)
    assert cut.message.startswith("interrupted after")
    assert int(cut.evaluations[-1]) <= 11
    assert 0 < len(cut) <= len(whole)
    done = len(cut) - 1  # the last one of a population may be half done
    np.testing.assert_array_equal(cut.values[:done], whole.values[:done])
    finished = np.isfinite(cut.values)
    np.testing.assert_array_equal(cut.values[finished], whole.values[: len(cut)][finished])


@calling_g
def test_ctrl_c_before_anything_was_found_passes(case):
    def interrupt(theta):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        case.door(interrupt)


@calling_g
@pytest.mark.parametrize("error", [ZeroDivisionError, StopIteration])
def test_an_exception_in_g_carries_the_trace_and_theta(case, error):
    def fail(theta):
        seen.append(np.array(theta))
        if len(seen) == 12:
            raise error("no more measurements")

    seen = []
    with pytest.raises(error, match="no more measurements") as caught:
        case.door(fail)
    np.testing.assert_array_equal(caught.value.theta, seen[-1])
    assert "no more measurements" in caught.value.trace.message
    note = next(note for note in caught.value.__notes__ if "theta" in note)
    assert re.search(r"^raised by g at theta = .*, (step \d+|after \d+ evaluations)$", note)
    assert not caught.value.trace.converged
    whole, trace = case.door(nobody), caught.value.trace
    finished = np.isfinite(trace.values)
    assert finished.any()
    np.testing.assert_array_equal(trace.values[finished], whole.values[: len(trace)][finished])


@calling_g
def test_an_exception_at_the_start_carries_theta_and_no_trace(case):
    def fail(theta):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        case.door(fail)
    assert caught.value.trace is None
    assert caught.value.theta is not None


@every_method
def test_an_exception_in_the_callback_carries_the_trace(case):
    def fail(trace):
        if next(count) == 1 or case.points:
            raise LookupError("no such plot")

    count = itertools.count()
    with pytest.raises(LookupError, match="no such plot") as caught:
        case.door(nobody, callback=fail)
    assert case.points or caught.value.trace.steps == 1


@every_method
def test_a_callback_that_returns_true_stops(case):
    seen = []
    whole = case.door(nobody)
    trace = case.door(nobody, callback=lambda so_far: seen.append(len(so_far)) or len(seen) == 2)
    assert "stopped by the callback" in trace.message
    assert not trace.converged
    assert len(seen) == 2
    assert len(trace) == seen[-1]
    np.testing.assert_array_equal(trace.values, whole.values[: len(trace)])


@in_steps
def test_the_callback_sees_every_step_and_the_last_one_too(case):
    seen = []
    trace = case.door(nobody, callback=lambda so_far: seen.append(np.array(so_far.values[-1])) and None)
    np.testing.assert_array_equal(np.stack(seen), trace.values)


@every_method
@pytest.mark.parametrize("every", [0, 3])
def test_what_is_recorded_does_not_change_what_is_found(case, every):
    whole, thin = case.door(nobody), case.door(nobody, record_every=every)
    assert (thin.value, thin.converged, thin.message) == (whole.value, whole.converged, whole.message)
    np.testing.assert_array_equal(thin.theta, whole.theta)
    np.testing.assert_array_equal(thin.last, whole.last)
    assert thin.evaluations[-1] == whole.evaluations[-1]
    if not (case.points and every == 0):  # where nothing is kept, only improvements are values
        np.testing.assert_array_equal(thin.values, whole.values)
    expected = whole.thetas[::3] if every else whole.last[None]
    np.testing.assert_array_equal(thin.thetas, expected)


STEPWISE = ("find_stationary_point", "kmeans", "lasso", "nonnegative_least_squares")


@pytest.mark.parametrize("name", [*STEPWISE, "minimize"])
def test_a_method_that_is_done_with_its_last_step_has_converged(name):
    if name == "minimize":  # a bowl of which the fourth step is flat

        def door(spy, steps):
            return gradient_descent(Quadratic([1.0]), [1.0], 0.9, steps=steps, tol=2e-4)

        enough = 4
    elif name == "find_stationary_point":

        def door(spy, steps):
            return find_stationary_point(CANYON.gradient, CANYON.hessian, [-1.2, 1.0], steps=steps)

        enough = door(nobody, 100).steps
    else:
        door = CASES[name].door
        enough = door(nobody).steps
        if name == "kmeans":
            enough //= 2  # two half-steps are a sweep
    assert door(nobody, steps=enough).converged
    assert not door(nobody, steps=enough - 1).converged


@every_method
def test_the_bar_reaches_its_end_where_the_budget_does(bars, case):
    trace = case.door(nobody, progress=True)
    assert len(bars) == 1
    assert bars[0].disable, "it is closed"
    if not trace.converged or case.points:
        assert bars[0].n == bars[0].total > 1


def test_no_budget_is_overdrawn():
    """When the last step is taken nobody asks for one more evaluation."""
    for name, budget, calls in [("minimize", 12, 13), ("genetic", 9, 80), ("alternate", 6, 13)]:
        seen = []
        CASES[name].door(seen.append, steps=budget)
        assert len(seen) == calls, name


# --- a method of one's own ------------------------------------------------------------------------


def hooke_and_jeeves(g, theta, reach):
    """Try a step to both sides of each axis; where none is better, halve it."""
    value = g(theta)
    yield Step(theta, value, extras={"reach": np.array(reach)})
    while reach > 1e-6:
        around = theta + reach * np.concatenate([np.eye(len(theta)), -np.eye(len(theta))])
        values = np.array([g(point) for point in around])
        if values.min() < value:
            theta, value = around[values.argmin()], values.min()
        else:
            reach /= 2
        yield Step(theta, value, evaluations=len(around), extras={"reach": np.array(reach)})
    return True, "the reach is short {place}"


def test_a_method_of_ones_own_is_collected_like_the_others():
    seen = []
    method = hooke_and_jeeves(FOUR_WELLS, np.array([0.0, 0.0]), 1.0)
    trace = lecturecode.collect(
        method, steps=500, callback=lambda so_far: seen.append(len(so_far)) and None
    )
    np.testing.assert_allclose(trace.theta, [3.0, 2.0], atol=1e-5)
    assert trace.converged
    assert trace.message == f"the reach is short at step {trace.steps}"
    assert trace.evaluations[-1] == 1 + 4 * trace.steps
    assert trace.extras["reach"][[0, -1]].tolist() == [1.0, 2.0**-20]
    assert seen == list(range(1, len(trace) + 1))


def test_rules_of_ones_own_see_the_step_and_give_their_reason():
    def near_three(count, step):
        return (True, f"near enough {{place}}, the {count}th") if abs(step.theta[0] - 3) < 0.1 else None

    trace = collect(hooke_and_jeeves(FOUR_WELLS, np.array([0.0, 0.0]), 1.0), until=[near_three])
    assert trace.converged
    assert trace.message == f"near enough at step {trace.steps}, the {trace.steps}th"
    assert abs(trace.last[0] - 3) < 0.1


def test_a_failure_outweighs_a_success_and_else_the_first_word_counts():
    def says(*end):
        return lambda count, step: end

    def one_step(done=None):
        yield Step(np.zeros(1), 0.0, done=done)

    yes, no, later = says(True, "yes"), says(False, "no"), says(True, "later")
    assert collect(one_step(), until=[yes, no]).message == "no"
    assert collect(one_step(), until=[no, yes]).message == "no"
    assert collect(one_step(), until=[yes, later]).message == "yes"
    assert collect(one_step((True, "done")), until=[yes]).message == "done"
    assert collect(one_step((True, "done")), until=[no]).message == "no"


def test_a_method_that_ends_without_a_word_has_not_converged():
    trace = collect(iter([Step(np.zeros(1), 1.0), Step(np.ones(1), 0.0)]))
    assert (trace.converged, trace.message) == (False, "the method ended at step 1")


@pytest.mark.parametrize("wrong", [(1.0, 2.0), 3.0, None])
def test_what_is_no_step_is_refused_and_what_was_before_kept(wrong):
    with pytest.raises(TypeError, match="a method yields steps, as by Step") as caught:
        collect(iter([Step(np.zeros(1), 1.0), wrong]))
    assert len(caught.value.trace) == 1


@pytest.mark.parametrize("steps", [0, 2.5, True])
def test_the_budget_is_a_number_of_steps(steps):
    with pytest.raises(ValueError, match="steps must be an integer of at least 1; got"):
        collect(iter([]), steps=steps)


def one_more():
    yield Step(np.zeros(1), 1.0)


WRONG = {
    "a function": ({"method": one_more}, "method must yield steps, .*its function is called; got func"),
    "a number": ({"method": 3}, "method must yield steps, .*; got int"),
    "an array without axes": ({"method": np.array(1.0)}, "method must yield steps, .*; got ndarray"),
    "one rule": ({"until": reaches(0.0)}, r"until must be a list of rules, such as \[finite\]; got <f"),
    "no rule": ({"until": [0.0]}, "each rule of until must be a function of the number of a step and"),
    "callback": ({"callback": 0}, "callback must be a function of the trace so far; got int"),
    "progress": ({"progress": 1}, "progress must be True or False; got 1"),
    "used_up": ({"used_up": None}, "used_up must be a text for the message; got None"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_collect_refuses_before_the_first_step(name):
    taken = []
    change, says = WRONG[name]
    method = (taken.append(k) or Step(np.zeros(1), 1.0) for k in range(3))
    with pytest.raises(TypeError, match=says):
        collect(**{"method": method} | change)
    assert not taken


def test_a_method_without_a_start_leaves_nothing_to_return():
    with pytest.raises(ValueError, match="the method yielded no step, not even its start") as caught:
        collect(iter([]))
    assert caught.value.trace is None


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"method": one_more}, TypeError, "method must have send; got function. For instance a gener"),
        ({"keep": "point"}, ValueError, "keep must be one of .*got 'point'. Did you mean 'points'?"),
        ({"g": Quadratic}, TypeError, "g is the class Quadratic; make one"),
    ],
)
def test_what_a_method_that_asks_refuses(change, error, says):
    with pytest.raises(error, match=says):
        Told(**{"g": first, "method": one_more()} | change)


def test_values_may_be_numbers_of_python_and_tensors():
    numbers = collect(iter([Step(torch.zeros(2), 1.5), Step(torch.ones(2), 1)]))
    assert numbers.values.dtype == torch.float32
    assert numbers.values.tolist() == [1.5, 1.0]


def test_never_rises_allows_the_noise_of_a_sum_of_squares_and_no_more():
    def message(rise, **options):
        steps = [Step(np.zeros(1), 1.0, name="the start"), Step(np.zeros(1), 1.0 + rise, name="a step")]
        return collect(iter(steps), until=[never_rises(**options)]).message

    assert message(1e-14).startswith("the method ended")
    assert message(1e-12).startswith("a step raised g from 1 to 1 at step 1: it does not minimize g")
    assert message(1e-7, noise=1e-7).startswith("the method ended")  # (1 + 1e-7)^2 = 1 + 2e-7
    assert "raised" in message(3e-7, noise=1e-7)
    assert "raised" in message(1e-13, scale=0.0, noise=0.0)


# --- who may catch Ctrl-C -------------------------------------------------------------------------

MAY_CATCH_CTRL_C = {"iteration.py", "fitting.py", "workers.py"}


def catches_ctrl_c(tree):
    """Whether a syntax tree has a handler that takes KeyboardInterrupt and does not pass it on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.walk(node.type) if node.type is not None else []
            names = {name.id for name in caught if isinstance(name, ast.Name)}
            passed_on = any(isinstance(last, ast.Raise) for last in node.body[-1:])
            if "KeyboardInterrupt" in names:
                return True
            if (node.type is None or "BaseException" in names) and not passed_on:
                return True
    return False


def test_only_the_loops_and_the_workers_catch_ctrl_c():
    package = Path(lecturecode.__file__).parent
    found = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if catches_ctrl_c(ast.parse(file.read_text()))
    }
    assert found <= MAY_CATCH_CTRL_C
    assert "iteration.py" in found


@pytest.mark.parametrize(
    ("handler", "catches"),
    [
        ("except KeyboardInterrupt:\n    pass", True),
        ("except (OSError, KeyboardInterrupt):\n    pass", True),
        ("except BaseException:\n    pass", True),
        ("except:\n    pass", True),
        ("except BaseException as error:\n    error.add_note('here')\n    raise", False),
        ("except Exception:\n    pass", False),
    ],
)
def test_the_judge_of_handlers_tells_them_apart(handler, catches):
    assert catches_ctrl_c(ast.parse(f"try:\n    work()\n{handler}")) == catches
