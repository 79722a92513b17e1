"""Ours beside the reference: the cases that the tests judge and of which the site shows what came out.

A case runs both on one problem and returns pairs of answers, ours first, with the most by which they may
differ: a bound that follows from what both round or leave undone, not from a run. The measure is one for
all: the largest difference of two entries, as a share of the largest entry of the reference's answer.

    python tests/peers.py     # records those whose library is there for make bench only
"""

import datetime
import importlib.util
import json
import platform
import tomllib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

import lecturecode as lc
from lecturecode import pytorch
from lecturecode.datasets import norris, penguins
from lecturecode.domains import Real
from lecturecode.domains.coordinates import Coordinates
from lecturecode.objectives import Himmelblau
from lecturecode.population.cmaes import Cloud, constants

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "docs" / "peers.json"
RECORDED = ("cma",)
"""Libraries that are there for ``make bench`` only: the site shows what was recorded then."""
EPS = float(np.finfo(float).eps)
STEPS = 1000

Pairs = list[tuple[Any, Any]]


@dataclass(frozen=True)
class Case:
    """A row: our name, the reference and its library, the problem, why they may differ, and the run."""

    ours: str
    theirs: str
    library: str
    problem: str
    why: str
    run: Callable[[], tuple[Pairs, float]]

    @property
    def key(self) -> str:
        """Return what tells it from the others."""
        return f"{self.ours} beside {self.theirs}: {self.run.__name__}"

    def measured(self) -> tuple[float, float]:
        """Return the largest difference and the most that it may be."""
        pairs, bound = self.run()
        return max(difference(ours, theirs) for ours, theirs in pairs), bound


CASES: list[Case] = []


def difference(ours: Any, theirs: Any) -> float:
    """Return the largest difference of two entries, as a share of the reference's largest entry."""
    ours, theirs = (np.asarray(side, dtype=float) for side in (ours, theirs))
    if ours.shape != theirs.shape:
        raise ValueError(f"answers of the shapes {ours.shape} and {theirs.shape}")
    largest = float(abs(ours - theirs).max())
    return largest / float(abs(theirs).max()) if largest else 0.0


def case(ours: str, theirs: str, library: str, why: str) -> Callable:
    """Register a case; its docstring begins with problem and setting, and says whence the bound is."""

    def keep(run: Callable[[], tuple[Pairs, float]]) -> Callable:
        problem = " ".join(str(run.__doc__).partition("\n\n")[0].split()).rstrip(".")
        CASES.append(Case(ours, theirs, library, problem, why, run))
        return run

    return keep


# --- update rules: both get the same gradients, so that no descent magnifies the last digit --------


def on_given_gradients(rule: Any, build: Callable) -> Pairs:
    """Return all thetas of both."""
    gradients = np.random.default_rng(0).standard_normal((STEPS, 5)) * np.logspace(-2, 2, 5)
    p = torch.ones(5, dtype=torch.float64, requires_grad=True)
    optimizer, theta = build([p]), np.ones(5)
    state, ours, theirs = rule.init(theta), [], []
    for gradient in gradients:
        p.grad = torch.as_tensor(gradient)
        optimizer.step()
        theta, state = rule.step(theta, gradient, state)
        ours.append(theta)
        theirs.append(p.detach().numpy().copy())
    return [(ours, theirs)]


@case("GradientDescent", "torch.optim.SGD", "torch", "three roundings a step")
def descent():
    r"""1000 given gradients in 5 dimensions, $\epsilon = 0.01$.

    A step rounds a product and a sum; the product is no larger than 2 max |theta|.
    """
    pairs = on_given_gradients(lc.GradientDescent(0.01), lambda p: torch.optim.SGD(p, lr=0.01))
    return pairs, 3 * STEPS * EPS


@case(
    "Momentum",
    "torch.optim.SGD",
    "torch",
    r"the velocity remembers its roundings for $1/(1-\alpha)$ steps",
)
def momentum():
    r"""1000 given gradients in 5 dimensions, $\epsilon = 0.01$, $\alpha = 0.9$.

    A velocity is no longer than 2 max |theta|. Both together round it by 4 eps of that in a step, which
    adds up to 1/(1 - alpha) as much, and theta by 3 eps.
    """
    build = lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)  # noqa: E731
    return on_given_gradients(lc.Momentum(0.01, 0.9), build), STEPS * EPS * (8 / (1 - 0.9) + 3)


@case(
    "Adam", "torch.optim.Adam", "torch", r"the averages remember their roundings for $1/(1-\beta)$ steps"
)
def adam():
    r"""1000 given gradients in 5 dimensions, $\epsilon = 0.01$, the usual $\beta$ and eps.

    By Cauchy and Schwarz an average of |gradients| is at most `most` roots of that of their squares.
    The share by which an average is rounded adds up over the steps that it remembers, and that of the
    squares counts half. All thetas start at 1.
    """
    rate, beta1, beta2 = 0.01, 0.9, 0.999
    most = (1 - beta1) / ((1 - beta2) * (1 - beta1**2 / beta2)) ** 0.5
    pairs = on_given_gradients(lc.Adam(rate), lambda p: torch.optim.Adam(p, lr=rate))
    shares = 2 / (1 - beta1) + 1 / (1 - beta2) + 13
    return pairs, STEPS * EPS * (3 + rate * most * shares)


@case(
    "schedules.cosine", "torch.optim.lr_scheduler.CosineAnnealingLR", "torch",
    "there each rate is made of the one before, here of the cosine",
)  # fmt: skip
def cosine():
    """From 0.1 to 0 in 50 steps."""
    steps, rate, rates = 50, lc.schedules.cosine(0.1, 50), []
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return [([rate(i) for i in range(steps)], rates)], 5 * steps * EPS


# --- losses and networks ---------------------------------------------------------------------------


def outputs() -> tuple[np.ndarray, np.random.Generator]:
    """Return what a network may have said of seven samples."""
    rng = np.random.default_rng(0)
    return 3 * rng.standard_normal((7, 4)), rng


def loss_and_gradient(losses: Callable, prediction: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
    """Return PyTorch's losses of each sample, and their gradient by autograd."""
    tensor = torch.tensor(prediction, requires_grad=True)
    values = losses(tensor, torch.as_tensor(y))
    return values.detach(), torch.autograd.grad(values.sum(), tensor)[0]


@case("SquaredError", "torch.nn.functional.mse_loss", "torch", "sums of four squares")
def squares():
    """Values and gradients of 7 samples with 4 outputs."""
    prediction, rng = outputs()
    y = rng.standard_normal(prediction.shape)
    each = lambda p, y: torch.nn.functional.mse_loss(p, y, reduction="none").sum(-1)  # noqa: E731
    theirs = loss_and_gradient(each, prediction, y)
    return list(zip(lc.SquaredError().with_gradient(prediction, y), theirs, strict=True)), 7 * EPS


@case("CrossEntropy", "torch.nn.functional.cross_entropy", "torch", "exponentials of rounded outputs")
def entropies():
    """Values and gradients of 7 samples in 4 classes.

    An output of size L is rounded by eps L / 2, and so, as a share, is its exponential.
    """
    prediction, rng = outputs()
    y = rng.integers(0, 4, 7)
    each = lambda p, y: torch.nn.functional.cross_entropy(p, y, reduction="none")  # noqa: E731
    theirs = loss_and_gradient(each, prediction, y)
    bound = (4 * float(abs(prediction).max()) + 4 + 4) * EPS
    return list(zip(lc.CrossEntropy().with_gradient(prediction, y), theirs, strict=True)), bound


@case("backprop", "torch.autograd", "torch", "whole numbers are not rounded")
def gradients():
    """Loss and gradient of a network 6, 8, 3 with ReLU, squared error, 64 samples, all whole numbers.

    With a power of two as their number, even the mean is exact.
    """
    network, rng = lc.Network((6, 8, 3), "relu"), np.random.default_rng(0)
    theta = rng.integers(-3, 4, network.size).astype(float)
    x, y = (rng.integers(-4, 5, (64, size)).astype(float) for size in (6, 3))
    module = pytorch.MLP.from_network(network, theta)
    value = torch.nn.MSELoss(reduction="sum")(module(torch.as_tensor(x)), torch.as_tensor(y)) / 64
    value.backward()
    one, _, two = module.layers
    parts = [part.grad.reshape(-1) for part in (one.bias, one.weight, two.bias, two.weight)]
    theirs = value.item(), torch.cat(parts)
    return list(zip(lc.backprop(network, lc.SquaredError(), theta, x, y), theirs, strict=True)), 0.0


# --- zeros of the gradient -------------------------------------------------------------------------


def least_squares_bound(W: np.ndarray, y: np.ndarray, theta: np.ndarray) -> float:
    """Return how far two stable solutions may lie apart, by Wedin's theorem.

    Each solves a problem whose columns are moved by a share of T P eps at most (Higham, Accuracy and
    stability of numerical algorithms, theorems 20.1 and 20.3).
    """
    condition = float(np.linalg.cond(W))
    rest = np.linalg.norm(y - W @ theta) / (np.linalg.norm(W, 2) * np.linalg.norm(theta))
    share = 2 * W.size * EPS * condition * (2 + (condition + 1) * rest)
    return float(share * np.linalg.norm(theta) / abs(theta).max())


@case("least_squares", "scipy.linalg.lstsq", "scipy", "the condition of the problem, by Wedin's theorem")
def squares_of_residuals():
    """200 equations in 30 unknowns, drawn."""
    import scipy.linalg

    rng = np.random.default_rng(0)
    W, y = rng.standard_normal((200, 30)), rng.standard_normal(200)
    theirs = scipy.linalg.lstsq(W, y)[0]
    return [(lc.least_squares(W, y), theirs)], least_squares_bound(W, y, theirs)


@case("least_squares", "numpy.linalg.lstsq", "numpy", "the condition of the problem, by Wedin's theorem")
def line():
    """A line through the 36 readings of NIST's data set Norris."""
    W, y = lc.design_matrix(norris().x), norris().y
    theirs = np.linalg.lstsq(W, y)[0]
    return [(lc.least_squares(W, y), theirs)], least_squares_bound(W, y, theirs)


@case(
    "fit_affine", "sklearn.linear_model.LinearRegression", "scikit-learn",
    "the condition of the problem, by Wedin's theorem",
)  # fmt: skip
def affine():
    """The body mass of 342 penguins by three lengths, all in units of their deviations."""
    from sklearn.linear_model import LinearRegression

    birds = (penguins().x - penguins().x.mean(0)) / penguins().x.std(0)
    x, y = birds[:, :3], birds[:, 3] + 1
    model = LinearRegression().fit(x, y)
    theirs = np.array([*model.coef_, model.intercept_])
    return [(lc.fit_affine(x, y), theirs)], least_squares_bound(lc.design_matrix(x), y, theirs)


@case(
    "find_stationary_point", "scipy.optimize.root", "scipy", "what is left of both gradients, over the "
    "least curvature"
)  # fmt: skip
def zero():
    """Himmelblau's function, from (2.5, 1.5).

    Near a zero of the gradient it grows by at least half the least curvature times the distance.
    """
    import scipy.optimize

    g, start = Himmelblau(), np.array([2.5, 1.5])
    theirs = scipy.optimize.root(g.gradient, start, jac=g.hessian).x
    ours = lc.find_stationary_point(g.gradient, g.hessian, start).theta
    left = sum(float(np.linalg.norm(g.gradient(theta))) for theta in (ours, theirs))
    least = float(abs(np.linalg.eigvalsh(g.hessian(theirs))).min())
    return [(ours, theirs)], 2 * (left + 100 * EPS) / least


# --- search ----------------------------------------------------------------------------------------


@case("grid_search", "scipy.optimize.brute", "scipy", "a coordinate of a grid is rounded twice")
def grid():
    """Himmelblau's function on a grid of 41 by 41 points: the best of them."""
    import scipy.optimize

    g = Himmelblau()
    theirs = scipy.optimize.brute(g, [slice(-5, 5, 41j)] * 2, finish=None)
    return [(lc.grid_search(g, g.domain, 41).theta, theirs)], 2 * EPS * 5 / 2


# --- one block after the other ---------------------------------------------------------------------


@case(
    "kmeans",
    "sklearn.cluster.KMeans",
    "scikit-learn",
    "means of equal clusters, summed in another order",
)
def clusters():
    """1500 samples in 5 dimensions, 8 clusters, one start, until no label changes.

    A sum of T numbers is rounded by T eps / 2 of their sizes at most, and the inertia is one of T D.
    """
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(0)
    x = 4 * rng.standard_normal((8, 5))[rng.integers(0, 8, 1500)] + 2 * rng.standard_normal((1500, 5))
    peer = KMeans(8, init=x[:8], n_init=1, tol=0, algorithm="lloyd", max_iter=300).fit(x)
    trace = lc.kmeans(x, 8, start=x[:8])
    pairs = [
        (trace.theta.reshape(8, 5), peer.cluster_centers_),
        (trace.extras["labels"][-1], peer.labels_),
        (trace.value, peer.inertia_),
    ]
    return pairs, x.size * EPS * float(abs(x).max() / abs(peer.cluster_centers_).max())


@case(
    "gaussian_mixture",
    "sklearn.mixture.GaussianMixture",
    "scikit-learn",
    "sums over all samples in each sweep",
)
def mixture():
    """400 samples in the plane, 3 components with full covariances, one start, as many sweeps as ours.

    Ours ends once its value stands still, in a sweep that rounding decides, or after 25. A step divides
    sums over T samples, each right to T eps, and EM pulls together what differs: starts and samples that
    differ by a share d lead to ends that differ by 2 d at most.
    """
    from sklearn.mixture import GaussianMixture

    rng = np.random.default_rng(0)
    parts = [
        rng.standard_normal((200, 2)),
        rng.standard_normal((100, 2)) * [3, 0.5] + 5,
        rng.standard_normal((100, 2)) @ [[0.5, 0.3], [0, 0.4]] + [-3, 3],
    ]
    x, means = np.concatenate(parts), np.array([[0.5, 0], [4, 4], [-2, 2]])
    start = lc.Mixture(np.full(3, 1 / 3), means, np.tile(4 * np.eye(2), (3, 1, 1)))
    trace = lc.gaussian_mixture(x, 3, start=start, sweeps=25, tol=0)
    peer = GaussianMixture(
        3, tol=0, reg_covar=0, max_iter=trace.steps // 2, weights_init=start.weights, means_init=means,
        precisions_init=np.linalg.inv(start.covariances),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged, as is intended
        peer.fit(x)
    ours = lc.Mixture.unpack(trace.last, 3)
    pairs = [
        (ours.weights, peer.weights_),
        (ours.means, peer.means_),
        (ours.covariances, peer.covariances_),
        (trace.value, -peer.score(x)),
    ]
    return pairs, 10 * len(x) * EPS * float(abs(x).max() / abs(peer.means_).max())


@case("lasso", "sklearn.linear_model.Lasso", "scikit-learn", "the gap of duality at which it may stop")
def sparse():
    r"""60 equations in 20 unknowns, a tenth of the largest penalty, `tol=1e-14` there.

    It stops where half |W (theta - best)|^2 is at most tol |y|^2.
    """
    from sklearn.linear_model import Lasso

    rng = np.random.default_rng(0)
    W = rng.standard_normal((60, 20))
    y = W @ np.where(rng.random(20) < 0.3, rng.standard_normal(20), 0) + 0.1 * rng.standard_normal(60)
    penalty, tol = 0.1 * float(lc.largest_penalty(W, y)), 1e-14
    theirs = Lasso(alpha=penalty / 2, fit_intercept=False, tol=tol, max_iter=1_000_000).fit(W, y).coef_
    bound = (2 * tol) ** 0.5 * np.linalg.norm(y) / np.linalg.norm(W, -2) / abs(theirs).max()
    return [(lc.lasso(W, y, penalty).theta, theirs)], float(bound)


@case(
    "nonnegative_least_squares", "scipy.optimize.nnls", "scipy", "slopes of `tol`, and Wedin's theorem"
)
def nonnegative():
    """40 equations in 12 unknowns, `tol=1e-12`.

    A slope of tol |w| |y| moves the minimum by that over the square of the least singular value.
    """
    from scipy.optimize import nnls

    rng = np.random.default_rng(0)
    W, y = rng.standard_normal((40, 12)), rng.standard_normal(40)
    theirs, lengths = nnls(W, y)[0], np.linalg.norm(W, axis=0)
    slopes = 1e-12 * np.linalg.norm(lengths) * np.linalg.norm(y) / np.linalg.norm(W, -2) ** 2
    bound = least_squares_bound(W, y, theirs) + slopes / abs(theirs).max()
    return [(lc.nonnegative_least_squares(W, y).theta, theirs)], float(bound)


# --- populations -----------------------------------------------------------------------------------

P, POPULATION = 5, 8


def cma_of_theirs(mean: np.ndarray, sigma: float) -> Any:
    """Return pycma's strategy at a mean."""
    import cma

    return cma.CMAEvolutionStrategy(mean, sigma, {"popsize": POPULATION, "seed": 1, "verbose": -9})


def expected_length(size: int) -> float:
    """Return what pycma's step sizes take for the expected length of a standard normal vector."""
    from cma.utilities.math import Mh

    return float(Mh.chiN(size))


@case("evolution_strategy", "cma.CMAEvolutionStrategy", "cma", "the same formulas, rounded")
def rates():
    r"""Weights, $\mu$, $c_c$, $c_1$, $c_\mu$, expected length: 5 parameters, a population of 8."""
    ours, theirs = constants(P, POPULATION), cma_of_theirs(np.zeros(P), 1.0)
    told = theirs.sm.parameters(mueff=theirs.sp.weights.mueff, lam=POPULATION)
    numbers = theirs.sp.weights.mueff, theirs.sp.cc, told["c1"], told["cmu"], theirs.const.chiN
    pairs = list(zip((ours.mu, ours.c_c, ours.c_1, ours.c_mu, ours.length), numbers, strict=True))
    return [*pairs, (ours.weights, list(theirs.sp.weights))], 10 * POPULATION * EPS


@case(
    "evolution_strategy",
    "cma.CMAEvolutionStrategy",
    "cma",
    "pycma adds $10^{-9}$ to each length that it divides by",
)
def generations():
    r"""Mean, $\sigma$ and covariance after 20 generations of the same 8 draws in 5 dimensions, from
    $C = I$, with the $c_\sigma$ and $d_\sigma$ of the tutorial and pycma's expected length.

    Each generation may add 1e-9 to each of five eigenvalues, and what differs is not magnified.
    """
    cloud = Cloud(Coordinates(Real(1.0) ** P), np.full(P, 2.0), POPULATION, np.random.default_rng(4))
    peer = cma_of_theirs(cloud.m, cloud.sigma)
    peer.sm.C, peer.sm.D, peer.sm.B = np.eye(P), np.ones(P), np.eye(P)
    peer.adapt_sigma.cs, peer.adapt_sigma.damps = cloud.k.c_sigma, cloud.k.d_sigma
    cloud.k = cloud.k._replace(length=expected_length(P))
    for _ in range(20):
        x = cloud.draw()
        values = x**2 @ np.logspace(0, 2, P)
        peer.ask()
        peer.tell(list(x), list(values), check_points=False)
        cloud.learn(values)
    pairs = [(cloud.m, peer.mean), (cloud.sigma, peer.sigma), (cloud.C, peer.sm.C)]
    return pairs, 20 * P * 1e-9


# --- numbered details, with the lines of both ------------------------------------------------------


DETAILS_FILE = ROOT / "docs" / "peers.toml"
DETAILS = tomllib.loads(DETAILS_FILE.read_text(encoding="utf-8"))["detail"]
"""What formulas leave open, each with our line and that of the reference."""


def package_of(file: str) -> Path | None:
    """Return the folder of the package of a file, if it is installed, without importing it."""
    found = importlib.util.find_spec(file.partition("/")[0])
    return Path(next(iter(found.submodule_search_locations))) if found else None


def line_of(file: Path, text: str) -> int:
    """Return the number of the first line that has a text; raise LookupError if there is none."""
    lines = file.read_text(encoding="utf-8").splitlines()
    number = next((i for i, each in enumerate(lines, 1) if text in each), None)
    if number is None:
        raise LookupError(f"{file.name} has no line with {text!r}")
    return number


def line_of_ours(detail: dict[str, str]) -> int:
    """Return the number of our line."""
    return line_of(ROOT / "src" / "lecturecode" / detail["ours"], detail["our_line"])


def line_of_theirs(detail: dict[str, str]) -> int:
    """Return the number of the reference's line: as it is installed, or as it was recorded."""
    file, text = detail["theirs"], detail["their_line"]
    if file.partition("/")[0] in RECORDED:
        return json.loads(RECORD.read_text(encoding="utf-8"))["lines"][f"{file}: {text}"]
    package = package_of(file)
    if package is None:
        raise LookupError(f"{file} is not installed")
    return line_of(package.parent / file, text)


def main() -> None:
    """Record what the libraries of ``make bench`` say."""
    measured = {}
    for each in CASES:
        if each.library in RECORDED:
            found, bound = each.measured()
            assert found <= bound, f"{each.key}: {found:.2g} is more than {bound:.2g}"
            measured[each.key] = {"difference": found, "bound": bound}
    lines = {}
    for file, text in {(detail["theirs"], detail["their_line"]): None for detail in DETAILS}:
        if file.partition("/")[0] in RECORDED:
            lines[f"{file}: {text}"] = line_of(package_of(file).parent / file, text)
    record = {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in (*RECORDED, "numpy")},
        "cases": measured,
        "lines": lines,
    }
    RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{RECORD.relative_to(ROOT)}: {len(measured)} cases, {len(lines)} lines")


if __name__ == "__main__":
    main()
