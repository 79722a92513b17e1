"""Populations of points that evolve by rules taken from nature or physics.

A population method asks nothing of g but its value, so that g may be discontinuous and its domain mixed.
It is a heuristic: with the same budget, another seed gives another answer.
"""

from lecturecode.population.ants import ant_colony, tour_length
from lecturecode.population.cmaes import evolution_strategy
from lecturecode.population.foraging import ant_paths
from lecturecode.population.genetics import genetic
from lecturecode.population.swarms import particle_swarm

__all__ = [
    "ant_colony",
    "ant_paths",
    "evolution_strategy",
    "genetic",
    "particle_swarm",
    "tour_length",
]
