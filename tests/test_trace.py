"""A trace: the best point, what was counted, how it is shown."""

import dataclasses
import re

import numpy as np
import pytest
import torch

from lecturecode import (
    Adam,
    Interval,
    Network,
    SquaredError,
    Trace,
    evolution_strategy,
    gradient_descent,
    kmeans,
    particle_swarm,
    train,
)
from lecturecode import trace as trace_module
from lecturecode.objectives import Function, Quadratic
from lecturecode.trace import AT_ONCE, Recorder

LIBRARIES = pytest.mark.parametrize("library", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])


def recorded(library, values, every=1, thetas=None):
    recorder = Recorder(every)
    for step, value in enumerate(values):
        theta = np.array([float(step), -1.0]) if thetas is None else np.asarray(thetas[step])
        recorder.add(library(theta), library(np.asarray(value)), np.size(value))
    return recorder.trace(converged=False, message="because")


@LIBRARIES
def test_the_best_point_is_the_lowest_value_and_the_first_among_equals(library):
    trace = recorded(library, [3.0, 1.0, 2.0, 1.0])
    assert trace.theta.tolist() == [1.0, -1.0]
    assert trace.value == 1.0
    assert trace.last.tolist() == [3.0, -1.0]


@LIBRARIES
@pytest.mark.parametrize(
    "values", [[np.nan, 5.0, np.inf], [np.inf, 5.0, -np.inf], [5.0, np.nan, np.nan]]
)
def test_the_best_point_is_finite_whenever_any_was(library, values):
    trace = recorded(library, values)
    assert trace.value == 5.0
    assert trace.theta.tolist() == [float(values.index(5.0)), -1.0]


@LIBRARIES
def test_without_any_finite_value_the_start_is_kept_and_the_value_is_nan(library):
    trace = recorded(library, [np.nan, np.inf])
    assert trace.theta.tolist() == [0.0, -1.0]
    assert np.isnan(trace.value)


@LIBRARIES
def test_of_points_that_move_together_the_best_single_one_is_kept(library):
    thetas = [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0], [6.0, 7.0]], [[8.0, 9.0], [10.0, 11.0]]]
    trace = recorded(library, [[5.0, 4.0], [np.nan, 1.0], [2.0, -np.inf]], thetas=thetas)
    assert trace.theta.tolist() == [6.0, 7.0]
    assert trace.value == 1.0
    assert tuple(trace.thetas.shape) == (3, 2, 2)
    assert tuple(trace.values.shape) == (3, 2)
    assert trace.evaluations.tolist() == [2, 4, 6]


@pytest.mark.parametrize("every", [0, 1, 2, 3, 10])
def test_record_every_keeps_all_values_and_every_so_manieth_theta(every):
    trace = recorded(np.asarray, list(range(7, 0, -1)), every)
    assert trace.values.tolist() == [7, 6, 5, 4, 3, 2, 1]
    steps = [float(s) for s in range(7) if every and s % every == 0] or [6.0]
    assert trace.thetas[:, 0].tolist() == steps
    assert trace.record_every == every
    assert trace.value == 1.0


@pytest.mark.parametrize("every", [-1, 0.5, "all", True])
def test_record_every_must_be_a_natural_number(every):
    with pytest.raises(ValueError, match="record_every must be an integer of at least 0; got"):
        Recorder(every)


# --- points in batches ----------------------------------------------------------------------------

VALUES = np.array([4.0, np.nan, 4.0, 3.0, 5.0, -np.inf, 3.0, 2.0, np.inf, 2.5, 2.0, 9.0])
POINTS = np.column_stack([np.arange(12.0), -np.ones(12)])


def extended(library, sizes, every):
    """Record VALUES in batches of these sizes."""
    recorder, start = Recorder(every), 0
    for size in sizes:
        recorder.extend(library(POINTS[start : start + size]), library(VALUES[start : start + size]))
        start += size
    return recorder.trace("because")


BATCHES = pytest.mark.parametrize("sizes", [[12], [1] * 12, [5, 7], [2, 3, 1, 6]], ids=str)


@LIBRARIES
@BATCHES
@pytest.mark.parametrize("every", [1, 2, 5, 40])
def test_batches_are_recorded_as_points_one_by_one(library, sizes, every):
    trace = extended(library, sizes, every)
    single = recorded(library, VALUES, every, POINTS)
    for name in ("thetas", "values", "evaluations", "theta", "value", "last"):
        np.testing.assert_array_equal(getattr(trace, name), getattr(single, name), err_msg=name)
    assert (trace.theta.tolist(), trace.value) == ([7.0, -1.0], 2.0)
    assert len(trace) == 12


@LIBRARIES
@BATCHES
def test_of_batches_only_improvements_and_the_last_are_kept_if_nothing_is_recorded(library, sizes):
    trace = extended(library, sizes, 0)
    assert trace.values.tolist() == [4.0, 3.0, 2.0, 9.0]
    assert trace.evaluations.tolist() == [1, 4, 8, 12]
    assert trace.thetas.tolist() == [[11.0, -1.0]]
    assert trace.last.tolist() == [11.0, -1.0]
    assert (trace.theta.tolist(), trace.value) == ([7.0, -1.0], 2.0)


@LIBRARIES
@pytest.mark.parametrize("every", [0, 1, 3])
def test_batches_without_any_finite_value(library, every):
    recorder = Recorder(every)
    for _ in range(2):
        recorder.extend(library(np.ones((4, 2))), library(np.full(4, np.nan)))
    trace = recorder.trace("because")
    assert np.isnan(trace.value)
    assert trace.theta.tolist() == [1.0, 1.0]
    assert trace.evaluations[-1] == 8
    assert len(trace) == (8 if every else 1)


def test_a_trace_does_not_keep_the_batches_it_came_from():
    recorder, batch = Recorder(0), np.ones((1000, 2))
    recorder.extend(batch, np.ones(1000))
    trace = recorder.trace("because")
    for kept in (trace.theta, trace.last, trace.thetas):
        assert not np.shares_memory(kept, batch)


@LIBRARIES
@pytest.mark.parametrize(("every", "kept"), [(1, [0, 1, 2, 3, 4]), (2, [0, 2, 4]), (0, [])])
def test_extras_are_recorded_together_with_the_thetas(library, every, kept):
    recorder = Recorder(every)
    for step in range(5):
        array = library(np.full((2, 3), float(step)))
        recorder.add(library(np.ones((2, 2))), library(np.ones(2)), 2, {"velocities": array})
    extras = recorder.trace("because").extras
    assert list(extras) == (["velocities"] if every else [])
    for velocities in extras.values():
        assert velocities[:, 0, 0].tolist() == kept
        assert tuple(velocities.shape) == (len(kept), 2, 3)


@pytest.mark.parametrize("expected", [1, 3, 10**12])
def test_the_number_of_expected_steps_changes_nothing_and_takes_no_memory(expected):
    recorder = Recorder(1, expected)
    for step in range(40):
        recorder.add(np.full((5, 2), float(step)), np.full(5, float(-step)), 5)
    trace = recorder.trace("because")
    assert trace.values[:, 0].tolist() == [-float(step) for step in range(40)]
    assert trace.thetas[:, 0, 0].tolist() == list(range(40))
    assert recorder.thetas.buffer.size <= AT_ONCE
    assert recorder.values.buffer.size <= AT_ONCE


def test_length_and_steps():
    trace = recorded(np.asarray, [3.0, 2.0, 1.0])
    assert (len(trace), trace.steps) == (3, 2)


def test_a_trace_cannot_be_changed():
    trace = recorded(np.asarray, [3.0, 2.0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        trace.value = 0.0


def test_traces_can_be_compared_and_collected():
    trace, other = recorded(np.asarray, [3.0]), recorded(np.asarray, [3.0])
    assert trace == trace
    assert trace != other
    assert len({trace, other}) == 2


@LIBRARIES
def test_repr_says_value_theta_steps_and_why(library):
    start = library(np.arange(1.0, 7.0))
    text = repr(gradient_descent(Quadratic(library(np.ones(6))), start, 0.5, steps=2))
    assert "value=2.84375" in text  # 91 / 2 / 16
    assert "theta=[0.25, 0.5, 0.75, 1, ...]" in text
    assert "steps=2" in text
    assert "evaluations=3" in text
    assert "used up all 2 steps" in text


def test_html_is_a_table_with_row_headers():
    html = recorded(np.asarray, [3.0, 2.0])._repr_html_()
    headers = re.findall(r'<th scope="row"[^>]*>([^<]+)</th>', html)
    assert headers[0] == "best value"
    assert "why it stopped" in headers
    assert ">because<" in html


def test_html_escapes_what_others_wrote():
    recorder = Recorder()
    recorder.add(np.ones(1), np.float64(1.0))
    html = recorder.trace(converged=False, message="<lambda> & co")._repr_html_()
    assert "&lt;lambda&gt; &amp; co" in html
    assert "<lambda>" not in html


def test_repr_reads_tensors_of_any_kind():
    for theta in (torch.ones(2, requires_grad=True), torch.ones(2, dtype=torch.float32)):
        trace = Trace(theta[None], theta[:1], np.array([1]), theta, 1.0, theta, True, "")
        assert "theta=[1, 1]" in repr(trace)


def test_the_trace_so_far_is_a_view_not_a_copy_of_the_run():
    from lecturecode import gradient_descent
    from lecturecode.objectives import Quadratic

    seen = []
    gradient_descent(
        Quadratic([1.0, 2.0]), [1.0, 1.0], 0.1, steps=25, tol=0, callback=lambda t: seen.append(t)
    )
    assert [trace.steps for trace in seen] == list(range(26))
    assert np.shares_memory(seen[20].thetas, seen[21].thetas)
    np.testing.assert_array_equal(seen[3].thetas, seen[25].thetas[:4])
    np.testing.assert_array_equal(seen[3].values, seen[25].values[:4])
    np.testing.assert_array_equal(seen[25].evaluations, np.arange(1, 27))


# --- memory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lib", [np.asarray, lambda row: torch.tensor(row, dtype=torch.float64)])
@pytest.mark.parametrize("extra", [0, 3])
def test_without_record_every_memory_is_bounded_and_the_message_says_so(lib, extra, monkeypatch):
    monkeypatch.setattr(trace_module, "KEPT", 10 * 8 * (2 + extra))  # ten iterates
    recorder, early = Recorder(), []
    for i in range(100):
        recorder.add(
            lib([1.0 * i, 2.0]), lib(1.0 * i), 1, {"more": lib([1.0 * i] * extra)} if extra else {}
        )
        trace = recorder.trace("so far")
        assert len(trace.thetas) <= 10
        assert [t[0] for t in trace.thetas.tolist()] == list(range(0, i + 1, trace.record_every))
        early.append((trace, trace.thetas.tolist()))
    assert trace.record_every == 16
    assert len(trace.values) == 100
    assert trace.message == "so far; of the thetas the trace has one in 16, which is what fits into " + (
        f"{10 * 8 * (2 + extra) / 2**20:g} MiB (record_every=1 keeps all)"
    )
    if extra:
        assert trace.extras["more"][:, 0].tolist() == trace.thetas[:, 0].tolist()
    for one, thetas in early:  # a trace that a callback keeps stays as it was
        assert one.thetas.tolist() == thetas


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_points_in_batches_are_thinned_likewise(chunk, monkeypatch):
    monkeypatch.setattr(trace_module, "KEPT", 10 * 8)
    recorder = Recorder()
    for i in range(0, 100, chunk):
        numbers = np.arange(i, min(i + chunk, 100), dtype=float)
        recorder.extend(numbers[:, None], numbers)
    trace = recorder.trace("done")
    assert len(trace.thetas) <= 10
    assert trace.thetas[:, 0].tolist() == list(range(0, 100, trace.record_every))


def test_every_iterate_is_kept_where_they_fit_or_somebody_asks(monkeypatch):
    monkeypatch.setattr(trace_module, "KEPT", 10 * 8)
    for asked, kept in [(None, 10), (1, 10)]:
        recorder = Recorder(asked)
        for i in range(10):
            recorder.add(np.array([1.0 * i]), np.float64(i))
        trace = recorder.trace("done")
        assert (len(trace.thetas), trace.record_every, trace.message) == (kept, 1, "done")
    recorder = Recorder(1)
    for i in range(1000):
        recorder.add(np.array([1.0 * i]), np.float64(i))
    assert len(recorder.trace("done").thetas) == 1000


def test_kmeans_keeps_no_more_labels_than_fit(monkeypatch):
    monkeypatch.setattr(trace_module, "KEPT", 2**20)
    x = np.random.default_rng(0).standard_normal((20_000, 2))
    trace = kmeans(x, 20, rng=0, sweeps=60)
    kept = sum(a.nbytes for a in (trace.thetas, *trace.extras.values()))
    assert trace.steps > 60
    assert kept <= 2**20
    assert len(trace.extras["labels"]) == len(trace.thetas)


def test_an_epoch_thins_too_and_a_checkpoint_goes_on(monkeypatch, tmp_path):
    network, loss = Network((1, 2, 1)), SquaredError()
    monkeypatch.setattr(trace_module, "KEPT", 12 * 8 * network.size)
    x = np.linspace(-1, 1, 20)[:, None]

    def fit(epochs, **options):
        return train(
            network, loss, x, x**2, Adam(0.01), epochs=epochs, batch_size=4, rng=0, record_every=None,
            **options,
        )  # fmt: skip

    every = train(network, loss, x, x**2, Adam(0.01), epochs=13, batch_size=4, rng=0, record_every=1)
    whole = fit(13)
    assert whole.record_every == 8
    np.testing.assert_array_equal(whole.thetas, every.thetas[::8])
    fit(9, checkpoint=tmp_path / "a.npz")
    resumed = fit(13, checkpoint=tmp_path / "a.npz")
    np.testing.assert_array_equal(resumed.thetas, whole.thetas)
    assert resumed.message == whole.message


def bowl_and(method, *given, **options):
    return lambda steps: method(Quadratic([1.0, 10.0]), *given, steps=steps, **options)


EARLY = {
    "gradient_descent": bowl_and(gradient_descent, [3.0, 1.0], 0.1),
    "many starts": bowl_and(gradient_descent, np.ones((50, 2)), 0.1),
    "evolution_strategy": bowl_and(evolution_strategy, Interval(-1, 1) ** 2, rng=0, target=1e-8),
    "particle_swarm": bowl_and(particle_swarm, Interval(-1, 1) ** 2, population=20, rng=0, target=1e-4),
    "a tensor": lambda steps: gradient_descent(
        Function(lambda theta: (theta**2).sum(-1), lambda theta: 2 * theta),
        torch.ones(2),
        0.1,
        steps=steps,
    ),
}


@pytest.mark.parametrize("run", EARLY.values(), ids=EARLY)
def test_a_run_that_ends_early_gives_the_room_back_that_it_had_asked_for(run):
    trace = run(1_000_000)
    assert trace.steps < 10_000
    for array in (trace.thetas, trace.values, trace.evaluations, *trace.extras.values()):
        if isinstance(array, torch.Tensor):
            held, used = array.untyped_storage().nbytes(), array.nbytes
        else:
            held, used = (array if array.base is None else array.base).nbytes, array.nbytes
        assert held <= 2 * used, f"{held} bytes for {used}"
    again = run(trace.steps)  # with just the room it needs
    np.testing.assert_array_equal(again.thetas, trace.thetas)
    np.testing.assert_array_equal(again.values, trace.values)
