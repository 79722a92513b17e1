"""Dask's scheduler with workers in other processes: the same answers, nothing lost when one fails."""

import os
import signal
from functools import partial

import numpy as np
import pytest
from sent_functions import RefusedError, is_killed, logged, pid, scribble, timed, total

from lecturecode import brute_force, least_squares, particle_swarm, pointwise, random_search
from lecturecode.domains import Choice, Interval, Positive, Real

dask = pytest.importorskip("dask", reason="Dask is not installed: pip install 'lecturecode[scale]'")
distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")

MIXED = Choice("abc") * Interval(-1, 1) * Positive(1.0) * Real(2.0)


@pytest.fixture(scope="module")
def client():
    """A cluster of two processes on this machine; a task whose worker dies is not tried again."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def spread(client):
    """Make a g of one theta into one that the cluster evaluates."""
    client.wait_for_workers(2)
    return lambda g: pointwise(g, workers=client.get_executor().map)


def test_evaluations_run_in_the_processes_of_the_cluster(spread, client):
    pids = {int(number) for number in spread(pid)(np.arange(8.0)[:, None])}
    assert pids == set(client.run(os.getpid).values())
    assert os.getpid() not in pids


def test_values_come_in_the_order_of_the_points(spread):
    thetas = np.arange(24.0).reshape(3, 4, 2)
    np.testing.assert_array_equal(spread(total)(thetas), thetas.sum(-1))


@pytest.mark.parametrize(("options", "calls"), [({}, 1), ({"pure": False}, 5)], ids=str)
def test_equal_points_are_evaluated_once_unless_g_is_said_not_to_be_pure(
    client, tmp_path, options, calls
):
    one = partial(logged, tmp_path / "log")
    g = pointwise(one, workers=client.get_executor(**options).map)
    assert g(np.ones((5, 2))).tolist() == [2.0] * 5
    assert (tmp_path / "log").read_text().split() == ["2.0"] * calls


def test_the_same_seed_gives_the_same_answer_as_one_process(spread):
    here, there = (random_search(g, MIXED, 300, rng=4) for g in (pointwise(total), spread(total)))
    for name in ("thetas", "values", "evaluations", "theta", "value", "message"):
        np.testing.assert_array_equal(getattr(there, name), getattr(here, name))


def test_a_population_is_spread_too(spread):
    swarms = [
        particle_swarm(g, MIXED, population=6, steps=3, rng=0) for g in (pointwise(total), spread(total))
    ]
    np.testing.assert_array_equal(swarms[0].values, swarms[1].values)


def test_closures_travel_and_cannot_change_theta(spread):
    scale = 3.0
    candidates = np.arange(4.0)[:, None]
    assert spread(lambda theta: scale * scribble(theta))(candidates).tolist() == [0.0, 3.0, 6.0, 9.0]
    assert candidates.tolist() == [[0.0], [1.0], [2.0], [3.0]]


def nothing_is_missing(trace, path, failed):
    """Compare with the log; a cluster abandons what is under way, so what was earlier must be there."""
    log = {float(value): float(when) for value, when in map(str.split, path.read_text().splitlines())}
    earlier = {value for value, when in log.items() if when < log[failed] - 0.25}
    assert len(earlier) >= 5
    assert earlier <= set(trace.values) <= set(log) - {failed}
    np.testing.assert_array_equal(trace.thetas.sum(-1), trace.values)


def test_a_failure_names_its_theta_and_the_trace_holds_what_was_finished(spread, tmp_path):
    g = spread(partial(timed, tmp_path / "log", fatal=40.0))
    with pytest.raises(RefusedError, match="not there") as caught:
        brute_force(g, np.arange(60.0).reshape(30, 2))
    error = caught.value
    assert error.theta.tolist() == [40.0, 41.0]
    assert any("raised by g at theta = [40. 41.]" in note for note in error.__notes__)
    nothing_is_missing(error.trace, tmp_path / "log", failed=81.0)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_a_killed_worker_names_its_theta_and_the_trace_holds_what_was_finished(spread, tmp_path):
    g = spread(partial(timed, tmp_path / "log", fatal=40.0, death=is_killed))
    with pytest.raises(distributed.KilledWorker) as caught:
        brute_force(g, np.arange(60.0).reshape(30, 2))
    error = caught.value
    assert error.theta.tolist() == [40.0, 41.0]
    nothing_is_missing(error.trace, tmp_path / "log", failed=81.0)
    assert g(np.arange(6.0).reshape(3, 2)).tolist() == [1.0, 5.0, 9.0]  # the cluster goes on


# --- data in chunks on several processes ----------------------------------------------------------


def rows_of_dask(W, y, rows):
    da = pytest.importorskip("dask.array")
    return da.from_array(W, chunks=(rows, 2)), da.from_array(y, chunks=rows)


@pytest.mark.parametrize("targets", [None, 2])
def test_least_squares_of_dask_arrays_are_those_of_one_process(client, targets):
    client.wait_for_workers(2)
    rng = np.random.default_rng(0)
    W = rng.standard_normal((4000, 5))
    y = rng.standard_normal(4000 if targets is None else (4000, targets))
    V, z = rows_of_dask(W, y, 900)
    theta = least_squares(V, z)
    assert isinstance(theta, np.ndarray)
    np.testing.assert_allclose(theta, least_squares(W, y), rtol=1e-12)


def test_only_triangles_come_from_the_workers(client):
    """The rows are made by the workers; what comes back has the size of R, whatever that of a chunk."""
    client.wait_for_workers(2)
    da = pytest.importorskip("dask.array")
    here = os.getpid()

    def rows(block_info=None):
        assert os.getpid() != here
        start, end = block_info[None]["array-location"][0]
        return np.cos(np.arange(start, end)[:, None] * np.arange(1.0, 4.0))

    W = da.map_blocks(rows, chunks=((5000,) * 4, (3,)), dtype=float, meta=np.empty((0, 0)))
    y = W @ np.array([1.0, -2.0, 3.0])
    np.testing.assert_allclose(least_squares(W, y), [1.0, -2.0, 3.0], rtol=1e-12)


def test_dask_arrays_that_do_not_fit_are_refused(client):
    V, z = rows_of_dask(np.ones((8, 2)), np.ones(8), 4)
    with pytest.raises(TypeError, match="W is an array of Dask and y is not"):
        least_squares(V, np.ones(8))
    with pytest.raises(ValueError, match=r"W must have shape \(T, P\) and y"):
        least_squares(V, z[:4])
    with pytest.raises(TypeError, match="y is missing"):
        least_squares(V)
    with pytest.raises(ValueError, match="y of chunk 1 has 1 value"):
        least_squares(V, rows_of_dask(np.ones((8, 2)), np.array([1.0] * 7 + [np.nan]), 4)[1])
