"""One fit, whoever takes the steps: exceptions, Ctrl-C, NaN, validation, callbacks, and resuming."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import fitting_runs as runs
import numpy as np
import pytest
import torch
from fitting_runs import HELD_OUT, STEPPERS, Watched, fit, parts_of

from lecturecode import Adam, GradientDescent, SquaredError, TotalLoss, pytorch
from lecturecode.checkpoints import CheckpointError, describe

SCRIPT = Path(runs.__file__)
steppers = pytest.mark.parametrize("stepper", STEPPERS)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "")  # as it was, when the test is over
    runs.alone()


@pytest.fixture(scope="module")
def reference():
    """The whole run by hand, on arrays."""
    return fit("by hand", validation=HELD_OUT)


def same(found, expected):
    """Compare two traces; steppers add in different orders."""
    assert (found.message, found.converged) == (expected.message, expected.converged)
    ours, theirs = parts_of(found), parts_of(expected)
    assert list(ours) == list(theirs)
    for name, part in ours.items():
        np.testing.assert_allclose(part, theirs[name], rtol=1e-9, atol=1e-9, err_msg=name)


def equal(found, expected):
    """Compare two traces, bit for bit."""
    assert (found.message, found.converged) == (expected.message, expected.converged)
    for name, part in parts_of(found).items():
        assert part.tobytes() == parts_of(expected)[name].tobytes(), name


def at(step, error=None):
    """Return the factor that is 1 but at one step, where it raises, or is NaN."""

    def factor(i):
        if i != step:
            return 1.0
        if error is None:
            return float("nan")
        raise error

    return factor


@steppers
def test_all_take_the_same_run(stepper, reference):
    same(fit(stepper, validation=HELD_OUT), reference)


@steppers
@pytest.mark.parametrize("step", [3, 4, 9])
def test_an_exception_in_the_loss_carries_the_trace_and_a_note_that_says_where(stepper, step):
    with pytest.raises(ArithmeticError) as error:
        fit(stepper, at(step, ArithmeticError("a mistake")))
    trace, expected = error.value.trace, fit("by hand", callback=lambda t: len(t.extras["loss"]) == 3)
    np.testing.assert_allclose(trace.values, expected.values[:step], rtol=1e-12)
    np.testing.assert_allclose(trace.extras["loss"], expected.extras["loss"][: step // 4], rtol=1e-12)
    np.testing.assert_allclose(trace.thetas, expected.thetas[:step], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(trace.last, expected.thetas[step], rtol=1e-9, atol=1e-12)
    assert (trace.message, trace.converged) == ("a mistake", False)
    (note,) = error.value.__notes__
    assert note == (
        f"raised in epoch {step // 4 + 1}, after {step} steps. Minibatches have 8 samples, the last of "
        "an epoch 6; keep_last=False drops it"
    )


@steppers
def test_an_exception_before_the_first_loss_has_no_trace(stepper):
    with pytest.raises(ArithmeticError) as error:
        fit(stepper, at(0, ArithmeticError("a mistake")))
    assert error.value.trace is None
    assert "in epoch 1, after 0 steps" in error.value.__notes__[0]


@steppers
def test_an_exception_in_the_callback_carries_the_trace(stepper):
    def callback(trace):
        if trace.steps > 4:
            raise ArithmeticError("a mistake")

    with pytest.raises(ArithmeticError) as error:
        fit(stepper, callback=callback)
    assert len(error.value.trace.values) == 8
    assert error.value.__notes__ == ["raised after 2 epochs and 8 steps"]


@steppers
def test_an_exception_in_the_last_look_at_all_data_carries_the_trace(stepper):
    class Fails(Watched):
        def __call__(self, prediction, y):
            if len(self.steps) == 24 and not getattr(prediction, "requires_grad", False):
                raise ArithmeticError("a mistake")
            return super().__call__(prediction, y)

    with pytest.raises(ArithmeticError) as error:
        fit(stepper, loss=Fails())
    assert len(error.value.trace.values) == 24
    assert error.value.__notes__ == ["raised after 6 epochs and 24 steps"]


@steppers
def test_ctrl_c_returns_what_there_is(stepper):
    trace = fit(stepper, at(9, KeyboardInterrupt()), validation=HELD_OUT)
    assert trace.message == "interrupted after 9 steps, in epoch 3"
    same(trace, fit("by hand", at(9, KeyboardInterrupt()), validation=HELD_OUT))
    assert len(trace.values) == 10  # the last one on all data
    assert trace.value == trace.extras["validation"].min()


@steppers
def test_ctrl_c_before_the_first_loss_goes_on(stepper):
    with pytest.raises(KeyboardInterrupt):
        fit(stepper, at(0, KeyboardInterrupt()))


@steppers
@pytest.mark.parametrize("validation", [None, HELD_OUT], ids=["plain", "validation"])
def test_nan_ends_the_run_with_the_best_theta_that_is_finite(stepper, validation):
    trace = fit(stepper, at(9), validation=validation)
    assert trace.message.startswith("diverged at step 9, after 2 epochs: the loss is not finite")
    values = np.asarray(trace.values)
    assert np.isfinite(values).tolist() == [True] * 9 + [False]
    assert np.isfinite(trace.value)
    assert np.isfinite(np.asarray(trace.theta)).all()
    assert len(trace.thetas) == 10
    expected = fit("by hand", at(9), validation=validation)
    if stepper == "captured":  # which learns of it too late to have the theta of step 9
        expected = fit("by hand", epochs=2, validation=validation)
    np.testing.assert_allclose(trace.theta, expected.theta, rtol=1e-9)
    assert trace.value == pytest.approx(expected.value, rel=1e-9)


@steppers
def test_data_are_measured_in_the_same_parts(stepper):
    loss = Watched()
    fit(stepper, loss=loss, validation=HELD_OUT, epochs=2)
    seen = loss.seen[2:] if not stepper.startswith("by hand") else loss.seen  # two looks at the door
    assert seen == [32, 1] * 3 + [30]


@steppers
def test_errstate_of_the_caller_does_not_matter_and_is_the_callbacks(stepper):
    seen = []
    with np.errstate(all="raise"):
        trace = fit(
            stepper, rule=GradientDescent(1e60), epochs=3, validation=HELD_OUT,
            callback=lambda t: seen.append(np.geterr()["over"]),
        )  # fmt: skip
    assert "diverged at step" in trace.message
    assert np.isfinite(trace.value)
    with np.errstate(all="raise"):
        fit(stepper, epochs=1, callback=lambda t: seen.append(np.geterr()["over"]))
    assert set(seen) == {"raise"}


@steppers
def test_a_callback_gets_the_trace_and_can_stop(stepper):
    seen = []
    trace = fit(stepper, callback=lambda t: seen.append((t.steps, t.message)) or len(seen) == 3)
    assert seen == [(3, "after 1 epochs"), (7, "after 2 epochs"), (11, "after 3 epochs")]
    assert (trace.steps, trace.message) == (12, "stopped by the callback after 3 epochs")


@steppers
def test_patience_ends_the_run(stepper):
    against = HELD_OUT[0], -HELD_OUT[1]
    trace = fit(stepper, validation=against, patience=2, epochs=50)
    assert (trace.message, trace.converged) == ("the validation loss has not fallen for 2 epochs", True)
    same(trace, fit("by hand", validation=against, patience=2, epochs=50))
    start = float(TotalLoss(runs.NETWORK, SquaredError(), *against)(runs.NETWORK.init(1)))
    seen = [start, *trace.extras["validation"]]
    assert len(seen) == int(np.argmin(seen)) + 1 + 2


@steppers
def test_progress_counts_epochs(stepper, capsys):
    fit(stepper, progress=True)
    assert "6/6" in capsys.readouterr().err


# --- going on -------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize(
    "stepper", [STEPPERS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in STEPPERS[1:])]
)
def test_a_run_that_was_killed_goes_on_bit_for_bit(stepper, tmp_path):
    command = [sys.executable, str(SCRIPT), stepper, str(tmp_path / "fit.npz"), "14"]
    assert subprocess.run(command, timeout=240).returncode == -signal.SIGKILL
    assert (tmp_path / "fit.npz").exists()
    steps = []
    rest = fit(
        stepper, lambda i: steps.append(i) or 1.0, checkpoint=tmp_path / "fit.npz", validation=HELD_OUT
    )
    assert len(steps) == 24 - 12
    equal(rest, fit(stepper, validation=HELD_OUT))


@steppers
def test_three_seeds_with_one_checkpoint_are_three_runs(stepper, tmp_path):
    path, whole = tmp_path / "fit.npz", fit(stepper)
    fit(stepper, checkpoint=path, epochs=3)
    content = path.read_bytes()
    for change, word in (({"rng": 4}, "rng"), ({"rng": 5}, "rng"), ({"seed": 2}, "start")):
        with pytest.raises(ValueError, match=rf"another run \({word}: the file has '.*', this run '"):
            fit(stepper, checkpoint=path, **change)
        assert path.read_bytes() == content
    with pytest.raises(CheckpointError, match=r"\(rng: .*; start: .*give another path to start anew"):
        fit(stepper, checkpoint=path, rng=9, seed=2)
    equal(fit(stepper, checkpoint=path), whole)


@steppers
def test_whoever_asks_for_any_seed_goes_on_with_that_of_the_file(stepper, tmp_path):
    path = tmp_path / "fit.npz"
    fit(stepper, checkpoint=path, epochs=3)
    equal(fit(stepper, checkpoint=path, rng=None), fit(stepper))


@pytest.mark.parametrize("fast", [False, True])
def test_the_same_line_again_goes_on_with_the_module_where_it_was_left(fast, tmp_path):
    network, theta = runs.NETWORK, runs.NETWORK.init(1)
    module = pytorch.MLP.from_network(network, theta)

    def line(factor=runs.as_usual, module=module, **more):
        loss = Watched(factor)
        given = {"epochs": 6, "batch_size": 8, "rng": 3, "fast": fast} | more
        return pytorch.train(
            module, lambda a, y: loss(a, y), runs.GIVEN, runs.CURVE, Adam(0.02),
            checkpoint=tmp_path / "fit.npz", **given,
        )  # fmt: skip

    line(at(9, KeyboardInterrupt()))
    with pytest.raises(ArithmeticError):
        line(at(1, ArithmeticError("a mistake")))
    line(epochs=4)
    whole = fit("captured" if fast else "autograd")
    torch.testing.assert_close(line().values, whole.values, rtol=0, atol=0)
    with torch.no_grad():
        module.layers[0].bias += 1
    with pytest.raises(CheckpointError, match="start: the file has"):
        line()


def without_repr(stepper, rate):
    """Return an optimizer that has no repr of its own."""
    if not stepper.startswith("by hand"):
        return Builds(rate)
    return Plain(rate)


class Builds:
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, parameters):
        return torch.optim.SGD(parameters, lr=self.rate)


class Plain:
    def __init__(self, rate):
        self.rate = rate

    def init(self, theta):
        return ()

    def step(self, theta, gradient, state):
        return theta - self.rate * gradient, state


@steppers
def test_an_optimizer_without_a_repr_goes_on_and_another_is_refused(stepper, tmp_path):
    path, first = tmp_path / "fit.npz", without_repr(stepper, 0.1)
    fit(stepper, rule=first, checkpoint=path, epochs=2)
    equal(fit(stepper, rule=without_repr(stepper, 0.1), checkpoint=path), fit(stepper, rule=first))
    with pytest.raises(CheckpointError, match=r"optimizer: the file has .*0\.1.* this run .*0\.2"):
        fit(stepper, rule=without_repr(stepper, 0.2), checkpoint=path)


def test_things_are_described_by_their_fields_and_without_addresses():
    class Slots:
        __slots__ = ("a",)

    inner, outer, ring = Slots(), Plain(0.5), Plain(1)
    inner.a, outer.inner, ring.rate = np.arange(3), inner, ring
    text = describe(outer)
    assert text.startswith("Plain(rate=0.5, inner=test_things_")
    assert "Slots(a=array(int64, (3,), " in text
    assert describe(ring) == "Plain(rate=...)"
    assert describe(lambda: 0) == describe(lambda: 0)
    assert "0x" not in text + describe(ring.step) + describe(os.getpid)
    inner.a[0] = 7
    assert describe(outer) != text


@steppers
def test_the_checkpoint_stays_where_it_was_though_the_working_directory_changes(
    stepper, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below").mkdir()
    fit(stepper, checkpoint="fit.npz", epochs=2, callback=lambda t: os.chdir(tmp_path / "below"))
    assert [p.name for p in tmp_path.rglob("*.npz")] == ["fit.npz"]
