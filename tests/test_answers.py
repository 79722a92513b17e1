"""Searches and populations that go on: from a start, and from a checkpoint as if never interrupted."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from lecturecode import answers as answers_module
from lecturecode import (
    ant_colony,
    brute_force,
    evolution_strategy,
    genetic,
    grid_search,
    particle_swarm,
    pointwise,
    random_search,
    tour_length,
)
from lecturecode.checkpoints import CheckpointError
from lecturecode.domains import Choice, Integers, Interval, LogInterval, Positive, Real
from lecturecode.domains.coordinates import Coordinates

DOMAIN = Interval(-5, 5) * LogInterval(1e-4, 1.0) * Choice(["tanh", "relu", "sin"])
ROADS = abs(np.subtract.outer(np.arange(8.0) ** 1.5, np.arange(8.0) ** 1.5)) + 1 - np.eye(8)


def wells(theta):
    """Return a sum over the coordinates, so that a batch and its rows have the same bits."""
    a, b, c = theta[..., 0], theta[..., 1], theta[..., 2]
    return (a - 1.5) ** 2 + (b - 0.01) ** 2 + (c - 1) ** 2


SEARCHES = {
    "random_search": lambda g, **o: random_search(g, DOMAIN, 300, **{"rng": 3} | o),
    "grid_search": lambda g, **o: grid_search(g, DOMAIN, [12, 9, 3], **o),
    "brute_force": lambda g, **o: brute_force(g, DOMAIN.sample(320, rng=1), **o),
    "genetic": lambda g, **o: genetic(
        g, DOMAIN, **{"rng": 3, "population": 10, "steps": 30, "elite": 2} | o
    ),
    "particle_swarm": lambda g, **o: particle_swarm(
        g, DOMAIN, **{"rng": 3, "population": 10, "steps": 30, "scouts": 0.2} | o
    ),
    "evolution_strategy": lambda g, **o: evolution_strategy(
        g, DOMAIN, **{"rng": 3, "population": 8, "steps": 38} | o
    ),
    "restarts": lambda g, **o: evolution_strategy(
        g, DOMAIN, **{"rng": 3, "population": 8, "steps": 60, "restarts": 3, "max_evaluations": 900} | o
    ),
}
POPULATIONS = [name for name in SEARCHES if name not in ("grid_search", "brute_force", "random_search")]


class Counted:
    """A g that counts its points, and fails after so many."""

    def __init__(self, g=wells, most=np.inf, error=RuntimeError):
        self.g, self.most, self.error, self.count = g, most, error, 0

    def __call__(self, theta):
        points = max(1, int(np.prod(theta.shape[:-1])))
        if self.count + points > self.most:
            raise self.error("enough")
        self.count += points
        return self.g(theta)


def assert_same(one, two):
    for name in ("thetas", "values", "evaluations", "theta", "last"):
        np.testing.assert_array_equal(np.asarray(getattr(one, name)), np.asarray(getattr(two, name)))
    assert (one.value, one.message, one.converged) == (two.value, two.message, two.converged)
    for name in one.extras:
        np.testing.assert_array_equal(one.extras[name], two.extras[name])


# --- going on -------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [0, 20, 47, 160])
@pytest.mark.parametrize("name", SEARCHES)
def test_a_run_that_failed_goes_on_as_if_it_had_not(name, most, tmp_path):
    whole = SEARCHES[name](Counted())
    path = tmp_path / "search.npz"
    first = Counted(most=most)
    with pytest.raises(RuntimeError, match="enough"):
        SEARCHES[name](first, checkpoint=path)
    second = Counted()
    assert_same(SEARCHES[name](second, checkpoint=path), whole)
    assert first.count + second.count == whole.evaluations[-1]  # no point was asked for twice
    third = Counted()
    assert_same(SEARCHES[name](third, checkpoint=path), whole)
    assert third.count == 0


@pytest.mark.parametrize("name", SEARCHES)
def test_of_single_points_each_that_was_finished_in_order_is_kept(name, tmp_path):
    whole = SEARCHES[name](pointwise(wells))
    path = tmp_path / "search.npz"
    first = Counted(most=33)
    with pytest.raises(RuntimeError, match="enough") as failure:
        SEARCHES[name](pointwise(first), checkpoint=path)
    assert failure.value.trace.evaluations[-1] == first.count == 33
    second = Counted(most=20)  # fails again, in a batch of which the file has a part
    with pytest.raises(RuntimeError, match="enough") as failure:
        SEARCHES[name](pointwise(second), checkpoint=path)
    assert failure.value.trace.evaluations[-1] == 53
    last = Counted()
    assert_same(SEARCHES[name](pointwise(last), checkpoint=path), whole)
    assert 53 + last.count == whole.evaluations[-1]


@pytest.mark.parametrize("name", SEARCHES)
def test_ctrl_c_saves_and_the_next_call_goes_on(name, tmp_path):
    path = tmp_path / "search.npz"
    trace = SEARCHES[name](Counted(most=100, error=KeyboardInterrupt), checkpoint=path)
    assert trace.message.startswith("interrupted")
    rest = Counted()
    assert_same(SEARCHES[name](rest, checkpoint=path), SEARCHES[name](wells))
    assert rest.count + trace.evaluations[-1] == SEARCHES[name](wells).evaluations[-1]


@pytest.mark.parametrize("name", POPULATIONS)
def test_more_steps_go_on_from_a_run_that_had_used_up_its_own(name, tmp_path):
    path = tmp_path / "search.npz"
    SEARCHES[name](wells, checkpoint=path, steps=5)
    longer = Counted()
    assert_same(SEARCHES[name](longer, checkpoint=path, steps=12), SEARCHES[name](wells, steps=12))
    again = Counted()
    SEARCHES[name](again, checkpoint=path, steps=3)
    assert again.count == 0


def test_more_draws_go_on(tmp_path):
    path = tmp_path / "search.npz"
    random_search(wells, DOMAIN, 2000, rng=0, checkpoint=path)
    more = Counted()
    trace = random_search(more, DOMAIN, 2500, rng=0, checkpoint=path)
    assert more.count == 500
    assert_same(trace, random_search(wells, DOMAIN, 2500, rng=0))


@pytest.mark.parametrize("name", ["random_search", *POPULATIONS])
def test_a_seed_that_nobody_chose_is_taken_from_the_file(name, tmp_path):
    path = tmp_path / "search.npz"
    with pytest.raises(RuntimeError):
        SEARCHES[name](Counted(most=60), checkpoint=path, rng=None)
    whole = SEARCHES[name](wells, checkpoint=path, rng=None)
    assert_same(SEARCHES[name](Counted(most=0), checkpoint=path, rng=None), whole)


def test_a_generator_of_the_caller_goes_on_where_the_run_left_it(tmp_path):
    path = tmp_path / "search.npz"
    plain, rng = np.random.default_rng(5), np.random.default_rng(5)
    particle_swarm(wells, DOMAIN, population=8, steps=6, rng=plain)
    with pytest.raises(RuntimeError):
        particle_swarm(
            Counted(most=20),
            DOMAIN,
            population=8,
            steps=6,
            rng=np.random.default_rng(5),
            checkpoint=path,
        )
    particle_swarm(wells, DOMAIN, population=8, steps=6, rng=rng, checkpoint=path)
    assert rng.bit_generator.state == plain.bit_generator.state


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_go_on_too(dtype, tmp_path):
    path, kind = tmp_path / "search.npz", {"like": torch.empty(0, dtype=dtype)}
    rng = lambda: torch.Generator().manual_seed(7)  # noqa: E731
    options = {"population": 8, "steps": 12, **kind}
    whole = genetic(wells, DOMAIN, rng=rng(), **options)
    with pytest.raises(RuntimeError):
        genetic(Counted(most=40), DOMAIN, rng=rng(), checkpoint=path, **options)
    trace = genetic(wells, DOMAIN, rng=rng(), checkpoint=path, **options)
    assert trace.thetas.dtype == dtype
    assert_same(trace, whole)


def test_ants_go_on(tmp_path):
    path = tmp_path / "tours.npz"
    ant_colony(ROADS, population=5, steps=4, rng=0, checkpoint=path)
    trace = ant_colony(ROADS, population=5, steps=20, rng=0, checkpoint=path)
    assert_same(trace, ant_colony(ROADS, population=5, steps=20, rng=0))


def test_a_process_that_is_killed_loses_a_second_at_most(tmp_path):
    path = tmp_path / "search.npz"
    script = f"""
import time
from lecturecode import Interval, random_search, pointwise
def slow(theta):
    time.sleep(0.02)
    return float((theta**2).sum())
random_search(pointwise(slow), Interval(-1, 1) ** 2, 10_000, rng=0, checkpoint={str(path)!r})
"""
    process = subprocess.Popen([sys.executable, "-c", script])
    try:
        for _ in range(600):
            if path.exists():
                break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.1)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert path.exists()
    rest = Counted(lambda theta: (theta**2).sum(-1))
    trace = random_search(rest, Interval(-1, 1) ** 2, 1000, rng=0, checkpoint=path)
    assert 0 < rest.count < 1000 or path.stat().st_size > 8000
    np.testing.assert_array_equal(
        trace.thetas, random_search(rest.g, Interval(-1, 1) ** 2, 1000, rng=0).thetas
    )


def test_after_a_recall_a_slow_g_is_not_asked_for_half_a_million_points_at_once(tmp_path):
    """What was recalled took no time, and chunks grow where they take none."""
    path, sizes = tmp_path / "search.npz", []
    random_search(wells, DOMAIN, 20_000, rng=0, checkpoint=path)

    def watched(theta):
        sizes.append(len(theta))
        return wells(theta)

    random_search(watched, DOMAIN, 300_000, rng=0, checkpoint=path)
    assert sizes[0] <= 16


def test_a_file_is_written_once_a_second_and_not_at_each_step(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(answers_module, "write_checkpoint", lambda *args: written.append(args))
    monkeypatch.setattr(answers_module, "SECONDS", 1e9)
    genetic(wells, DOMAIN, population=8, steps=50, rng=0, checkpoint=tmp_path / "a.npz")
    assert len(written) == 1
    monkeypatch.setattr(answers_module, "SECONDS", 0.0)
    genetic(wells, DOMAIN, population=8, steps=50, rng=0, checkpoint=tmp_path / "a.npz")
    assert len(written) == 1 + 51


def test_answers_that_came_out_of_order_are_kept_up_to_the_first_gap(tmp_path, monkeypatch):
    """What many workers have finished beyond a gap would stand at the wrong points."""
    monkeypatch.setattr(answers_module, "tells_finished", lambda g: True)
    path, points = tmp_path / "search.npz", DOMAIN.sample(4, rng=1)

    def broken(theta):
        error = RuntimeError("the third worker is gone")
        error.finished = np.array([True, True, False, True])
        error.values = np.where(error.finished, wells(theta), np.nan)
        raise error

    with pytest.raises(RuntimeError, match="third worker"):
        brute_force(broken, points, checkpoint=path)
    rest = Counted()
    assert_same(brute_force(rest, points, checkpoint=path), brute_force(wells, points))
    assert rest.count == 2


# --- another run's --------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [
    {"rng": 4}, {"population": 12}, {"elite": 1}, {"blend": 0.4}, {"mutation": 0.1}, {"tournament": 2},
    {"start": [0.0, 0.1, 1.0]}, {"like": np.empty(0, np.float32)},
])  # fmt: skip
def test_the_file_of_another_run_is_refused_and_left(other, tmp_path):
    path = tmp_path / "search.npz"
    SEARCHES["genetic"](wells, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"is the checkpoint of another run .*give"):
        SEARCHES["genetic"](wells, checkpoint=path, **other)
    assert path.read_bytes() == before


def test_each_method_and_domain_has_files_of_its_own(tmp_path):
    for name, search in SEARCHES.items():
        search(wells, checkpoint=tmp_path / name)
    for name, search in SEARCHES.items():
        for other in SEARCHES:
            if name != other:
                with pytest.raises(CheckpointError):
                    search(wells, checkpoint=tmp_path / other)
    for domain in (
        DOMAIN * Real(1.0),
        Interval(-5, 4) * LogInterval(1e-4, 1.0) * Choice(["a", "b", "c"]),
    ):
        with pytest.raises(CheckpointError):
            random_search(lambda t: t[:, 0], domain, 300, rng=3, checkpoint=tmp_path / "random_search")


def test_answers_that_lead_elsewhere_are_noticed(tmp_path, monkeypatch):
    """A file whose settings agree, but whose points were others: another version of a method."""
    path = tmp_path / "search.npz"
    SEARCHES["particle_swarm"](wells, checkpoint=path, steps=3)
    monkeypatch.setattr("lecturecode.population.swarms.math.sqrt", lambda x: x**0.5 * (1 + 1e-12))
    with pytest.raises(CheckpointError, match="asks for other points"):
        SEARCHES["particle_swarm"](wells, checkpoint=path)


def test_what_is_no_checkpoint_is_refused_before_g_is_called(tmp_path):
    torn = tmp_path / "torn.npz"
    SEARCHES["genetic"](wells, checkpoint=torn)
    torn.write_bytes(torn.read_bytes()[:-40])
    for path, error in [
        (torn, CheckpointError), (tmp_path, CheckpointError),
        (tmp_path / "no" / "a.npz", FileNotFoundError),
        ("", ValueError), (b"a.npz", TypeError), (3, TypeError),
    ]:  # fmt: skip
        for name, search in SEARCHES.items():
            g = Counted()
            with pytest.raises(error):
                search(g, checkpoint=path)
            assert g.count == 0, name


# --- from a start ---------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", [
    Interval(-5, 5) ** 2 * LogInterval(1e-6, 1e3) * Real(2.0) * Positive(0.1),
    Choice(["a", "b", "c"]) * Integers(-3, 12) * Interval(0, 1),
])  # fmt: skip
@pytest.mark.parametrize("like", [np.empty(0), np.empty(0, np.float32), torch.empty(0)])
def test_search_coordinates_lead_back(domain, like):
    space = Coordinates(domain, like)
    points = domain.sample(200, rng=0, like=like)
    back = space.theta(space.u(points))
    eps = float(space.xp.finfo(like.dtype).eps)
    # A logarithm to base 10 of at most 9 in size is off by 9 eps, which its power multiplies by ln 10.
    np.testing.assert_allclose(np.asarray(back), np.asarray(points), rtol=40 * eps, atol=10 * eps)


@pytest.mark.parametrize("name", ["random_search", *POPULATIONS])
def test_a_start_is_tried_first(name):
    start = np.array([1.5, 0.01, 1.0])
    trace = SEARCHES[name](wells, start=start, **({"restarts": 0} if name == "restarts" else {}))
    if name == "random_search":
        np.testing.assert_array_equal(trace.thetas[0], start)
        assert trace.value == 0.0
        assert trace.steps + 1 == 300
        several = SEARCHES[name](wells, start=[[0.0, 0.1, 0.0], start, [1.0, 0.1, 2.0]])
        np.testing.assert_array_equal(several.thetas[1], start)
    elif name in ("genetic", "particle_swarm"):
        np.testing.assert_allclose(trace.thetas[0, 0], start, rtol=1e-12)
        several = SEARCHES[name](wells, start=[[0.0, 0.1, 0.0], start])
        np.testing.assert_allclose(several.thetas[0, 1], start, rtol=1e-12)
        plain = SEARCHES[name](wells)
        np.testing.assert_array_equal(several.thetas[0, 2:], plain.thetas[0, 2:])  # the others as drawn
    else:
        np.testing.assert_allclose(trace.extras["means"][0], start, rtol=1e-12)


def test_ants_start_with_tours_that_are_given():
    best = ant_colony(ROADS, population=8, steps=50, rng=0)
    trace = ant_colony(ROADS, population=8, steps=2, rng=1, start=best.theta)
    assert trace.values[0, 0] == best.value == tour_length(ROADS, best.theta)
    with pytest.raises(ValueError, match="start must name each of the cities 0 to 7 once"):
        ant_colony(ROADS, population=8, steps=2, start=np.zeros(8))
    with pytest.raises(ValueError, match="start must be one tour, or at most 2"):
        ant_colony(ROADS, population=2, steps=2, start=np.tile(best.theta, (3, 1)))


@pytest.mark.parametrize(("start", "error", "says"), [
    ([0.0, 0.1], ValueError, r"start must have shape \(3,\) or \(N, 3\); got \(2,\)"),
    ([6.0, 0.1, 1.0], ValueError, r"start must lie in the domain, and \[6\.  0\.1 1\. \] does not"),
    ([0.0, 0.1, 0.5], ValueError, "start must lie in the domain"),
    ([0.0, np.nan, 0.0], ValueError, "start has 1 value"),
    (np.tile([0.0, 0.1, 1.0], (400, 1)), ValueError, "start has 400 points, and there is room for"),
    (torch.tensor([0.0, 0.1, 1.0]), TypeError, "PyTorch tensor"),
    (np.zeros(3, np.float32), TypeError, "float32"),
    ("middle", TypeError, "start must hold real numbers"),
])  # fmt: skip
def test_a_start_that_is_none(start, error, says):
    for name in ("random_search", *POPULATIONS):
        with pytest.raises(error, match=says):
            SEARCHES[name](wells, start=start)
