"""Every method is a stream of steps, and one loop collects them into a trace.

A method is a generator that shows its mathematics and nothing else. It yields a :class:`Step`, where it
is and what it found there, and takes the next one when it is asked to. :func:`collect` asks: it records,
counts, stops and calls back, and when g fails or somebody presses Ctrl-C, it keeps what was found. So a
method of one's own needs no more than its formula:

>>> import numpy as np
>>> def descend_by_signs(g, gradient, theta, length):
...     while True:
...         yield Step(theta, g(theta))
...         theta = theta - length * np.sign(gradient(theta))
...         length = 0.9 * length
>>> method = descend_by_signs(lambda t: (t**2).sum(), lambda t: 2 * t, np.array([3.0, -2.0]), 0.5)
>>> trace = collect(method, steps=100, until=[reaches(1e-3)])
>>> trace.message, trace.value < 1e-3, trace.thetas.shape
('reached the target 0.001 at step 13', True, (14, 2))

You can ask yourself, without a collector: ``for step in islice(method, 4)`` takes four steps,
``zip(one, other)`` lets two methods race, and ``break`` ends them. A method that asks for the values of
g, ``values = yield points, extras``, becomes such a stream by :class:`Told`.

A collector lets numbers overflow and vanish in silence, whatever ``numpy.errstate`` says; it looks at
what has come. Who asks himself computes under his own settings: within
``numpy.errstate(all="ignore")`` the steps are those that a collector takes, and where the settings say
"raise", a step may end in a FloatingPointError.
"""

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextvars import copy_context
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import array_api_compat as compat
import numpy as np

import lecturecode.door as door
from lecturecode.arrays import Array, namespace
from lecturecode.evaluation import evaluate, precision, tells_finished
from lecturecode.trace import Callback, Recorder, Trace

__all__ = [
    "Step",
    "Told",
    "best_of",
    "collect",
    "finite",
    "never_rises",
    "progress_bar",
    "reaches",
    "settles",
]

End = tuple[bool, str]
"""Whether a method has converged, and why it stopped; ``{place}`` stands for the step where it was."""


class Step(NamedTuple):
    """Where a method is, and what it found there.

    Attributes
    ----------
    theta : array of shape (P,), or (M, P) for M points that move together
        The point or points, to be read: the method goes on from them.
    value : array of shape () or (M,), or number
        g there.
    evaluations : int
        Calls of g on a single theta that the step took.
    extras : mapping of str to array
        What else a trace should keep beside theta.
    name : str
        What was done, for messages.
    done : tuple of bool and str, optional
        If the method is at its end: whether it has converged, and why it stops.

    Examples
    --------
    >>> import numpy as np
    >>> step = Step(np.array([1.0, 2.0]), 5.0, name="the start")
    >>> step.value, step.evaluations, step.done
    (5.0, 1, None)
    """

    theta: Array
    value: Any
    evaluations: int = 1
    extras: Mapping[str, Array] = MappingProxyType({})
    name: str = ""
    done: End | None = None


Steps = Generator[Step, None, End | None]
"""Yields the start and then each step; may return how it ended, where it cannot go on."""

Method = Generator[tuple[Array, Mapping[str, Array]], Array, End]
"""Yields (points, extras), is sent their values, returns how it ended."""

NUMBERS = (float, int)

Rule = Callable[[int, Step], End | None]
"""Sees each step and its number, 0 for the start; returns how the run ends there, or None."""


# --- the loop -------------------------------------------------------------------------------------


def collect(
    method: Iterable[Step],
    *,
    steps: int | None = None,
    until: Sequence[Rule] = (),
    used_up: str = "",
    sweep: int = 0,
    expected: int | None = None,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
    shown: Callable[[Step], Step] | None = None,
) -> Trace:
    """Follow a method to its end, or to that of its budget, and return the trace.

    Parameters
    ----------
    method : iterable of Step
        A generator such as :func:`lecturecode.descent.descend`, or a :class:`Told`.
    steps : int, optional
        The most steps after the start; without it the method has to end by itself.
    until : sequence of rules
        Each sees the number of a step and the step, and returns None or how the run ends there: whether
        it has converged, and why. A failure outweighs a success; else the first word counts.
    used_up : str
        What the message says when there are no more steps left.
    sweep : int
        How many steps are a sweep, for methods that count in sweeps; 0 for others.
    expected : int, optional
        How far a progress bar goes; if it is not given, as far as `steps`.
    record_every : int, optional
        Keep one iterate in this many steps; 0 keeps only the best and the last one. If it is not given,
        all are kept up to 128 MiB, then every second one, and so on; the message says so.
    callback : callable, optional
        Called with the trace so far after each step; returning True stops.
        It is there to be read: arrays are read-only views, and tensors are copied when asked for.
    progress : bool
        Show a progress bar.
    shown : callable, optional
        Turns a step into the one that the trace keeps, in other units; rules see the method's own.

    Returns
    -------
    Trace
        One value more than steps taken. Ctrl-C returns what there is.

    Raises
    ------
    TypeError
        If the method is none or yields something else than steps, if a rule or the callback is no
        function, `used_up` no text, or `progress` not True or False.
    ValueError
        If a number is out of range, or if the method ends before its start.
    Exception
        Whatever the method raises, with the trace so far as attribute ``trace``, None if there is
        nothing in it.

    Examples
    --------
    >>> import numpy as np
    >>> def halve(theta):
    ...     while True:
    ...         yield Step(theta, abs(theta[0]))
    ...         theta = theta / 2
    >>> collect(halve(np.array([8.0])), steps=3).thetas.ravel()
    array([8., 4., 2., 1.])
    """
    most = math.inf if steps is None else door.whole(steps, "steps")
    sweep = door.whole(sweep, "sweep", 0)
    expected = None if expected is None else door.whole(expected, "expected", 0)
    callback, progress = door.callback(callback), door.flag(progress, "progress")
    shown = None if shown is None else door.function(shown, "shown", "a step")
    _check_rules(until, used_up)
    told = method if isinstance(method, Told) else None
    single = told is not None and told.keep == "points"
    recorder = Recorder(record_every, 16 if told is None or expected is None else expected)
    place = _Place(recorder, told is not None, sweep)
    bar = progress_bar(*_length(steps, expected, sweep, single)) if progress else None
    stream, count = _stream(method), -1  # the start is no step
    end: End | None = None
    of_caller = copy_context()  # his settings of floating-point errors
    try:
        with np.errstate(all="ignore"):
            while end is None:
                if count >= most:
                    end = False, used_up or f"used up all {steps} steps"
                    break
                try:
                    step = next(stream)
                except StopIteration as last:
                    if count < 0:
                        raise ValueError("the method yielded no step, not even its start") from None
                    end = last.value or (False, "the method ended {place}")
                    break
                kept = shown(step) if shown else step
                try:
                    theta, value, evaluations, extras, _, end = kept
                except (TypeError, ValueError):
                    raise TypeError(_no_step(step)) from None
                if single:
                    recorder.extend(theta, value)
                else:
                    if type(value) in NUMBERS:
                        value = _like(value, theta)
                    recorder.add(theta, value, evaluations, extras)
                count += 1
                for rule in until:
                    found = rule(count, step)
                    if found is not None and (end is None or (end[0] and not found[0])):
                        end = found
                if bar is not None:
                    bar.update(len(value) if single else place.ticks(count))
                if callback:
                    stop = of_caller.run(callback, recorder.so_far(place.at(count)))
                    if stop and end is None:
                        end = False, f"stopped by the callback {place.stop(count)}"
                del step, theta  # the recorder has its copy; a population is large
    except KeyboardInterrupt:
        _record_unfinished(recorder, told)
        if recorder.last is None:
            raise
        end = False, f"interrupted {place.after(recorder.values.count - 1)}"
    except Exception as failure:
        error = raised_within(failure)
        _say_where(error, place.next(count))
        _record_unfinished(recorder, told)
        some = recorder.last is not None
        error.trace = recorder.trace(str(error)) if some else None  # type: ignore[attr-defined]
        if error is failure:
            raise
        raise error from None
    finally:
        if bar is not None:
            bar.close()
    converged, why = end
    remark = "" if told is None else told.remark()
    return recorder.trace(why.replace("{place}", place.at(count)) + remark, converged=converged)


def _stream(method: Iterable[Step]) -> Iterator[Step]:
    try:
        return iter(method)
    except TypeError:
        raise TypeError(
            "method must yield steps, as a generator does once its function is called; got "
            f"{type(method).__name__}"
        ) from None


def _check_rules(until: Any, used_up: Any) -> None:
    if not isinstance(until, list | tuple):
        raise TypeError(f"until must be a list of rules, such as [finite]; got {door.came(until)}")
    for rule in until:
        door.function(rule, "each rule of until", "the number of a step and the step")
    if not isinstance(used_up, str):
        raise TypeError(f"used_up must be a text for the message; got {door.came(used_up)}")


def _no_step(step: Any) -> str:
    return f"a method yields steps, as by Step(theta, g(theta)); got {type(step).__name__}"


def _like(value: float, theta: Array) -> Array:
    """Return a number of Python as an array of the kind of theta."""
    if type(theta) is np.ndarray:
        return theta.dtype.type(value)
    xp = compat.array_namespace(theta)
    return xp.asarray(value, dtype=theta.dtype, device=compat.device(theta))


def _record_unfinished(recorder: Recorder, told: "Told | None") -> None:
    """Record the part of a step that was finished when it failed."""
    if told is None or told.unfinished is None:
        return
    if told.keep == "points":
        recorder.extend(told.unfinished.theta, told.unfinished.value)
    else:
        recorder.add(*told.unfinished[:4])
    told.unfinished = None


class _Place(NamedTuple):
    """How messages name a place in a run: by evaluations, by sweeps, or by steps."""

    recorder: Recorder
    by_evaluations: bool
    sweep: int

    def at(self, count: int) -> str:
        """Say where a step stands."""
        if self.by_evaluations:
            return self.after(count)
        if self.sweep:
            return f"in sweep {(count - 1) // self.sweep + 1}"
        return f"at step {count}"

    def after(self, count: int) -> str:
        """Say how much was done."""
        if self.by_evaluations:
            return f"after {self.recorder.calls} evaluations"
        return f"after {count} {'updates' if self.sweep else 'steps'}"

    def stop(self, count: int) -> str:
        """Say after which step a callback stopped the run."""
        return self.after(count) if self.sweep else self.at(count)

    def next(self, count: int) -> str:
        """Say which step failed."""
        return self.after(count) if self.by_evaluations else f"step {count + 1}"

    def ticks(self, count: int) -> int:
        """Return by how much a bar advances with a step: the start is none, unless g is asked for it."""
        return int(self.by_evaluations or (count > 0 and count % (self.sweep or 1) == 0))


def raised_within(failure: Exception) -> Exception:
    """Return the StopIteration that a generator of ours made a RuntimeError, else the failure itself."""
    turned = str(failure) == "generator raised StopIteration" and not hasattr(failure, "theta")
    if turned and isinstance(failure, RuntimeError) and isinstance(failure.__cause__, StopIteration):
        return failure.__cause__
    return failure


def _say_where(error: Exception, where: str) -> None:
    """Add the number of the step to the note that names theta."""
    notes = getattr(error, "__notes__", [])
    for i, note in enumerate(notes):
        if note.startswith("raised by g"):
            notes[i] = f"{note}, {where}"


def _length(steps: int | None, expected: int | None, sweep: int, single: bool) -> tuple[int, str]:
    """Return how far a progress bar goes, and what it counts."""
    unit = "point" if single else "sweep" if sweep else "step"
    return expected if expected is not None else (steps or 0) // (sweep or 1), unit


def progress_bar(total: int, unit: str, initial: int = 0) -> Any:
    """Return a progress bar of tqdm that counts up to `total`, on the standard error stream."""
    from tqdm.auto import tqdm  # not at the top: it takes long to import

    return tqdm(total=total, unit=unit, initial=initial)


def best_of(count: int, once: Callable[[int], Trace]) -> Trace:
    """Run `once` from `count` starts and return the trace that ends lowest."""
    best, done, stopped = None, 0, False
    while done < count and not stopped:
        try:
            trace = once(done)
        except KeyboardInterrupt:
            if best is None:
                raise
            break
        done += 1
        stopped = trace.message.startswith(("interrupted", "stopped by the callback"))
        if best is None or trace.value < best.value or math.isnan(best.value):
            best = trace
    assert best is not None
    if count == 1:
        return best
    missing = f", of {count} that were asked for" if done < count else ""
    return replace(best, message=f"{best.message}; the best of {done} starts{missing}")


# --- rules: when a run ends, and why --------------------------------------------------------------


def reaches(target: float) -> Rule:
    """Stop, and count as converged, once a value is at most `target`."""

    def rule(count: int, step: Step) -> End | None:
        reached = (-math.inf < step.value) & (step.value <= target)
        if reached if isinstance(reached, bool) else bool(reached.any()):
            return True, f"reached the target {target:g} {{place}}"
        return None

    return rule if target > -math.inf else _never


def _never(count: int, step: Step) -> End | None:
    return None


def finite(count: int, step: Step) -> End | None:
    """Stop where g is not finite."""
    value = float(step.value)
    if math.isfinite(value):
        return None
    if value == -math.inf:
        return False, f"g is -inf {_after(count, step)}: it has no lower bound"
    return False, f"g is not finite {_after(count, step)}" + ("" if count else "; try another start")


def never_rises(*, scale: float = 0.0, noise: float = 0.0) -> Rule:
    """Stop where a step made g larger, by more than 100 roundings of the largest g so far.

    If g is a sum of squares, `noise` is the rounding error of its root, which may hide more. If it is a
    logarithm, its terms are of size `scale` = 1 where they add up to less.
    """
    previous, largest = math.inf, scale

    def rule(count: int, step: Step) -> End | None:
        nonlocal previous, largest
        before, previous = previous, float(step.value)
        if math.isfinite(before):
            largest = max(largest, abs(before))
        if previous <= before:
            return None
        eps = float(namespace(step.theta).finfo(step.theta.dtype).eps)
        eps = max(eps, precision([before, previous]))  # g may be less precise than theta
        if not previous > before + 100 * eps * largest + _hidden(before, noise):
            return None
        rise = f"{step.name} raised g from {before:.6g} to {previous:.6g} {{place}}"
        return False, f"{rise}: it does not minimize g over its block"

    return rule


def settles(sweep: int, tol: float, *, scale: float = 0.0, noise: float | None = None) -> Rule:
    """Stop, and count as converged, after a sweep in which g fell by too little to matter.

    That is at most `tol` times all that it has fallen so far, so that neither the unit of g nor a
    constant added to it matters; for a sum of squares, of which `noise` is given, ``tol * g``. What
    rounding hides is nothing gained either: see :func:`never_rises`. A sweep is so many steps.
    """
    first = before = math.nan

    def rule(count: int, step: Step) -> End | None:
        nonlocal first, before
        if count % sweep:
            return None
        value = float(step.value)
        fall, before = before - value, value
        if count == 0:
            first = value
            return None
        eps = float(namespace(step.theta).finfo(step.theta.dtype).eps)
        if noise is None:
            fallen = first - value
            least = max(tol * fallen if fallen else 0.0, 2 * eps * max(scale, abs(value)))
        else:
            least = tol * abs(value) + _hidden(value, noise)
        return (True, "g fell by no more than tol {place}") if fall <= least else None

    return rule


def _after(count: int, step: Step) -> str:
    return f"after {step.name} {{place}}" if count else "at the start"


def _hidden(value: float, noise: float) -> float:
    """Return (sqrt(g) + noise)^2 - g."""
    return noise * (2 * abs(value) ** 0.5 + noise)


# --- methods that ask -----------------------------------------------------------------------------


class Told:
    """A method that asks for the values of g, as a stream of steps: it is told what g says.

    Such a method yields points of shape (M, P) and what a trace should keep beside them, and is sent the
    values. What is NaN or infinite it is told as ``inf``, the worst there is; the steps have what g
    really said.

    Parameters
    ----------
    g : callable
        Takes theta of shape (M, P), returns shape (M,).
    method : generator
        ``values = yield points, extras``; returns whether it has converged, and why it stopped.
    keep : {"populations", "points", "best"}
        What a trace counts as a step: each population as a whole, each single point, or the best of each
        population, for those that change their size.

    Raises
    ------
    TypeError
        If `g` is no function or `method` no generator; later, if `g` does not return real numbers.
    ValueError
        If `keep` is none of the three; later, if `g` returns the wrong shape, or no finite value where a
        method needs one.

    Examples
    --------
    >>> from itertools import islice
    >>> import numpy as np
    >>> def shrink(points):
    ...     while True:
    ...         values = yield points, {}
    ...         points = (points + points[values.argmin()]) / 2
    >>> crowd = Told(lambda theta: abs(theta[:, 0] - 1), shrink(np.array([[0.0], [2.5], [4.0]])))
    >>> [step.value.tolist() for step in islice(crowd, 2)]
    [[1.0, 1.5, 3.0], [1.0, 0.25, 1.0]]
    """

    def __init__(
        self,
        g: Callable[[Any], Array],
        method: Method,
        keep: Literal["populations", "points", "best"] = "populations",
    ) -> None:
        self.g = door.function(g, "g")
        self.method = door.protocol(method, "method", ("send",), "a generator: shrink(points)")
        self.keep = door.choice(keep, "keep", ("populations", "points", "best"))
        self.calls = self.worst = 0
        self.found = False
        self.unfinished: Step | None = None
        """A step that was on its way when something failed."""
        self._steps = self._converse()

    def __iter__(self) -> Iterator[Step]:
        """Return the steps; whoever asks again gets those that follow."""
        return self._steps

    def _converse(self) -> Steps:
        points, extras = next(self.method)
        while True:
            try:
                values = evaluate(self.g, points)
            except BaseException as error:
                self.unfinished = self._finished(error, points, extras)
                raise
            self.calls += len(values)
            step = self.unfinished = self._step(points, values, len(values), extras)
            told = self._told(values)
            self.unfinished = None
            yield step
            del step, points  # not kept while the next are made
            try:
                points, extras = self.method.send(told)
            except StopIteration as last:
                if not self.found:
                    raise ValueError(_nowhere_finite(self.calls)) from None
                return last.value

    def remark(self) -> str:
        """Say how often g was not finite, if it was."""
        if not self.worst:
            return ""
        return f"; g was not finite at {self.worst} of {self.calls} points, counted as worst"

    def _told(self, values: Array) -> Array:
        xp = namespace(values)
        finite = xp.isfinite(values)
        if bool(xp.all(finite)):
            self.found = True
            return values
        self.found = self.found or bool(xp.any(finite))
        self.worst += int(xp.sum(~finite, dtype=xp.int64))
        if not self.found and self.keep != "points":
            raise ValueError(_nowhere_finite(self.calls))
        return xp.where(finite, values, xp.full_like(values, xp.inf))

    def _step(self, points: Array, values: Array, count: int, extras: Mapping[str, Array]) -> Step:
        if self.keep != "best":
            return Step(points, values, count, extras)
        best = _lowest(values)
        return Step(points[best, ...], values[best, ...], count, extras)

    def _finished(self, error: Any, points: Array, extras: Mapping[str, Array]) -> Step | None:
        """Return the step of what a failed batch had finished; the rest of it counts as NaN."""
        if not (hasattr(error, "finished") and tells_finished(self.g)):
            return None
        xp = compat.array_namespace(points)
        finished = xp.asarray(error.finished, device=compat.device(points))
        count, values = int(error.finished.sum()), error.values
        self.calls += count
        self.worst += int(xp.sum(finished & ~xp.isfinite(values), dtype=xp.int64))
        if not count:
            return None
        if self.keep == "points":
            points, values = points[finished], values[finished]
        return self._step(points, values, count, extras)


def _lowest(values: Array) -> int:
    xp = compat.array_namespace(values)
    return int(xp.argmin(xp.where(xp.isfinite(values), values, xp.full_like(values, xp.inf))))


def _nowhere_finite(calls: int) -> str:
    return (
        f"g is NaN or infinite at all {calls} points that were tried, so there is nothing to choose "
        "from; check g at one theta of the domain, or narrow the domain"
    )
