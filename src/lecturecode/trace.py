"""A trace is what every method returns: where it went, what it saw there, and why it stopped."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, copied, namespace, on_host
from lecturecode.door import whole

__all__ = ["Trace"]

KEPT = 2**27
"""Bytes of iterates that a trace keeps if nothing else is said, 128 MiB; then every second one."""

Callback = Callable[["Trace"], bool | None]
"""Called with the trace so far; returning True stops the method.

The trace is there to be read, and stays as it is: its arrays are read-only views of the record, and each
of its tensors, which cannot be read-only, is copied when it is asked for.
"""


@dataclass(frozen=True, repr=False, eq=False)
class Trace:
    """The record of one run of a method on a function g.

    Attributes
    ----------
    thetas : array of shape (records, P), or (records, M, P) for M points that move together
        The recorded iterates. With ``record_every=1`` there is one for every value.
    values : array of shape (steps + 1,) or (steps + 1, M)
        g at every iterate, recorded or not; ``values[0]`` belongs to the start.
    evaluations : array of shape (steps + 1,), int
        Calls of g on a single theta, counted from the start up to and including each step.
    theta : array of shape (P,)
        The best point visited, the first one among equals; the start when no value was finite.
    value : float
        g at `theta`. It is finite whenever any value was, and NaN otherwise.
    last : array of shape (P,) or (M, P)
        The final iterate, finite or not.
    converged : bool
        Whether the stopping rule of the method was met.
    message : str
        Why the method stopped, in a sentence.
    record_every : int
        The distance, in steps, between two recorded iterates; 0 when only best and last were kept. If
        the method was not told one, it is 1 as long as all iterates fit into :data:`KEPT` bytes.
    extras : mapping of str to array of shape (records, ...)
        What else the method carries along, recorded together with the thetas: the velocities of a
        swarm, the covariances of a strategy. Each method says which; :func:`lecturecode.train` has
        one row for each epoch instead.

    Examples
    --------
    >>> from lecturecode import gradient_descent
    >>> from lecturecode.objectives import Quadratic
    >>> g = Quadratic([1.0, 4.0])
    >>> trace = gradient_descent(g, [2.0, 1.0], 0.25, steps=200)
    >>> trace.converged, trace.steps
    (True, 67)
    >>> trace.thetas.shape, trace.values.shape
    ((68, 2), (68,))
    """

    thetas: Array
    values: Array
    evaluations: np.ndarray
    theta: Array
    value: float
    last: Array
    converged: bool
    message: str
    record_every: int = 1
    extras: Mapping[str, Array] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Number of steps taken; the start is not a step."""
        return len(self.evaluations) - 1

    def __len__(self) -> int:
        """Count the values: the start and one for each step."""
        return len(self.evaluations)

    def __repr__(self) -> str:
        return (
            f"Trace(value={self.value:.6g}, theta={_short(self.theta)}, steps={self.steps}, "
            f"evaluations={int(self.evaluations[-1])}, converged={self.converged}, "
            f"message={self.message!r})"
        )

    def _repr_html_(self) -> str:
        from html import escape  # not at the top: it takes long to import

        rows = {
            "best value": f"{self.value:.6g}",
            "best theta": _short(self.theta),
            "steps": self.steps,
            "evaluations of g": int(self.evaluations[-1]),
            "converged": "yes" if self.converged else "no",
            "why it stopped": self.message,
        }
        cells = "".join(
            f'<tr><th scope="row" style="text-align:left">{key}</th>'
            f'<td style="text-align:left">{escape(str(value))}</td></tr>'
            for key, value in rows.items()
        )
        return f"<table><tbody>{cells}</tbody></table>"


class Recorder:
    """Collects a trace step by step; methods own one, readers of a trace never meet it.

    Parameters
    ----------
    record_every : int, optional
        Keep one iterate in this many steps; 0 keeps only the best and the last one. If it is not given,
        keep all, and every second one of them each time that they have grown to :data:`KEPT` bytes.
    expected : int
        Number of steps to make room for; more are welcome.
    keep_best : bool
        Whether to remember the best single point; a method that judges its points otherwise need not.

    Raises
    ------
    ValueError
        If `record_every` is not an integer of at least 0.
    """

    def __init__(
        self, record_every: int | None = None, expected: int = 16, *, keep_best: bool = True
    ) -> None:
        self.asked = None if record_every is None else whole(record_every, "record_every", 0)
        self.record_every = record_every = 1 if self.asked is None else self.asked
        self.most = math.inf
        self.keep_best = keep_best
        room = expected if record_every else 16
        self.thetas = _Rows(-(-room // record_every) if record_every else 0)
        self.values, self.evaluations = _Rows(room), _Rows(room)
        self.extras: dict[str, _Rows] = {}
        self.calls = 0
        self.best: Array | None = None
        self.best_value = float("inf")
        self.last: Array | None = None
        self.beyond: tuple[Array, np.ndarray] | None = None
        """Value and number of the last point of `extend`, if that is no step yet."""

    def add(
        self,
        theta: Array,
        value: Array,
        evaluations: int = 1,
        extras: Mapping[str, Array] | None = None,
    ) -> None:
        """Record `theta` of shape (P,) or (M, P), its value(s), and how many calls they cost."""
        self.calls += evaluations
        if self.is_due():
            self.keep(theta, extras or {})
            self.last = self.thetas.shown[self.thetas.count - 1]
        else:
            self.last = copied(theta)  # a method of one's own may go on in the same memory
        self.values.append(value)
        self.evaluations.append(np.int64(self.calls))
        if theta.ndim == 1:
            number = float(value)  # looked at once: a device is asked for it
            if self.keep_best and -math.inf < number < self.best_value:
                self.best, self.best_value = self.last, number
        else:
            self._best_member(theta, value)

    def is_due(self, ahead: int = 0) -> bool:
        """Tell whether the iterate is to be kept whose value comes next, or so many values later."""
        if not self.record_every or (self.values.count + ahead) % self.record_every:
            return False
        if self.thetas.count < self.most:
            return True
        self._keep_every_second()
        return (self.values.count + ahead) % self.record_every == 0

    def keep(self, theta: Array, extras: Mapping[str, Array]) -> None:
        """Keep an iterate, and what belongs to it."""
        self.thetas.append(theta)
        for name, array in extras.items():
            self.extras.setdefault(name, _Rows(self.thetas.room)).append(array)
        if self.asked is None and self.most == math.inf:
            self._bound()

    def _bound(self) -> None:
        rows = (self.thetas, *self.extras.values())
        self.most = max(2, KEPT // sum(max(each.buffer[0].nbytes, 1) for each in rows))

    def _keep_every_second(self) -> None:
        for rows in (self.thetas, *self.extras.values()):
            rows.halve()
        self.record_every *= 2

    def remark(self) -> str:
        """Say that iterates were thinned out, if they were."""
        if self.asked is not None or self.record_every == 1:
            return ""
        return (
            f"; of the thetas the trace has one in {self.record_every}, which is what fits into "
            f"{KEPT / 2**20:g} MiB (record_every=1 keeps all)"
        )

    def extend(self, thetas: Array, values: Array) -> None:
        """Record n points, shapes (n, P) and (n,), that were visited one by one: n steps.

        With ``record_every=0`` only those better than all before become steps, and the last one.
        """
        numbers = self.calls + 1 + np.arange(len(values))
        if self.record_every:
            first = -self.values.count % self.record_every
            self.thetas.extend(thetas[first :: self.record_every, ...])
            self.values.extend(values)
            self.evaluations.extend(numbers)
            if self.asked is None:
                self._bound()
                while self.thetas.count > self.most:
                    self._keep_every_second()
        else:
            improved = self._improvements(values)
            self.values.extend(values[improved])
            self.evaluations.extend(numbers[on_host(improved)])
            self.beyond = None if improved[-1] else (values[-1:], numbers[-1:])
        self.calls += len(values)
        self._best_member(thetas, values)
        self.last = copied(thetas[-1, ...])  # a view would keep all n of them

    def _improvements(self, values: Array) -> Array:
        xp = compat.array_namespace(values)
        finite = xp.where(xp.isfinite(values), values, xp.full_like(values, xp.inf))
        lowest = np.minimum.accumulate(finite) if type(values) is np.ndarray else finite.cummin(0).values
        improved = xp.empty_like(values, dtype=xp.bool)
        improved[0], improved[1:] = True, lowest[1:] < lowest[:-1]
        return improved & (lowest < self.best_value)

    def _best_member(self, theta: Array, value: Array) -> None:
        xp = namespace(theta)
        member = int(xp.argmin(value))
        if not bool(xp.isfinite(value[member, ...])):  # rare: NaN counts as least there
            member = int(xp.argmin(xp.where(xp.isfinite(value), value, xp.full_like(value, xp.inf))))
        if -float("inf") < value[member] < self.best_value:
            self.best = copied(theta[member, ...])  # a view would keep all M of them
            self.best_value = float(value[member])

    def append_values(self, values: Array) -> None:
        """Record values of single points, one call each, whose thetas were recorded as they came."""
        self.evaluations.extend(self.calls + 1 + np.arange(len(values)))
        self.values.extend(values)
        self.calls += len(values)

    def drop_thetas_without_values(self) -> None:
        """Forget the thetas that were recorded before their values, which never came."""
        if self.record_every:
            self.thetas.count = -(-self.values.count // self.record_every)

    def restore(self, values: Array, last: Array, thetas: Array | None, record_every: int) -> None:
        """Take over what another recorder of single points had recorded, one call for each value."""
        self.record_every = record_every
        self.values.extend(values)
        self.evaluations.extend(np.arange(1, len(values) + 1))
        self.calls, self.last = len(values), last
        if thetas is not None:
            self.thetas.extend(thetas)
            if self.asked is None and len(thetas):
                self._bound()

    def trace(self, message: str, *, converged: bool = False) -> Trace:
        """Freeze what has been recorded, for the caller, to whom it belongs from now on."""
        for rows in (self.thetas, self.values, self.evaluations, *self.extras.values()):
            rows.give_back()
        trace = self.frozen(message, converged)
        thetas = trace.thetas if self.record_every else copied(trace.thetas)
        return replace(trace, thetas=thetas, theta=copied(trace.theta), last=copied(trace.last))

    def so_far(self, message: str) -> Trace:
        """Freeze what has been recorded so far, for a callback: to be read, while the run goes on."""
        return self.frozen(message, to_read=True)

    def frozen(self, message: str, converged: bool = False, to_read: bool = False) -> Trace:
        """Return a trace that shares the memory of the record; if it is to be read, read-only."""
        assert self.last is not None
        last = _to_read(self.last) if to_read else self.last
        thetas = self.thetas.so_far(to_read) if self.record_every else last[None]
        best = self.best
        if best is None:  # no value was finite: the start is as good as any other point
            best = thetas[0, ...] if self.last.ndim == 1 else thetas[0, 0, ...]
        values, evaluations = self.values.so_far(to_read), self.evaluations.so_far(to_read)
        if self.beyond is not None:
            values = compat.array_namespace(values).concat([values, self.beyond[0]])
            evaluations = np.concatenate([evaluations, self.beyond[1]])
            if to_read:
                values, evaluations = _shut(values), _shut(evaluations)
        tensors = to_read and not isinstance(thetas, np.ndarray)
        kind, best = _OfTensors if tensors else Trace, _to_read(best) if to_read else best
        return kind(
            thetas=thetas,
            values=values,
            evaluations=evaluations,
            theta=best,
            value=self.best_value if self.best is not None else float("nan"),
            last=last,
            converged=converged,
            message=message + self.remark(),
            record_every=self.record_every,
            extras={name: rows.so_far(to_read) for name, rows in self.extras.items()},
        )


def to_read(trace: Trace) -> Trace:
    """Return a trace whose arrays cannot be written into."""
    fields: dict[str, Any] = {name: _to_read(value) for name, value in vars(trace).items()}
    fields["extras"] = {name: _to_read(array) for name, array in trace.extras.items()}
    return (Trace if isinstance(trace.thetas, np.ndarray) else _OfTensors)(**fields)


def _to_read(array: Any) -> Any:
    """Return an array that cannot be written into, without a copy; a tensor is itself."""
    if not isinstance(array, np.ndarray) or not array.flags.writeable:
        return array
    return _shut(array.view())


def _shut(array: Any) -> Any:
    """Make an array read-only, and return it; a tensor cannot be."""
    if isinstance(array, np.ndarray):
        array.setflags(write=False)
    return array


class _OfTensors(Trace):
    """A trace whose tensors are copied when they are asked for: PyTorch has none that are read-only."""

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name in ("thetas", "values", "theta", "last"):
            return copied(value)
        return {key: copied(array) for key, array in value.items()} if name == "extras" else value


AT_ONCE = 2**22
"""Numbers that a trace makes room for before it has seen any: some ten megabytes."""


class _Rows:
    """An array that grows by rows: its buffer is doubled when full, so that a row costs O(1)."""

    def __init__(self, room: int = 16) -> None:
        self.buffer: Any = None
        self.shown: Any = None  # the same to be read: read-only, and so are its parts
        self.count = self.full = 0
        self.room = max(room, 1)

    def append(self, row: Array | np.int64) -> None:
        if self.count == self.full:
            self._make_room(row, row.shape, self.count + 1)
        self.buffer[self.count] = row
        self.count += 1

    def extend(self, rows: Array) -> None:
        end = self.count + len(rows)
        self._make_room(rows, rows.shape[1:], end)
        self.buffer[self.count : end] = rows
        self.count = end

    def halve(self) -> None:
        """Keep every second row, in another buffer: whoever has been given this one keeps it."""
        if self.buffer is not None:
            rows = self.buffer[: self.count : 2]
            self.buffer = _empty(self.full, rows, tuple(rows.shape[1:]))
            self.buffer[: len(rows)] = rows
            self.shown = _shut(self.buffer[:])
            self.count = len(rows)

    def _make_room(self, like: Array | np.int64, shape: tuple[int, ...], need: int) -> None:
        if self.buffer is None:
            size = max(math.prod(shape), 1)
            self.buffer = _empty(max(min(self.room, AT_ONCE // size), need), like, shape)
        elif need > self.buffer.shape[0]:
            larger = _empty(max(need, 2 * self.count), like, shape)
            larger[: self.count] = self.buffer[: self.count]
            self.buffer = larger
        self.full = self.buffer.shape[0]
        self.shown = _shut(self.buffer[:])

    def give_back(self) -> None:
        """Free the room of a run that ended early, where it is most of the memory."""
        if 2 * self.count < self.full:
            self.buffer = copied(self.buffer[: self.count])
            self.full = self.count
            self.shown = _shut(self.buffer[:])

    def so_far(self, to_read: bool = False) -> Any:
        return (self.shown if to_read else self.buffer)[: self.count]


def _empty(rows: int, like: Array | np.int64, shape: tuple[int, ...]) -> Array:
    xp = compat.array_namespace(like) if like.ndim or compat.is_torch_array(like) else np
    device = {"device": compat.device(like)} if compat.is_torch_array(like) else {}
    return xp.empty((rows, *shape), dtype=like.dtype, **device)


def _short(theta: Array, most: int = 4) -> str:
    """Write the first coordinates of theta, four digits each."""
    values: list[Any] = on_host(theta).ravel()[:most].tolist()
    dots = ", ..." if theta.shape[-1] > most else ""
    return "[" + ", ".join(f"{value:.4g}" for value in values) + dots + "]"
