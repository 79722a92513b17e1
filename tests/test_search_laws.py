"""What chapter 02 says of searches in general: what is tried, how often it hits, what it costs."""

import itertools
import math

import numpy as np
import pytest

from lecturecode import brute_force, grid_search, random_search
from lecturecode.domains import Choice, Interval, Positive
from lecturecode.objectives import Quadratic, Rastrigin

MIXED = Choice(["tanh", "relu", "gelu"]) * Interval(-1, 1) * Positive(0.1)


def total(theta):
    return theta.sum(-1)


def test_brute_force_tries_each_combination_of_choices_once():
    domain = Choice("abc") * Choice([1, 2]) * Choice([True, False])
    trace = brute_force(total, domain)
    assert trace.thetas.tolist() == [list(t) for t in itertools.product(range(3), range(2), range(2))]
    assert trace.evaluations.tolist() == list(range(1, 13))
    assert trace.converged


@pytest.mark.parametrize("hidden", range(12))
def test_brute_force_finds_the_best_wherever_it_hides(hidden):
    values = np.ones(12)
    values[hidden] = 0.0
    trace = brute_force(lambda theta: values[theta[:, 0].astype(int)], np.arange(12.0)[:, None])
    assert (trace.theta[0], trace.value) == (hidden, 0.0)


@pytest.mark.parametrize("points", [1, 2, 5])
def test_a_grid_is_the_product_of_its_axes_and_the_last_moves_fastest(points):
    trace = grid_search(total, MIXED, points)
    assert np.array_equal(trace.thetas, list(itertools.product(*MIXED.axes(points))))
    assert len(trace) == 3 * points**2
    assert MIXED.contains(trace.thetas).all()


@pytest.mark.parametrize(("k", "P"), [(2, 1), (2, 10), (3, 7), (10, 4)])
def test_a_grid_costs_k_to_the_power_p_evaluations(k, P):
    calls = []

    def g(theta):
        calls.append(len(theta))
        return total(theta)

    trace = grid_search(g, Interval(0, 1) ** P, k)
    assert sum(calls) == trace.evaluations[-1] == k**P


def test_no_place_is_farther_from_a_grid_than_half_the_diagonal_of_a_cell():
    P, k = 3, 5
    grid = grid_search(total, Interval(0, 1) ** P, k).thetas
    probes = np.concatenate([np.random.default_rng(0).uniform(size=(2000, P)), [[1 / 8] * P]])
    gaps = np.sqrt(((probes[:, None] - grid) ** 2).sum(-1)).min(1)
    h = math.sqrt(P) / 2 / (k - 1)
    assert gaps.max() == pytest.approx(h)
    assert gaps[:-1].max() < h


@pytest.mark.parametrize("P", [1, 2, 10])
@pytest.mark.parametrize(("q", "draws"), [(0.05, 59), (0.3, 4)])
def test_n_draws_hit_a_set_of_share_q_by_the_law_whatever_p(P, q, draws):
    rng, searches = np.random.default_rng(P), 1500
    domain = Interval(0, 1) ** P

    def g(theta):  # negative on a share q of the box
        return theta[:, -1] - q

    hits = sum(random_search(g, domain, draws, rng=rng).value < 0 for _ in range(searches))
    expected = 1 - (1 - q) ** draws
    assert abs(hits / searches - expected) < 4 * math.sqrt(expected * (1 - expected) / searches)


def test_random_search_draws_from_every_kind_of_domain_and_stays_inside():
    trace = random_search(total, MIXED, 500, rng=0)
    assert MIXED.contains(trace.thetas).all()
    assert set(trace.thetas[:, 0]) == {0.0, 1.0, 2.0}
    assert len(np.unique(trace.thetas[:, 2])) == 500
    assert trace.value == trace.values.min()
    assert not trace.converged


def test_every_draw_tries_another_value_of_the_parameter_that_matters():
    box = Interval(0, 1) ** 2
    assert len(np.unique(grid_search(total, box, 5).thetas[:, 0])) == 5
    assert len(np.unique(random_search(total, box, 25, rng=0).thetas[:, 0])) == 25


def test_more_draws_never_make_it_worse():
    g = Rastrigin(3)
    best = [random_search(g, g.domain, n, rng=7).value for n in (1, 10, 100, 1000, 5000)]
    assert best == sorted(best, reverse=True)


def test_the_minimum_of_a_bowl_is_on_a_grid_that_contains_it():
    trace = grid_search(Quadratic([1.0, 10.0]), Interval(-1, 2) ** 2, 4)
    assert trace.theta.tolist() == [0.0, 0.0]
