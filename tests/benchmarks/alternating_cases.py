"""Alternated minimization and its peers: the same work from the same start, and equal answers.

What a peer's own `fit` does before its first iteration, such as looking at the data and copying them,
counts as its own; so does what the package does at the door. Both share it out over many iterations.
"""

import warnings
from collections.abc import Callable

import numpy as np
from contest import Answer, Case, Problem

SWEEPS = 20
CLUSTER_SWEEPS = 100


def cluster_problem() -> Problem:
    """Draw samples without clusters: some labels still change after 100 sweeps, few of 20000."""
    x = np.random.default_rng(0).standard_normal((20_000, 16))
    return {"x": x, "centers": x[:20].copy()}


def cluster_lecturecode(problem: Problem) -> Callable[[], Answer]:
    from lecturecode import kmeans

    def run() -> Answer:
        trace = kmeans(problem["x"], 20, start=problem["centers"], sweeps=CLUSTER_SWEEPS,
                       record_every=0)  # fmt: skip
        return np.array([trace.value]), trace.steps // 2

    return run


def cluster_sklearn(problem: Problem) -> Callable[[], Answer]:
    from sklearn.cluster import KMeans

    model = KMeans(
        20, init=problem["centers"], n_init=1, max_iter=CLUSTER_SWEEPS, tol=0, algorithm="lloyd"
    )

    def run() -> Answer:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged, as is intended
            model.fit(problem["x"])
        return np.array([model.inertia_]), model.n_iter_

    return run


def mixture_problem() -> Problem:
    """Draw from components that overlap, so that no run converges in these sweeps."""
    rng = np.random.default_rng(0)
    means = rng.standard_normal((5, 8))
    skewed = np.eye(8) + 0.3 * rng.standard_normal((5, 8, 8))
    x = [m + rng.standard_normal((4000, 8)) @ A for m, A in zip(means, skewed, strict=True)]
    return {
        "x": np.concatenate(x),
        "weights": np.full(5, 0.2),
        "means": means + 0.5,
        "covariances": np.tile(4 * np.eye(8), (5, 1, 1)),
    }


def mixture_lecturecode(problem: Problem) -> Callable[[], Answer]:
    from lecturecode import Mixture, gaussian_mixture

    start = Mixture(problem["weights"], problem["means"], problem["covariances"])
    size = {"sweeps": SWEEPS, "tol": 0.0, "floor": 0.0, "record_every": 0}

    def run() -> Answer:
        trace = gaussian_mixture(problem["x"], 5, start=start, **size)
        return np.array([trace.value]), trace.steps // 2

    return run


def mixture_sklearn(problem: Problem) -> Callable[[], Answer]:
    """Give it one iteration more: the likelihood that it knows is that before its last M-step."""
    from sklearn.mixture import GaussianMixture

    model = GaussianMixture(
        5,
        tol=0,
        reg_covar=0,
        max_iter=SWEEPS + 1,
        weights_init=problem["weights"],
        means_init=problem["means"],
        precisions_init=np.linalg.inv(problem["covariances"]),
    )

    def run() -> Answer:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged, as is intended
            model.fit(problem["x"])
        return np.array([-model.lower_bound_]), model.n_iter_

    return run


def lasso_problem() -> Problem:
    """Draw targets from one feature in ten; the penalty is a tenth of the one that leaves none."""
    rng = np.random.default_rng(0)
    W = rng.standard_normal((2000, 500))
    theta = rng.standard_normal(500) * (rng.random(500) < 0.1)
    y = W @ theta + rng.standard_normal(2000)
    return {"W": W, "y": y, "penalty": 0.1 * 2 / 2000 * np.abs(W.T @ y).max()}


def lasso_lecturecode(problem: Problem) -> Callable[[], Answer]:
    from lecturecode import lasso

    return lambda: (lasso(**problem, record_every=0).theta, 1)


def lasso_sklearn(problem: Problem) -> Callable[[], Answer]:
    """Ask for a duality gap of 1e-6: at its default of 1e-4 it is 3e-6 away from the minimum."""
    from sklearn.linear_model import Lasso

    model = Lasso(alpha=problem["penalty"] / 2, fit_intercept=False, tol=1e-6)
    return lambda: (model.fit(problem["W"], problem["y"]).coef_, 1)


def nonnegative_problem() -> Problem:
    """Draw 100 problems: a third ordinary, a third with conditions up to 1e6, a third badly scaled."""
    rng = np.random.default_rng(0)
    problems = []
    for k in range(100):
        W, y = rng.standard_normal((40, 20)), rng.standard_normal(40)
        if k % 3 == 1:
            U, _, V = np.linalg.svd(W, full_matrices=False)
            W = U * np.logspace(0, -6 * rng.random(), 20) @ V
        if k % 3 == 2:
            W = W * 10 ** rng.uniform(-4, 4, 20)
        problems.append((W, y))
    return {"problems": problems}


def nonnegative(problem: Problem, solve: Callable) -> Callable[[], Answer]:
    """Solve all; each answer in the units of its columns, and its largest coordinate is one."""

    def run() -> Answer:
        answers = []
        for W, y in problem["problems"]:
            theta = solve(W, y) * np.linalg.norm(W, axis=0)
            answers.append(theta / max(np.abs(theta).max(), 1e-300))
        return np.concatenate(answers), len(answers)

    return run


def nonnegative_lecturecode(problem: Problem) -> Callable[[], Answer]:
    from lecturecode import nonnegative_least_squares

    return nonnegative(problem, lambda W, y: nonnegative_least_squares(W, y, record_every=0).theta)


def nonnegative_scipy(problem: Problem) -> Callable[[], Answer]:
    from scipy.optimize import nnls

    return nonnegative(problem, lambda W, y: nnls(W, y)[0])


RANK = 10


def matrix_problem() -> Problem:
    """Draw a matrix whose singular values shrink by a tenth each."""
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((n, 200)))[0] for n in (300, 200))
    return {"matrix": (U * 0.9 ** np.arange(200)) @ V.T}


def eckart_young(problem: Problem) -> np.ndarray:
    """Return the least error that rank 10 can have: it is known for this matrix."""
    return np.array([(0.81 ** np.arange(RANK, 200)).sum()])


def error(matrix: np.ndarray, A: np.ndarray, BT: np.ndarray) -> np.ndarray:
    return np.array([((matrix - A @ BT) ** 2).sum()])


def factorize_lecturecode(problem: Problem) -> Callable[[], Answer]:
    from lecturecode import factorize
    from lecturecode.alternating import factors

    M = problem["matrix"]

    def run() -> Answer:
        A, B = factors(factorize(M, RANK, rng=0, record_every=0).theta, M.shape)
        return error(M, A, B.T), 1

    return run


def factorize_numpy(problem: Problem) -> Callable[[], Answer]:
    M = problem["matrix"]

    def run() -> Answer:
        U, s, VT = np.linalg.svd(M, full_matrices=False)
        return error(M, U[:, :RANK] * s[:RANK], VT[:RANK]), 1

    return run


def factorize_scipy(problem: Problem) -> Callable[[], Answer]:
    from scipy.sparse.linalg import svds

    M = problem["matrix"]

    def run() -> Answer:
        U, s, VT = svds(M, RANK, rng=0)
        return error(M, U * s, VT), 1

    return run


ALTERNATING_CASES = {
    "kmeans": Case(
        title="kmeans, 20000 x 16, 20 clusters, same start",
        unit="sweep",
        problem=cluster_problem,
        contestants={
            "lecturecode.kmeans": cluster_lecturecode,
            "sklearn KMeans (lloyd)": cluster_sklearn,
        },
        tolerance=1e-10,
        goal="at most 1.5 times scikit-learn's time per iteration, same inertia",
        repeats={"lecturecode.kmeans": 5, "sklearn KMeans (lloyd)": 5},
        limits={"sklearn KMeans (lloyd)": 1.5},
    ),
    "gaussian_mixture": Case(
        title="gaussian_mixture, 20000 x 8, 5 full components, same start",
        unit="sweep",
        problem=mixture_problem,
        contestants={
            "lecturecode.gaussian_mixture": mixture_lecturecode,
            "sklearn GaussianMixture": mixture_sklearn,
        },
        tolerance=1e-8,
        goal="not slower per iteration than scikit-learn, same likelihood",
        limits={"sklearn GaussianMixture": 1.0},
    ),
    "lasso": Case(
        title="lasso, 2000 x 500, a tenth of the largest penalty",
        unit="fit",
        problem=lasso_problem,
        contestants={"lecturecode.lasso (ADMM)": lasso_lecturecode, "sklearn Lasso": lasso_sklearn},
        tolerance=1e-6,
        goal="at most 4 times the time of a compiled coordinate descent",
        repeats={"lecturecode.lasso (ADMM)": 5, "sklearn Lasso": 10},
        limits={"sklearn Lasso": 4.0},
    ),
    "nonnegative_least_squares": Case(
        title="nonnegative_least_squares, 100 problems of 40 x 20, conditions up to 1e6",
        unit="problem",
        problem=nonnegative_problem,
        contestants={
            "lecturecode.nonnegative_least_squares": nonnegative_lecturecode,
            "scipy nnls": nonnegative_scipy,
        },
        tolerance=1e-8,
        goal="the same answers to 1e-8; none for speed",
        repeats={"scipy nnls": 5},
    ),
    "factorize": Case(
        title="factorize, 300 x 200, rank 10",
        unit="fit",
        problem=matrix_problem,
        contestants={
            "lecturecode.factorize": factorize_lecturecode,
            "numpy svd, first ten terms": factorize_numpy,
            "scipy svds": factorize_scipy,
        },
        tolerance=1e-6,
        goal="the error of Eckart and Young to 1e-6; none for speed",
        reference=eckart_young,
        repeats={"numpy svd, first ten terms": 5, "scipy svds": 5},
    ),
}
