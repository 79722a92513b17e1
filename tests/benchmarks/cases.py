"""What is timed; the other modules of this folder that end in _cases hold further cases."""

from collections.abc import Callable

import numpy as np
from alternating_cases import ALTERNATING_CASES
from ant_cases import ANT_CASES
from contest import Answer, Case, Problem
from graph_cases import GRAPH_CASES
from network_cases import NETWORK_CASES
from population_cases import POPULATION_CASES
from torch_cases import TORCH_CASES


def tall_problem() -> Problem:
    rng = np.random.default_rng(0)
    W = rng.standard_normal((20_000, 100))
    return {"W": W, "y": W @ rng.standard_normal(100) + 0.1 * rng.standard_normal(20_000)}


def tall_reference(problem: Problem) -> np.ndarray:
    """Solve the normal equations in extended precision: W is well conditioned, 18 digits are enough."""
    W, y = problem["W"].astype(np.longdouble), problem["y"].astype(np.longdouble)
    A = np.concatenate([W.T @ W, (W.T @ y)[:, None]], axis=1)
    for k in range(len(A)):
        A[k] /= A[k, k]
        others = np.arange(len(A)) != k
        A[others] -= A[others, k : k + 1] * A[k]
    return A[:, -1]


def solve_lecturecode(problem: Problem) -> Callable[[], Answer]:
    from lecturecode import least_squares

    return lambda: (least_squares(problem["W"], problem["y"]), 1)


def solve_numpy(problem: Problem) -> Callable[[], Answer]:
    return lambda: (np.linalg.lstsq(problem["W"], problem["y"])[0], 1)


def solve_sklearn(problem: Problem) -> Callable[[], Answer]:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression(fit_intercept=False)
    return lambda: (model.fit(problem["W"], problem["y"]).coef_, 1)


def factor_only(problem: Problem) -> Callable[[], Answer]:
    """Time the factorization alone, which both solvers begin with: a floor, not a solver."""
    answer = np.linalg.lstsq(problem["W"], problem["y"])[0]

    def run() -> Answer:
        np.linalg.qr(problem["W"], mode="raw")
        return answer, 1

    return run


def bowl_problem() -> Problem:
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((100, 100)))[0]
    return {
        "eigenvalues": np.linspace(1.0, 10.0, 100),
        "center": rng.standard_normal(100),
        "basis": basis,
    }


def bowl_matrix(problem: Problem) -> np.ndarray:
    return (problem["basis"] * problem["eigenvalues"]) @ problem["basis"].T


DESCENT_STEPS = 200
DESCENT_RATE = 2 / 11


def descend_lecturecode(problem: Problem) -> Callable[[], Answer]:
    from lecturecode import gradient_descent
    from lecturecode.objectives import Quadratic

    g = Quadratic(**problem)

    def run() -> Answer:
        trace = gradient_descent(g, np.zeros(100), DESCENT_RATE, steps=DESCENT_STEPS, tol=0.0)
        return trace.last, trace.steps

    return run


def descend_torch(problem: Problem) -> Callable[[], Answer]:
    import torch

    H, center = torch.from_numpy(bowl_matrix(problem)), torch.from_numpy(problem["center"])

    def run() -> Answer:
        theta = torch.zeros(100, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([theta], lr=DESCENT_RATE)
        values = []
        for _ in range(DESCENT_STEPS):
            optimizer.zero_grad()
            d = theta - center
            loss = 0.5 * d @ (H @ d)
            loss.backward()
            optimizer.step()
            values.append(loss.item())
        return theta.detach().numpy(), DESCENT_STEPS

    return run


def descend_scipy(problem: Problem) -> Callable[[], Answer]:
    from scipy.optimize import minimize

    H, center = bowl_matrix(problem), problem["center"]

    def value_and_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        d = theta - center
        slope = H @ d
        return 0.5 * d @ slope, slope

    def run() -> Answer:
        result = minimize(
            value_and_gradient, np.zeros(100), jac=True, method="CG", options={"gtol": 1e-10}
        )
        return result.x, result.nit

    return run


def grid_problem() -> Problem:
    axis = np.linspace(-5.0, 5.0, 1000)
    return {"axis": axis}


def grid_lecturecode(problem: Problem) -> Callable[[], Answer]:
    from lecturecode.objectives import Himmelblau

    g, axis = Himmelblau(), problem["axis"]
    return lambda: (g(np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)), 1)


def grid_loop(problem: Problem) -> Callable[[], Answer]:
    axis = problem["axis"].tolist()

    def g(a: float, b: float) -> float:
        return (a**2 + b - 11) ** 2 + (a + b**2 - 7) ** 2

    return lambda: (np.array([[g(a, b) for b in axis] for a in axis]), 1)


def grid_loop_numpy(problem: Problem) -> Callable[[], Answer]:
    from lecturecode.objectives import Himmelblau

    g, axis = Himmelblau(), problem["axis"]
    return lambda: (np.array([[g(np.array([a, b])) for b in axis] for a in axis]), 1)


def search_problem() -> Problem:
    return {"low": -5.0, "high": 5.0, "points": 200}


def search_lecturecode(problem: Problem) -> Callable[[], Answer]:
    from lecturecode import grid_search
    from lecturecode.domains import Interval
    from lecturecode.objectives import Himmelblau

    g, domain = Himmelblau(), Interval(problem["low"], problem["high"]) ** 2

    def run() -> Answer:
        trace = grid_search(g, domain, problem["points"])
        return np.append(trace.theta, trace.value), 1

    return run


def search_scipy(problem: Problem) -> Callable[[], Answer]:
    from scipy.optimize import brute

    from lecturecode.objectives import Himmelblau

    g = Himmelblau()
    side = (problem["low"], problem["high"])

    def run() -> Answer:
        theta, value, *_ = brute(g, (side, side), Ns=problem["points"], full_output=True, finish=None)
        return np.append(theta, value), 1

    return run


def search_scipy_floats(problem: Problem) -> Callable[[], Answer]:
    from scipy.optimize import brute

    def g(theta: np.ndarray) -> float:
        a, b = theta
        return (a * a + b - 11) ** 2 + (a + b * b - 7) ** 2

    side = (problem["low"], problem["high"])

    def run() -> Answer:
        theta, value, *_ = brute(g, (side, side), Ns=problem["points"], full_output=True, finish=None)
        return np.append(theta, value), 1

    return run


CASES = {
    "least_squares": Case(
        title="least_squares, 20000 x 100",
        unit="solve",
        problem=tall_problem,
        contestants={
            "lecturecode.least_squares": solve_lecturecode,
            "numpy.linalg.lstsq": solve_numpy,
            "sklearn LinearRegression": solve_sklearn,
            "numpy QR alone (floor)": factor_only,
        },
        tolerance=1e-12,
        goal="not slower than numpy.linalg.lstsq, at least as many correct digits",
        reference=tall_reference,
        repeats={
            "lecturecode.least_squares": 5,
            "numpy.linalg.lstsq": 5,
            "sklearn LinearRegression": 5,
            "numpy QR alone (floor)": 5,
        },
    ),
    "gradient_descent": Case(
        title="gradient_descent, quadratic in 100 dimensions",
        unit="step",
        problem=bowl_problem,
        contestants={
            "lecturecode.gradient_descent": descend_lecturecode,
            "torch.optim.SGD (CPU)": descend_torch,
            'scipy minimize(method="CG")': descend_scipy,
        },
        tolerance=1e-8,
        goal="time per step; conjugate gradients need fewer, dearer ones",
        reference=lambda problem: problem["center"],
        repeats={"lecturecode.gradient_descent": 10, 'scipy minimize(method="CG")': 10},
    ),
    "contour_grid": Case(
        title="contour grid 1000 x 1000 of Himmelblau",
        unit="grid",
        problem=grid_problem,
        contestants={
            "one batched call": grid_lecturecode,
            "loop over Python floats": grid_loop,
            "loop over NumPy points": grid_loop_numpy,
        },
        tolerance=1e-12,
        goal="one call instead of a loop",
        repeats={"one batched call": 10},
    ),
    "grid_search": Case(
        title="grid_search, 200 x 200 points of Himmelblau",
        unit="search",
        problem=search_problem,
        contestants={
            "lecturecode.grid_search": search_lecturecode,
            "scipy brute, same g": search_scipy,
            "scipy brute, g written in floats": search_scipy_floats,
        },
        tolerance=1e-12,
        goal="at most 1/50 of scipy.optimize.brute(finish=None)",
        repeats={"lecturecode.grid_search": 20},
        limits={"scipy brute, same g": 1 / 50, "scipy brute, g written in floats": 1 / 50},
    ),
    **POPULATION_CASES,
    **ANT_CASES,
    **ALTERNATING_CASES,
    **GRAPH_CASES,
    **TORCH_CASES,
    **NETWORK_CASES,
}
