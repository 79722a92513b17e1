"""The law of units: data, theta or g in another unit change the answer by that unit and nothing else.

A unit is a power of two here, from the smallest to the largest that the dtype holds. It changes the
exponents of all numbers and none of their digits, so that the answers agree bit for bit, except where a
logarithm turns a factor into a sum. Where the answer itself cannot be held, the refusal, or the message
of the trace, says so. Each public name has its laws in a table, or the reason why it has none.
"""

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import lecturecode as lc
from lecturecode import alternating, objectives, population
from lecturecode.domains import Interval, Product
from lecturecode.objectives import Function, Himmelblau, MeanSquaredError, Quadratic

pytestmark = pytest.mark.numeric

RNG = np.random.default_rng(5)
X = RNG.standard_normal((40, 2)) + np.repeat([[0.0, 0.0], [6.0, 1.0]], 20, axis=0)
W = RNG.standard_normal((12, 3))
Y = W @ np.array([1.0, -0.5, 2.0]) + 0.1 * RNG.standard_normal(12)
LOW_RANK = RNG.standard_normal((6, 2)) @ RNG.standard_normal((2, 5)) + 0.1 * RNG.standard_normal((6, 5))
THETA = np.array([1.5, -0.75])
LABELS = np.array([0, 1] * 20)

Answers = dict[str, tuple[Any, int]]
"""Of each part of an answer, what came, and the power of the unit that it is measured in."""


def times(x: Any, k: int) -> Any:
    """x 2^k, by halves, since 2^k may leave the range of its dtype."""
    return x * 2.0 ** (k // 2) * 2.0 ** (k - k // 2)


class Kind(NamedTuple):
    """A library and a dtype."""

    library: str
    dtype: str

    def __call__(self, x: Any, k: int = 0) -> Any:
        with np.errstate(over="ignore", under="ignore"):
            array = times(np.asarray(x, dtype=self.dtype), k)
        return array if self.library == "numpy" else torch.from_numpy(np.ascontiguousarray(array))

    @property
    def largest(self) -> int:
        """The largest exponent by which data of up to 2^8 can be multiplied, and divided."""
        return 116 if self.dtype == "float32" else 1012


KINDS = [Kind(library, dtype) for library in ("numpy", "torch") for dtype in ("float32", "float64")]


class Law(NamedTuple):
    """A method and the unit of one argument."""

    run: Callable[[Kind, int], Answers]
    share: float = 1.0
    """Of the largest exponent: what the caller's own numbers allow."""
    roundings: float = 0.0
    """By how many of them answers may differ, in units of eps and of the largest part of an answer."""
    logarithm: float = 0.0
    """By how many more for each power of the unit, where a logarithm makes it a summand."""


LAWS: dict[str, dict[str, Law]] = {}


def law(
    name: str, of: str, share: float = 1.0, roundings: float = 0.0, logarithm: float = 0.0
) -> Callable:
    def add(run: Callable[[Kind, int], Answers]) -> Callable:
        LAWS.setdefault(name, {})[of] = Law(run, share, roundings, logarithm)
        return run

    return add


def traced(trace: lc.Trace, theta: int, g: int, **more: Any) -> Answers:
    """The answers of a run, whose theta and values are measured in these powers of the unit."""
    said = {"steps": trace.steps, "converged": trace.converged, "message": trace.message}
    return {
        "theta": (trace.theta, theta),
        "last": (trace.last, theta),
        "values": (trace.values, g),
        **{name: (value, 0) for name, value in said.items()},
        **more,
    }


def in_units_of_theta(g: Any, k: int) -> Function:
    """g of theta / 2^k, with its derivatives."""
    return Function(
        lambda t: g(times(t, -k)),
        gradient=lambda t: times(g.gradient(times(t, -k)), -k),
        hessian=lambda t: times(g.hessian(times(t, -k)), -2 * k),
    )


def in_units_of_g(g: Any, k: int) -> Function:
    """g + 1 times 2^k, with its derivatives; at a minimum of 0 there would be no digits to be held."""
    return Function(
        lambda t: times(g(t) + 1, k),
        gradient=lambda t: times(g.gradient(t), k),
        hessian=lambda t: times(g.hessian(t), k),
    )


# --- data -----------------------------------------------------------------------------------------


@law("kmeans", "data")
def _(lib, k):
    trace = lc.kmeans(lib(X, k), 3, rng=0, restarts=1)
    return traced(trace, 1, 2, labels=(trace.extras["labels"][-1], 0))


@law("kmeans_start", "data")
def _(lib, k):
    return {"centers": (lc.kmeans_start(lib(X, k), 3, rng=0), 1)}


@law("assign", "data")
def _(lib, k):
    return {"labels": (alternating.assign(lib(X, k), lib(X[::9], k)), 0)}


@law("inertia", "data")
def _(lib, k):
    return {"inertia": (alternating.inertia(lib(X, k), lib(X[:2], k), LABELS), 2)}


# A density has the unit in a logarithm: -log p grows by D k log 2, and so does its rounding, by 2 log 2
# for two features. It reaches the shares of the components, and two M-steps hand it on, each by a
# condition of at most ten on these data.
@law("gaussian_mixture", "data", share=0.4, roundings=200, logarithm=200)
def _(lib, k):
    start = lc.Mixture(lib([0.5, 0.5]), lib([[0.5, 0.5], [5.0, 0.0]], k), lib([np.eye(2)] * 2, 2 * k))
    trace = lc.gaussian_mixture(lib(X, k), 2, start=start, sweeps=2, tol=0)
    fit = lc.Mixture.unpack(trace.theta, 2)
    values = trace.values - 2 * k * math.log(2)
    parts = {"weights": (fit.weights, 0), "means": (fit.means, 1), "S": (fit.covariances, 2)}
    return {**parts, "values": (values, 0), "steps": (trace.steps, 0)}


@law("gaussian_mixture", "data drawn", share=0.4)
def _(lib, k):
    trace = lc.gaussian_mixture(lib(X, k), 2, rng=0)
    fit = lc.Mixture.unpack(trace.theta, 2)
    return {"labels": (fit.responsibilities(lib(X, k)).argmax(1), 0), "converged": (trace.converged, 0)}


@law("Mixture", "data", share=0.45, roundings=20, logarithm=4)
def _(lib, k):
    mixture = lc.Mixture(lib([0.4, 0.6]), lib(X[:2], k), lib([np.eye(2), 2 * np.eye(2)], 2 * k))
    density = mixture.log_density(lib(X, k)) + 2 * k * math.log(2)
    return {"density": (density, 0), "shares": (mixture.responsibilities(lib(X, k)), 0)}


@law("factorize", "data")
def _(lib, k):
    trace = lc.factorize(lib(LOW_RANK, k), 2, rng=0)
    A, B = alternating.factors(trace.theta, (6, 5))
    answers = {"product": (A @ B.T, 1), "values": (trace.values, 2), "message": (trace.message, 0)}
    return {**answers, "steps": (trace.steps, 0), "converged": (trace.converged, 0)}


@law("factors", "data")
def _(lib, k):
    return {"A": (alternating.factors(lib(np.arange(11.0), k), (6, 5))[0], 1)}


@law("lasso", "y")
def _(lib, k):
    return traced(lc.lasso(lib(W), lib(Y, k), times(0.5, k)), 1, 2)


@law("lasso", "W")
def _(lib, k):
    return traced(lc.lasso(lib(W, k), lib(Y), times(0.5, k)), -1, 0)


@law("largest_penalty", "W")
def _(lib, k):
    return {"penalty": (lc.largest_penalty(lib(W, k), lib(Y)), 1)}


@law("largest_penalty", "both", share=0.5)
def _(lib, k):
    return {"penalty": (lc.largest_penalty(lib(W, k), lib(Y, k)), 2)}


@law("nonnegative_least_squares", "y")
def _(lib, k):
    return traced(lc.nonnegative_least_squares(lib(W), lib(Y, k)), 1, 2)


@law("nonnegative_least_squares", "W")
def _(lib, k):
    return traced(lc.nonnegative_least_squares(lib(W, k), lib(Y)), -1, 0)


@law("nonnegative_least_squares", "a column")
def _(lib, k):
    V = np.concatenate([W[:, :2], times(W[:, 2:], k)], axis=1)
    trace = lc.nonnegative_least_squares(lib(V), lib(Y))
    return {"first": (trace.theta[:2], 0), "third": (trace.theta[2:], -1), "values": (trace.values, 0)}


@law("kkt_violation", "y")
def _(lib, k):
    return {"miss": (lc.kkt_violation(lib(W), lib(Y, k), lib([1.0, 0.0, 2.0], k)), 0)}


@law("soft_threshold", "theta")
def _(lib, k):
    return {"theta": (alternating.soft_threshold(lib([3.0, -0.5, -2.0], k), times(1.0, k)), 1)}


for method in (lc.least_squares, lc.normal_equations):

    @law(method.__name__, "y")
    def _(lib, k, method=method):
        return {"theta": (method(lib(W), lib(Y, k)), 1)}

    @law(method.__name__, "W")
    def _(lib, k, method=method):
        return {"theta": (method(lib(W, k), lib(Y)), -1)}


@law("least_squares", "W of rank 1")
def _(lib, k):
    return {"theta": (lc.least_squares(lib(W[:, :1] * [1, 2], k), lib(Y)), -1)}


@law("fit_affine", "y")
def _(lib, k):
    return {"theta": (lc.fit_affine(lib(W[:, 0]), lib(Y, k)), 1)}


@law("fit_affine", "x", roundings=100)  # the column of ones keeps its unit: other columns come first
def _(lib, k):
    slope, level = lc.fit_affine(lib(W[:, 0], k), lib(Y))
    return {"slope": (slope, -1), "level": (level, 0)}


@law("design_matrix", "x")
def _(lib, k):
    return {"column": (lc.design_matrix(lib(W[:, 0], k))[:, 0], 1)}


@law("affine_error", "y", share=0.45)
def _(lib, k):
    g = lc.affine_error(lib(W[:, 0]), lib(Y, k))
    return {"g": (g(lib(THETA, k)), 2), "gradient": (g.gradient(lib(THETA, k)), 1)}


@law("MeanSquaredError", "y", share=0.45)
def _(lib, k):
    g, theta = MeanSquaredError(lib(W), lib(Y, k)), lib([1.0, 0.0, 2.0], k)
    return {"g": (g(theta), 2), "gradient": (g.gradient(theta), 1), "hessian": (g.hessian(theta), 0)}


@law("Quadratic", "g")
def _(lib, k):
    g, theta = Quadratic(lib([1.0, 4.0], k)), lib(THETA)
    return {"g": (g(theta), 1), "gradient": (g.gradient(theta), 1), "hessian": (g.hessian(theta), 1)}


@law("Function", "g")
def _(lib, k):
    value, gradient = in_units_of_g(Himmelblau(), k).value_and_gradient(lib(THETA))
    return {"g": (value, 1), "gradient": (gradient, 1)}


@law("classify", "g")
def _(lib, k):
    return {"kind": (lc.classify(lib([[2.0, 1.0], [1.0, -3.0]], k)), 0)}


@law("tour_length", "distances")
def _(lib, k):
    return {"length": (lc.tour_length(lib(DISTANCES, k), [0, 2, 1, 3]), 1)}


DISTANCES = np.array([[0.0, 1, 2, 3], [1, 0, 1.5, 2], [2, 1.5, 0, 1], [3, 2, 1, 0]])


@law("ant_colony", "distances")
def _(lib, k):
    trace = lc.ant_colony(lib(DISTANCES, k), population=4, steps=6, rng=0)
    return {"tour": (trace.theta, 0), "values": (trace.values, 1)}


@law("ant_paths", "distances")
def _(lib, k):
    trace = lc.ant_paths(lib(DISTANCES, k), 0, 3, population=4, steps=6, rng=0)
    return {"values": (trace.values, 1)}


# --- theta and g ----------------------------------------------------------------------------------


def skew(t: Any) -> Any:
    """Minimum 1 at (0.3, -0.2), not symmetric about it, and no zero of g there."""
    a, b = t[..., 0] - 0.3, t[..., 1] + 0.2
    return a * a + a * a * b * b + 2 * b * b + 0.5 * a * b + 1


BOWL = Quadratic([1.0, 4.0], [0.5, -1.0], [[0.6, -0.8], [0.8, 0.6]])


def bowl(lib):
    return Quadratic(*(lib(part) for part in ([1.0, 4.0], [0.5, -1.0], [[0.6, -0.8], [0.8, 0.6]])))


@law("golden_section", "theta")
def _(lib, k):
    found = alternating.golden_section(lambda t: skew(times(t, -k)), lib(THETA, k), 0)
    return {"theta": (found[0], 1), "g": (found[1], 0), "calls": (found[2], 0)}


@law("golden_section", "g")
def _(lib, k):
    found = alternating.golden_section(lambda t: times(skew(t), k), lib(THETA), 0)
    return {"theta": (found[0], 0), "g": (found[1], 1), "calls": (found[2], 0)}


@law("newton_section", "theta", share=0.45)
def _(lib, k):
    found = alternating.newton_section(in_units_of_theta(bowl(lib), k), lib(THETA, k), 0)
    return {"theta": (found[0], 1), "g": (found[1], 0), "calls": (found[2], 0)}


@law("newton_section", "g")
def _(lib, k):
    found = alternating.newton_section(in_units_of_g(bowl(lib), k), lib(THETA), 0)
    return {"theta": (found[0], 0), "g": (found[1], 1), "calls": (found[2], 0)}


@law("newton_section", "theta, no curvature", share=0.45)
def _(lib, k):
    flat = Function(
        lambda t: (t[0] - 2) ** 4 / 4 + (t[0] - 2),
        lambda t: (t - 2) ** 3 + 1,
        lambda t: 3 * (t[:, None] - 2) ** 2,
    )
    found = alternating.newton_section(in_units_of_theta(flat, k), lib([2.0], k), 0)
    return {"theta": (found[0], 1), "g": (found[1], 0), "calls": (found[2], 0)}


@law("coordinate_descent", "theta")
def _(lib, k):
    return traced(lc.coordinate_descent(lambda t: skew(times(t, -k)), lib(THETA, k), sweeps=40), 1, 0)


@law("coordinate_descent", "g")
def _(lib, k):
    return traced(lc.coordinate_descent(lambda t: times(skew(t), k), lib(THETA), sweeps=40), 0, 1)


@law("coordinate_descent", "g, by Newton's method")
def _(lib, k):
    return traced(lc.coordinate_descent(in_units_of_g(bowl(lib), k), lib(THETA), sweeps=60), 0, 1)


def turns(lib, k, unit):
    """Two minimizers of the coordinates of a bowl, in units of theta."""
    (a, b), (_, d) = BOWL.H
    c, e = BOWL.center
    return [
        lambda t: times(c - b / a * (times(t[1], -k) - e), k),
        lambda t: times(e - b / d * (times(t[0], -k) - c), k),
    ]


@law("alternate", "theta")
def _(lib, k):
    g = bowl(lib)
    trace = lc.alternate(lambda t: g(times(t, -k)), turns(lib, k, 1), lib(THETA, k), sweeps=99)
    return traced(trace, 1, 0)


@law("alternate", "g")
def _(lib, k):
    g = bowl(lib)
    trace = lc.alternate(lambda t: times(g(t) + 1, k), turns(lib, 0, 1), lib(THETA), sweeps=99)
    return traced(trace, 0, 1)


# LAPACK brings a matrix to its own scale before its singular values are found.
@law("find_stationary_point", "theta", share=0.45, roundings=100)
def _(lib, k):
    g = in_units_of_theta(Himmelblau(), k)
    tol = times(1e-3, -k)
    return traced(lc.find_stationary_point(g.gradient, g.hessian, lib([0.5, 0.25], k), tol=tol), 1, -1)


@law("find_stationary_point", "g", share=0.9, roundings=100)
def _(lib, k):
    g = in_units_of_g(Himmelblau(), k)
    tol = times(1e-3, k)
    return traced(lc.find_stationary_point(g.gradient, g.hessian, lib([0.5, 0.25]), tol=tol), 0, 1)


@law("find_stationary_point", "theta, no tol", share=0.45, roundings=100)
def _(lib, k):
    g = in_units_of_theta(Himmelblau(), k)
    return traced(lc.find_stationary_point(g.gradient, g.hessian, lib([0.5, 0.25], k)), 1, -1)


@law("find_stationary_point", "g, no tol", share=0.9, roundings=100)
def _(lib, k):
    g = in_units_of_g(Himmelblau(), k)
    return traced(lc.find_stationary_point(g.gradient, g.hessian, lib([0.5, 0.25])), 0, 1)


@law("minimize", "g", share=0.9)
def _(lib, k):
    g, rule = in_units_of_g(bowl(lib), k), lc.GradientDescent(times(0.125, -k))
    return traced(lc.minimize(g, lib(THETA), rule, steps=200, tol=times(1e-4, k)), 0, 1)


@law("minimize", "g, several starts", share=0.9)
def _(lib, k):
    g, rule = in_units_of_g(bowl(lib), k), lc.GradientDescent(times(0.125, -k))
    starts = lib(np.stack([THETA, -THETA]))
    trace = lc.minimize(g, starts, rule, steps=200, tol=times(1e-4, k))
    return traced(trace, 0, 1)


@law("minimize", "theta", share=0.45)
def _(lib, k):
    g, rule = in_units_of_theta(bowl(lib), k), lc.GradientDescent(times(0.125, 2 * k))
    return traced(lc.minimize(g, lib(THETA, k), rule, steps=200, tol=times(1e-4, -k)), 1, 0)


@law("gradient_descent", "g", share=0.9)
def _(lib, k):
    g = in_units_of_g(bowl(lib), k)
    trace = lc.gradient_descent(g, lib(THETA), times(0.125, -k), steps=200, tol=times(1e-4, k))
    return traced(trace, 0, 1)


def verdicts(g, gradient, theta):
    """Whether a gradient, one of the wrong sign, half of it and none of it are accepted."""
    said = []
    for factor in (1, -1, 0.5, 0):
        try:
            lc.check_gradient(g, lambda t, factor=factor: factor * gradient(t), theta)
        except ValueError:
            said.append(False)
        else:
            said.append(True)
    return said


@law("check_gradient", "theta", share=0.45)
def _(lib, k):
    g = in_units_of_theta(Function(lambda t: (t**4).sum(-1), lambda t: 4 * t**3), k)
    said = verdicts(g, g.gradient, lib([0.7, 1.3], k))
    assert said == [True, False, False, False]
    return {"said": (said, 0)}


@law("check_gradient", "g", share=0.9)
def _(lib, k):
    g = in_units_of_g(Function(lambda t: (t**4).sum(-1), lambda t: 4 * t**3), k)
    said = verdicts(g, g.gradient, lib([0.7, 1.3]))
    assert said == [True, False, False, False]
    return {"said": (said, 0)}


def box(k: int) -> Product:
    return Product(Interval(times(-2.0, k), times(2.0, k)), Interval(times(-1.0, k), times(3.0, k)))


SEARCHES = {
    "brute_force": lambda g, domain, lib, k: lc.brute_force(g, lib(X, k)),
    "grid_search": lambda g, domain, lib, k: lc.grid_search(g, domain, 5, like=lib(THETA)),
    "random_search": lambda g, domain, lib, k: lc.random_search(g, domain, 60, rng=0, like=lib(THETA)),
    "genetic": lambda g, domain, lib, k: lc.genetic(
        g, domain, population=8, steps=15, rng=0, like=lib(THETA)
    ),
    "particle_swarm": lambda g, domain, lib, k: lc.particle_swarm(
        g, domain, population=8, steps=15, rng=0, like=lib(THETA)
    ),
    "evolution_strategy": lambda g, domain, lib, k: lc.evolution_strategy(
        g, domain, steps=150, rng=0, like=lib(THETA)
    ),
}

for name, search in SEARCHES.items():

    @law(name, "g", share=0.9)
    def _(lib, k, search=search):
        return traced(search(lambda t: times(skew(t), k), box(0), lib, 0), 0, 1)

    @law(name, "theta", share=0.9)
    def _(lib, k, search=search):
        return traced(search(lambda t: skew(times(t, -k)), box(k), lib, k), 1, 0)


@law("pointwise", "g")
def _(lib, k):
    return {"g": (lc.pointwise(lambda t: times(skew(t), k))(lib(X)), 1)}


@law("rescale_neuron", "beta", share=0.9)
def _(lib, k):
    network = lc.Network((1, 1, 1), "relu")
    theta = lc.rescale_neuron(network, lib([1.0, 2.0, 0.0, 6.0]), 1, 0, times(1.0, k))
    return {"taken in": (theta[:2], 1), "given out": (theta[3:], -1)}


@law("flip_neuron", "theta")
def _(lib, k):
    return {
        "theta": (lc.flip_neuron(lc.Network((1, 1, 1)), lib([1.0, 2.0, 0.0, 6.0], k), 1, 0), 1),
    }


@law("reorder_neurons", "theta")
def _(lib, k):
    theta = lib(np.arange(7.0), k)
    return {"theta": (lc.reorder_neurons(lc.Network((1, 2, 1)), theta, 1, [1, 0]), 1)}


# --- what has no law ------------------------------------------------------------------------------

NETWORKS = "a network is not linear in its data, and its weights have no unit"
NONE = {
    **dict.fromkeys(
        ("Choice", "Integers", "Interval", "LogInterval", "Positive", "Product", "Real"), "a set"
    ),
    **dict.fromkeys(("Adam", "GradientDescent", "Momentum"), "a rule, tried by what it minimizes"),
    **dict.fromkeys(
        ("Step", "Told", "Trace", "collect", "minibatches"), "holds or hands on what it is given"
    ),
    **dict.fromkeys(("Backprop", "backprop", "backprop_by_hand", "sample_gradients"), NETWORKS),
    **dict.fromkeys(("CrossEntropy", "Network", "SquaredError", "TotalLoss", "train"), NETWORKS),
    **dict.fromkeys(("LostDigitsWarning", "RankDeficientWarning", "UnequalUnitsWarning"), "a warning"),
    "Objective": "a protocol",
    **dict.fromkeys(
        ("Ackley", "DoubleWell", "Himmelblau", "MonkeySaddle", "Rastrigin", "Rosenbrock", "Saddle"),
        "a formula with numbers of its own",
    ),
}


def test_every_public_name_has_its_laws_or_a_reason():
    public = {*lc.__all__, *alternating.__all__, *objectives.__all__, *population.__all__}
    assert public == {*LAWS, *NONE}
    assert not LAWS.keys() & NONE.keys()


# --- the law --------------------------------------------------------------------------------------

CASES = [(name, of) for name, laws in LAWS.items() for of in laws]


def numbers(value: Any) -> np.ndarray:
    return np.asarray(value.detach() if isinstance(value, torch.Tensor) else value)


def moved(value: np.ndarray, k: int) -> np.ndarray:
    """The value in another unit, in its own dtype."""
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(value, k) if value.dtype.kind == "f" else value


def held(value: np.ndarray, k: int) -> bool:
    """Whether the value in another unit keeps its digits."""
    if value.dtype.kind != "f" or k == 0:
        return True
    there = abs(moved(value, k))
    lost = ~np.isfinite(there) | ((there < np.finfo(value.dtype).tiny) & (value != 0))
    return not lost.any()


def check(law: Law, lib: Kind, k: int, here: Answers) -> None:
    whole = all(held(numbers(value), power * k) for value, power in here.values())
    there = None
    try:
        there = law.run(lib, k)
    except ValueError as error:
        refusal = str(error)
    if there is None:
        assert "leaves the range" in refusal
        assert not whole, f"refused what could be held: {refusal}"
        return
    for name, (value, power) in here.items():
        right, found = moved(numbers(value), power * k), numbers(there[name][0])
        if name == "message":
            assert str(found).partition(";")[0] == str(right).partition(";")[0] or "tol = " in str(right)
        elif not held(numbers(value), power * k):
            message = there.get("message", ("", 0))[0]
            assert name == "values", f"{name} was not refused"
            assert "leaves the range" in message
        elif law.roundings and right.dtype.kind == "f":
            count = law.roundings + law.logarithm * abs(k)
            size = count * float(np.finfo(lib.dtype).eps) * float(np.abs(right).max())
            np.testing.assert_allclose(found, right, rtol=0, atol=size)
        else:
            np.testing.assert_array_equal(found, right, err_msg=f"{name} in the unit 2^{k}")


@pytest.mark.parametrize("lib", KINDS, ids=lambda kind: f"{kind.library}-{kind.dtype}")
@pytest.mark.parametrize(("name", "of"), CASES, ids=lambda case: str(case))
def test_another_unit_changes_the_answer_by_that_unit_only(name, of, lib):
    law = LAWS[name][of]
    here = law.run(lib, 0)
    largest = int(law.share * lib.largest)

    @given(st.integers(-largest, largest))
    @example(largest)
    @example(-largest)
    @example(lib.largest // 3)
    @example(-lib.largest // 3)
    @settings(max_examples=3, deadline=None, database=None)
    def in_the_unit(k):
        check(law, lib, k, here)

    in_the_unit()


# --- float32 answers as float64 does --------------------------------------------------------------


CHANCE = {"genetic", "particle_swarm", "evolution_strategy", "random_search", "kmeans", "kmeans_start"}
"""Draws of another dtype are other draws, and the paths part."""
HALF = {"golden_section", "coordinate_descent", "newton_section", "alternate"}
HALF |= {"minimize", "gradient_descent"}
"""The best theta is told by values of g, which differ until half of its digits agree."""
PATH = {"steps", "calls", "converged", "message", "last", "values", "miss"}
"""Of a run the way, and what is nothing but rounding, is the dtype's own."""


@pytest.mark.parametrize(("name", "of"), [case for case in CASES if case[0] not in CHANCE])
def test_float32_answers_as_float64_does(name, of):
    """To a thousand roundings, for conditions below a hundred, or to half of the digits."""
    eps = float(np.finfo("float32").eps)
    low, high = (LAWS[name][of].run(lib, 0) for lib in KINDS[:2])
    for part in low.keys() - PATH:
        found, right = numbers(low[part][0]), numbers(high[part][0])
        if right.dtype.kind == "f":
            size = float(np.abs(right).max()) * (4 * eps**0.5 if name in HALF else 1000 * eps)
            np.testing.assert_allclose(found, right, rtol=0, atol=size, err_msg=part)
        else:
            np.testing.assert_array_equal(found, right, err_msg=part)


def within(x: np.ndarray, labels: Any) -> float:
    """The inertia of labels, in float64."""
    x, labels = x.astype(float), numbers(labels)
    return sum(((x[labels == k] - x[labels == k].mean(0)) ** 2).sum() for k in np.unique(labels))


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize(("dtype", "far"), [("float32", 1e3), ("float32", 1e6), ("float64", 1e12)])
def test_groups_far_apart_are_told_apart(library, dtype, far):
    """Squares of the distance to the far group have no digit left for the two that are near."""
    rng = np.random.default_rng(1)
    near = rng.normal(0, 0.3, (100, 2)) + np.repeat([[0, 0], [10, 0]], 50, axis=0)
    there = np.array([far, -far]) + rng.normal(0, 0.3, (5, 2))
    x = np.concatenate([near, there]).astype(dtype)
    right, lib = np.repeat([0, 1, 2], [50, 50, 5]), Kind(library, dtype)
    labels = alternating.assign(lib(x), lib([[0.0, 0.0], [10.0, 0.0], [far, -far]]))
    np.testing.assert_array_equal(labels, right)
    runs = [lc.kmeans(lib(x), 3, rng=seed) for seed in range(5)]
    best = min(within(x, trace.extras["labels"][-1]) for trace in runs)
    assert best <= within(x, right) * (1 + 1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_no_sample_stays_with_a_center_that_is_not_the_nearest(seed):
    """Also where the product form sees no difference between the centers of the two near groups."""
    rng = np.random.default_rng(seed)
    near = rng.normal(0, 0.3, (200, 2)) + np.repeat([[0, 0], [10, 0]], 100, axis=0)
    x = np.concatenate([near, np.full((10, 2), 1e7)]).astype("float32")
    trace = lc.kmeans(x, 3, start=np.array([[-9, 0], [9, 0], [1e7, 1e7]], dtype="float32"))
    assert trace.converged
    apart = ((x[:, None].astype(float) - trace.theta.reshape(3, 2)) ** 2).sum(-1)
    assert (apart[np.arange(210), trace.extras["labels"][-1]] <= apart.min(1) + 10).all()


def test_coordinates_in_metres_have_neighbors_in_float32():
    """UTM: a northing of 5e6 m has steps of half a metre in float32, enough for clusters of 30 m."""
    rng = np.random.default_rng(2)
    places = np.array([[3e5, 5.3e6], [3e5 + 200, 5.3e6], [6e5, 4.9e6]])
    right = rng.integers(0, 3, 300)
    x = (places[right] + rng.normal(0, 10, (300, 2))).astype("float32")
    np.testing.assert_array_equal(alternating.assign(x, places.astype("float32")), right)
    runs = [lc.kmeans(x, 3, rng=seed) for seed in range(5)]
    assert min(within(x, t.extras["labels"][-1]) for t in runs) <= within(x, right) * (1 + 1e-6)


@given(st.integers(0, 10_000), st.sampled_from([1.0, 1e3, 1e5]))
@example(1057, 1e5)
@settings(max_examples=30, deadline=None)
def test_a_label_is_that_of_the_nearest_center_by_differences(seed, far):
    """Distances that agree to float32's digits may be taken for equal, and no others."""
    rng = np.random.default_rng(seed)
    c = (rng.standard_normal((6, 3)) + far * rng.integers(0, 2, (6, 1))).astype("float32")
    x = (c[rng.integers(0, 6, 50)] + rng.standard_normal((50, 3))).astype("float32")
    apart = ((x[:, None].astype(float) - c.astype(float)) ** 2).sum(-1)
    found = apart[np.arange(50), alternating.assign(x, c)]
    assert (found <= apart.min(1) * (1 + 10 * np.finfo("float32").eps)).all()


def two_places(seed: int, far: float, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Float32 groups near 0, whose numbers have many digits, and `far`, where they have few."""
    rng = np.random.default_rng(seed)
    c = (rng.standard_normal((groups, 3)) + far * rng.integers(0, 2, (groups, 1))).astype("float32")
    x = (c[rng.integers(0, groups, 50)] + rng.standard_normal((50, 3))).astype("float32")
    return x, c


FAR = st.sampled_from([1.0, 1e3, 1e5, 1e6])


@given(st.integers(0, 10_000), FAR)
@example(53, 1e5)
@settings(max_examples=30, deadline=None)
def test_groups_of_kmeans_near_0_keep_the_digits_that_groups_far_away_lack(seed, far):
    """A label is that of the nearest center, but for the rounding of a center far away."""
    x, c = two_places(seed, far, 6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trace = lc.kmeans(x, 6, start=c)
    assert trace.converged
    c, labels = trace.theta.reshape(6, 3).astype(float), trace.extras["labels"][-1]
    apart = np.linalg.norm(x[:, None].astype(float) - c, axis=-1)
    eps = np.finfo("float32").eps
    rounded = 3**0.5 * eps * abs(c).max(1)  # of each center
    found, own = apart[np.arange(50), labels], rounded[labels]
    assert (found - own <= (apart + rounded).min(1) * (1 + 10 * eps)).all()
    for k in np.unique(labels):
        mine = x[labels == k].astype(float)
        spread = abs(mine - mine.mean(0)).max()  # a sum of 50 differences, then one number
        atol = eps * (25 * spread + abs(mine).max())
        np.testing.assert_allclose(c[k], mine.mean(0), rtol=0, atol=atol)


@given(st.integers(0, 10_000), FAR)
@settings(max_examples=30, deadline=None)
def test_starts_and_inertia_keep_all_digits_of_groups_near_0(seed, far):
    x, c = two_places(seed, far, 6)
    start = lc.kmeans_start(x, 4, rng=seed)
    assert (x[:, None] == start).all(-1).any(0).all()  # samples, digit by digit
    any_labels = np.random.default_rng(seed).integers(0, 6, 50)
    nearest = ((x[:, None].astype(float) - c) ** 2).sum(-1).argmin(1)
    for labels in (any_labels, nearest):
        right = ((x.astype(float) - c[labels]) ** 2).sum()
        np.testing.assert_allclose(alternating.inertia(x, c, labels), right, rtol=60 * 2.0**-24)


@given(st.integers(0, 10_000), FAR)
@settings(max_examples=20, deadline=None)
def test_a_mixture_near_0_and_far_away_is_the_one_that_float64_finds(seed, far):
    """Within the standard deviations that its floor allows, float32 has digits enough."""
    rng = np.random.default_rng(seed)
    c, right = np.array([[0.0], [30 * far]]), np.repeat([0, 1], 40)
    x = (c[right] + rng.standard_normal((80, 3))).astype("float32")
    q = np.where(right[:, None] == [0, 1], 1.0, 0.0)
    fits = []
    for dtype in ("float32", "float64"):
        start = lc.Mixture(
            np.full(2, 0.5, dtype),
            (q.T @ x / 40).astype(dtype),
            np.stack([np.eye(3, dtype=dtype) * far**2] * 2),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trace = lc.gaussian_mixture(x.astype(dtype), 2, start=start)
        fits.append(lc.Mixture.unpack(trace.theta, 2))
        np.testing.assert_array_equal(fits[-1].responsibilities(x.astype(dtype)).argmax(1), right)
    small, large = fits
    deviations = np.sqrt(np.diagonal(large.covariances, axis1=1, axis2=2))
    # Sums of 40 are rounded by 20 eps of their size R, and the floor allows no deviation below 2.7e-3 R.
    assert (abs(small.means - large.means) <= 2e-3 * deviations).all()


@pytest.mark.parametrize("start", [0.01, 0.05, 0.1, 0.2, 0.29])
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_a_minimum_between_two_walls_is_found(start, unit):
    """g is infinite outside of (0, 0.3): both ends of the first bracket are, and its middle is not."""

    def g(t):
        t = t[0] / unit
        return 1 / t + 1 / (0.3 - t) if 0 < t < 0.3 else math.inf

    for reach in (1.0, 30.0, 1e3):
        begin = np.array([start * unit])
        theta, value, calls = alternating.golden_section(g, begin, 0, reach=reach)
        assert theta[0] / unit == pytest.approx(0.15, rel=1e-6)
        assert value == pytest.approx(40 / 3, rel=1e-12)
        assert calls < 80
    trace = lc.coordinate_descent(g, [start * unit], sweeps=9)
    assert trace.converged
    assert trace.theta[0] / unit == pytest.approx(0.15, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1e-9, 1e-6, 1e-5, 1e-3, 1.0, 1e6])
def test_gradients_of_small_parameters_are_judged(scale):
    theta = np.array([0.7, 1.3]) * scale
    said = verdicts(lambda t: ((t / scale) ** 4).sum(), lambda t: 4 * (t / scale) ** 3 / scale, theta)
    assert said == [True, False, False, False]


@pytest.mark.parametrize("rate", [1e-3, 1e-5, 1e-8])
def test_a_gradient_is_judged_where_g_ends_at_zero(rate):
    def g(t):
        return (np.log(t[0]) + 7) ** 2

    assert verdicts(g, lambda t: 2 * (np.log(t) + 7) / t, [rate]) == [True, False, False, False]


@pytest.mark.parametrize("unit", [1e-40, 1e-20, 1.0, 1e20])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_run_settles_alike_in_any_unit_of_g(unit, level):
    g = Quadratic([1.0, 10.0], basis=np.array([[0.8, -0.6], [0.6, 0.8]]))
    trace = lc.coordinate_descent(lambda t: unit * (g(t) + level), [-1.8, 1.0], sweeps=500)
    assert trace.converged
    assert (trace.value / unit - level) < 1e-11 * (g([-1.8, 1.0]))


def test_a_start_at_the_minimum_is_enough():
    g = Quadratic([1.0, 10.0])
    trace = lc.coordinate_descent(g, [0.0, 0.0], sweeps=50)
    assert (trace.converged, trace.steps) == (True, 2)
    constant = lc.coordinate_descent(lambda t: 3.0, [2.0, 0.0], sweeps=50)
    assert (constant.converged, constant.steps) == (True, 2)
    assert constant.evaluations[-1] < 80
