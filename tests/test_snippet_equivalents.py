"""PyTorch's own way to every algorithm of the book gives the answers that ours gives."""

import importlib.util
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

import lecturecode

SNIPPET = Path(__file__).parents[1] / "docs" / "chapters" / "snippets" / "equivalents.py"
spec = importlib.util.spec_from_file_location("equivalents", SNIPPET)
equivalents = importlib.util.module_from_spec(spec)
spec.loader.exec_module(equivalents)


@pytest.mark.parametrize("row", equivalents.ROWS, ids=lambda row: row[0])
def test_ours_and_pytorchs_answers_are_equal(row):
    algorithm, here, there, run = row
    ours, theirs = (np.asarray(side, dtype=float) for side in run())
    assert callable(attrgetter(here)(lecturecode)), f"{algorithm}: there is no {here}"
    assert there
    assert np.isfinite(ours).all()
    most = 1e-5 if here == "factorize" else 1e-9  # one side iterates until it hardly moves
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=most)


def test_every_algorithm_of_the_lecture_has_its_row():
    found = [here for _, here, _, _ in equivalents.ROWS]
    assert len(found) == len(set(found))
    assert {
        "brute_force", "grid_search", "random_search", "genetic", "evolution_strategy",
        "particle_swarm", "ant_colony", "find_stationary_point", "classify", "normal_equations",
        "least_squares", "fit_affine", "kmeans", "gaussian_mixture", "factorize", "lasso",
        "nonnegative_least_squares", "coordinate_descent", "GradientDescent", "Momentum", "Adam",
        "schedules.cosine", "check_gradient", "Network", "SquaredError", "CrossEntropy", "backprop",
        "sample_gradients", "train", "reorder_neurons",
    } <= set(found)  # fmt: skip
