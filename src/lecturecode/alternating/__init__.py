"""Minimize over one part of theta while the rest is held still, in turn: alternated minimization.

Each method says what its blocks are and solves each block directly, most of them without a step size or
any other hyper-parameter. A step that minimizes g over its block cannot make it rise; whether theta
settles, and at a minimum, depends on g. The lasso alone may rise on its way: its two blocks are copies
of theta, which have yet to agree.
"""

from lecturecode.alternating.blocks import alternate, coordinate_descent
from lecturecode.alternating.clustering import assign, inertia, kmeans, kmeans_start
from lecturecode.alternating.factorization import factorize, factors
from lecturecode.alternating.gaussians import Mixture
from lecturecode.alternating.lasso_admm import largest_penalty, lasso, soft_threshold
from lecturecode.alternating.line_minimization import golden_section, newton_section
from lecturecode.alternating.mixtures import gaussian_mixture
from lecturecode.alternating.nonnegative import kkt_violation, nonnegative_least_squares

__all__ = [
    "Mixture",
    "alternate",
    "assign",
    "coordinate_descent",
    "factorize",
    "factors",
    "gaussian_mixture",
    "golden_section",
    "inertia",
    "kkt_violation",
    "kmeans",
    "kmeans_start",
    "largest_penalty",
    "lasso",
    "newton_section",
    "nonnegative_least_squares",
    "soft_threshold",
]
