"""Ants: tours and paths are what they should be, scent follows its formulas, and short ways win."""

import math
import sys
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import dijkstra
from scipy.stats import chisquare

from lecturecode import ant_colony, ant_paths, brute_force, tour_length
from lecturecode.population import roulette

HARNESS = Path(__file__).parent / "benchmarks"
inf, nan = math.inf, math.nan
BRIDGES = np.array([[0, 1, 2, inf], [1, 0, inf, 1], [2, inf, 0, 2], [inf, 1, 2, 0]])
TWINS = np.array([[0, 1, 1, inf], [1, 0, inf, 1], [1, inf, 0, 1], [inf, 1, 1, 0]])


def towns(cities, seed=0):
    points = np.random.default_rng(seed).random((cities, 2))
    return np.linalg.norm(points[:, None] - points, axis=-1)


def one_way_streets(cities, seed=0):
    return np.random.default_rng(seed).uniform(1, 10, (cities, cities))


def length_by_loop(distances, tour):
    there = [*tour[1:], tour[0]]
    return sum(float(distances[int(i), int(j)]) for i, j in zip(tour, there, strict=True))


def by_dynamic_programming(d):
    """Held & Karp: the shortest way from 0 through a set of cities to its last one."""
    n = len(d)
    shortest = {(1 << k, k): d[0, k] for k in range(1, n)}
    for cities in range(2, 1 << n, 2):
        for last in (k for k in range(1, n) if cities >> k & 1 and cities != 1 << k):
            rest = cities ^ (1 << last)
            before = [k for k in range(1, n) if rest >> k & 1]
            shortest[cities, last] = min(shortest[rest, k] + d[k, last] for k in before)
    return min(shortest[(1 << n) - 2, k] + d[k, 0] for k in range(1, n))


@pytest.fixture
def optimum(monkeypatch):
    monkeypatch.syspath_prepend(str(HARNESS))
    import ant_cases

    yield lambda distances: ant_cases.optimum({"distances": distances})
    sys.modules.pop("ant_cases")


# --- tours ----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n=st.integers(3, 9), ants=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
def test_every_tour_visits_every_city_once(data, n, ants, seed):
    lengths = st.sampled_from([0.0, 1e-12, 1e-3, 1.0, 2.0, 7.5, 1e6, 1e12])
    d = np.reshape(data.draw(st.lists(lengths, min_size=n * n, max_size=n * n)), (n, n))
    d[0, 1] = 1.0  # not 0 everywhere
    if data.draw(st.booleans()):
        d = np.minimum(d, d.T)
        d[0, 1] = d[1, 0] = 1.0
    trace = ant_colony(
        d.astype(data.draw(st.sampled_from([np.float32, np.float64]))),
        population=ants,
        steps=4,
        rng=seed,
        alpha=data.draw(st.sampled_from([0, 1, 5.0])),
        beta=data.draw(st.sampled_from([0, 2, 20.0])),
        evaporation=data.draw(st.sampled_from([0, 0.02, 0.5, 1.0])),
    )
    assert trace.thetas.shape[1:] == (ants, n)
    assert (np.sort(trace.thetas, axis=-1) == np.arange(n)).all()
    np.testing.assert_allclose(trace.values, tour_length(trace.thetas.dtype.type(d), trace.thetas))


def test_tour_length_is_that_of_a_plain_loop():
    d = one_way_streets(7)
    tours = np.array([np.random.default_rng(k).permutation(7) for k in range(12)])
    expected = [length_by_loop(d, tour) for tour in tours]
    np.testing.assert_allclose(tour_length(d, tours), expected, rtol=1e-14)
    np.testing.assert_allclose(tour_length(d, tours.reshape(3, 4, 7)), np.reshape(expected, (3, 4)))
    assert float(tour_length(d, tours[0].tolist())) == pytest.approx(expected[0])
    there = tour_length(torch.from_numpy(d), torch.from_numpy(tours))
    assert there.dtype == torch.float64
    np.testing.assert_allclose(there, expected, rtol=1e-14)


@pytest.mark.parametrize("wrong", [[0, 1, 2], [0, 1, 2, 2], [0, 1, 2, 4], [0, 1, 2, 2.5], [0, 1, 2, -1]])
def test_tour_length_refuses_what_is_no_tour(wrong):
    with pytest.raises(ValueError, match=r"tours must name each of the cities 0 to 3 once"):
        tour_length(towns(4), [wrong])


# --- how ants choose ------------------------------------------------------------------------------


def counted(trace, record, n):
    """How often ants of a record went from city i to city j first: shape (n, n)."""
    first, second = trace.thetas[record, :, :2].astype(int).T
    counts = np.zeros((n, n))
    np.add.at(counts, (first, second), 1)
    return counts


@pytest.mark.parametrize(("alpha", "beta"), [(1, 2), (2, 1), (0, 3), (1.5, 0)])
def test_choices_follow_scent_and_closeness(alpha, beta):
    n, d = 5, one_way_streets(5)
    trace = ant_colony(d, population=20_000, steps=3, rng=1, alpha=alpha, beta=beta, evaporation=0.6)
    for record in (0, 3):
        tau = trace.extras["pheromone"][record]
        counts = counted(trace, record, n)
        assert chisquare(counts.sum(1)).pvalue > 1e-3  # the first city is any
        for i in range(n):
            others = np.arange(n) != i
            weights = (tau[i] ** alpha * d[i] ** -float(beta))[others]
            expected = counts[i].sum() * weights / weights.sum()
            assert chisquare(counts[i, others], expected).pvalue > 1e-4
    assert np.ptp(trace.extras["pheromone"][0]) == 0
    assert np.ptp(trace.extras["pheromone"][3]) > 0


def test_the_choice_of_a_later_city_leaves_out_those_that_were_seen():
    d = one_way_streets(4, seed=3)
    trace = ant_colony(d, population=30_000, steps=1, rng=0)
    tours = trace.thetas[0].astype(int)
    tours = tours[(tours[:, 0] == 0) & (tours[:, 1] == 2)]
    weights = d[2, [1, 3]] ** -2
    observed = [(tours[:, 2] == city).sum() for city in (1, 3)]
    assert chisquare(observed, len(tours) * weights / weights.sum()).pvalue > 1e-3


def test_two_cities_in_one_place_are_a_tenth_of_the_smallest_distance_apart():
    d = np.array([[0, 0, 2, 4.0], [0, 0, 3, 3], [2, 3, 0, 1], [4, 3, 1, 0]])
    counts = counted(ant_colony(d, population=20_000, steps=1, rng=0), 0, 4)
    weights = np.array([0.1, 2, 4]) ** -2
    assert chisquare(counts[0, 1:], counts[0].sum() * weights / weights.sum()).pvalue > 1e-3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_wheel_never_stops_behind_its_end(monkeypatch, dtype):
    """In float32, about one draw in 30 million is rounded up to 1."""
    monkeypatch.setattr(roulette, "uniform", lambda rng, shape, like: np.ones(shape, like.dtype))
    weights = np.random.default_rng(0).random((200, 50)).astype(dtype)
    weights[:, 48:] = 0
    stops = roulette.spin(weights, roulette.spins(None, (200, 1), weights))
    assert (stops == 47).all()


# --- pheromone ------------------------------------------------------------------------------------


@pytest.mark.parametrize("roads", [towns, one_way_streets])
@pytest.mark.parametrize("evaporation", [0.02, 0.3, 1.0])
def test_pheromone_follows_the_formulas(roads, evaporation):
    """Recompute it from the tours of the trace, edge by edge."""
    n, d = 9, roads(9)
    trace = ant_colony(d, population=5, steps=60, rng=0, evaporation=evaporation)
    root = 0.05 ** (1 / n)
    share = (1 - root) / ((n / 2 - 1) * root)
    tau = np.full((n, n), 1 / (evaporation * trace.values[0].min()))
    recent, idle, restarts = inf, 0, 0
    for step in range(trace.steps):
        np.testing.assert_allclose(trace.extras["pheromone"][step], tau, rtol=1e-12)
        best = trace.values[step].argmin()
        tour = trace.thetas[step, best].astype(int)
        tau = (1 - evaporation) * tau
        for i, j in zip(tour, [*tour[1:], tour[0]], strict=True):
            tau[i, j] += 1 / trace.values[step, best]
            if roads is towns:
                tau[j, i] += 1 / trace.values[step, best]
        highest = 1 / (evaporation * trace.values[: step + 1].min())
        tau = np.clip(tau, share * highest, highest)
        improved = trace.values[step, best] < recent * (1 - 1e-6)
        recent, idle = (trace.values[step, best], 0) if improved else (recent, idle + 1)
        if idle > math.ceil(math.log(1 / share) / evaporation):
            tau, recent, idle, restarts = np.full((n, n), highest), inf, 0, restarts + 1
    np.testing.assert_allclose(trace.extras["pheromone"][-1], tau, rtol=1e-12)
    assert share < 1
    assert (restarts > 0) == (evaporation > 0.02)


@pytest.mark.parametrize("roads", [towns, one_way_streets])
def test_without_evaporation_trails_only_grow(roads):
    """What each step's best tour lays is all that ever changes; there is no limit and no restart."""
    n, d = 9, roads(9)
    trace = ant_colony(d, population=5, steps=200, rng=0, evaporation=0)
    tau = np.full((n, n), 1 / trace.values[0].min())
    for step in range(trace.steps):
        np.testing.assert_allclose(trace.extras["pheromone"][step], tau, rtol=1e-12)
        best = trace.values[step].argmin()
        tour = trace.thetas[step, best].astype(int)
        for i, j in pairwise([*tour, tour[0]]):
            tau[i, j] += 1 / trace.values[step, best]
            if roads is towns:
                tau[j, i] += 1 / trace.values[step, best]
    assert trace.steps == 200


def test_on_bridges_without_evaporation_trails_only_grow():
    trace = ant_paths(BRIDGES, 0, 3, population=20, steps=40, rng=0, evaporation=0)
    scent = trace.extras["pheromone"][:, 0, 1:3]  # the short bridge and the long one, from the nest
    short = (trace.values == 2).sum(axis=1)
    laid = np.stack([short / 2, (20 - short) / 4], axis=1)
    np.testing.assert_allclose(np.diff(scent, axis=0), laid[:-1], rtol=1e-12)


def test_pheromone_stays_within_its_limits():
    n = 12
    trace = ant_colony(towns(n), population=12, steps=400, rng=0, evaporation=0.1)
    lengths = np.minimum.accumulate(trace.values.min(axis=1))
    highest = 1 / (0.1 * np.concatenate([lengths[:1], lengths[:-1]]))
    lowest = highest * (1 - 0.05 ** (1 / n)) / ((n / 2 - 1) * 0.05 ** (1 / n))
    tau = trace.extras["pheromone"]
    assert (tau.max(axis=(1, 2)) <= highest * (1 + 1e-12)).all()
    assert (tau.min(axis=(1, 2)) >= lowest * (1 - 1e-12)).all()
    assert np.isclose(tau.max(axis=(1, 2)), highest, rtol=1e-9).any()  # and both are reached
    assert np.isclose(tau.min(axis=(1, 2)), lowest, rtol=1e-9).any()


def test_where_nobody_walks_pheromone_decays_geometrically():
    trace = ant_colony(towns(10), population=10, steps=20, rng=0, evaporation=0.05)
    tau = trace.extras["pheromone"]
    walked = np.zeros((10, 10), dtype=bool)
    for tours, lengths in zip(trace.thetas[:-1], trace.values[:-1], strict=True):
        best = tours[lengths.argmin()].astype(int)
        walked[best, np.roll(best, -1)] = walked[np.roll(best, -1), best] = True
    apart = ~walked & ~np.eye(10, dtype=bool)
    assert apart.sum() > 20
    np.testing.assert_allclose(
        tau[:, apart], tau[0, 0, 0] * 0.95 ** np.arange(21)[:, None] * np.ones(apart.sum())
    )


def test_one_way_streets_smell_one_way():
    ring = np.full((6, 6), 10.0)
    ring[np.arange(6), (np.arange(6) + 1) % 6] = 1.0
    trace = ant_colony(ring, population=6, steps=300, rng=0)
    tau = trace.extras["pheromone"]
    assert trace.value == 6.0
    assert (tau[:, 0, 1] > 1.5 * tau[:, 1, 0]).mean() > 0.4  # between the new starts
    assert (tau[:, 0, 1] >= tau[:, 1, 0]).all()


# --- how short the tours are ----------------------------------------------------------------------


@pytest.mark.parametrize("roads", [towns, one_way_streets])
@pytest.mark.parametrize("n", [3, 4, 8])
def test_the_shortest_of_all_tours_is_found(roads, n):
    d = roads(n, seed=n)
    every = np.array([(0, *rest) for rest in permutations(range(1, n))])
    shortest = brute_force(lambda tours: tour_length(d, tours), every)
    trace = ant_colony(d, population=n, steps=200, rng=0, evaporation=0.1)
    assert trace.value == pytest.approx(shortest.value, rel=1e-12)
    assert length_by_loop(d, trace.theta) == pytest.approx(shortest.value, rel=1e-12)


def test_the_oracles_agree_and_the_ants_with_them(optimum):
    d = towns(11, seed=5)
    shortest = by_dynamic_programming(d)
    assert optimum(d) == pytest.approx(shortest, rel=1e-12)
    assert ant_colony(d, population=11, steps=300, rng=0, evaporation=0.1).value == pytest.approx(
        shortest
    )


@pytest.mark.slow
def test_fifty_cities_within_one_percent_in_300_steps_of_stronger_evaporation(optimum):
    d = towns(50, seed=2)
    lengths = [
        ant_colony(d, population=50, steps=300, rng=seed, beta=4, evaporation=0.05, record_every=0).value
        for seed in range(3)
    ]
    assert 1 - 1e-12 <= np.median(lengths) / optimum(d) <= 1.01


@pytest.mark.slow
def test_fifty_cities_within_one_percent_with_the_published_settings(optimum):
    d = towns(50, seed=1)
    lengths = [
        ant_colony(d, population=50, steps=700, rng=seed, record_every=0).value for seed in range(5)
    ]
    assert 1 - 1e-12 <= np.median(lengths) / optimum(d) <= 1.01


def test_ants_without_scent_find_longer_tours():
    """It is the pheromone that does it: the same ants, deaf to it, stay far behind."""
    d = towns(30, seed=1)
    options = {"population": 30, "steps": 150, "rng": 0, "evaporation": 0.1}
    assert ant_colony(d, **options).value < 0.85 * ant_colony(d, **options, alpha=0).value


# --- foraging -------------------------------------------------------------------------------------


def check_path(d, path, end, value):
    path = [int(k) for k in path]
    walked = [path[0]]
    for i, j in pairwise(path):
        if i != j:
            assert math.isfinite(d[i, j])
            walked.append(j)
        else:
            assert set(path[len(walked) :]) == {i}  # once it stays, it stays
    assert len(set(walked)) == len(walked)
    if walked[-1] == end:
        assert value == pytest.approx(sum(d[i, j] for i, j in pairwise(walked)))
    else:
        dead_end = [j for j in range(len(d)) if math.isfinite(d[walked[-1], j]) and j not in walked]
        assert not dead_end
        assert value == inf


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 8), both=st.booleans())
def test_every_path_follows_edges_and_visits_no_node_twice(seed, n, both):
    rng = np.random.default_rng(seed)
    d = np.where(rng.random((n, n)) < 0.5, rng.uniform(1, 5, (n, n)), inf)
    d = np.minimum(d, d.T) if both else d
    d[0, n - 1] = d[n - 1, 0] = 9.0  # some path there is
    trace = ant_paths(d, 0, n - 1, population=30, steps=2, rng=seed)
    for paths, lengths in zip(trace.thetas, trace.values, strict=True):
        for path, length in zip(paths, lengths, strict=True):
            check_path(d, path, n - 1, length)


@pytest.mark.parametrize("graph", ["both ways", "one way"])
def test_pheromone_of_paths_follows_the_formula(graph):
    d = BRIDGES.copy()
    if graph == "one way":
        d[1, 0] = inf
    trace = ant_paths(d, 0, 3, population=7, steps=6, rng=0, evaporation=0.3)
    edges = np.isfinite(d) & (d > 0)
    tau = edges * (1 / trace.values[0]).sum()
    for step in range(trace.steps):
        np.testing.assert_allclose(trace.extras["pheromone"][step], tau, rtol=1e-12)
        tau = 0.7 * tau
        for path, length in zip(trace.thetas[step].astype(int), trace.values[step], strict=True):
            for i, j in pairwise(path):
                if i != j:
                    tau[i, j] += 1 / length
                    if graph == "both ways":
                        tau[j, i] += 1 / length
    np.testing.assert_allclose(trace.extras["pheromone"][-1], tau, rtol=1e-12)


def test_paths_are_chosen_by_the_power_of_scent():
    trace = ant_paths(BRIDGES, 0, 3, population=40_000, steps=2, rng=0, alpha=1.5)
    for record in (0, 2):
        scent = trace.extras["pheromone"][record][0, 1:3] ** 1.5
        observed = [(trace.thetas[record, :, 1] == node).sum() for node in (1, 2)]
        assert chisquare(observed, 40_000 * scent / scent.sum()).pvalue > 1e-3


def share_of_node_1(trace):
    tau = trace.extras["pheromone"][:, 0, :]
    return tau[:, 1] / (tau[:, 1] + tau[:, 2])


@pytest.mark.parametrize("seed", range(5))
def test_the_short_bridge_wins(seed):
    share = share_of_node_1(ant_paths(BRIDGES, 0, 3, population=100, steps=40, rng=seed))
    assert share[0] == 0.5
    assert share[-1] > 1 - 1e-9


def test_of_two_equal_bridges_one_wins_by_chance():
    """The same budget, another seed, another answer."""
    shares = np.array(
        [share_of_node_1(ant_paths(TWINS, 0, 3, population=20, steps=60, rng=s)) for s in range(40)]
    )
    first = shares[:, -1] > 1 - 1e-9
    second = shares[:, -1] < 1e-9
    assert (first | second).all()
    assert 8 <= first.sum() <= 32  # for fair coins: all but 1 in 10 000


def test_without_preference_for_scent_no_bridge_wins():
    trace = ant_paths(BRIDGES, 0, 3, population=1000, steps=40, rng=0, alpha=0)
    assert (trace.values[-1] == 2.0).mean() == pytest.approx(0.5, abs=0.06)


def test_ants_find_the_path_that_dijkstra_finds():
    rng = np.random.default_rng(4)
    place = rng.random((12, 2))
    d = np.linalg.norm(place[:, None] - place, axis=-1)
    start, end = (int(k) for k in np.unravel_index(d.argmax(), d.shape))
    d[d > 0.45] = inf
    shortest = dijkstra(np.where(np.isfinite(d), d, 0.0), indices=start)[end]
    trace = ant_paths(d, start, end, population=200, steps=30, rng=0)
    assert trace.value == pytest.approx(shortest)
    assert np.isinf(trace.values[0]).any()  # some of the first ants were lost, and counted
    assert "was not finite at" in trace.message


def test_scent_that_float32_cannot_hold_does_no_harm():
    trace = ant_paths(
        BRIDGES.astype(np.float32), 0, 3, population=50, steps=400, rng=0, alpha=5.0, evaporation=0.9
    )
    assert trace.thetas.dtype == trace.extras["pheromone"].dtype == np.float32
    assert np.isfinite(trace.values).all()
    assert np.isfinite(trace.extras["pheromone"][:, np.isfinite(BRIDGES)]).all()


def test_where_all_scent_is_gone_ants_go_anywhere():
    """Two good paths cross so that 0 - 3 - 1 - 2 is a trap; with this seed, both ants step into it."""
    d = np.full((6, 6), inf)
    for i, j in ((0, 1), (1, 2), (2, 3), (3, 5), (0, 3), (3, 1), (1, 4), (4, 5)):
        d[i, j] = 1.0
    trace = ant_paths(d, 0, 5, population=2, steps=30, rng=283, evaporation=1.0)
    (without,) = np.flatnonzero((trace.extras["pheromone"] == 0).all(axis=(1, 2)))
    assert trace.thetas[without - 1].tolist() == [[0, 3, 1, 2, 2, 2]] * 2
    assert np.isfinite(trace.values[without]).all()  # they set out again, and arrive


# --- what all methods keep ------------------------------------------------------------------------

METHODS = {
    "ant_colony": lambda d=None, **options: ant_colony(
        towns(8) if d is None else d, **{"population": 6, "steps": 10, "rng": 0, **options}
    ),
    "ant_paths": lambda d=None, **options: ant_paths(
        BRIDGES if d is None else d, 0, 3, **{"population": 6, "steps": 10, "rng": 0, **options}
    ),
}
each = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
GRAPHS = {"ant_colony": towns(8), "ant_paths": BRIDGES}
each_graph = pytest.mark.parametrize("name", METHODS)


@each
def test_shapes_and_evaluations(method):
    trace = method()
    n = trace.theta.shape[0]
    assert trace.thetas.shape == (11, 6, n)
    assert trace.values.shape == (11, 6)
    assert trace.extras["pheromone"].shape == (11, n, n)
    assert trace.evaluations.tolist() == [6 * k for k in range(1, 12)]
    assert trace.value == trace.values.min()
    assert trace.message == "used up all 10 steps"
    assert not trace.converged


@each
def test_the_same_seed_gives_the_same_answer_and_another_one_another(method):
    trace, again, other = method(), method(rng=np.random.default_rng(0)), method(rng=1)
    np.testing.assert_array_equal(trace.thetas, again.thetas)
    np.testing.assert_array_equal(trace.extras["pheromone"], again.extras["pheromone"])
    assert (trace.thetas != other.thetas).any()


@each
def test_record_every_thins_the_records_and_changes_nothing_else(method):
    full, thin, none = method(), method(record_every=4), method(record_every=0)
    np.testing.assert_array_equal(thin.thetas, full.thetas[::4])
    np.testing.assert_array_equal(thin.extras["pheromone"], full.extras["pheromone"][::4])
    np.testing.assert_array_equal(none.values, full.values)
    assert none.value == full.value
    assert not none.extras


@each_graph
def test_tensors_give_the_same_answer_as_arrays(name):
    ours = METHODS[name]()
    theirs = METHODS[name](torch.from_numpy(GRAPHS[name]))
    assert all(isinstance(a, torch.Tensor) for a in (theirs.thetas, theirs.values, theirs.theta))
    np.testing.assert_array_equal(theirs.thetas, ours.thetas)
    np.testing.assert_allclose(theirs.values, ours.values, rtol=1e-12)
    np.testing.assert_allclose(theirs.extras["pheromone"], ours.extras["pheromone"], rtol=1e-12)


@each_graph
def test_a_torch_generator_steers_tensors(name):
    runs = [
        METHODS[name](torch.from_numpy(GRAPHS[name]), rng=torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    ]
    assert torch.equal(runs[0].thetas, runs[1].thetas)
    assert not torch.equal(runs[0].thetas, runs[2].thetas)


@each_graph
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_float32_stays_float32(name, library):
    d = GRAPHS[name].astype(np.float32)
    trace = METHODS[name](d if library == "numpy" else torch.from_numpy(d))
    kind = np.float32 if library == "numpy" else torch.float32
    for array in (trace.thetas, trace.values, trace.theta, trace.extras["pheromone"]):
        assert array.dtype == kind


@each
def test_a_callback_stops_and_an_interrupt_keeps_the_trace(method):
    stopped = method(callback=lambda trace: len(trace) == 4)
    assert stopped.steps == 3
    assert stopped.message == "stopped by the callback after 24 evaluations"

    def press_ctrl_c(trace):
        if len(trace) == 4:
            raise KeyboardInterrupt

    interrupted = method(callback=press_ctrl_c)
    assert interrupted.message == "interrupted after 24 evaluations"
    np.testing.assert_array_equal(interrupted.thetas, method().thetas[:4])
    np.testing.assert_array_equal(interrupted.extras["pheromone"], stopped.extras["pheromone"])


@each
def test_a_target_ends_the_run(method):
    goal = method().value
    trace = method(target=goal)
    assert trace.converged
    assert trace.value == goal
    assert trace.steps < 10
    assert trace.message.startswith(f"reached the target {goal:g} after")


@each
def test_progress_counts_the_steps(method, capsys):
    method(progress=True)
    assert "11/11" in capsys.readouterr().err


def test_a_tour_of_length_0_ends_the_run_as_nothing_is_shorter():
    d = np.zeros((4, 4))
    d[0, 3] = 1.0
    trace = ant_colony(d, population=10, steps=1000, rng=0)
    assert trace.converged
    assert trace.value == 0
    assert trace.steps < 1000


@each_graph
def test_distances_are_not_changed_and_the_diagonal_is_ignored(name):
    d = GRAPHS[name].copy()
    np.fill_diagonal(d, [nan, inf, -1.0, 5.0, *[0.0] * (len(d) - 4)])
    before = d.copy()
    np.testing.assert_array_equal(METHODS[name](d).thetas, METHODS[name]().thetas)
    np.testing.assert_array_equal(d, before)


# --- bad input ------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("shape", [(3, 4), (9,), (2, 4, 4), ()])
def test_distances_that_are_not_square(method, shape):
    with pytest.raises(ValueError, match=r"distances must be a square matrix, of shape \(n, n\) for n"):
        method(np.ones(shape))


def with_entry(d, value):
    d = d.copy()
    d[1, 2] = d[3, 0] = value
    return d


@each_graph
def test_distances_that_are_nan(name):
    with pytest.raises(ValueError, match=r"distances\[1, 2\] is nan, one of 2 such: NaN is no distance"):
        METHODS[name](with_entry(GRAPHS[name], nan))


def test_negative_distances():
    with pytest.raises(
        ValueError, match=r"distances\[1, 2\] is -2.0, one of 2 such: .* cannot be negative"
    ):
        ant_colony(with_entry(towns(5), -2.0), population=3, steps=2)
    with pytest.raises(ValueError, match=r"is -2.0, .*: an edge must be longer than 0; write inf"):
        ant_paths(with_entry(BRIDGES, -2.0), 0, 3, population=3, steps=2)


def test_cities_that_cannot_be_reached():
    with pytest.raises(ValueError, match=r"distances\[1, 2\] is inf, one of 2 such: ants must be able"):
        ant_colony(with_entry(towns(5), inf), population=3, steps=2)


def test_edges_of_length_0():
    with pytest.raises(
        ValueError, match="an edge must be longer than 0; write inf where there is no edge"
    ):
        ant_paths(np.where(np.isfinite(BRIDGES), BRIDGES, 0.0), 0, 3, population=3, steps=2)


@pytest.mark.parametrize(
    ("n", "tours"), [(0, "no tour"), (1, "no tour"), (2, "only one tour, there and back")]
)
def test_too_few_cities(n, tours):
    with pytest.raises(ValueError, match=f"for {n} of the at least 3 cities .*: there is {tours}"):
        ant_colony(np.ones((n, n)), population=3, steps=2)


def test_distances_that_are_0_everywhere():
    with pytest.raises(ValueError, match="all distances are 0, so that all tours are equally long"):
        ant_colony(np.zeros((4, 4)), population=3, steps=2)


def test_distances_that_are_no_real_numbers():
    with pytest.raises(TypeError, match="distances must hold real numbers"):
        ant_colony([["a", "b"], ["c", "d"]], population=3, steps=2)


@each
@pytest.mark.parametrize("name", ["population", "steps"])
@pytest.mark.parametrize("count", [0, -1, 2.5, True])
def test_ants_and_steps_that_are_no_counts(method, name, count):
    with pytest.raises(ValueError, match=f"{name} must be an integer of at least 1; got {count}"):
        method(**{name: count})


@each
@pytest.mark.parametrize("evaporation", [-0.1, 1.1, nan])
def test_evaporation_outside_its_range(method, evaporation):
    with pytest.raises(
        ValueError, match=f"evaporation must be at least 0 and at most 1; got {evaporation}"
    ):
        method(evaporation=evaporation)


@pytest.mark.parametrize("value", [-1, inf, nan])
def test_exponents_outside_their_range(value):
    for name, method in (("alpha", "ant_colony"), ("beta", "ant_colony"), ("alpha", "ant_paths")):
        with pytest.raises(ValueError, match=f"{name} must be 0 or positive, and finite; got {value}"):
            METHODS[method](**{name: value})


@each
@pytest.mark.parametrize("rng", ["0", 1.5, np.random.RandomState(0)])
def test_rng_of_a_wrong_kind(method, rng):
    with pytest.raises(TypeError, match=r"rng must be None, an int, a numpy.random.Generator or"):
        method(rng=rng)
    with pytest.raises(
        TypeError, match=r"a torch.Generator draws tensors, and NumPy arrays are asked for"
    ):
        method(rng=torch.Generator())


@pytest.mark.parametrize(("nest", "food", "error", "message"), [
    (0, 4, ValueError, "food must be an integer from 0 to 3; got 4. It is the number of a node"),
    (-1, 3, ValueError, "nest must be an integer from 0 to 3; got -1"),
    (2, 2, ValueError, "nest and food are both node 2"),
    (0, 3.0, ValueError, "food must be an integer from 0 to 3; got 3.0. It is the number of a node"),
    (True, 3, ValueError, "nest must be an integer from 0 to 3; got True"),
])  # fmt: skip
def test_nest_and_food_that_are_no_nodes(nest, food, error, message):
    with pytest.raises(error, match=message):
        ant_paths(BRIDGES, nest, food, population=3, steps=2)


def test_food_that_cannot_be_reached():
    one_way = np.full((4, 4), inf)
    one_way[0, 1] = one_way[1, 2] = one_way[3, 2] = 1.0
    with pytest.raises(
        ValueError, match="no path leads from node 0 to node 3; check where distances is inf"
    ):
        ant_paths(one_way, 0, 3, population=3, steps=2)
    assert ant_paths(one_way, 0, 2, population=3, steps=2, rng=0).value == 2.0


def test_all_ants_lost():
    trap = np.full((40, 40), inf)
    trap[0, 1:39] = 1.0  # 38 dead ends
    trap[0, 39] = 1.0  # and the food
    with pytest.raises(
        ValueError, match="all 2 ants ended in dead ends before they came to node 39; send more"
    ):
        ant_paths(trap, 0, 39, population=2, steps=2, rng=0)


# --- on the GPU -----------------------------------------------------------------------------------


@pytest.mark.cuda
@each_graph
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_on_the_gpu(name, dtype):
    d = torch.tensor(GRAPHS[name], dtype=dtype, device="cuda")
    trace = METHODS[name](d, rng=torch.Generator("cuda").manual_seed(0), population=5000, steps=20)
    for array in (trace.thetas, trace.values, trace.theta, trace.extras["pheromone"]):
        assert array.device.type == "cuda"
        assert array.dtype == dtype
    if name == "ant_colony":
        assert bool((trace.thetas.sort(-1).values == torch.arange(8, device="cuda")).all())
        assert trace.value == pytest.approx(METHODS[name](population=50, steps=300).value, rel=1e-5)
    else:
        assert trace.value == 2.0
