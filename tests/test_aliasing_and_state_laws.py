"""Whoever calls keeps what is his: his arrays, his exceptions, his floating-point settings, his seeds.

Two laws over the whole public API. *Aliasing*: a function of the user may write into whatever it is
handed, or return one piece of memory again and again, and neither the answer nor the caller's arrays
change. *State*: what the caller has set, in NumPy, in PyTorch, of warnings and of seeds, does not matter
and is the same afterwards; and a StopIteration arrives as what it is.
"""

import ast
import contextlib
import dataclasses
import inspect
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from types import GeneratorType, SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hostile_table import CITIES, NET, TABLE, Y2, X

import lecturecode as lc
from lecturecode import domains, graph, objectives, plots
from lecturecode import pytorch as lt
from lecturecode.objectives.function import PURE, reads_only

ARRAYS = np.ndarray, torch.Tensor


@pytest.fixture(autouse=True)
def _figures():
    """Close what a test has drawn: Matplotlib warns of more than 20 open figures."""
    before = set(plt.get_fignums())
    yield
    for number in set(plt.get_fignums()) - before:
        plt.close(number)


# --- what is looked at: arrays, wherever they are --------------------------------------------------


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """All that a value is made of, by its place in it."""
    if isinstance(value, torch.nn.Module):
        yield from parts(value.state_dict())
    elif isinstance(value, lc.Trace):
        fields = ("thetas", "values", "evaluations", "theta", "value", "last", "converged", "message")
        for name in fields:
            yield name, getattr(value, name)
        yield from parts(dict(value.extras))
    elif isinstance(value, graph.Node):
        yield from (("value", value.value), ("grad", value.grad))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from ((f"{key}.{place}", leaf) for place, leaf in parts(inner))
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from ((f"{i}.{place}", leaf) for place, leaf in parts(inner))
    elif isinstance(value, GeneratorType):
        yield from parts(list(islice(value, 20)))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from parts({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    else:
        yield "", value


def frozen(value: Any) -> dict[str, Any]:
    """The parts as what can be compared by bits."""
    found = {}
    for place, leaf in parts(value):
        if isinstance(leaf, torch.Tensor):
            found[place] = str(leaf.dtype), tuple(leaf.shape), leaf.detach().numpy().tobytes()
        elif isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.kind != "O":
            found[place] = str(leaf.dtype), leaf.shape, leaf.tobytes()
        elif isinstance(leaf, float):
            found[place] = np.float64(leaf).tobytes()
        elif isinstance(leaf, int | str | bytes | None):
            found[place] = leaf
        else:
            found[place] = type(leaf).__name__
    return found


def own(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy("K")
    if isinstance(value, torch.Tensor):
        return value.clone()
    return type(value)(map(own, value)) if type(value) in (list, tuple) else value


def scribble(value: Any) -> None:
    """Write into every array that can be written into."""
    for _, leaf in parts(value):
        if isinstance(leaf, np.ndarray):
            with contextlib.suppress(ValueError):  # it is read-only, and that is all that is asked
                leaf[...] = 7
        elif isinstance(leaf, torch.Tensor):
            with torch.no_grad():
                leaf.fill_(7)


# --- what a function of the user may do -----------------------------------------------------------


class Mischief:
    """Changes one function of a call: how, its subclasses say; and counts how often it is called."""

    def __init__(self, argument: str) -> None:
        self.argument, self.calls = argument, 0

    def __call__(self, argument: str, function: Any) -> Any:
        if argument != self.argument:
            return function
        methods = ("__call__", "init", "step", "with_gradient", "targets", "gradient", "hessian")
        if inspect.isfunction(function) or inspect.ismethod(function):
            return self.changed(function)
        found = {
            name: getattr(function, name) for name in methods if callable(getattr(function, name, None))
        }
        return Proxy(
            {name: self.changed(m) for name, m in found.items()}, getattr(function, "domain", None)
        )

    def changed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any) -> Any:
            self.calls += 1
            return self.answer(function, given)

        return counted

    def answer(self, function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
        return function(*given)


class Scribbles(Mischief):
    """Writes into all that it was given, once it has its answer."""

    def answer(self, function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
        answer = own(function(*map(own, given)))
        scribble(given)
        return answer


class Reuses(Mischief):
    """Returns the same memory each time, and makes it NaN before it is filled again."""

    def __init__(self, argument: str) -> None:
        super().__init__(argument)
        self.memory: dict[Any, Any] = {}

    def answer(self, function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
        given = tuple(map(own, given))
        for array in self.memory.values():
            array[...] = 99
        return self.filled(function, function(*given))

    def filled(self, name: Any, answer: Any) -> Any:
        if type(answer) in (list, tuple):
            return type(answer)(self.filled((name, i), part) for i, part in enumerate(answer))
        if not isinstance(answer, (*ARRAYS, np.generic)):
            return answer
        key = name, str(answer.dtype), tuple(answer.shape)
        if key not in self.memory:
            self.memory[key] = own(np.asarray(answer) if isinstance(answer, np.generic) else answer)
        self.memory[key][...] = answer
        return self.memory[key]


class Ends(Mischief):
    """Raises StopIteration, as next() of what is used up does."""

    def __init__(self, argument: str, at: int) -> None:
        super().__init__(argument)
        self.at = at

    def answer(self, function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
        if self.calls == self.at:
            raise StopIteration("no more measurements")
        return function(*given)


class Proxy:
    """A loss, an optimizer or an objective of the user's, made of functions."""

    def __init__(self, methods: dict[str, Callable[..., Any]], domain: Any) -> None:
        self.domain = domain
        self.__dict__.update({name: method for name, method in methods.items() if name != "__call__"})
        self._call = methods.get("__call__")

    def __call__(self, *given: Any) -> Any:
        return self._call(*given)


# --- the table: how each public function of functions is called -----------------------------------

Run = Callable[[Any, Any], Any]
"""Takes a maker of arrays and a mischief; returns the answer, and the caller's arrays."""

RUNS: dict[str, tuple[Run, tuple[str, ...]]] = {}


def runs(name: str, *arguments: str) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        RUNS[name] = run, arguments
        return run

    return register


SQUARE, BOX = objectives.Quadratic([1.0, 3.0], [0.3, -0.2]), domains.Interval(-2, 2) ** 2
H = [[1.0, 0.2], [0.2, 3.0]]


class Bowl:
    """A quadratic, in whatever library theta is."""

    def __call__(self, theta: Any) -> Any:
        return ((theta - 0.3) ** 2).sum(-1) + theta[..., 0] * theta[..., 1] / 2

    def gradient(self, theta: Any) -> Any:
        other = theta[..., [1, 0]]
        return 2 * (theta - 0.3) + other / 2

    def hessian(self, theta: Any) -> Any:
        matrix = np.array([[2.0, 0.5], [0.5, 2.0]])
        return matrix if isinstance(theta, np.ndarray) else torch.tensor(matrix)


BOWL = Bowl()


def quartic(theta: Any) -> Any:
    return ((theta**2 - 1) ** 2).sum(-1) + 0.3 * theta[..., 0]


def slope(theta: Any) -> Any:
    push = theta * 0
    push[..., 0] = 0.3
    return 4 * theta * (theta**2 - 1) + push


def curvature(theta: Any) -> Any:
    steep = 12 * theta**2 - 4
    return np.diag(steep) if isinstance(theta, np.ndarray) else torch.diag(steep)


def both(theta: Any) -> tuple[Any, Any]:
    return quartic(theta), slope(theta)


def look(trace: lc.Trace) -> None:
    assert trace.steps >= 0


class Nesterov:
    """An optimizer of the user's, that remembers the last gradient."""

    def init(self, theta: Any) -> Any:
        return (0 * theta,)

    def step(self, theta: Any, gradient: Any, state: Any) -> Any:
        return theta - 0.05 * gradient - 0.02 * (gradient - state[0]), (gradient,)


def _minimize(start: Any, hand: Any, **options: Any) -> Any:
    return lc.minimize(
        hand("value_and_gradient", both), start, hand("optimizer", Nesterov()), steps=12,
        callback=hand("callback", look), **options,
    )  # fmt: skip


@runs("minimize", "value_and_gradient", "optimizer", "callback")
def _(make, hand):
    start = make([0.4, -1.7])
    return [_minimize(start, hand, record_every=every) for every in (1, 0, 5)], start


@runs("minimize, many starts", "value_and_gradient", "optimizer", "callback")
def _(make, hand):
    start = make([[0.4, -1.7], [1.5, 0.2], [-0.1, 0.1]])
    return [_minimize(start, hand, record_every=every) for every in (1, 0)], start


@runs("gradient_descent", "g", "callback")
def _(make, hand):
    start = make([0.4, -1.7])
    return lc.gradient_descent(
        hand("g", BOWL), start, 0.1, steps=9, callback=hand("callback", look)
    ), start


@runs("check_gradient", "g", "gradient")
def _(make, hand):
    start = make([0.4, -1.7])
    return lc.check_gradient(hand("g", quartic), hand("gradient", slope), start), start


@runs("find_stationary_point", "gradient", "hessian", "callback")
def _(make, hand):
    start = make([0.7, 1.4])
    return lc.find_stationary_point(
        hand("gradient", slope), hand("hessian", curvature), start, callback=hand("callback", look)
    ), start


@runs("alternate", "g", "block_minimizers", "callback")
def _(make, hand):
    start = make([1.0, -2.0])
    minimizers = [lambda t: 0.3 - t[1:] / 4, lambda t: 0.3 - t[:1] / 4]
    return lc.alternate(
        hand("g", BOWL.__call__), [hand("block_minimizers", m) for m in minimizers], start, sweeps=4,
        blocks=[[0], [1]], callback=hand("callback", look),
    ), start  # fmt: skip


@runs("coordinate_descent", "g", "callback")
def _(make, hand):
    start = make([1.0, -2.0])
    values = lc.coordinate_descent(hand("g", quartic), start, sweeps=3, callback=hand("callback", look))
    return [values, lc.coordinate_descent(hand("g", BOWL), start, sweeps=3)], start


@runs("golden_section", "g")
def _(make, hand):
    start = make([1.0, -2.0])
    return lc.alternating.golden_section(hand("g", quartic), start, 1), start


@runs("newton_section", "g")
def _(make, hand):
    start = make([1.0, -2.0])
    return lc.alternating.newton_section(hand("g", BOWL), start, 1), start


def _population(method: Callable[..., Any], **options: Any) -> Run:
    def run(make, hand):
        like = make([0.0])
        traces = [
            method(
                hand("g", quartic), BOX, rng=0, like=like, record_every=every,
                callback=hand("callback", look), **options,
            )
            for every in (1, 0)
        ]  # fmt: skip
        return traces, like

    return run


runs("genetic", "g", "callback")(_population(lc.genetic, population=8, steps=6))
runs("particle_swarm", "g", "callback")(
    _population(lc.particle_swarm, population=8, steps=6, scouts=0.3)
)
runs("evolution_strategy", "g", "callback")(_population(lc.evolution_strategy, steps=6, restarts=1))
runs("grid_search", "g", "callback")(_population(lambda *a, rng, **k: lc.grid_search(*a, 7, **k)))
runs("random_search", "g", "callback")(_population(lambda *a, **k: lc.random_search(*a, 40, **k)))


@runs("brute_force", "g", "callback")
def _(make, hand):
    candidates = make(np.random.default_rng(0).normal(size=(40, 2)).tolist())
    return lc.brute_force(hand("g", quartic), candidates, callback=hand("callback", look)), candidates


@runs("evaluate", "g")
def _(make, hand):
    thetas, g = make([[1.0, 2.0], [0.5, 0.1]]), hand("g", quartic)
    return [lc.evaluation.evaluate(g, thetas) for _ in range(2)], thetas


@runs("pointwise", "g", "workers")
def _(make, hand):
    thetas = make([[1.0, 2.0], [0.5, 0.1], [0.2, 0.3]])
    mapper = hand("workers", lambda f, each: [f(one) for one in each])
    return lc.pointwise(hand("g", quartic), workers=mapper)(thetas), thetas


@runs("Told", "g", "method")
def _(make, hand):
    points = make([[1.0, 2.0], [0.5, 0.1], [0.2, 0.3]])

    def shrink(points):
        while True:
            values = yield points, {}
            points = points + (points[values.argmin()] - points) / 2

    return lc.collect(lc.Told(hand("g", quartic), shrink(points)), steps=5), points


@runs("collect", "until", "callback", "method", "shown")
def _(make, hand):
    start = make([0.4, -1.7])

    def descend(theta):
        while True:
            yield lc.Step(theta, quartic(theta))
            theta = theta - 0.05 * slope(theta)

    rule = hand("until", lambda count, step: None if count < 8 else (False, "enough"))
    shown = hand("shown", lambda step: step)
    callback = hand("callback", look)
    return lc.collect(descend(start), until=[rule], callback=callback, shown=shown), start


def _on_data(method: Callable[..., Any]) -> Run:
    def run(make, hand):
        x = make((X + np.random.default_rng(0).normal(size=X.shape)).tolist())
        return method(x, hand("callback", look)), x

    return run


for _name, _method in {
    "kmeans": lambda x, c: lc.kmeans(x, 2, rng=0, start=x[:2], restarts=1, callback=c),
    "gaussian_mixture": lambda x, c: lc.gaussian_mixture(x, 2, rng=0, sweeps=3, callback=c),
    "factorize": lambda x, c: lc.factorize(x, 1, rng=0, sweeps=4, callback=c),
    "lasso": lambda x, c: lc.lasso(x, x[:, 0] - x[:, 1], 0.1, steps=9, callback=c),
    "nonnegative_least_squares": lambda x, c: lc.nonnegative_least_squares(x, x[:, 0], callback=c),
}.items():
    runs(_name, "callback")(_on_data(_method))


@runs("ant_colony", "callback")
def _(make, hand):
    roads = make(CITIES.tolist())
    return lc.ant_colony(roads, population=3, steps=4, rng=0, callback=hand("callback", look)), roads


@runs("ant_paths", "callback")
def _(make, hand):
    roads = make(CITIES.tolist())
    callback = hand("callback", look)
    return lc.ant_paths(roads, 0, 3, population=4, steps=4, rng=0, callback=callback), roads


@runs("Function", "value", "gradient", "hessian")
def _(make, hand):
    start = make([0.7, 1.4])
    g = objectives.Function(hand("value", quartic), hand("gradient", slope), hand("hessian", curvature))
    flat = lc.find_stationary_point(g.gradient, g.hessian, start)
    return [lc.gradient_descent(g, start, 0.02, steps=5), flat], start


def _fitted(make: Any) -> dict[str, Any]:
    return {"theta": make(NET.init(0).tolist()), "x": make(X.tolist()), "y": make(Y2.tolist())}


@runs("backprop", "loss")
def _(make, hand):
    data = _fitted(make)
    loss = hand("loss", lc.SquaredError())
    return [lc.backprop(NET, loss, **data) for _ in range(2)], data


@runs("sample_gradients", "loss")
def _(make, hand):
    data = _fitted(make)
    loss = hand("loss", lc.SquaredError())
    return [lc.sample_gradients(NET, loss, **data) for _ in range(2)], data


@runs("backprop_by_hand", "loss")
def _(make, hand):
    network, loss = lc.Network((2, 2, 2, 2, 2)), hand("loss", lc.SquaredError())
    data = make(network.init(0).tolist()), make([0.3, -1.0]), make([1.0, 0.5])
    return [lc.backprop_by_hand(network, loss, *data) for _ in range(2)], data


@runs("Backprop", "loss")
def _(make, hand):
    data = _fitted(make)
    step = lc.Backprop(NET, hand("loss", lc.SquaredError()))
    return [own(step(*data.values())) for _ in range(2)], data


@runs("TotalLoss", "loss")
def _(make, hand):
    data = _fitted(make)
    theta, x, y = data.values()
    g = lc.TotalLoss(NET, hand("loss", lc.SquaredError()), x, y)
    return [lc.gradient_descent(g, theta, 0.01, steps=4), g.hessian(theta), g(theta)], data


@dataclasses.dataclass(frozen=True)
class Rated:
    """An optimizer of the user's that a schedule can drive; the mischief is in `do`."""

    do: Any
    learning_rate: float = 0.1

    def init(self, theta: Any) -> Any:
        return self.do.init(theta)

    def step(self, theta: Any, gradient: Any, state: Any) -> Any:
        return self.do.step(theta, self.learning_rate * gradient, state)


@runs("train", "loss", "optimizer", "schedule", "callback")
def _(make, hand):
    data = _fitted(make)
    theta, x, y = data.values()
    return [
        lc.train(
            NET, hand("loss", lc.SquaredError()), x, y, Rated(hand("optimizer", Nesterov())), epochs=3,
            batch_size=4, rng=0, start=theta, schedule=hand("schedule", lambda i: 0.5 / (1 + i)),
            record_every=every, validation=held_out, callback=hand("callback", look),
        )
        for every, held_out in ((0, None), (1, (x, y)))
    ], data  # fmt: skip


@runs("graph.value_and_gradient", "f")
def _(make, hand):
    theta = np.array([0.4, -1.7])
    pair = graph.value_and_gradient(hand("f", lambda t: (t * t * t).sum() + t[0]))
    return lc.minimize(pair, theta, lc.GradientDescent(0.01), steps=4), theta


@runs("Box", "forward", "backward")
def _(make, hand):
    theta = np.array([0.4, -1.7])
    cube = graph.Box(
        "cube", hand("forward", lambda a: a**3), hand("backward", lambda G, y, a: 3 * G * a * a)
    )

    def f(t):
        u = t * 2
        return (cube(u) + cube(cube(t)) + u).sum()

    return graph.value_and_gradient(f)(theta), theta


# --- PyTorch ---

TORCH_ONLY = "pytorch.TotalLoss", "pytorch.objective", "pytorch.Differentiated"
TORCH_ONLY += "pytorch.value_and_gradient", "pytorch.train"
NUMPY_ONLY = "graph.value_and_gradient", "Box"


def squares(outputs: Any, y: Any) -> Any:
    return ((outputs - y) ** 2).sum(-1)


class Called(torch.nn.Module):
    """A module whose forward is a function of the user's."""

    def __init__(self, hand: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = torch.nn.Linear(2, 2).double()
        self.first = hand("module", lambda x: x * 2.0)

    def __deepcopy__(self, memo: Any) -> Any:
        twin = Called(lambda argument, function: self.first)
        twin.load_state_dict(self.state_dict())
        return twin

    def forward(self, x: Any) -> Any:
        return self.inner(self.first(x))


@runs("pytorch.TotalLoss", "loss", "module")
def _(make, hand):
    x, y = make(X.tolist()), make(Y2.tolist())
    g = lt.TotalLoss(Called(hand), hand("loss", squares), x, y)
    start = own(g.start)
    return [lc.gradient_descent(g, start, 0.01, steps=3), g(start), g.hessian(start)], [x, y, start]


@runs("pytorch.value_and_gradient", "loss", "module")
def _(make, hand):
    x, y, start = make(X.tolist()), make(Y2.tolist()), make([0.1] * 6)
    pair = lt.value_and_gradient(Called(hand), hand("loss", squares), x, y)
    return lc.minimize(pair, start, lc.Adam(0.1), steps=3), [x, y, start]


@runs("pytorch.objective", "g")
def _(make, hand):
    start = make([0.4, -1.7])
    g = lt.objective(hand("g", quartic))
    return [lc.gradient_descent(g, start, 0.01, steps=3), g(start), g.gradient(start)], start


@runs("pytorch.Differentiated", "g")
def _(make, hand):
    start = make([[0.4, -1.7], [0.3, 0.2]])
    g = lt.Differentiated(hand("g", quartic))
    return [g(start), g.hessian(start)], start


@runs("pytorch.train", "loss", "module", "optimizer", "schedule", "callback")
def _(make, hand):
    x, y, theta = make(X.tolist()), make(Y2.tolist()), make([0.1] * 6)
    build = hand("optimizer", lambda parameters: torch.optim.Adam(parameters, lr=0.1))
    return [
        lt.train(
            Called(hand), hand("loss", squares), x, y, build, epochs=2, batch_size=4, rng=0, start=theta,
            schedule=hand("schedule", lambda i: 0.5 / (1 + i)), record_every=every,
            validation=held_out, callback=hand("callback", look), fast=fast,
        )
        for every, held_out, fast in ((0, None, False), (1, (x, y), False), (1, None, True))
    ], [x, y, theta]  # fmt: skip


# --- figures: what is drawn ---


def _drawn(name: str, draw: Callable[[Any], Any]) -> None:
    @runs(name, "g")
    def _(make, hand):
        figure = plt.figure()
        try:
            draw(hand("g", objectives.Function(quartic, domain=BOX)))
            figures = [plt.figure(n) for n in plt.get_fignums() if n >= figure.number]
            lines = [line.get_xydata() for f in figures for ax in f.axes for line in ax.lines]
            lines += [c.get_array() for f in figures for ax in f.axes for c in ax.collections]
            return [np.asarray(line) for line in lines if line is not None], ()
        finally:
            for n in plt.get_fignums():
                if n >= figure.number:
                    plt.close(n)


EDGES = [(-2.0, 2.0), (-2.0, 2.0)]
_drawn("plots.contours", lambda g: plots.contours(g, EDGES, points=7))
_drawn("plots.surface", lambda g: plots.surface(g, EDGES, points=7))
_drawn("plots.curve", lambda g: plots.curve(g, EDGES[:1], points=7))
_drawn(
    "plots.staircase",
    lambda g: plots.staircase(lc.coordinate_descent(SQUARE, [1.0, 1.0], sweeps=2), g=g),
)
_drawn(
    "plots.animate_path",
    lambda g: plots.animate_path(g, lc.gradient_descent(SQUARE, [1.0, 1.0], 0.1, steps=3), EDGES),
)
_drawn(
    "plots.animate_population",
    lambda g: plots.animate_population(
        g, lc.particle_swarm(SQUARE, BOX, population=6, steps=3, rng=0), EDGES, label="swarm"
    ),
)

EXEMPT = {
    **{(name, "blocks"): "numbers" for name in ("alternate",)},
    ("plots.animate", "draw"): "is handed the caller's own frames",
    ("plots.animate", "frames"): "handed to draw, one after the other, as they are",
    ("plots.animate_flow", "loss"): "asked once, by backprop_by_hand",
    ("Choice", "options"): "handed back as they are",
    **{(f"{kind}.encode", "values"): "numbers" for kind in
       ("Choice", "Integers", "Interval", "LogInterval", "Real", "Positive", "Product")},
}  # fmt: skip
"""Arguments that may be functions, and are not called; or need no law, and why."""

PURELY_READ = {
    ("graph.value_and_gradient", "f"): "a node must not be written into, as its docstring says",
    ("collect", "until"): "a step is to be read, as its docstring says",
    ("collect", "shown"): "a step is to be read, as its docstring says",
    ("pytorch.train", "optimizer"): "parameters are what it is meant to change",
}
"""Functions that may not write into what they are given."""

GENERATORS = {("Told", "method"), ("collect", "method")}
AUTOGRAD = {"pytorch.TotalLoss", "pytorch.objective", "pytorch.Differentiated"}
AUTOGRAD |= {"pytorch.value_and_gradient", "pytorch.train"}
"""Here autograd needs the memory of an answer until it has gone back through it."""


def functions_of_the_user() -> set[tuple[str, str]]:
    """All arguments of public callables that take functions, or objects with methods that are called."""

    def nothing(*_: Any) -> None:
        return None

    names = "init", "step", "with_gradient", "targets"
    probes = [nothing, [nothing], SimpleNamespace(**dict.fromkeys(names, nothing)), (_ for _ in [])]
    found = set()
    for item in TABLE.values():
        for argument in item.arguments():
            kind = item.kind(argument)
            takes = [probe for probe in probes if _judged(kind, probe)]
            if (takes and not _judged(kind, object())) or argument == "module":
                found.add((item.name, argument))
    return found


def _judged(kind: Callable[[Any], bool], value: Any) -> bool:
    try:
        return bool(kind(value))
    except Exception:
        return False


MODULES_READ = {"pytorch.get_theta", "pytorch.set_theta"}  # no forward is run


def test_every_public_function_of_functions_is_in_the_table():
    held = {(name, argument) for name, (_, arguments) in RUNS.items() for argument in arguments}
    missing = functions_of_the_user() - held - EXEMPT.keys()
    assert {(name, argument) for name, argument in missing if name not in MODULES_READ} == set()


def cases(skip: Callable[[str, str], bool] = lambda name, argument: False) -> list[Any]:
    found = []
    for name, (_, arguments) in RUNS.items():
        libraries = ["numpy"] * (name not in TORCH_ONLY) + ["torch"] * (name not in NUMPY_ONLY)
        if name.startswith("plots."):
            libraries = ["numpy"]
        for argument in arguments:
            if (name, argument) in GENERATORS or skip(name, argument):
                continue
            found += [pytest.param(name, argument, library, id=f"{name}-{argument}-{library}")
                      for library in libraries]  # fmt: skip
    return found


def maker(library: str) -> Callable[[Any], Any]:
    if library == "numpy":
        return lambda numbers: np.array(numbers, dtype=float)
    return lambda numbers: torch.tensor(numbers, dtype=torch.float64)


PLAIN: dict[tuple[str, str], tuple[Any, Any]] = {}


def plainly(name: str, library: str) -> tuple[Any, Any]:
    """The answer, and the caller's arrays, of a run with functions that do no harm."""
    if (name, library) not in PLAIN:
        answer, given = RUNS[name][0](maker(library), Mischief(""))
        PLAIN[name, library] = frozen(answer), frozen(given)
    return PLAIN[name, library]


# --- aliasing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "argument", "library"), cases(lambda name, argument: (name, argument) in PURELY_READ)
)
def test_functions_of_the_user_may_write_into_what_they_are_given(name, argument, library):
    answer, given = plainly(name, library)
    mischief = Scribbles(argument)
    found, arrays = RUNS[name][0](maker(library), mischief)
    assert mischief.calls
    assert frozen(arrays) == given
    assert frozen(found) == answer


@pytest.mark.parametrize(
    ("name", "argument", "library"),
    cases(lambda name, argument: name in AUTOGRAD or argument in ("callback", "schedule", "f")),
)
def test_functions_of_the_user_may_return_the_same_memory_each_time(name, argument, library):
    answer, given = plainly(name, library)
    mischief = Reuses(argument)
    found, arrays = RUNS[name][0](maker(library), mischief)
    assert mischief.calls
    assert frozen(arrays) == given
    assert frozen(found) == answer


def test_a_callback_cannot_write_into_the_record_and_reads_what_is_there():
    def write(trace: lc.Trace) -> None:
        for name in ("thetas", "values", "evaluations", "theta", "last"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(trace, name)[...] = 0

    lc.gradient_descent(SQUARE, [1.0, 1.0], 0.1, steps=3, callback=write)


def test_traces_that_a_callback_keeps_stay_as_they_were():
    for like in (np.zeros(1), torch.zeros(1, dtype=torch.float64)):
        kept, seen = [], []
        lc.particle_swarm(
            quartic, BOX, population=5, steps=40, rng=0, like=like,
            callback=lambda t, kept=kept, seen=seen: kept.append(t) or seen.append(frozen(t)),
        )  # fmt: skip
        assert [frozen(trace) for trace in kept] == seen


def traces(answer: Any) -> Iterator[lc.Trace]:
    if isinstance(answer, lc.Trace):
        yield answer
    elif isinstance(answer, list | tuple):
        for part in answer:
            yield from traces(part)


@pytest.mark.parametrize("name", [name for name in RUNS if name not in TORCH_ONLY])
def test_what_is_returned_belongs_to_the_caller(name):
    """Each array of a trace has memory of its own, and none of it is the caller's."""
    answer, given = RUNS[name][0](maker("numpy"), Mischief(""))
    mine = [leaf for _, leaf in parts(given) if isinstance(leaf, np.ndarray)]
    for trace in traces(answer):
        separate = [trace.values, trace.evaluations, trace.theta, trace.last, *mine]
        if trace.record_every or name != "train":  # there the only theta that was kept is the last
            separate.append(trace.thetas)
        for i, one in enumerate(separate):
            one[...] = 0  # which is allowed
            assert not any(np.shares_memory(one, other) for other in separate[:i])


def test_g_runs_in_threads_as_it_does_here():
    def g(theta):
        return float(np.exp(theta[0]) - np.exp(theta[0] - 1))

    thetas, settings = np.array([[1.0], [-800.0], [800.0]]), []
    with ThreadPoolExecutor(2) as pool:
        for workers in (1, pool.map):
            settings.append(frozen(lc.pointwise(g, workers=workers)(thetas)))
    assert settings[0] == settings[1]  # without a RuntimeWarning, which is an error here


@pytest.mark.parametrize("record_every", [0, 1, 3])
def test_a_method_of_ones_own_may_go_on_in_the_same_memory(record_every):
    def descend(theta):
        while True:
            yield lc.Step(theta, float(quartic(theta)))
            theta -= 0.3 * slope(theta)  # too far: the best is not the last

    def anew(theta):
        while True:
            yield lc.Step(theta, float(quartic(theta)))
            theta = theta - 0.3 * slope(theta)

    found = [
        lc.collect(method(np.array([0.4, -1.3])), steps=7, record_every=record_every)
        for method in (descend, anew)
    ]
    assert found[1].value < found[1].values[-1]
    assert frozen(found[0]) == frozen(found[1])


def test_an_objective_of_ones_own_may_write_into_theta():
    class Careless(objectives.Objective):
        def __call__(self, theta):
            value = quartic(theta)
            theta[...] = 7
            return value

        def gradient(self, theta):
            return slope(theta)

        def hessian(self, theta):
            return curvature(theta)

    class Careful(Careless):
        def __call__(self, theta):
            return quartic(theta)

    found = [lc.gradient_descent(kind(), [0.4, -1.7], 0.01, steps=5) for kind in (Careless, Careful)]
    assert frozen(found[0]) == frozen(found[1])


OURS = [
    objectives.Ackley(2), objectives.DoubleWell(), objectives.Himmelblau(), objectives.MonkeySaddle(),
    objectives.MeanSquaredError([[1.0, 2.0], [0.5, -1.0], [0.0, 1.0]], [1.0, 0.0, 2.0]),
    objectives.Quadratic([1.0, 3.0], [0.3, -0.2]), objectives.Rastrigin(2), objectives.Rosenbrock(),
    objectives.Saddle(),
]  # fmt: skip


@pytest.mark.parametrize("g", OURS, ids=lambda g: type(g).__name__)
@pytest.mark.parametrize("theta", [[0.4, -1.7], [[0.4, -1.7], [1.5, 0.2]], [0.0, 0.0]])
def test_our_own_objectives_need_no_copy_of_theta(g, theta):
    """They are handed theta itself: they write nowhere, and nobody else holds what they return."""
    assert {type(g) for g in OURS} == PURE
    theta = np.array(theta)
    theta.setflags(write=False)
    held = [theta, *(part for part in vars(g).values() if isinstance(part, np.ndarray))]
    methods = [getattr(g, name) for name in dir(type(g)) if callable(getattr(g, name))]
    functions = [m for m in methods if getattr(m, "__self__", None) is g and m.__name__[0] != "_"]
    for function in (g.__call__, *functions):
        assert reads_only(function)
        answers = [leaf for _ in range(2) for _, leaf in parts(function(theta))]
        arrays = [*held, *(answer for answer in answers if isinstance(answer, np.ndarray))]
        for i, one in enumerate(arrays):
            assert not any(np.shares_memory(one, other) for other in arrays[:i])
        right = frozen(function(theta))
        scribble(answers)
        assert frozen(function(theta)) == right


def test_objectives_of_others_are_handed_a_copy():
    class Mine(objectives.Quadratic):
        pass

    g = objectives.Function(quartic, slope)
    others = [Mine([1.0]), Mine([1.0]).gradient, g, g.gradient, g.value_and_gradient, quartic, print]
    assert not any(map(reads_only, others))


def test_what_holds_data_holds_those_of_the_caller():
    """They may be large; the docstrings say not to write into them."""
    x, y, weights = X.copy(), Y2.copy(), np.array([[1.0, 2.0], [0.5, -1.0]])
    g = objectives.MeanSquaredError(weights, weights[:, 0])
    assert np.shares_memory(g.W, weights)
    assert np.shares_memory(g.y, weights)
    total = lc.TotalLoss(NET, lc.SquaredError(), x, y)
    assert np.shares_memory(total.x, x)
    assert np.shares_memory(total.y, y)
    assert graph.Node(x).value is x
    inputs, targets = torch.tensor(X), torch.tensor(Y2)
    module = torch.nn.Linear(2, 2).double()
    of_torch = lt.TotalLoss(module, lc.SquaredError(), inputs, targets)
    assert of_torch.x.data_ptr() == inputs.data_ptr()
    assert of_torch.y.data_ptr() == targets.data_ptr()


def test_a_generator_driven_by_hand_computes_under_the_settings_of_its_driver():
    def f(theta):
        return theta, np.float64(theta @ theta), np.exp(theta)

    def thetas():
        method = lc.descent.descend(f, np.array([-800.0, 1.0]), lc.GradientDescent(0.1), 0.0)
        return [step.theta for step in islice(method, 4)]

    def pair(theta):
        return f(theta)[1:]

    with np.errstate(all="ignore"):
        by_hand = thetas()
    with np.errstate(all="raise"):
        trace = lc.minimize(pair, [-800.0, 1.0], lc.GradientDescent(0.1), steps=3, tol=0)
        with pytest.raises(FloatingPointError):
            thetas()
    assert frozen(by_hand) == frozen(list(trace.thetas))


def test_a_callback_may_ask_the_functions_themselves():
    start, memory = np.array([0.7, 1.4]), np.empty(2)

    def gradient(theta):
        memory[...] = slope(theta)
        return memory

    def pair(theta):
        return quartic(theta), gradient(theta)

    def find(callback):
        return lc.find_stationary_point(gradient, curvature, start, callback=callback)

    def descend(callback):
        return lc.minimize(pair, start, lc.Momentum(0.01), steps=5, callback=callback)

    for run in (find, descend):
        assert frozen(run(None)) == frozen(run(lambda trace: gradient(trace.theta + 1) is None))


def test_two_methods_race_on_one_memory():
    step = lc.Backprop(NET, lc.SquaredError())  # whose gradient is overwritten by the next call

    def f(theta):
        return step(theta, X, Y2)

    def path(f):
        start = NET.init(0)
        method = lc.descent.descend(lc.descent._checked(f), start, lc.Adam(0.1), 0.0)
        return (one.theta for one in islice(method, 5))

    alone = [list(path(f))] * 2
    together = list(zip(*zip(path(f), path(f), strict=True), strict=True))
    assert frozen(alone) == frozen([list(thetas) for thetas in together])


# --- exceptions of the user -----------------------------------------------------------------------

OF_THETA = {"g", "gradient", "hessian", "value_and_gradient", "block_minimizers", "value"}


@pytest.mark.parametrize(("name", "argument", "library"), cases())
def test_a_stop_iteration_arrives_as_one(name, argument, library):
    counting = Mischief(argument)
    RUNS[name][0](maker(library), counting)
    for at in {1, counting.calls // 2 + 1, counting.calls}:
        with pytest.raises(StopIteration, match="no more measurements") as caught:
            RUNS[name][0](maker(library), Ends(argument, at))
        if argument in OF_THETA and not name.startswith("pytorch."):
            assert caught.value.theta is not None
        if argument not in ("loss", "module", "optimizer") and name in LONG:
            assert hasattr(caught.value, "trace")
            assert argument != "callback" or caught.value.trace is not None


LONG = {name for name, item in TABLE.items() if "callback" in item.arguments()} - {"Told"}


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_what_train_raises_has_the_trace(library):
    for argument in ("loss", "optimizer", "schedule"):
        counting = Mischief(argument)
        RUNS["train"][0](maker(library), counting)
        with pytest.raises(StopIteration) as caught:
            RUNS["train"][0](maker(library), Ends(argument, counting.calls // 3))
        assert caught.value.trace.steps >= 0


def test_a_runtime_error_of_the_user_stays_one():
    def g(theta):
        raise RuntimeError("no sensor") from StopIteration("at the end")

    with pytest.raises(RuntimeError, match="no sensor"):
        lc.coordinate_descent(g, [1.0], sweeps=2)

    def generates(theta):
        def values():
            yield next(iter([]))

        return next(values())

    for run in (
        lambda: lc.coordinate_descent(generates, [1.0], sweeps=2),
        lambda: lc.genetic(generates, domains.Interval(0, 1), population=4, steps=2, rng=0),
    ):
        with pytest.raises(RuntimeError, match="generator raised StopIteration") as caught:
            run()
        assert caught.value.theta is not None


# --- state ----------------------------------------------------------------------------------------


def state() -> dict[str, Any]:
    """What a caller may have set, and what his own draws come from."""
    return {
        "floating-point errors": np.geterr(),
        "warnings": list(warnings.filters),
        "numpy": str(np.random.get_state(legacy=False)),  # noqa: NPY002  # it is what is looked at
        "random": random.getstate(),
        "torch": torch.get_rng_state().numpy().tobytes(),
        "dtype": torch.get_default_dtype(),
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "figures": str(dict(plt.rcParams)),
    }


@contextlib.contextmanager
def settings_of_a_caller(torch_mode: Callable[[], Any]) -> Iterator[None]:
    """Everything as hardly anybody sets it: errors raise, warnings are errors, seeds are others."""
    states = np.random.get_state(), random.getstate(), torch.get_rng_state()  # noqa: NPY002
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        np.random.seed(5)  # noqa: NPY002
        random.seed(5)
        torch.manual_seed(5)
        torch.set_default_dtype(torch.float64 if dtype == torch.float32 else torch.float32)
        with np.errstate(all="raise"), warnings.catch_warnings(), torch_mode():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
            before = state()
            yield
            after = state()
        assert {name: after[name] for name in after if after[name] != before[name]} == {}
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
        torch.set_rng_state(states[2])
        random.setstate(states[1])
        np.random.set_state(states[0])  # noqa: NPY002


CHANGED = {
    "pytorch.train": {"module"},
    "pytorch.set_theta": {"module"},
    "graph.backward": {"node"},
    "zero_grad": {"node"},
}
"""Arguments that are meant to be changed."""

CHANCE = {"pytorch.MLP": "starts as PyTorch's layers do, from its global generator and in its dtype"}
"""What looks at global state, as its docstring says."""


def given_to(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    left_out = CHANGED.get(name, set())
    return {
        argument: value for argument, value in arguments.items()
        if argument not in left_out and not isinstance(value, GeneratorType)
    }  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_no_public_callable_changes_what_it_is_given_or_minds_what_is_set(name):
    item = TABLE[name]
    arguments = item.good()
    before = frozen(given_to(name, arguments))
    answer = frozen(item.call(**arguments))
    assert frozen(given_to(name, arguments)) == before
    if name in CHANCE:
        return
    modes = [torch.no_grad, torch.inference_mode] if item.family == "pytorch" else [torch.no_grad]
    for mode in modes:
        arguments, unseeded = item.good(), item.good()
        with settings_of_a_caller(mode):
            assert frozen(item.call(**arguments)) == answer
            if "rng" in item.arguments():
                item.call(**{**unseeded, "rng": None})  # a seed of its own, from nobody's generator
        assert frozen(given_to(name, arguments)) == before


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", RUNS)
def test_no_method_minds_what_is_set(name, library):
    if name in (TORCH_ONLY if library == "numpy" else NUMPY_ONLY):
        pytest.skip("it takes the other library only")
    answer, given = plainly(name, library)
    for mode in (torch.no_grad, torch.inference_mode):
        if name in TORCH_ONLY and mode is torch.inference_mode:
            continue  # a module that is made there cannot be fitted: see below
        hand = Mischief("")
        with np.errstate(all="ignore"):
            torch.manual_seed(0)
        with settings_of_a_caller(mode) if name not in TORCH_ONLY else mode():
            found, arrays = RUNS[name][0](maker(library), hand)
            assert frozen(found) == answer
            assert frozen(arrays) == given


def test_settings_are_the_callers_after_an_exception_too():
    for name, (run, arguments) in RUNS.items():
        if name in TORCH_ONLY:
            continue  # their modules are made by the table, from a seed
        for argument in arguments:
            if (name, argument) in GENERATORS:
                continue
            before = state()
            with np.errstate(over="raise"), pytest.raises(StopIteration):
                run(maker("numpy"), Ends(argument, 1))
            assert state() == before


def test_a_refusal_leaves_the_settings_as_they_were():
    """The speed of g is measured before a grid is refused, and g has no words about that."""
    with (
        settings_of_a_caller(torch.no_grad),
        pytest.raises(ValueError, match="max_points"),
    ):
        lc.grid_search(lambda t: np.exp(-800 * t[:, 0] ** 2), BOX, 100, max_points=10)


FAR = np.array([[0.0], [1e-170], [3e-165], [1.0]])
TINY = np.array([[1e-170, 2e-170], [3e-200, 1e-308], [1.0, 2.0], [0.5, -1.0]])
LOUD = {  # right answers on whose way numbers leave the range, or vanish
    "CrossEntropy in backprop": lambda: lc.backprop(
        lc.Network((1, 2)), lc.CrossEntropy(), [0.0, 0.0, 900.0, -900.0], [[1.0], [2.0]], [0, 0]
    ),
    "sample_gradients": lambda: lc.sample_gradients(
        lc.Network((1, 2)), lc.CrossEntropy(), [0.0, 0.0, 900.0, -900.0], [[1.0], [2.0]], [0, 0]
    ),
    "TotalLoss": lambda: lc.TotalLoss(
        lc.Network((1, 2)), lc.CrossEntropy(), [[1.0], [2.0]], [0, 0]
    )([0.0, 0.0, 900.0, -900.0]),
    "Network.predict": lambda: lc.Network((2, 3, 1), "softplus", "sigmoid").predict(
        np.full(13, 400.0), [[-1.0, -1.0], [1e-300, 1e-200]]
    ),
    "Network.forward": lambda: lc.Network((2, 3, 1), "tanh").forward(np.full(13, 1e-200), TINY),
    "Mixture": lambda: [
        getattr(lc.Mixture(np.full(2, 0.5), np.array([[0.0], [90.0]]), np.full((2, 1, 1), 1.0)), name)(
            np.array([[0.0], [90.0]])
        )
        for name in ("log_joint", "log_density", "responsibilities")
    ],
    "gaussian_mixture": lambda: lc.gaussian_mixture(
        np.array([[0.0], [1e-6], [900.0], [901.0], [902.0]]), 2, rng=0
    ),
    "kmeans": lambda: lc.kmeans(FAR, 2, rng=0, restarts=2),
    "kmeans_start": lambda: lc.kmeans_start(FAR, 2, rng=0),
    "assign": lambda: lc.alternating.assign(FAR, FAR[1:3]),
    "inertia": lambda: lc.alternating.inertia(FAR, FAR[1:3], [0, 0, 1, 1]),
    "factorize": lambda: lc.factorize(TINY, 1, rng=0),
    "lasso": lambda: lc.lasso(TINY * 1e200, TINY[:, 0], 0.1),
    "largest_penalty": lambda: lc.largest_penalty(TINY, TINY[:, 0]),
    "soft_threshold": lambda: lc.alternating.soft_threshold(TINY, 1e-308),
    "nonnegative_least_squares": lambda: lc.nonnegative_least_squares(TINY, TINY[:, 0]),
    "kkt_violation": lambda: lc.kkt_violation(TINY, TINY[:, 0], [1e-300, 0.0]),
    "least_squares": lambda: lc.least_squares(TINY, TINY[:, 0]),
    "fit_affine": lambda: lc.fit_affine([1e-170, 2e-170, 3e-170], [1.0, 2.0, 3.0]),
    "classify": lambda: lc.classify(np.diag([1e-300, 1e300])),
    "check_gradient": lambda: lc.check_gradient(
        lambda t: float(np.exp(-800 * t[0] ** 2) + t[0]), lambda t: np.ones(1), [1.5]
    ),
    "golden_section": lambda: lc.alternating.golden_section(
        lambda t: 1 - np.exp(-((t[0] - 40) ** 2)), np.array([39.0]), 0
    ),
    "coordinate_descent": lambda: lc.coordinate_descent(
        lambda t: -np.exp(-(t[0] ** 2)) + t[0] ** 2 / 4, [30.0], sweeps=5
    ),
    "minimize": lambda: lc.minimize(
        lambda t: (np.exp(t).sum(), np.exp(t)), [800.0, 0.0], lc.GradientDescent(1.0), steps=3
    ),
    "genetic": lambda: lc.genetic(
        lambda t: np.exp(-800 * t[:, 0]), domains.Interval(0, 9), population=5, steps=3, rng=0
    ),
    "random_search": lambda: lc.random_search(
        lambda t: 1 / (t[:, 0] < 0.5), domains.Interval(0, 1), 20, rng=0
    ),
    "train": lambda: lc.train(
        lc.Network((1, 2)), lc.CrossEntropy(), np.array([[900.0], [-900.0]]), [0, 1],
        lc.GradientDescent(1e-3), epochs=3, batch_size=1, rng=0, start=[1.0, -1.0, 0.0, 0.0],
    ),
    "log_softmax": lambda: graph.value_and_gradient(lambda t: graph.log_softmax(t)[0])(
        [0.0, -800.0, 9.0]
    ),
    "contours": lambda: plots.contours(
        lambda t: 1 / t[..., 0], EDGES, points=3, ax=plt.figure().gca()
    ) and None,
}  # fmt: skip


@pytest.mark.parametrize("name", LOUD)
def test_numbers_that_vanish_on_the_way_raise_nothing(name):
    with np.errstate(all="ignore"):
        answer = frozen(LOUD[name]())
    with settings_of_a_caller(torch.no_grad):
        assert frozen(LOUD[name]()) == answer


def test_the_settings_of_a_callback_are_the_callers():
    for run in (
        lambda c: lc.gradient_descent(SQUARE, [1.0, 1.0], 0.1, steps=2, callback=c),
        lambda c: lc.kmeans(X, 2, rng=0, callback=c),
        lambda c: lc.genetic(SQUARE, BOX, population=4, steps=2, rng=0, callback=c),
    ):
        seen = []
        with np.errstate(over="raise", under="warn"):
            run(lambda trace, seen=seen: seen.append((np.geterr()["over"], np.geterr()["under"])))
        assert set(seen) == {("raise", "warn")}


def test_no_generator_keeps_a_setting_over_a_yield():
    """Who breaks off a loop over it would be left with the setting."""
    settings = "errstate", "no_grad", "enable_grad", "inference_mode", "catch_warnings", "fork_rng"
    found = []
    for file in Path(lc.__file__).parent.rglob("*.py"):
        for function in ast.walk(ast.parse(file.read_text())):
            if not isinstance(function, ast.FunctionDef):
                continue
            if any("contextmanager" in ast.unparse(d) for d in function.decorator_list):
                continue
            for block in (b for b in ast.walk(function) if isinstance(b, ast.With)):
                sets = any(s in ast.unparse(item.context_expr) for s in settings for item in block.items)
                if sets and any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(block)):
                    found.append(f"{file.name}: {function.name}")
    assert found == []


def test_a_module_made_in_inference_mode_is_refused_in_words():
    x, y = torch.zeros(4, 2), torch.zeros(4, 1)
    with torch.inference_mode():
        module = torch.nn.Linear(2, 1)
        with pytest.raises(ValueError, match="inference_mode"):
            lt.train(module, lc.SquaredError(), x, y, lc.Adam(), epochs=1, batch_size=2, rng=0)


def test_data_made_in_inference_mode_fits_as_any_other():
    torch.manual_seed(0)
    module = torch.nn.Linear(2, 1)
    start = lt.get_theta(module)

    def run(x, y):
        options = {"epochs": 2, "batch_size": 2, "rng": 0, "start": start}
        trace = lt.train(module, lc.SquaredError(), x, y, lc.Adam(0.1), **options)
        g = lt.TotalLoss(module, lc.SquaredError(), x, y)
        return frozen([trace, g.value_and_gradient(start), g.hessian(start)])

    numbers = np.arange(8, dtype=np.float32).reshape(4, 2)
    answer = run(torch.tensor(numbers), torch.tensor(numbers[:, :1]))
    with torch.inference_mode():
        assert run(torch.tensor(numbers), torch.tensor(numbers[:, :1])) == answer


# --- the precision of g ---------------------------------------------------------------------------

W, Y = np.random.default_rng(0).normal(size=(20, 3)), np.random.default_rng(1).normal(size=20)


def mean_error(kind: str, answer: Callable[[Any], Any]) -> Callable[[np.ndarray], Any]:
    """The squared error, computed in another precision than that of theta."""
    w, y = W.astype(kind), Y.astype(kind)
    return lambda theta: answer(((w @ theta.astype(kind) - y) ** 2).sum() + w.dtype.type(100))


def right(theta: np.ndarray) -> np.ndarray:
    return 2 * W.T @ (W @ theta - Y)


@pytest.mark.parametrize("answer", [float, np.float32, lambda value: value])
@pytest.mark.parametrize("theta", [[0.3, -0.7, 1.1], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [10.0, -3, 0.01]])
def test_gradients_are_judged_in_the_precision_of_g(answer, theta):
    g = mean_error("f4", answer)
    assert lc.check_gradient(g, right, theta) < 1e-2
    for wrong in (lambda t: -right(t), lambda t: right(t) / 2, lambda t: 1.2 * right(t)):
        with pytest.raises(ValueError, match="the gradient is wrong"):
            lc.check_gradient(g, wrong, theta)
    exact = mean_error("f8", float)
    with pytest.raises(ValueError, match="the gradient is wrong"):  # not looser than before
        lc.check_gradient(exact, lambda t: right(t) + np.array([0, 0, 1e-4]), theta)


def test_a_gradient_in_float32_is_right_to_float32():
    w, y = W.astype("f4"), Y.astype("f4")
    at = np.linalg.lstsq(W, Y)[0]  # where its terms cancel
    exact = lambda t: ((W @ t - Y) ** 2).sum()  # noqa: E731
    assert lc.check_gradient(exact, lambda t: 2 * w.T @ (w @ t.astype("f4") - y), at + 1e-3) < 1e-2


def minimizer(p: int) -> Callable[[np.ndarray], float]:
    column = W[:, p]
    return lambda theta: column @ (Y - W @ theta + column * theta[p]) / (column @ column)


@pytest.mark.parametrize("answer", [float, np.float32])
def test_a_rise_by_the_rounding_of_g_is_none(answer):
    minimizers = [minimizer(p) for p in range(3)]
    for start in np.random.default_rng(2).normal(size=(20, 3)):
        trace = lc.alternate(mean_error("f4", answer), minimizers, start, sweeps=50)
        assert trace.converged, trace.message
    rising = [lambda theta: theta[0] + 1e-3] * 3
    trace = lc.alternate(mean_error("f4", answer), rising, np.linalg.lstsq(W, Y)[0], sweeps=50)
    assert not trace.converged
    assert "raised g" in trace.message


def test_the_precision_of_numbers():
    precision = lc.evaluation.precision
    values = np.random.default_rng(0).normal(size=5)
    assert precision(values.tolist()) == 2.0**-52
    assert precision(values.astype("f4").tolist()) == 2.0**-23
    assert precision(values.astype("f2").tolist()) == 2.0**-10
    assert precision(torch.tensor(values).bfloat16().double().tolist()) == 2.0**-7
    assert precision([*values.astype("f2").tolist(), values[0]]) == 2.0**-52
    assert precision([np.nan, np.inf]) == precision([]) == 2.0**-52
