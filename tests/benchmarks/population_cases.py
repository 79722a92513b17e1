"""Population methods and their peers: one run for one seed, on equal budgets of generations.

All libraries get the same g, in the form that they want: swarms a g that takes the population at once,
DEAP one that takes a list of floats, which is faster for it than an array.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from contest import Case, Problem

Seeded = Callable[[int], float]

POPULATION, STEPS = 100, 200


def rastrigin_problem() -> Problem:
    return {"P": 10, "a": -5.12, "b": 5.12}


def rastrigin(theta: np.ndarray) -> np.ndarray:
    return (theta**2 + 10 * (1 - np.cos(2 * math.pi * theta))).sum(-1)


def rastrigin_floats(theta: list[float]) -> tuple[float]:
    return (10 * len(theta) + sum(x * x - 10 * math.cos(2 * math.pi * x) for x in theta),)


def swarm_lecturecode(problem: Problem) -> Seeded:
    from lecturecode import particle_swarm
    from lecturecode.domains import Interval

    domain = Interval(problem["a"], problem["b"]) ** problem["P"]
    size = {"population": POPULATION, "steps": STEPS, "scouts": 0.05}
    return lambda seed: particle_swarm(rastrigin, domain, rng=seed, **size).value


def swarm_pyswarms(problem: Problem) -> Seeded:
    import logging

    logging.disable(logging.CRITICAL)
    from pyswarms.single import GlobalBestPSO

    P = problem["P"]
    options = {"c1": 1.49618, "c2": 1.49618, "w": 0.7298}
    bounds = (np.full(P, problem["a"]), np.full(P, problem["b"]))

    def run(seed: int) -> float:
        np.random.seed(seed)  # noqa: NPY002 - pyswarms draws from the global state
        swarm = GlobalBestPSO(POPULATION, P, options, bounds=bounds)
        return float(swarm.optimize(rastrigin, iters=STEPS, verbose=False)[0])

    return run


def swarm_pymoo(problem: Problem) -> Seeded:
    from pymoo.algorithms.soo.nonconvex.pso import PSO
    from pymoo.core.problem import Problem as Objective
    from pymoo.optimize import minimize

    class Rastrigin(Objective):
        def _evaluate(self, x: np.ndarray, out: dict, *args: Any, **kwargs: Any) -> None:
            out["F"] = rastrigin(x)

    g = Rastrigin(n_var=problem["P"], n_obj=1, xl=problem["a"], xu=problem["b"])
    return lambda seed: float(minimize(g, PSO(POPULATION), ("n_gen", STEPS), seed=seed).F[0])


def genetic_lecturecode(problem: Problem) -> Seeded:
    from lecturecode import genetic
    from lecturecode.domains import Interval

    domain = Interval(problem["a"], problem["b"]) ** problem["P"]
    size = {"population": POPULATION, "steps": STEPS}
    return lambda seed: genetic(rastrigin, domain, rng=seed, **size).value


def genetic_deap(problem: Problem, pairs: float, mutants: float) -> Seeded:
    """Simulated binary crossover and polynomial mutation within the bounds, one gene of P mutated."""
    import random

    from deap import algorithms, base, creator, tools

    P, low, up = problem["P"], problem["a"], problem["b"]
    creator.create("Least", base.Fitness, weights=(-1.0,))
    creator.create("Member", list, fitness=creator.Least)
    box = base.Toolbox()
    box.register("gene", random.uniform, low, up)
    box.register("member", tools.initRepeat, creator.Member, box.gene, P)
    box.register("population", tools.initRepeat, list, box.member)
    box.register("evaluate", rastrigin_floats)
    box.register("select", tools.selTournament, tournsize=3)
    box.register("mate", tools.cxSimulatedBinaryBounded, eta=20.0, low=low, up=up)
    box.register("mutate", tools.mutPolynomialBounded, eta=20.0, low=low, up=up, indpb=1 / P)

    def run(seed: int) -> float:
        random.seed(seed)
        best = tools.HallOfFame(1)
        members = box.population(n=POPULATION)
        algorithms.eaSimple(members, box, pairs, mutants, STEPS, halloffame=best, verbose=False)
        return float(best[0].fitness.values[0])

    return run


def genetic_deap_all(problem: Problem) -> Seeded:
    """Let nine pairs in ten cross and every child mutate, as the package's own children do."""
    return genetic_deap(problem, 0.9, 1.0)


def genetic_deap_few(problem: Problem) -> Seeded:
    """Take the rates of DEAP's examples: half the pairs cross, a fifth of the children mutate."""
    return genetic_deap(problem, 0.5, 0.2)


POPULATION_CASES = {
    "particle_swarm": Case(
        title="particle_swarm, Rastrigin in 10 dimensions, 100 particles, 200 steps",
        unit="run",
        problem=rastrigin_problem,
        contestants={
            "lecturecode.particle_swarm": swarm_lecturecode,
            "pyswarms GlobalBestPSO": swarm_pyswarms,
            "pymoo PSO": swarm_pymoo,
        },
        goal="at most 0.7 of pyswarms' time and 1/20 of pymoo's, median result no worse",
        repeats={"lecturecode.particle_swarm": 10, "pyswarms GlobalBestPSO": 10},
        limits={"pyswarms GlobalBestPSO": 0.7, "pymoo PSO": 1 / 20},
        seeds=25,
        best=lambda problem: 0.0,
    ),
    "genetic": Case(
        title="genetic, Rastrigin in 10 dimensions, 100 members, 200 generations",
        unit="run",
        problem=rastrigin_problem,
        contestants={
            "lecturecode.genetic": genetic_lecturecode,
            "DEAP eaSimple, all children vary": genetic_deap_all,
            "DEAP eaSimple, rates of its examples": genetic_deap_few,
        },
        goal="at most 1/20 of the time of DEAP's eaSimple, median result no worse",
        repeats={"lecturecode.genetic": 10},
        limits={
            "DEAP eaSimple, all children vary": 1 / 20,
            "DEAP eaSimple, rates of its examples": 1 / 20,
        },
        seeds=25,
        best=lambda problem: 0.0,
    ),
}
