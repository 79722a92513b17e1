"""Fitting a model, as code: every algorithm of one lecture, in the order of the lecture.

==========================  ==========================================================  ========
module                      what it teaches                                             lecture
==========================  ==========================================================  ========
:mod:`~.array_types`        what a type checker knows of arrays                         1
:mod:`~.arrays`             what counts as an array, and the checks at the door         1
:mod:`~.door`               the vocabulary of the checks on what comes in               1
:mod:`~.trace`              the record that every method returns                        1
:mod:`~.randomness`         draws for arrays and tensors, from one rng                  1
:mod:`~.checkpoints`        a run on disk                                               1
:mod:`~.domains`            Theta: finite, whole, real, positive, intervals, products   1
:mod:`~.objectives`         functions g to minimize, with gradient and Hessian          1
:mod:`~.workers`            g on other processes, without losing an evaluation          1
:mod:`~.evaluation`         g at many theta, here or on many workers                    1
:mod:`~.answers`            values of g on disk, so that a search goes on               2
:mod:`~.iteration`          a method is a stream of steps, and one loop collects them   2
:mod:`~.units`              data in units in which no square is lost                    2
:mod:`~.search`             all of a finite set, a grid, random draws                   2.1
:mod:`~.population`         genetic, evolution strategy, particle swarm, ants           2.2
:mod:`~.stationary`         zeros of the gradient, and which kind they are              2.3
:mod:`~.triangles`          what squared errors need of tall data, chunk by chunk      2.3
:mod:`~.least_squares`      the zero that can be written down                           2.3
:mod:`~.alternating`        one block at a time: k-means, EM, low rank, lasso           2.4
:mod:`~.optimizers`         update rules: init and step                                 2.5
:mod:`~.schedules`          learning rates that change from step to step                3.2
:mod:`~.descent`            the one first-order loop, and a check for gradients         2.5
:mod:`~.activations`        what a neuron makes of its pre-activation                   3
:mod:`~.losses`             squared error and cross-entropy                             3
:mod:`~.network`            deep feedforward networks on one flat theta                 3
:mod:`~.backpropagation`    their gradient, layer by layer                              3.1
:mod:`~.total_loss`         network, loss and data as one function g of theta           3
:mod:`~.minibatching`       all samples in random order, a few at a time                3.2
:mod:`~.stepping`           who takes the steps of a fit                                3.2
:mod:`~.fitting`            epochs, whoever takes the steps                             3.2
:mod:`~.training`           the steps that fit a network                                3.2
:mod:`~.symmetries`         many thetas, one function                                   3.3
:mod:`~.graph`              boxes with a forward and a backward method                  4
:mod:`~.pytorch`            modules, autograd, torch.optim, CUDA                        4
:mod:`~.datasets`           small real data                                             all
:mod:`~.exercises`          check("name", answer)                                       all
:mod:`~.plots`              the figures of the book                                     all
==========================  ==========================================================  ========

Functions take NumPy arrays or PyTorch tensors and answer in kind. Importing the package imports neither
PyTorch nor Matplotlib: ``lecturecode.pytorch`` and ``lecturecode.plots`` come when they are asked for.
"""

from importlib import import_module
from typing import Any

from lecturecode.alternating import (
    Mixture,
    alternate,
    coordinate_descent,
    factorize,
    gaussian_mixture,
    kkt_violation,
    kmeans,
    kmeans_start,
    largest_penalty,
    lasso,
    nonnegative_least_squares,
)
from lecturecode.backpropagation import Backprop, backprop, backprop_by_hand, sample_gradients
from lecturecode.descent import check_gradient, gradient_descent, minimize
from lecturecode.domains import Choice, Integers, Interval, LogInterval, Positive, Product, Real
from lecturecode.evaluation import pointwise
from lecturecode.iteration import Step, Told, collect
from lecturecode.least_squares import (
    RankDeficientWarning,
    affine_error,
    design_matrix,
    fit_affine,
    least_squares,
    normal_equations,
)
from lecturecode.losses import CrossEntropy, SquaredError
from lecturecode.minibatching import minibatches
from lecturecode.network import Network
from lecturecode.optimizers import Adam, GradientDescent, Momentum
from lecturecode.population import (
    ant_colony,
    ant_paths,
    evolution_strategy,
    genetic,
    particle_swarm,
    tour_length,
)
from lecturecode.search import brute_force, grid_search, random_search
from lecturecode.stationary import classify, find_stationary_point
from lecturecode.symmetries import flip_neuron, reorder_neurons, rescale_neuron
from lecturecode.total_loss import TotalLoss
from lecturecode.trace import Trace
from lecturecode.training import train
from lecturecode.units import LostDigitsWarning, UnequalUnitsWarning

__version__ = "0.1.0"

__all__ = [
    "Adam",
    "Backprop",
    "Choice",
    "CrossEntropy",
    "GradientDescent",
    "Integers",
    "Interval",
    "LogInterval",
    "LostDigitsWarning",
    "Mixture",
    "Momentum",
    "Network",
    "Positive",
    "Product",
    "RankDeficientWarning",
    "Real",
    "SquaredError",
    "Step",
    "Told",
    "TotalLoss",
    "Trace",
    "UnequalUnitsWarning",
    "affine_error",
    "alternate",
    "ant_colony",
    "ant_paths",
    "backprop",
    "backprop_by_hand",
    "brute_force",
    "check_gradient",
    "classify",
    "collect",
    "coordinate_descent",
    "design_matrix",
    "evolution_strategy",
    "factorize",
    "find_stationary_point",
    "fit_affine",
    "flip_neuron",
    "gaussian_mixture",
    "genetic",
    "gradient_descent",
    "grid_search",
    "kkt_violation",
    "kmeans",
    "kmeans_start",
    "largest_penalty",
    "lasso",
    "least_squares",
    "minibatches",
    "minimize",
    "nonnegative_least_squares",
    "normal_equations",
    "particle_swarm",
    "pointwise",
    "random_search",
    "reorder_neurons",
    "rescale_neuron",
    "sample_gradients",
    "tour_length",
    "train",
]

_MODULES = {"alternating", "datasets", "domains", "exercises", "graph", "objectives", "plots"}
_MODULES |= {"population", "pytorch", "schedules"}
_MOVED = dict.fromkeys(("constant", "cosine", "inverse_time"), "schedules")
_MOVED |= dict.fromkeys(("assign", "factors", "inertia", "soft_threshold"), "alternating")
_MOVED |= dict.fromkeys(("golden_section", "newton_section"), "alternating")
_MOVED |= {"evaluate": "evaluation"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"lecturecode.{name}")
    if name in _MOVED:
        from warnings import warn

        home = f"lecturecode.{_MOVED[name]}"
        warn(f"lecturecode.{name} is now {home}.{name}", DeprecationWarning, stacklevel=2)
        return getattr(import_module(home), name)
    raise AttributeError(f"lecturecode has no {name!r}; dir(lecturecode) lists what it has")


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES, "__version__"})
