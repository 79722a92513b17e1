"""The travelling salesman for `ant_colony` and its peer, and the exact optimum that judges both.

A contestant receives the problem and returns a function of a seed, which runs once and returns the
length of the tour that it found. The colonies of `lecturecode` and of acopy have one ant per city, and
the same exponents and evaporation, those of acopy's own introduction. acopy runs for the 100 iterations
that stand there too, `lecturecode` for 150, which leave it with the shorter tours (the table shows
both): the ratio of the times errs in favour of the peer.
The last contestant has the published settings of the max-min ant system instead, and 1500 steps: it is
the one that has to come within 1 % of the optimum.
"""

import random
from collections.abc import Callable

import numpy as np
from contest import Case, Problem

CITIES = 50
SETTINGS = {"alpha": 1, "beta": 3}
EVAPORATION = 0.03


def towns(instance: int = 0, cities: int = CITIES) -> Problem:
    """Scatter cities uniformly over the unit square."""
    points = np.random.default_rng(instance).random((cities, 2))
    return {"distances": np.linalg.norm(points[:, None] - points, axis=-1)}


def optimum(problem: Problem) -> float:
    """Return the length of the shortest tour, proven by integer programming.

    Each city has two roads; where the cheapest choice of roads falls into several rounds, each of these
    is forbidden (a group of k cities holds at most k - 1 roads), and the program is solved again.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    d = problem["distances"]
    n = len(d)
    i, j = np.triu_indices(n, 1)
    roads = np.arange(len(i))
    two = np.zeros((n, len(i)))
    two[i, roads] = two[j, roads] = 1
    rules = [LinearConstraint(csr_array(two), 2, 2)]
    while True:
        found = milp(
            d[i, j],
            constraints=rules,
            integrality=np.ones(len(i)),
            bounds=Bounds(0, 1),
            options={"mip_rel_gap": 0.0},
        )
        if not found.success:
            raise RuntimeError(f"the integer program was not solved: {found.message}")
        taken = found.x > 0.5
        graph = csr_array((np.ones(taken.sum()), (i[taken], j[taken])), shape=(n, n))
        rounds, label = connected_components(graph, directed=False)
        if rounds == 1:
            return float(d[i, j] @ taken)
        inside = np.stack([(label[i] == k) & (label[j] == k) for k in range(rounds)])
        sizes = np.bincount(label)
        rules.append(LinearConstraint(csr_array(inside.astype(float)), -np.inf, sizes - 1))


def ants_lecturecode(problem: Problem) -> Callable[[int], float]:
    from lecturecode import ant_colony

    def run(seed: int) -> float:
        trace = ant_colony(
            problem["distances"],
            population=len(problem["distances"]),
            steps=150,
            evaporation=EVAPORATION,
            rng=seed,
            **SETTINGS,
        )
        return trace.value

    return run


def ants_acopy(problem: Problem) -> Callable[[int], float]:
    import acopy
    import networkx

    d = problem["distances"]
    n = len(d)

    def run(seed: int) -> float:
        graph = networkx.Graph()  # acopy leaves its pheromone in it: a fresh one for each run
        graph.add_weighted_edges_from((i, j, float(d[i, j])) for i in range(n) for j in range(i))
        random.seed(seed)
        solver = acopy.Solver(rho=EVAPORATION, q=1)
        return float(solver.solve(graph, acopy.Colony(**SETTINGS), limit=100).cost)

    return run


def ants_published(problem: Problem) -> Callable[[int], float]:
    from lecturecode import ant_colony

    ants = len(problem["distances"])
    return lambda seed: ant_colony(problem["distances"], population=ants, steps=1500, rng=seed).value


ANT_CASES = {
    "ant_colony": Case(
        title="ant_colony, tours of 50 random cities",
        unit="run",
        problem=towns,
        contestants={
            "lecturecode.ant_colony, 150 steps": ants_lecturecode,
            "acopy, 100 iterations": ants_acopy,
            "lecturecode.ant_colony, published settings, 1500 steps": ants_published,
        },
        goal="at most 1/20 of acopy's time for tours that are no longer; within 1 % of the optimum "
        "with the published settings",
        limits={"acopy, 100 iterations": 1 / 20},
        seeds=10,
        best=optimum,
    )
}
