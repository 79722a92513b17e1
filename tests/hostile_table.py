"""The table of hostile calls: for each public callable, arguments that are right, and their kinds."""

import inspect
import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("MPLBACKEND", "agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from hostile_kinds import (
    KINDS,
    Entry,
    Kind,
    a,
    anything,
    array,
    domain,
    either,
    entries,
    flag,
    function,
    indices,
    loose,
    loss,
    maybe,
    natural,
    number,
    one_of,
    optimizer,
    plain,
    positive,
    real,
    several,
    share,
    text,
    track,
    whole,
)
from matplotlib.axes import Axes

import lecturecode as lc
from lecturecode import datasets, domains, exercises, graph, objectives, plots, randomness
from lecturecode import pytorch as lt

TABLE: dict[str, Entry] = {}


def entry(
    family: str, name: str, call: Callable[..., Any], good: Callable[[], dict], /, **kinds: Kind
) -> None:
    assert name not in TABLE, name
    TABLE[name] = Entry(family, name, call, good, kinds)


X = np.array([[0.0, 1.0], [2.0, 0.0], [0.5, 3.0], [4.0, 1.0], [1.0, 1.5], [3.0, 3.0]])
Y1, Y2, LABELS = (
    np.arange(6.0),
    np.column_stack([np.arange(6.0), np.ones(6)]),
    np.array([0, 1, 1, 0, 1, 0]),
)
NET, RELU = lc.Network((2, 3, 2)), lc.Network((2, 3, 2), "relu")
THETA = NET.init(0)
SQUARE = objectives.Quadratic([1.0, 2.0])
BOX = [(-1.0, 1.0), (-1.0, 1.0)]
CITIES = np.array([[0.0, 1, 2, 3], [1, 0, 1, 2], [2, 1, 0, 1], [3, 2, 1, 0]])
PLACES = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])


def _pair(theta: Any) -> tuple[Any, Any]:
    return SQUARE(theta), SQUARE.gradient(theta)


def _first(theta: Any) -> Any:
    theta[0] = 0.0
    return theta[:1]


def _second(theta: Any) -> Any:
    return np.zeros(1)


def _alternating() -> None:
    f = "alternating"
    entry(
        f,
        "alternate",
        lc.alternate,
        lambda: {
            "g": SQUARE,
            "block_minimizers": [lambda t: 0.0, lambda t: 0.0],
            "theta": [1.0, 1.0],
            "sweeps": 2,
        },
        block_minimizers=several(function),
        blocks=maybe(lambda v: isinstance(v, list | tuple)),
    )
    entry(
        f,
        "coordinate_descent",
        lc.coordinate_descent,
        lambda: {"g": SQUARE, "theta": [1.0, 1.0], "sweeps": 2},
    )
    entry(
        f,
        "golden_section",
        lc.alternating.golden_section,
        lambda: {"g": SQUARE, "theta": np.ones(2), "p": 0, "value": 1.5, "reach": 1.0},
        reach=positive,
    )
    entry(
        f,
        "newton_section",
        lc.alternating.newton_section,
        lambda: {"g": SQUARE, "theta": np.ones(2), "p": 0, "value": 1.5},
    )
    entry(
        f,
        "kmeans",
        lc.kmeans,
        lambda: {"x": X, "clusters": 2, "rng": 0, "sweeps": 3},
        clusters=maybe(whole()),
        start=maybe(array),
    )
    entry(f, "kmeans_start", lc.kmeans_start, lambda: {"x": X, "clusters": 2, "rng": 0})
    entry(f, "assign", lc.alternating.assign, lambda: {"x": X, "centers": X[:2]})
    entry(f, "inertia", lc.alternating.inertia, lambda: {"x": X, "centers": X[:2], "labels": LABELS})
    entry(
        f,
        "factorize",
        lc.factorize,
        lambda: {"matrix": X, "rank": 1, "rng": 0, "sweeps": 3},
        matrix=array,
    )
    entry(f, "factors", lc.alternating.factors, lambda: {"theta": np.ones(8), "shape": (6, 2)})
    entry(
        f,
        "gaussian_mixture",
        lc.gaussian_mixture,
        lambda: {"x": X, "components": 2, "rng": 0, "sweeps": 2},
        covariance=one_of("full", "diagonal", "spherical"),
        start=maybe(a(lc.Mixture)),
        floor=natural,
    )
    entry(f, "lasso", lc.lasso, lambda: {"W": X, "y": Y1, "penalty": 0.1, "steps": 5})
    entry(f, "largest_penalty", lc.largest_penalty, lambda: {"W": X, "y": Y1})
    entry(
        f,
        "nonnegative_least_squares",
        lc.nonnegative_least_squares,
        lambda: {"W": X, "y": Y1},
        steps=maybe(whole()),
    )
    entry(f, "kkt_violation", lc.kkt_violation, lambda: {"W": X, "y": Y1, "theta": np.ones(2)})
    entry(
        f,
        "soft_threshold",
        lc.alternating.soft_threshold,
        lambda: {"theta": np.ones(2), "threshold": 0.5},
        threshold=array,
    )
    mixture = lc.Mixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])
    # A Mixture is made at every step of a fit, so that its parts are looked at only where it is used.
    entry(
        f,
        "Mixture",
        lambda weights, means, covariances: lc.Mixture(weights, means, covariances).log_density(X),
        lambda: {"weights": np.ones(1), "means": np.zeros((1, 2)), "covariances": np.eye(2)[None]},
        weights=array,
        means=array,
        covariances=array,
    )
    for name in ("log_joint", "log_density", "responsibilities"):
        entry(f, f"Mixture.{name}", getattr(mixture, name), lambda: {"x": X})
    entry(f, "Mixture.unpack", lc.Mixture.unpack, lambda: {"theta": np.ones(7), "components": 1})


def _descent() -> None:
    f = "descent"
    entry(
        f,
        "minimize",
        lc.minimize,
        lambda: {
            "value_and_gradient": _pair,
            "theta": [1.0, 1.0],
            "optimizer": lc.GradientDescent(0.1),
            "steps": 3,
        },
    )
    entry(
        f,
        "gradient_descent",
        lc.gradient_descent,
        lambda: {"g": SQUARE, "theta": [1.0, 1.0], "learning_rate": 0.1, "steps": 3},
    )
    entry(
        f,
        "check_gradient",
        lc.check_gradient,
        lambda: {"g": SQUARE, "gradient": SQUARE.gradient, "theta": [1.0, 1.0]},
        gradient=function,
    )
    entry(
        f,
        "find_stationary_point",
        lc.find_stationary_point,
        lambda: {"gradient": SQUARE.gradient, "hessian": SQUARE.hessian, "theta": [1.0, 1.0]},
        gradient=function,
        hessian=function,
        tol=maybe(real(0, np.inf, "[]")),
    )
    entry(f, "classify", lc.classify, lambda: {"hessian": np.eye(2)}, tol=maybe(natural))
    entry(
        f,
        "collect",
        lc.collect,
        lambda: {"method": (lc.Step(np.ones(2), 1.0) for _ in range(4)), "steps": 2},
        method=lambda v: inspect.isgenerator(v),
        steps=maybe(whole()),
        until=lambda v: isinstance(v, list | tuple) and all(map(function, v)),
        used_up=text,
        sweep=whole(0),
        expected=maybe(whole(0)),
        shown=maybe(function),
    )
    entry(
        f,
        "Told",
        lc.Told,
        lambda: {"g": SQUARE, "method": (_ for _ in [])},
        method=lambda v: inspect.isgenerator(v),
        keep=one_of("populations", "points", "best"),
    )
    for kind, good in (
        (lc.GradientDescent, {"learning_rate": 0.1}),
        (lc.Momentum, {"learning_rate": 0.1, "momentum": 0.9}),
        (lc.Adam, {"learning_rate": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8}),
    ):
        entry(
            f,
            kind.__name__,
            kind,
            lambda good=good: dict(good),
            momentum=share,
            beta1=share,
            beta2=share,
            eps=positive,
        )
    entry(f, "constant", lc.schedules.constant, lambda: {"learning_rate": 0.1})
    entry(
        f,
        "inverse_time",
        lc.schedules.inverse_time,
        lambda: {"learning_rate": 0.1, "half": 10.0},
        half=positive,
    )
    entry(f, "cosine", lc.schedules.cosine, lambda: {"learning_rate": 0.1, "steps": 10})


def _least_squares() -> None:
    f = "least squares"
    for name in ("least_squares", "normal_equations"):
        entry(f, name, getattr(lc, name), lambda: {"W": X, "y": Y1})
    entry(f, "design_matrix", lc.design_matrix, lambda: {"x": Y1})
    entry(f, "fit_affine", lc.fit_affine, lambda: {"x": Y1, "y": Y1})
    entry(f, "affine_error", lc.affine_error, lambda: {"x": Y1, "y": Y1})


def _search() -> None:
    f = "search"
    plane = domains.Interval(-1, 1) ** 2
    often = {"record_every": maybe(whole(0))}
    entry(f, "brute_force", lc.brute_force, lambda: {"g": SQUARE, "candidates": X}, **often)
    entry(
        f,
        "grid_search",
        lc.grid_search,
        lambda: {"g": SQUARE, "domain": plane, "points": 3},
        points=either(whole(), several(whole())),
        **often,
    )
    entry(
        f,
        "random_search",
        lc.random_search,
        lambda: {"g": SQUARE, "domain": plane, "draws": 5, "rng": 0},
        **often,
    )
    entry(f, "evaluate", lc.evaluation.evaluate, lambda: {"g": SQUARE, "thetas": X})
    entry(
        f,
        "pointwise",
        lc.pointwise,
        lambda: {"g": SQUARE, "workers": 1},
        workers=either(whole(), function),
    )
    entry(f, "pointwise(...)", lc.pointwise(SQUARE), lambda: {"thetas": X})
    swarm = {"g": SQUARE, "domain": plane, "population": 6, "steps": 3, "rng": 0}
    entry(
        f,
        "genetic",
        lc.genetic,
        lambda: dict(swarm),
        tournament=whole(),
        elite=whole(0),
        blend=natural,
        mutation=natural,
    )
    entry(f, "particle_swarm", lc.particle_swarm, lambda: dict(swarm), attraction=real(2), scouts=share)
    entry(
        f, "evolution_strategy", lc.evolution_strategy, lambda: dict(swarm), population=maybe(whole(2))
    )
    entry(
        f,
        "ant_colony",
        lc.ant_colony,
        lambda: {"distances": CITIES, "population": 3, "steps": 3, "rng": 0},
    )
    entry(
        f,
        "ant_paths",
        lc.ant_paths,
        lambda: {"distances": CITIES, "nest": 0, "food": 3, "population": 3, "steps": 3, "rng": 0},
    )
    entry(f, "tour_length", lc.tour_length, lambda: {"distances": CITIES, "tours": [0, 1, 2, 3]})


def _domains() -> None:
    f = "domains"
    letters = lambda v: isinstance(v, str | bytes) and len(v) > 0  # noqa: E731  # a sequence, too
    options = either(several(anything), letters)
    entry(f, "Choice", domains.Choice, lambda: {"options": ["a", "b"]}, options=options)
    entry(f, "Interval", domains.Interval, lambda: {"a": 0.0, "b": 1.0}, a=real(), b=real())
    entry(
        f,
        "LogInterval",
        domains.LogInterval,
        lambda: {"a": 0.1, "b": 1.0},
        a=positive,
        b=positive,
    )
    entry(
        f,
        "Integers",
        domains.Integers,
        lambda: {"low": 0, "high": 3},
        low=whole(-np.inf),
        high=whole(-np.inf),
    )
    entry(f, "Real", domains.Real, lambda: {"scale": 1.0}, scale=maybe(positive))
    entry(f, "Positive", domains.Positive, lambda: {"scale": 1.0}, scale=maybe(positive))
    line = domains.Interval(0, 1)
    entry(
        f,
        "Product",
        lambda a, b: domains.Product(a, b),
        lambda: {"a": line, "b": line},
        a=domain,
        b=domain,
    )
    entry(f, "Domain * Domain", lambda other: line * other, lambda: {"other": line}, other=domain)
    entry(f, "Domain ** int", lambda copies: line**copies, lambda: {"copies": 2}, copies=whole())
    for space in (
        domains.Choice(["a", "b"]),
        domains.Integers(0, 3),
        line,
        domains.LogInterval(0.5, 2.0),
        domains.Real(1.0),
        domains.Positive(1.0),
        line * line,
    ):
        kind = type(space).__name__
        theta = [1.0] * space.size
        for name in ("contains", "project"):
            entry(
                f,
                f"{kind}.{name}",
                getattr(space, name),
                lambda theta=theta: {"theta": theta},
                theta=loose,
            )
        entry(f, f"{kind}.decode", space.decode, lambda theta=theta: {"theta": theta})
        entry(
            f,
            f"{kind}.encode",
            space.encode,
            lambda theta=theta, space=space: {"values": space.decode(theta)},
            values=several(anything),
        )
        entry(f, f"{kind}.sample", space.sample, lambda: {"count": 2, "rng": 0})
        entry(f, f"{kind}.axes", space.axes, lambda: {"points": 2})


def _objectives() -> None:
    f = "objectives"
    for kind in (objectives.Ackley, objectives.Rastrigin):
        entry(f, kind.__name__, kind, lambda: {"size": 2})
    entry(f, "DoubleWell", objectives.DoubleWell, lambda: {"tilt": 0.3, "size": 2}, tilt=real())
    entry(f, "Rosenbrock", objectives.Rosenbrock, lambda: {"k": 100.0}, k=real())
    entry(
        f,
        "Quadratic",
        objectives.Quadratic,
        lambda: {"eigenvalues": [1.0, 2.0]},
        eigenvalues=array,
        center=maybe(array),
        basis=maybe(array),
    )
    entry(f, "MeanSquaredError", objectives.MeanSquaredError, lambda: {"W": X, "y": Y1})
    entry(
        f,
        "Function",
        objectives.Function,
        lambda: {"value": SQUARE},
        value=function,
        gradient=maybe(function),
        hessian=maybe(function),
        domain=maybe(domain),
        minima=maybe(array),
    )
    residual = objectives.MeanSquaredError(X, Y1)
    entry(f, "MeanSquaredError.residual", residual.residual, lambda: {"theta": np.ones(2)}, theta=loose)
    for g in (
        objectives.Ackley(),
        objectives.DoubleWell(),
        objectives.Himmelblau(),
        residual,
        objectives.MonkeySaddle(),
        SQUARE,
        objectives.Rastrigin(),
        objectives.Rosenbrock(),
        objectives.Saddle(),
    ):
        for name in ("__call__", "gradient", "hessian", "value_and_gradient"):
            entry(
                f,
                f"{type(g).__name__}.{name}",
                getattr(g, name),
                lambda: {"theta": np.ones(2)},
                theta=loose,
            )


def _networks() -> None:
    f = "networks"
    good = {"network": NET, "loss": lc.SquaredError(), "theta": THETA, "x": X, "y": Y2}
    entry(f, "Network", lc.Network, lambda: {"widths": (2, 3, 2)})
    entry(
        f,
        "Network.init",
        NET.init,
        lambda: {"rng": 0},
        networks=either(whole(0), several(whole(0)), lambda v: isinstance(v, list | tuple) and not v),
    )
    entry(f, "Network.unpack", NET.unpack, lambda: {"theta": THETA}, theta=loose)
    for name in ("forward", "predict"):
        entry(
            f,
            f"Network.{name}",
            getattr(NET, name),
            lambda: {"theta": THETA, "x": X},
            theta=loose,
            x=loose,
        )
    entry(f, "backprop", lc.backprop, lambda: dict(good), theta=loose, x=loose, y=loose)
    entry(f, "sample_gradients", lc.sample_gradients, lambda: dict(good), theta=loose, x=loose, y=loose)
    four = lc.Network((2, 2, 2, 2, 2))
    entry(
        f,
        "backprop_by_hand",
        lc.backprop_by_hand,
        lambda: {
            "network": four,
            "loss": lc.SquaredError(),
            "theta": four.init(0),
            "x": X[0],
            "y": X[1],
        },
        theta=loose,
        x=loose,
        y=loose,
    )
    entry(f, "Backprop", lc.Backprop, lambda: {"network": NET, "loss": lc.SquaredError()})
    entry(f, "TotalLoss", lc.TotalLoss, lambda: {k: v for k, v in good.items() if k != "theta"})
    total = lc.TotalLoss(NET, lc.SquaredError(), X, Y2)
    for name in ("__call__", "gradient", "value_and_gradient", "hessian"):
        entry(f, f"TotalLoss.{name}", getattr(total, name), lambda: {"theta": THETA}, theta=loose)
    for kind, y in ((lc.SquaredError(), Y2), (lc.CrossEntropy(), LABELS)):
        name = type(kind).__name__
        entry(
            f,
            f"{name}.targets",
            kind.targets,
            lambda y=y: {"y": y, "outputs": 2, "like": X},
            outputs=whole(),
            y=loose,
        )
    entry(f, "minibatches", lc.minibatches, lambda: {"samples": 6, "batch_size": 2, "rng": 0})
    entry(
        f,
        "train",
        lc.train,
        lambda: {
            **{k: v for k, v in good.items() if k != "theta"},
            "optimizer": lc.Adam(),
            "epochs": 2,
            "batch_size": 3,
            "rng": 0,
        },
        start=maybe(array),
    )
    for name in ("reorder_neurons", "flip_neuron", "rescale_neuron"):
        last = {
            "reorder_neurons": {"order": [0, 2, 1]},
            "flip_neuron": {"neuron": 0},
            "rescale_neuron": {"neuron": 0, "beta": 2.0},
        }[name]
        net = RELU if name == "rescale_neuron" else NET
        entry(
            f,
            name,
            getattr(lc, name),
            lambda last=last, net=net: {"network": net, "theta": THETA, "layer": 1, **last},
            beta=positive,
            theta=loose,
        )


def _one_argument(call: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda x: call(x)


def _two_arguments(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, y: call(x, y)


def _graph() -> None:
    f = "graph"
    one = lambda: graph.Node(np.ones((2, 2)))  # noqa: E731
    value = either(entries, a(graph.Node))
    entry(f, "Node", graph.Node, lambda: {"value": 1.0}, value=entries, name=text)
    unary = ("exp", "log", "log_softmax", "negative", "relu", "sigmoid", "tanh", "transpose")
    for name in unary:
        entry(f, f"graph.{name}", _one_argument(getattr(graph, name)), lambda: {"x": one()}, x=value)
    for name in ("add", "divide", "matmul", "maximum", "multiply", "power", "subtract"):
        entry(
            f,
            f"graph.{name}",
            _two_arguments(getattr(graph, name)),
            lambda: {"x": one(), "y": one()},
            x=value,
            y=value,
        )
    for sign, operate in {
        "+": lambda y: one() + y,
        "@": lambda y: one() @ y,
        "**": lambda y: one() ** y,
        "/": lambda y: one() / y,
    }.items():
        entry(f, f"Node {sign} y", operate, lambda: {"y": one()}, y=value)
    entry(f, "Node[...]", lambda index: one()[index], lambda: {"index": 0}, index=anything)
    axis = maybe(either(lambda v: isinstance(plain(v), int) and number(v), several(whole(0))))
    for name in ("sum", "mean"):
        entry(
            f,
            f"Node.{name}",
            getattr(one(), name),
            lambda: {"axis": 0, "keepdims": False},
            axis=axis,
            keepdims=flag,
        )
    entry(
        f,
        "Node.reshape",
        lambda m, n: one().reshape(m, n),
        lambda: {"m": 1, "n": 4},
        m=whole(-1),
        n=whole(-1),
    )
    entry(f, "graph.backward", graph.backward, lambda: {"node": one().sum()})
    entry(f, "topological_order", graph.topological_order, lambda: {"node": one().sum()})
    entry(f, "zero_grad", lambda node: graph.zero_grad(node), lambda: {"node": one()})
    entry(
        f,
        "graph.dnn",
        graph.dnn,
        lambda: {"network": NET, "theta": graph.Node(THETA), "x": X},
        theta=value,
        x=loose,
    )
    entry(
        f,
        "graph.cross_entropy",
        graph.cross_entropy,
        lambda: {"a": graph.Node(X), "labels": LABELS},
        a=value,
    )
    entry(
        f,
        "graph.value_and_gradient",
        graph.value_and_gradient,
        lambda: {"f": lambda t: t.sum()},
        f=function,
    )
    entry(
        f,
        "graph.value_and_gradient(...)",
        graph.value_and_gradient(lambda t: (t * t).sum()),
        lambda: {"theta": np.ones(2)},
        theta=entries,
    )
    entry(
        f,
        "Box",
        lambda name, forward, backward: graph.Box(name, forward, backward),
        lambda: {"name": "f", "forward": np.sin, "backward": np.cos},
        name=text,
        forward=function,
        backward=function,
    )


def _pytorch() -> None:
    f = "pytorch"
    x, y = torch.tensor(X), torch.tensor(Y2)

    def module() -> Any:
        torch.manual_seed(0)
        return lt.MLP((2, 3, 2)).double()

    lossy = either(loss, function)
    built = either(optimizer, function)
    common = {"loss": lossy, "optimizer": built}
    entry(f, "pytorch.MLP", lt.MLP, lambda: {"widths": (2, 3, 2)})
    entry(
        f,
        "pytorch.MLP.from_network",
        lt.MLP.from_network,
        lambda: {"network": NET, "theta": THETA},
        theta=loose,
    )
    entry(
        f,
        "pytorch.TotalLoss",
        lt.TotalLoss,
        lambda: {"module": module(), "loss": lc.SquaredError(), "x": x, "y": y},
        **common,
    )
    total = lt.TotalLoss(module(), lc.SquaredError(), x, y)
    for name in ("__call__", "gradient", "value_and_gradient", "hessian"):
        entry(
            f,
            f"pytorch.TotalLoss.{name}",
            getattr(total, name),
            lambda: {"theta": torch.zeros(17, dtype=torch.float64)},
            theta=loose,
        )
    entry(f, "pytorch.objective", lt.objective, lambda: {"g": lambda theta: (theta**2).sum()})
    entry(f, "pytorch.Differentiated", lt.Differentiated, lambda: {"g": lambda theta: (theta**2).sum()})
    smooth = lt.objective(lambda theta: (theta**2).sum())
    for name in ("__call__", "gradient", "value_and_gradient", "hessian"):
        entry(
            f,
            f"pytorch.Differentiated.{name}",
            getattr(smooth, name),
            lambda: {"theta": torch.zeros(3, dtype=torch.float64)},
            theta=loose,
        )
    entry(
        f,
        "pytorch.cross_entropy",
        lt.cross_entropy,
        lambda: {"outputs": x, "labels": torch.tensor(LABELS)},
        outputs=loose,
    )
    entry(
        f,
        "pytorch.device",
        lt.device,
        lambda: {"name": "cpu"},
        name=maybe(a(torch.device), one_of("cpu", "cuda")),
    )
    entry(f, "pytorch.get_theta", lt.get_theta, lambda: {"module": module()})
    entry(
        f,
        "pytorch.set_theta",
        lt.set_theta,
        lambda: {"module": module(), "theta": torch.zeros(17, dtype=torch.float64)},
    )
    speeds = {"nodes": [1, 2], "compute": 1.0, "size": 1e6, "bandwidth": 1e9, "latency": 1e-5}
    for name in ("step_seconds", "speed_up"):
        entry(
            f,
            f"pytorch.{name}",
            getattr(lt, name),
            lambda: dict(speeds),
            nodes=indices,
            compute=positive,
            size=natural,
            bandwidth=positive,
            latency=natural,
        )
    entry(
        f,
        "pytorch.value_and_gradient",
        lt.value_and_gradient,
        lambda: {"module": module(), "loss": lc.SquaredError(), "x": x, "y": y},
        **common,
    )
    entry(
        f,
        "pytorch.value_and_gradient(...)",
        lt.value_and_gradient(module(), lc.SquaredError(), x, y),
        lambda: {"theta": torch.zeros(17, dtype=torch.float64)},
        theta=loose,
    )
    run = {"x": x, "y": y, "optimizer": lc.Adam(), "epochs": 2, "batch_size": 3, "rng": 0}
    entry(
        f,
        "pytorch.train",
        lt.train,
        lambda: {"module": module(), "loss": lc.SquaredError(), **run},
        start=maybe(array),
        **common,
    )


SHARED: list[Axes] = []
"""Axes that many calls draw on; to be cleared by whoever does not want to see the others' scales."""


def _plots() -> None:
    f = "plots"
    shared = plt.figure().gca()
    SHARED.append(shared)
    solid = plt.figure().add_subplot(projection="3d")
    g = objectives.Rosenbrock()
    descent = lc.gradient_descent(SQUARE, [1.0, 1.0], 0.1, steps=3)
    sweeps = lc.coordinate_descent(SQUARE, [1.0, 1.0], sweeps=2)
    clusters, mixture = lc.kmeans(X, 2, rng=0), lc.gaussian_mixture(X, 1, rng=0, sweeps=2)
    swarm = lc.particle_swarm(SQUARE, domains.Interval(-1, 1) ** 2, population=6, steps=3, rng=0)
    ants = lc.ant_colony(CITIES, population=3, steps=3, rng=0)
    fitted = lc.train(
        NET, lc.CrossEntropy(), X, LABELS, lc.Adam(), epochs=2, batch_size=3, rng=0, record_every=1
    )
    on = {"ax": shared}
    points = {"points": 3}
    whole2 = {"points": whole(2)}

    def film() -> Any:
        figure = plt.figure()
        return plots.animate(figure, lambda i: [], 2)

    entry(
        f,
        "plots.animate",
        plots.animate,
        lambda: {"figure": shared.figure, "draw": lambda i: [], "frames": 2},
        figure=a(plt.Figure),
        draw=function,
        frames=either(whole(), several(anything)),  # each is handed to draw as it is
    )
    entry(
        f,
        "plots.animate_boundary",
        plots.animate_boundary,
        lambda: {"network": NET, "trace": fitted, "x": X, "y": LABELS, "frames": 2, **points},
        y=indices,
        **whole2,
    )
    entry(
        f,
        "plots.animate_clusters",
        plots.animate_clusters,
        lambda: {"x": X, "trace": clusters, "frames": 2},
    )
    entry(f, "plots.animate_computation", plots.animate_computation, lambda: {"node": _differentiated()})
    entry(
        f,
        "plots.animate_flow",
        plots.animate_flow,
        lambda: {
            "network": lc.Network((2, 2, 2, 2, 2)),
            "loss": lc.SquaredError(),
            "theta": np.ones(24),
            "x": X[0],
            "y": X[1],
        },
    )
    entry(
        f,
        "plots.animate_mixture",
        plots.animate_mixture,
        lambda: {"x": X, "trace": mixture, "frames": 2},
    )
    entry(
        f,
        "plots.animate_path",
        plots.animate_path,
        lambda: {"g": g, "traces": {"a": descent}, "box": BOX, "frames": 2},
        traces=either(track, lambda v: isinstance(v, dict) and bool(v)),
    )
    entry(
        f,
        "plots.animate_population",
        plots.animate_population,
        lambda: {"g": g, "trace": swarm, "box": BOX, "label": "swarm", "frames": 2},
        label=text,
    )
    entry(
        f,
        "plots.animate_trails",
        plots.animate_trails,
        lambda: {"places": PLACES, "trace": ants, "frames": 2},
        title=text,
    )
    entry(
        f,
        "plots.boundary",
        plots.boundary,
        lambda: {"network": NET, "theta": THETA, "x": X, "y": LABELS, **on, **points},
        y=indices,
        **whole2,
    )
    entry(
        f,
        "plots.clusters",
        plots.clusters,
        lambda: {"x": X, "labels": LABELS, **on},
        centers=maybe(array),
    )
    entry(
        f,
        "plots.components",
        plots.components,
        lambda: {"x": X, "mixture": lc.Mixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None]), **on},
        mixture=a(lc.Mixture),
        shares=maybe(array),
    )
    entry(
        f, "plots.computation_graph", plots.computation_graph, lambda: {"node": _differentiated(), **on}
    )
    entry(
        f,
        "plots.contours",
        plots.contours,
        lambda: {"g": g, "box": BOX, **on, **points, "levels": 3},
        **whole2,
    )
    entry(
        f,
        "plots.curve",
        plots.curve,
        lambda: {"g": objectives.DoubleWell(size=1), "box": [(-1, 1)], **on, **points},
        **whole2,
    )
    entry(
        f,
        "plots.describe",
        plots.describe,
        lambda: {"figure": shared.figure, "text": "a"},
        figure=a(plt.Figure),
        text=text,
    )
    entry(
        f,
        "plots.ellipse",
        plots.ellipse,
        lambda: {"mean": [0.0, 0.0], "covariance": np.eye(2), **on},
        mean=array,
        covariance=array,
        deviations=positive,
    )
    entry(
        f,
        "plots.flights",
        plots.flights,
        lambda: {"points": X, "velocities": X, **on},
        points=array,
        velocities=array,
    )
    entry(f, "plots.look", plots.look, lambda: {"cluster": 0}, cluster=whole(0))
    entry(
        f,
        "plots.mark",
        plots.mark,
        lambda: {"theta": [0.0, 0.0], "kind": "minimum", **on},
        kind=one_of(*plots.KINDS),
        ax=a(Axes),
        height=maybe(real()),
    )
    entry(f, "plots.members", plots.members, lambda: {"points": X, **on}, points=array)
    entry(
        f, "plots.network_graph", plots.network_graph, lambda: {"network": NET, **on}, theta=maybe(array)
    )
    entry(f, "plots.path", plots.path, lambda: {"trace": descent, **on}, trace=track)
    entry(
        f,
        "plots.player",
        plots.player,
        lambda: {"animation": film(), "alt": "a"},
        animation=a(plt.matplotlib.animation.Animation),
        alt=maybe(text),
        dpi=whole(),
    )
    entry(
        f,
        "plots.staircase",
        plots.staircase,
        lambda: {"trace": sweeps, **on},
        trace=track,
        g=maybe(function),
    )
    entry(
        f,
        "plots.surface",
        plots.surface,
        lambda: {"g": g, "box": BOX, "ax": solid, **points, "levels": 3},
        **whole2,
    )
    entry(
        f, "plots.tour", plots.tour, lambda: {"places": PLACES, "order": [0, 1, 2, 3], **on}, ax=a(Axes)
    )
    entry(
        f,
        "plots.trails",
        plots.trails,
        lambda: {"places": PLACES, "pheromone": np.ones((4, 4)), **on},
        pheromone=array,
    )
    entry(
        f,
        "plots.values",
        plots.values,
        lambda: {"trace": descent, **on},
        against=one_of("steps", "evaluations"),
        minimum=real(),
    )


def _differentiated() -> graph.Node:
    node = (graph.Node(np.ones(2)) * 2).sum()
    graph.backward(node)
    return node


def _others() -> None:
    f = "others"
    entry(f, "datasets.penguins", datasets.penguins, lambda: {"keep_missing": False}, keep_missing=flag)
    digits = datasets.norris()
    entry(f, "Dataset[...]", digits.__getitem__, lambda: {"name": "x"}, name=one_of(*digits.columns))
    entry(
        f,
        "exercises.check",
        exercises.check,
        lambda: {"name": exercises.exercise_names()[0], "answer": 1.0},
        name=one_of(*exercises.exercise_names()),
        answer=anything,
    )
    entry(f, "randomness.generator", randomness.generator, lambda: {"rng": 0})


for fill in (
    _alternating,
    _descent,
    _least_squares,
    _search,
    _domains,
    _objectives,
    _networks,
    _graph,
    _pytorch,
    _plots,
    _others,
):
    fill()

MADE_IN_EACH_STEP = (
    "Backprop.__call__", "SquaredError.__call__", "SquaredError.with_gradient", "CrossEntropy.__call__",
    "CrossEntropy.with_gradient", "constant(...)", "inverse_time(...)", "cosine(...)",
)  # fmt: skip
"""Public, and not in the table: they take what was checked once, before the first step, and a check of
their own would be paid for in every step."""

MADE_BY_METHODS = {  # records that a reader looks at, protocols, and what takes no arguments
    "lecturecode": {"RankDeficientWarning", "Step", "Trace", "CrossEntropy", "SquaredError"},
    "lecturecode.objectives": {"Objective", "Himmelblau", "MonkeySaddle", "Saddle"},
    "lecturecode.graph": {"Entries"},
    "lecturecode.pytorch": {"train_distributed"},  # it needs the processes of torchrun
    "lecturecode.plots": {"ComputationGraph", "NetworkGraph", "Player", "use_style"},
    "lecturecode.datasets": {"Certified", "Dataset", "diabetes", "digits", "norris"},
    "lecturecode.exercises": {"Verdict", "exercise_names"},
}


def missing() -> list[str]:
    """Return the public callables that have no entry, and the arguments that have no kind."""
    found = []
    for module, free in MADE_BY_METHODS.items():
        public = __import__(module, fromlist=["__all__"])
        short = module.removeprefix("lecturecode").removeprefix(".")
        for name in public.__all__:
            what = getattr(public, name)
            plain = inspect.isfunction(what) or inspect.isclass(what) or isinstance(what, graph.Box)
            if plain and name not in free and not {name, f"{short}.{name}"} & TABLE.keys():
                found.append(f"{module}.{name} has no entry")
    for kind in vars(domains).values():
        concrete = (
            inspect.isclass(kind) and issubclass(kind, domains.Domain) and kind is not domains.Domain
        )
        if concrete and kind.__name__ not in TABLE:
            found.append(f"domains.{kind.__name__} has no entry")
    for item in TABLE.values():
        for argument in item.arguments():
            if argument not in item.kinds and argument not in KINDS:
                found.append(f"{item.name}: {argument} has no kind")
    return found
