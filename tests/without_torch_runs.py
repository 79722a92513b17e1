"""Import the NumPy part and run its methods; print what came out. No torch, no pool of processes.

The tests run this file twice: here, with those packages hidden, and by the Python that pages run.
"""

import importlib
import json
import os
import pkgutil
import tempfile
import warnings

os.environ.setdefault("MPLBACKEND", "agg")

import matplotlib.pyplot as plt
import numpy as np

import lecturecode as lc
from lecturecode import datasets, exercises, graph, objectives, plots, schedules
from lecturecode.alternating import gaussians

RUNS, REFUSALS = {}, {}


def run(call):
    RUNS[call.__name__] = call


def refused(call):
    REFUSALS[call.__name__] = call


def valley(theta):
    return ((theta - np.array([1.0, -2.0])) ** 2 * np.array([1.0, 9.0])).sum(-1)


BOX = lc.Product(lc.Interval(-3.0, 3.0), lc.Interval(-3.0, 3.0))
QUADRATIC = objectives.Quadratic([2.0, 18.0], center=[1.0, -2.0])
SLOPE = np.linspace(-1.0, 1.0, 9)
W = np.column_stack([np.ones(9), SLOPE, SLOPE**2])
Y = W @ np.array([1.0, 2.0, 3.0]) + np.sin(np.arange(9.0))
CLOUD = np.random.default_rng(1).standard_normal((40, 2))
CLOUDS = np.concatenate([CLOUD, CLOUD + 6.0])
HEIGHTS = np.tanh(CLOUD[:, :1] - CLOUD[:, 1:])
NETWORK, LOSS = lc.Network((2, 5, 1)), lc.SquaredError()
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
DISTANCES = np.linalg.norm(CORNERS[:, None] - CORNERS[None], axis=-1)


# --- every family ---------------------------------------------------------------------------------


@run
def brute_force():
    return lc.brute_force(valley, np.array([[0.0, 0.0], [1.0, -2.0]])).theta


@run
def grid_search():
    return lc.grid_search(valley, BOX, 7).theta


@run
def random_search():
    return lc.random_search(valley, BOX, 200, rng=0).theta


@run
def one_theta_at_a_time():
    return lc.pointwise(lambda theta: float(abs(theta).sum()))([[1.0, -2.0], [3.0, 4.0]])


@run
def genetic():
    return lc.genetic(valley, BOX, population=20, steps=20, rng=0).value


@run
def evolution_strategy():
    return lc.evolution_strategy(valley, BOX, steps=40, rng=0).value < 1e-6


@run
def particle_swarm():
    return lc.particle_swarm(valley, BOX, population=20, steps=40, rng=0).value < 1e-3


@run
def ant_colony():
    return lc.ant_colony(DISTANCES, population=5, steps=10, rng=0).value


@run
def ant_paths():
    return lc.ant_paths(DISTANCES, 0, 2, population=5, steps=5, rng=0).value


@run
def stationary_point():
    return lc.find_stationary_point(QUADRATIC.gradient, QUADRATIC.hessian, np.zeros(2)).theta


@run
def stationary_point_of_a_flat_direction():
    flat = np.diag([2.0, 0.0])
    return lc.find_stationary_point(lambda t: flat @ t, lambda t: flat, np.ones(2)).theta


@run
def classify():
    return [lc.classify(np.diag(entries)) for entries in ([1.0, 2.0], [1.0, -2.0], [-1.0, -2.0])]


@run
def normal_equations():
    return lc.normal_equations(W, Y)


@run
def least_squares():
    return lc.least_squares(W, Y)


@run
def least_squares_of_dependent_columns():
    return lc.least_squares(np.column_stack([W, W[:, 0] + W[:, 1]]), Y)


@run
def fit_affine():
    return lc.fit_affine(SLOPE, Y)


@run
def coordinate_descent():
    return lc.coordinate_descent(valley, np.zeros(2), sweeps=20).theta


@run
def alternate():
    first = lambda theta: np.array([1.0])  # noqa: E731
    second = lambda theta: np.array([-2.0])  # noqa: E731
    return lc.alternate(valley, [first, second], np.zeros(2), sweeps=3).theta


@run
def a_stream_of_steps():
    halves = (lc.Step(0.5**k * np.ones(2), 0.25**k) for k in range(4))
    return lc.collect(halves).value


@run
def kmeans():
    return np.sort(lc.kmeans(CLOUDS, 2, rng=0).theta.ravel())


@run
def gaussian_mixture():
    return lc.gaussian_mixture(CLOUDS, 2, rng=0, sweeps=50).value


@run
def factorize():
    matrix = np.outer(np.arange(1.0, 6.0), np.arange(1.0, 5.0)) + np.eye(5, 4)
    return lc.factorize(matrix, 1, rng=0).value


@run
def lasso():
    return lc.lasso(W, Y, 0.5).theta


@run
def lasso_of_equal_columns():
    return lc.lasso(np.column_stack([SLOPE, SLOPE]), Y, 0.5).value


@run
def nonnegative_least_squares():
    return lc.nonnegative_least_squares(W, Y).theta


@run
def gradient_descent():
    return lc.gradient_descent(QUADRATIC, np.zeros(2), 0.1, steps=200).theta


@run
def gradient_descent_that_diverges():
    return lc.gradient_descent(QUADRATIC, np.ones(2), 1.0, steps=2000).converged


@run
def adam_by_a_schedule():
    return lc.minimize(
        QUADRATIC, np.zeros(2), lc.Adam(0.3), steps=100, callback=lambda trace: len(trace) > 50
    ).value


@run
def check_gradient():
    return lc.check_gradient(QUADRATIC, QUADRATIC.gradient, np.array([0.3, 0.7])) < 1e-6


@run
def train_with_a_bar_and_a_checkpoint():
    with tempfile.TemporaryDirectory() as folder:
        return lc.train(
            NETWORK,
            LOSS,
            CLOUD,
            HEIGHTS,
            lc.Momentum(0.05),
            epochs=3,
            batch_size=8,
            rng=0,
            schedule=schedules.cosine(0.05, 15),
            checkpoint=f"{folder}/run.npz",
            progress=True,
        ).value


@run
def backprop():
    return lc.backprop(NETWORK, LOSS, NETWORK.init(0), CLOUD, HEIGHTS)[1]


@run
def symmetry():
    return NETWORK.predict(lc.flip_neuron(NETWORK, NETWORK.init(0), 1, 0), CLOUD[:2])


@run
def reverse_mode():
    a, b = graph.Node(3.0), graph.Node(-2.0)
    graph.backward(a * b + a)
    return [a.grad, b.grad]


@run
def judged():
    return [bool(exercises.check("descent/largest-stable-step", rate)) for rate in (0.4, 0.5)]


@run
def data():
    return [datasets.digits().x.sum(), datasets.penguins().x.shape[0], datasets.norris().x.sum()]


@run
def drawn():
    trace = lc.gradient_descent(QUADRATIC, np.zeros(2), 0.1, steps=20)
    figure, axes = plt.subplots()
    plots.contours(QUADRATIC, ((-3.0, 3.0), (-3.0, 3.0)), ax=axes)
    plots.path(trace, ax=axes)
    plt.close(figure)
    return len(axes.lines) > 0


# --- what linear algebra must refuse, also where it raises no error itself -------------------------


@refused
def normal_equations_of_equal_columns():
    lc.normal_equations(np.ones((4, 2)), np.arange(4.0))


@refused
def normal_equations_of_too_few_rows():
    lc.normal_equations(np.arange(6.0).reshape(2, 3), np.arange(2.0))


INDEFINITE = np.array([[[1.0, 2.0], [2.0, 1.0]]])


@refused
def mixture_of_an_indefinite_covariance():
    start = lc.Mixture(np.ones(1), np.zeros((1, 2)), INDEFINITE)
    lc.gaussian_mixture(CLOUD, 1, start=start)


@refused
def triangle_of_an_indefinite_covariance():
    gaussians._triangles(INDEFINITE)


@refused
def lasso_whose_rho_is_lost():
    lc.lasso(1e9 * np.column_stack([SLOPE, SLOPE]), Y, 0.5, rho=1e-30)


@refused
def judge_that_needs_torch():
    verdict = exercises.check("pytorch/training-loop", lambda *_: [])
    raise ValueError(verdict.message)


@refused
def pytorch():
    importlib.import_module("lecturecode.pytorch")


def plain(value):
    """Return a value as lists of numbers."""
    return np.asarray(value).tolist() if not isinstance(value, list) else [plain(v) for v in value]


def main():
    modules = [info.name for info in pkgutil.walk_packages(lc.__path__, "lecturecode.")]
    numpy_part = [name for name in modules if not name.startswith("lecturecode.pytorch")]
    for name in numpy_part:
        importlib.import_module(name)
    told = {"modules": numpy_part, "runs": {}, "refusals": {}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lc.RankDeficientWarning)
        for name, call in RUNS.items():
            told["runs"][name] = plain(call())
    for name, call in REFUSALS.items():
        try:
            told["refusals"][name] = f"nothing was refused: {call()}"
        except Exception as error:
            told["refusals"][name] = f"{type(error).__name__}: {error}"
    print("told", json.dumps(told))


main()
