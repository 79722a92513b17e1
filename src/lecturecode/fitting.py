"""Fit by minibatches: epochs, validation, patience, checkpoints, once for whoever takes the steps.

A :class:`lecturecode.stepping.Stepper` takes them: by hand (:mod:`lecturecode.training`), by autograd,
in a CUDA graph, or on many processes. It knows gradients and nothing of epochs; :class:`Fit` knows
epochs and nothing of gradients.
"""

import math
import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, copied, namespace
from lecturecode.checkpoints import (
    check_checkpoint,
    check_generator,
    check_same,
    clear_remains,
    digest,
    generator_state,
    read_checkpoint,
    set_generator_state,
    write_checkpoint,
)
from lecturecode.door import callback as check_callback
from lecturecode.door import came, flag, function, whole
from lecturecode.iteration import progress_bar, raised_within
from lecturecode.minibatching import check_batch_size, minibatches
from lecturecode.stepping import Alone, Fitted, Stepper, Stored, Together
from lecturecode.trace import Callback, Recorder, Trace, to_read

FORMAT = 4
"""The number of what a checkpoint holds; files of another number are refused."""


class Epoch(NamedTuple):
    """What is known of an epoch that is over."""

    loss: float
    end: int
    validation: float | None


def check_fit(
    samples: int,
    epochs: int,
    batch_size: int,
    *,
    schedule: Any,
    validation: Any,
    patience: Any,
    keep_last: Any,
    callback: Any,
    progress: Any,
) -> None:
    """Check what every fit is asked for, but for its data and its checkpoint.

    Raises
    ------
    TypeError
        If `validation` is no pair, `schedule` or `callback` no function, or if `keep_last` or `progress`
        is not True or False.
    ValueError
        If a number is out of range, or there is patience without validation.
    """
    whole(epochs, "epochs")
    check_batch_size(samples, batch_size)
    if schedule is not None:
        function(schedule, "schedule", "the number of steps so far", "For instance constant(0.1)")
    if validation is not None and not (isinstance(validation, tuple | list) and len(validation) == 2):
        raise TypeError(f"validation must be the pair (x, y); got {came(validation)}")
    if patience is not None:
        whole(patience, "patience")
        if validation is None:
            raise ValueError("patience needs validation=(x, y), samples that take no part in the fit")
    flag(keep_last, "keep_last")
    check_callback(callback)
    flag(progress, "progress")


@dataclass(eq=False)
class Fit:
    """One run: what it was given, and what it remembers from epoch to epoch.

    Attributes
    ----------
    stepper : Stepper
        Who takes the steps.
    x, y : array
        Samples and targets.
    held_out : pair of arrays, optional
        Those of the validation.
    batch_size, keep_last, patience
        As for :func:`lecturecode.train`.
    rng : numpy.random.Generator or torch.Generator
        Where the minibatches come from.
    given : dict of str to bool
        Whether "rng" and "start" were chosen by the caller; if so, a checkpoint must have the same.
    recorder : Recorder
        Of the values of all steps, and of thetas.
    together : Together
        The processes that fit together.
    """

    stepper: Stepper
    x: Array
    y: Array
    held_out: tuple[Array, Array] | None
    batch_size: int
    keep_last: bool
    patience: int | None
    rng: Any
    given: dict[str, bool]
    recorder: Recorder
    together: Together = field(default_factory=Alone)

    def __post_init__(self) -> None:
        self.past: list[Epoch] = []
        self.pending: list[Array] = []  # losses that are not in the record yet
        self.saved = 0  # epochs that the checkpoint has
        self.lowest, self.best_epoch = math.inf, 0
        self.inside = self.lost = False  # of an epoch; a loss that is not finite

    @property
    def epoch(self) -> int:
        """Number of epochs that are over."""
        return len(self.past)

    def follow(self, epochs: int, checkpoint: Any, callback: Callback | None, progress: bool) -> Trace:
        """Go on up to so many epochs, or until something stops the run; return its trace.

        Raises
        ------
        Exception
            Whatever the steps or the callback raise, with the trace so far as attribute ``trace``, and a
            note that says where.
        """
        path = self._prepared(checkpoint)
        self.now = self._as_it_is()  # at the end of the last epoch
        self.before = self.best = self.now  # at the two ends of the best one
        if path is not None:
            self.began = self._beginning()
        self._resume(self.together.from_leader(self._stored(path)))
        bar = progress_bar(epochs, "epoch", self.epoch) if progress and self.together.leads else None
        try:
            try:
                message, converged = self._epochs(epochs, path, callback, bar)
            except KeyboardInterrupt as interrupt:
                message, converged = self._interrupted(interrupt), False
            return self._settled(message, converged)
        except Exception as failure:
            error = raised_within(failure)
            self._annotate(error)
            if error is failure:
                raise
            raise error from None
        finally:
            if bar is not None:
                bar.close()
            if path is not None and self.inside and self.saved and self.together.alone:
                self._note_where_it_was_left(path)

    def _epochs(
        self, epochs: int, path: str | None, callback: Callback | None, bar: Any
    ) -> tuple[str, bool]:
        """Let epochs pass; return why they ended, and whether the validation loss has settled."""
        if self.epoch == 0 and self.held_out is not None:
            self.lowest = _finite_or_inf(self._total(self.now, *self.held_out))
        while self.epoch < epochs:
            if self.patience is not None and self.epoch - self.best_epoch >= self.patience:
                return f"the validation loss has not fallen for {self.patience} epochs", True
            self._one_epoch()
            if self.lost:
                return self._diverged(), False
            stop = False
            if self.together.leads:
                if path is not None:
                    write_checkpoint(path, *self._frozen())
                if bar is not None:
                    bar.update()
                stop = bool(callback and callback(to_read(self._trace(f"after {self.epoch} epochs"))))
            self.saved = self.epoch
            if self.together.any(stop):
                return f"stopped by the callback after {self.epoch} epochs", False
        return f"used up all {max(epochs, self.epoch)} epochs", False

    def _one_epoch(self) -> None:
        """Let all data pass once, or until a loss is not finite."""
        stepper, recorder = self.stepper, self.recorder
        at_hand, pending, before = stepper.at_hand, self.pending, self.now
        self.inside = True
        batches = list(
            minibatches(
                self.x.shape[0], self.batch_size, rng=self.rng, keep_last=self.keep_last, like=self.x
            )
        )
        with np.errstate(all="ignore"):
            for value in stepper.epoch(batches):
                if recorder.is_due(len(pending)):
                    recorder.keep(stepper.theta, {})
                pending.append(value)
                if at_hand and not math.isfinite(value):
                    break
        numbers = self._record()
        if self.lost:
            return
        self.now, self.inside = self._as_it_is(), False
        loss = _mean(numbers, stepper.counts(batches))
        validation = None if self.held_out is None else self._total(self.now, *self.held_out)
        self.past.append(Epoch(loss, stepper.steps, validation))
        score = loss if validation is None else validation
        if score < self.lowest:
            self.before, self.best = before, self.now
            self.lowest, self.best_epoch = score, self.epoch

    def _record(self) -> list[float]:
        """Take the losses that were yielded into the record, up to one that is not finite."""
        pending, self.pending = self.pending, []
        if not self.stepper.at_hand:  # the loss of a step that was not taken may not have been computed
            pending = pending[: self.stepper.steps - self.recorder.values.count]
        numbers: list[float] = []
        if pending:
            values = _stacked(pending)
            numbers = values.tolist()  # all that a device is asked for
            finite = [math.isfinite(number) for number in numbers]
            self.lost = not all(finite)
            self.recorder.append_values(values[: finite.index(False) + 1] if self.lost else values)
        self.recorder.drop_thetas_without_values()
        return numbers

    def _total(self, fitted: Fitted, x: Array, y: Array) -> float:
        with np.errstate(all="ignore"):
            return self.stepper.total(fitted, x, y)

    def _settled(self, message: str, converged: bool) -> Trace:
        """Return the trace, with the loss of the last theta on all data, and the best theta."""
        last = self._last()
        total = self._total(last, self.x, self.y)
        if self.recorder.values.count == self.stepper.steps and not self.lost:
            with np.errstate(all="ignore"):
                theta = last.theta
                kind = {"dtype": theta.dtype, "device": compat.device(theta)}
                self._record_one(theta, namespace(theta).asarray([total], **kind))
            message = message if math.isfinite(total) else self._diverged()
        if self.held_out is None:
            self._settle(last, total)
        self.stepper.leave(self.best)
        return self._trace(message, converged, last)

    def _record_one(self, theta: Array, value: Array) -> None:
        """Record a theta and its value, of shape (1,)."""
        if self.recorder.is_due():
            self.recorder.keep(theta, {})
        self.recorder.append_values(value)

    def _as_it_is(self) -> Fitted:
        return Fitted(self.stepper.theta, self.stepper.buffers)

    def _last(self) -> Fitted:
        return self._as_it_is() if self.inside else self.now

    def _settle(self, last: Fitted, total: float) -> None:
        """Compare the last theta, whose total loss is given, with those around the best epoch."""
        candidates = (self.best, self.before)
        self.best, self.lowest = last, _finite_or_inf(total)
        for fitted in candidates:
            loss = total if fitted is last else self._total(fitted, self.x, self.y)
            if loss < self.lowest or not math.isfinite(self.lowest):
                self.best, self.lowest = fitted, _finite_or_inf(loss)

    def _diverged(self) -> str:
        return (
            f"diverged at step {self.recorder.values.count - 1}, after {self.epoch} epochs: the loss is "
            "not finite; try a smaller learning rate"
        )

    def _interrupted(self, interrupt: KeyboardInterrupt) -> str:
        """Return a message, or raise the interrupt again if there is nothing to return with it."""
        message = f"interrupted after {self.stepper.steps} steps, in epoch {self.epoch + 1}"
        self._record()
        if self.recorder.values.count == 0:
            raise interrupt
        if not self.together.alone:  # the others wait for a sum
            interrupt.trace = self._trace(message)  # type: ignore[attr-defined]
            raise interrupt
        return message

    def _annotate(self, error: Any) -> None:
        """Give an exception the trace so far, and a note that says where it was raised."""
        error.trace = None
        with suppress(RuntimeError):  # of a device that failed, which can be asked for nothing
            self._record()
            if self.recorder.values.count:
                error.trace = self._trace(str(error))
        if not self.inside:
            error.add_note(f"raised after {self.epoch} epochs and {self.stepper.steps} steps")
            return
        last = self.x.shape[0] % self.batch_size or self.batch_size
        error.add_note(
            f"raised in epoch {self.epoch + 1}, after {self.stepper.steps} steps. Minibatches have "
            f"{self.batch_size} samples, the last of an epoch {last}; keep_last=False drops it"
        )

    def _trace(self, message: str, converged: bool = False, last: Fitted | None = None) -> Trace:
        losses, ends, validation = zip(*self.past, strict=True) if self.past else ((), (), ())
        extras = {"loss": np.array(losses, dtype=float), "end": np.array(ends, dtype=np.int64)}
        if self.held_out is not None:
            extras["validation"] = np.array(validation, dtype=float)
        self.recorder.last = self._last().theta if last is None else last.theta
        trace = self.recorder.frozen(message, converged)
        value = self.lowest
        if not math.isfinite(value) and last is None:  # nothing has been measured on all data yet
            value = float(trace.values[0])
        best = self.best.theta
        best = copied(best) if best is trace.last else best
        return replace(trace, theta=best, value=value, extras=extras)

    # --- on disk ----------------------------------------------------------------------------------

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What must be the same for a run that goes on."""
        return self.stepper.identity() | {
            "batch size": int(self.batch_size),  # NumPy's numbers cannot be written as JSON
            "keep last": bool(self.keep_last),
            "record every": self.recorder.asked,
            "format": FORMAT,
        }

    def _prepared(self, checkpoint: Any) -> str | None:
        """Return where the checkpoint will be, whatever becomes the working directory."""
        if checkpoint is None or not self.together.leads:
            return None
        check_checkpoint(checkpoint)
        path = os.path.abspath(checkpoint)
        clear_remains(path)
        return path

    def _beginning(self) -> dict[str, str]:
        """Return texts that tell generators and starts apart."""
        state = repr(generator_state(self.rng)).encode()
        rng = f"{type(self.rng).__name__} {digest([np.frombuffer(state, dtype=np.uint8)])}"
        return {"rng": rng, "start": self._digest(self.now.theta)}

    def _digest(self, theta: Array) -> str:
        return digest(self.stepper.on_disk({"theta": theta}).values())

    def _stored(self, path: str | None) -> Stored | None:
        """Return what the checkpoint has, if there is one, and it is one of this run."""
        if path is None or not os.path.exists(path):
            return None
        arrays, text = read_checkpoint(path, self.identity, self.stepper.rates)
        check_generator(self.rng, text["rng"])
        ours, ends = dict(self.began), ("theta", "before", "best")
        left = {text["left"], *(digest([a]) for name, a in arrays.items() if name.split()[0] in ends)}
        if ours["start"] in left:  # a module that is still where its run has put it
            ours["start"] = text["began"]["start"]
        chosen = [name for name, is_given in self.given.items() if is_given]
        check_same(path, {k: text["began"][k] for k in chosen}, {k: ours[k] for k in chosen})
        return arrays, text

    def _note_where_it_was_left(self, path: str) -> None:
        """Tell the checkpoint where a run ended within an epoch, so that the same call goes on."""
        with suppress(OSError, ValueError, RuntimeError):
            arrays, text = read_checkpoint(path, self.identity)
            write_checkpoint(path, arrays, text | {"left": self._digest(self.stepper.theta)})

    def _frozen(self) -> Stored:
        """Return the state of the run as arrays and text."""
        arrays = {"theta": self.now.theta, "before": self.before.theta, "best": self.best.theta}
        for end, fitted in (("before", self.before), ("best", self.best)):
            arrays |= {f"buffer {end} {name}": part for name, part in fitted.buffers.items()}
        arrays["values"] = self.recorder.values.so_far()
        if self.recorder.record_every:
            arrays["thetas"] = self.recorder.thetas.so_far()
        text = {
            "run": self.identity,
            "began": self.began,
            "left": "",
            "steps": self.stepper.steps,
            "past": self.past,
            "lowest": self.lowest,
            "best epoch": self.best_epoch,
            "recorded": self.recorder.record_every,
            "rates": self.stepper.rates(self.stepper.steps),
            "rng": generator_state(self.rng),
        }
        return self.stepper.on_disk(arrays | self.stepper.memory()), text

    def _resume(self, stored: Stored | None) -> None:
        """Go back to the state that :meth:`_frozen` returned."""
        if stored is None:
            return
        numbers, text = stored
        arrays = self.stepper.from_disk(numbers)
        set_generator_state(self.rng, text["rng"])
        self.began, self.stepper.steps = text["began"], text["steps"]
        self.past, self.saved = [Epoch(*row) for row in text["past"]], len(text["past"])
        self.lowest, self.best_epoch = text["lowest"], text["best epoch"]
        self.stepper.recall(arrays["theta"], arrays)
        self.now = self._as_it_is()
        self.before, self.best = (
            Fitted(arrays[end], {name: arrays[f"buffer {end} {name}"] for name in self.now.buffers})
            for end in ("before", "best")
        )
        if self.best_epoch == self.epoch:
            self.best = self.now
        self.recorder.restore(arrays["values"], self.now.theta, arrays.get("thetas"), text["recorded"])


def _mean(numbers: list[float], counts: list[float]) -> float:
    """Return the mean of numbers, each as often as it counts; NaN if none counts."""
    weighted = (number * count for number, count in zip(numbers, counts, strict=True))
    return sum(weighted) / sum(counts) if any(counts) else math.nan


def _stacked(values: list[Array]) -> Array:
    """Return numbers of NumPy, or tensors of shape (), as one array."""
    if isinstance(values[0], np.generic):
        return np.array(values)
    return namespace(values[0]).stack(values)


def _finite_or_inf(number: float) -> float:
    return number if math.isfinite(number) else math.inf
