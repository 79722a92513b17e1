"""The figures of the book: surfaces and contours of g, the paths of the methods, and a player.

This is the only part of the package that imports matplotlib, and no other part imports it. Everywhere,
``g`` takes points of shape (..., P) and returns (...), and is called once, on a whole NumPy grid. A
``box`` is a list of one ``(low, high)`` pair for each coordinate, or a domain, which is drawn as far as
its grid reaches; without it the domain of g is taken. Each function draws into ``ax``, or into a new
figure, and returns what it drew.
"""

from lecturecode.plots.alternated import (
    CLUSTERS,
    MARKERS,
    animate_clusters,
    animate_mixture,
    clusters,
    components,
    look,
    staircase,
)
from lecturecode.plots.animations import Player, animate, animate_path, player
from lecturecode.plots.boundaries import animate_boundary, boundary
from lecturecode.plots.figures import (
    COLOURS,
    HEIGHTS,
    KINDS,
    METHODS,
    contours,
    curve,
    describe,
    mark,
    path,
    surface,
    use_style,
    values,
)
from lecturecode.plots.graphs import ComputationGraph, animate_computation, computation_graph
from lecturecode.plots.networks import (
    GRADIENTS,
    SIGNS,
    NetworkGraph,
    animate_flow,
    network_graph,
)
from lecturecode.plots.populations import (
    animate_population,
    animate_trails,
    ellipse,
    flights,
    members,
    tour,
    trails,
)

__all__ = [
    "CLUSTERS",
    "COLOURS",
    "GRADIENTS",
    "HEIGHTS",
    "KINDS",
    "MARKERS",
    "METHODS",
    "SIGNS",
    "ComputationGraph",
    "NetworkGraph",
    "Player",
    "animate",
    "animate_boundary",
    "animate_clusters",
    "animate_computation",
    "animate_flow",
    "animate_mixture",
    "animate_path",
    "animate_population",
    "animate_trails",
    "boundary",
    "clusters",
    "components",
    "computation_graph",
    "contours",
    "curve",
    "describe",
    "ellipse",
    "flights",
    "look",
    "mark",
    "members",
    "network_graph",
    "path",
    "player",
    "staircase",
    "surface",
    "tour",
    "trails",
    "use_style",
    "values",
]
