"""Values that are wrong nearly everywhere, and for each kind of argument what makes sense there."""

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse
import torch
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like

import lecturecode as lc
from lecturecode import domains, graph
from lecturecode.activations import ACTIVATIONS


class Closed:
    """An array of a library that does not give its numbers away."""

    shape, ndim, dtype = (3,), 1, "float99"

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise RuntimeError("these numbers are on another machine")


class Silent:
    """An object with nothing in it, whose repr cannot be written."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def _masked() -> Any:
    return np.ma.masked_less(np.arange(3.0), 1)


VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "-1": lambda: -1,
    "0": lambda: 0,
    "2": lambda: 2,
    "np.int8(2)": lambda: np.int8(2),
    "10**9": lambda: 10**9,
    "0.5": lambda: 0.5,
    "np.float32(0.5)": lambda: np.float32(0.5),
    "-0.5": lambda: -0.5,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "1j": lambda: 1j,
    "'a'": lambda: "a",
    "''": lambda: "",
    "'a' * 5000": lambda: "a" * 5000,
    "b''": lambda: b"",
    "[]": lambda: [],
    "[1.0, 2.0]": lambda: [1.0, 2.0],
    "[[1], [1, 2]]": lambda: [[1], [1, 2]],
    "['a', 'b']": lambda: ["a", "b"],
    "[None, 1.0]": lambda: [None, 1.0],
    "{}": dict,
    "{1, 2}": lambda: {1, 2},
    "iter([1.0])": lambda: iter([1.0]),
    "ones(3)": lambda: np.ones(3),
    "ones((2, 2, 2))": lambda: np.ones((2, 2, 2)),
    "empty(0)": lambda: np.empty(0),
    "[1.0, nan]": lambda: np.array([1.0, np.nan]),
    "array([1j])": lambda: np.array([1j]),
    "array of objects": lambda: np.array([{}, None]),
    "array of dates": lambda: np.array(["2026-01-01"], "M8[D]"),
    "masked array": _masked,
    "big-endian": lambda: np.arange(4.0).reshape(2, 2).astype(">f8"),
    "read-only float16": lambda: np.ones((2, 2), np.float16),
    "0-d array": lambda: np.array(1.0),
    "sparse matrix": lambda: scipy.sparse.csr_array(np.eye(2)),
    "tensor": lambda: torch.ones((2, 2)),
    "sparse tensor": lambda: torch.eye(2).to_sparse(),
    "meta tensor": lambda: torch.ones(2, device="meta"),
    "closed array": Closed,
    "a Node": lambda: graph.Node(1.0),
    "object()": object,
    "no repr": Silent,
    "a class": lambda: lc.Adam,
    "an optimizer": lambda: lc.Adam(),
    "len": lambda: len,
    "lambda: None": lambda: lambda: None,
    "RandomState": lambda: np.random.RandomState(0),
}

LARGE = "10**9"  # more than a machine holds is asked for: slow, or out of memory, and rightly so


# --- what makes sense: one word for each kind of argument -----------------------------------------

Kind = Callable[[Any], bool]


def plain(value: Any) -> Any:
    single = isinstance(value, np.ndarray | np.generic) and not isinstance(value, np.ma.MaskedArray)
    tensor = isinstance(value, torch.Tensor) and value.device.type != "meta"
    return value.item() if (single or tensor) and value.shape == () else value


def number(value: Any) -> bool:
    value = plain(value)
    return isinstance(value, int | float | np.floating) and not isinstance(value, bool)


def whole(least: int = 1) -> Kind:
    return lambda v: isinstance(plain(v), int) and number(v) and plain(v) >= least


def real(low: float = -np.inf, high: float = np.inf, ends: str = "()") -> Kind:
    def inside(value: Any) -> bool:
        if not number(value):
            return False
        x = float(plain(value))
        return (low <= x if ends[0] == "[" else low < x) and (x <= high if ends[1] == "]" else x < high)

    return inside


def _numeric(value: Any, kinds: str = "fiub") -> np.ndarray | None:
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided or value.device.type == "meta":
            return None
        value = value.detach().numpy()
    if isinstance(value, Closed | Silent | str | bytes | graph.Node) or callable(value):
        return None
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        return None
    try:
        found = np.asarray(value)
    except Exception:
        return None
    return found if found.dtype.kind in kinds and found.size else None


def array(value: Any) -> bool:
    """Real and finite numbers, of whatever shape: shapes are looked at by other tests."""
    found = _numeric(value)
    return found is not None and bool(np.isfinite(found).all())


def loose(value: Any) -> bool:
    """Real numbers; NaN and infinity may be asked about, and so may shapes alone."""
    meta = isinstance(value, torch.Tensor) and value.device.type == "meta"
    return meta or _numeric(value) is not None


def entries(value: Any) -> bool:
    """Real numbers, or none at all, where each entry is treated alone."""
    none = isinstance(value, list) and not value
    return loose(value) or none or (isinstance(value, np.ndarray) and value.size == 0)


def indices(value: Any) -> bool:
    return _numeric(value, "iu") is not None


def flag(value: Any) -> bool:
    return isinstance(plain(value), bool | np.bool_)


def function(value: Any) -> bool:
    return callable(value) and not isinstance(value, type)


def rng(value: Any) -> bool:
    generators = np.random.Generator | torch.Generator
    return value is None or isinstance(value, generators) or whole(0)(value)


def text(value: Any) -> bool:
    return isinstance(value, str)


def colour(value: Any) -> bool:
    """A row of a color map is an array."""
    return isinstance(value, str | tuple | list | np.ndarray) and is_color_like(value)


def words(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(word, str) for word in value)


def path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike) and 0 < len(os.fspath(value)) < 200


def anything(value: Any) -> bool:
    return True


def a(*kinds: type) -> Kind:
    return lambda value: isinstance(value, kinds)


def one_of(*options: Any) -> Kind:
    return lambda value: isinstance(value, str) and value in options


def with_(*parts: str) -> Kind:
    return lambda v: not isinstance(v, type) and all(callable(getattr(v, part, None)) for part in parts)


def maybe(*kinds: Kind) -> Kind:
    return lambda value: value is None or any(kind(value) for kind in kinds)


def either(*kinds: Kind) -> Kind:
    return lambda value: any(kind(value) for kind in kinds)


def several(kind: Kind) -> Kind:
    def each(value: Any) -> bool:
        listed = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)
        return listed and len(value) > 0 and all(kind(entry) for entry in value)

    return each


optimizer, loss, domain = with_("init", "step"), with_("with_gradient", "targets"), a(domains.Domain)
positive, natural, share = real(0), real(0, np.inf, "[)"), real(0, 1, "[)")
box = maybe(lambda v: array(v) and np.ndim(v) == 2)
network = a(lc.Network)
trace = a(lc.Trace)
track = either(trace, array)
"""A path may be drawn of the iterates themselves."""

KINDS: dict[str, Kind] = {  # what an argument of this name is wherever nothing else is said
    "g": function,
    "gradient": array,
    "hessian": array,
    "value_and_gradient": function,
    "theta": array,
    "thetas": loose,
    "x": array,
    "y": array,
    "W": array,
    "centers": array,
    "labels": indices,
    "distances": loose,
    "candidates": either(array, domain),
    "domain": domain,
    "optimizer": optimizer,
    "network": network,
    "loss": loss,
    "module": a(torch.nn.Module),
    "rng": rng,
    "like": maybe(entries),
    "callback": maybe(function),
    "progress": flag,
    "keep_last": flag,
    "fast": flag,
    "record_every": maybe(whole(0)),
    "steps": whole(),
    "sweeps": whole(),
    "epochs": whole(),
    "draws": whole(),
    "points": whole(),
    "max_points": whole(),
    "population": whole(2),
    "restarts": whole(0),
    "max_evaluations": maybe(whole()),
    "clusters": whole(),
    "components": whole(),
    "rank": whole(),
    "samples": whole(),
    "batch_size": whole(),
    "patience": maybe(whole()),
    "count": whole(),
    "tol": real(0, np.inf, "[]"),
    "target": real(-np.inf, np.inf, "[]"),
    "learning_rate": positive,
    "schedule": maybe(function),
    "validation": maybe(lambda v: isinstance(v, tuple | list) and len(v) == 2 and all(map(array, v))),
    "checkpoint": maybe(path),
    "alpha": natural,
    "beta": natural,
    "evaporation": real(0, 1, "[]"),
    "penalty": natural,
    "rho": positive,
    "p": whole(0),
    "value": maybe(real(-np.inf, np.inf, "[]")),
    "layer": whole(),
    "neuron": whole(0),
    "order": indices,
    "shape": several(whole()),
    "tours": indices,
    "start": maybe(array),
    "nest": whole(0),
    "food": whole(0),
    "ax": maybe(a(Axes)),
    "log": flag,
    "panels": flag,
    "frames": whole(),
    "interval": whole(),
    "colour": maybe(colour),
    "label": maybe(text),
    "names": words,
    "classes": words,
    "box": box,
    "levels": either(whole(), array),
    "trace": trace,
    "places": array,
    "node": a(graph.Node),
    "widths": several(whole()),
    "activation": one_of(*ACTIVATIONS),
    "output": one_of(*ACTIVATIONS),
    "state": anything,
    "most": whole(3),
    "size": whole(),
}


@dataclass(frozen=True)
class Entry:
    """A callable, arguments that it takes, and the kinds of those that KINDS does not tell."""

    family: str
    name: str
    call: Callable[..., Any]
    good: Callable[[], dict[str, Any]]
    kinds: dict[str, Kind] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        """All arguments, of which some may be left out of the good ones."""
        parameters = inspect.signature(self.call).parameters.values()
        named = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        return named or list(self.good())

    def kind(self, argument: str) -> Kind:
        return self.kinds.get(argument) or KINDS[argument]
