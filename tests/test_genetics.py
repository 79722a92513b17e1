"""Genetic algorithm: selection, crossover, mutation are those of the formulas; choices stay choices."""

import math

import numpy as np
import pytest
import torch

from lecturecode import genetic
from lecturecode.domains import Choice, Interval, Positive, Real
from lecturecode.domains.coordinates import Coordinates
from lecturecode.objectives import Ackley, Himmelblau, Rastrigin, Rosenbrock
from lecturecode.population.genetics import _crossover, _mutate, _parents

MIXED = Choice("abc") * Interval(-3, 1) * Real(2.0) * Positive(0.01) * Choice("vwxyz")
BOX = Choice("abcd") * Interval(-1, 3) * Interval(0, 10)
A, B = np.array([0.0, -1.0, 0.0]), np.array([3.0, 3.0, 10.0])


def bowl(theta):
    return ((theta - np.array([2.0, 0.5, 9.9])) ** 2).sum(-1)


def one_child_at_a_time(g, M, steps, seed, T=3, elite=1, alpha=0.5, sigma=0.5):
    """Breed in theta itself, by lists and loops; only the order of the draws is the package's."""
    rng, N, C, kept = np.random.default_rng(seed), M, 4, []
    members = [np.array([min(int(C * r[0]), C - 1), *(A + (B - A) * r)[1:]]) for r in rng.random((M, 3))]
    path = [list(members)]
    for _ in range(steps):
        pool = sorted(kept + members, key=g)
        kept = pool[:elite]
        contests, r = rng.random((T, 2, N)), rng.random((N, 3))
        which, scale = rng.random((2, N))
        z, option = rng.standard_normal(N), rng.random(N)
        children = []
        for n in range(N):
            a, b = (pool[min(int(len(pool) * x) for x in contests[:, k, n])] for k in (0, 1))
            child = a.copy()
            for p in range(3):
                weight = min(max((1 + 2 * alpha) * r[n, p] - alpha, 0.0), 1.0)
                child[p] = (a[p] if r[n, p] < 0.5 else b[p]) if p == 0 else a[p] + weight * (b[p] - a[p])
            q = int(3 * which[n])
            step = sigma * 2.0 ** (-16 * scale[n]) * z[n] * (B[q] - A[q]) / 2
            child[q] = int(C * option[n]) if q == 0 else min(max(child[q] + step, A[q]), B[q])
            children.append(child)
        members = children
        path.append(list(members))
    return np.array(path)


@pytest.mark.parametrize("how", [{}, {"T": 2, "elite": 3}, {"elite": 0, "alpha": 0.1, "sigma": 1.5}])
def test_the_path_is_that_of_the_formulas_one_child_at_a_time(how):
    names = {"T": "tournament", "alpha": "blend", "sigma": "mutation", "elite": "elite"}
    ours = {names[key]: value for key, value in how.items()}
    trace = genetic(bowl, BOX, population=20, steps=30, rng=4, **ours)
    np.testing.assert_allclose(
        trace.thetas, one_child_at_a_time(bowl, 20, 30, 4, **how), rtol=0, atol=1e-12
    )
    assert (trace.thetas[..., 1:] == A[1:]).any() or (trace.thetas[..., 1:] == B[1:]).any()


@pytest.mark.parametrize("T", [1, 2, 5])
def test_tournaments_are_won_with_the_probability_of_the_closed_form(T):
    M, draws, seeds = 8, 40_000, 20
    u, k, space = np.arange(M)[:, None] / M, np.arange(M), Coordinates(Interval(-1, 1))
    expected = draws * ((1 - k / M) ** T - (1 - (k + 1) / M) ** T)  # the best of T drawn with repetition
    statistic = 0.0
    for seed in range(seeds):
        parents = _parents(space, u, T, draws // 2, np.random.default_rng(seed))
        won = np.bincount(np.round(M * parents).astype(int).ravel(), minlength=M)
        statistic += ((won - expected) ** 2 / expected).sum()
    assert 98.6 < statistic < 181.8  # chi-square with 20 x 7 degrees of freedom, 0.3% to 99%


def test_both_parents_are_drawn_apart():
    u = np.arange(50.0)[:, None] / 50
    a, b = _parents(Coordinates(Interval(-1, 1)), u, 1, 20_000, np.random.default_rng(0))
    assert abs(np.corrcoef(a[:, 0], b[:, 0])[0, 1]) < 0.02


@pytest.mark.parametrize("alpha", [0.0, 0.5, 2.0])
def test_the_moments_and_atoms_of_the_crossover(alpha):
    space, n = Coordinates(Interval(-1, 1)), 200_000
    a, b = np.full((n, 1), -0.25), np.full((n, 1), 0.75)
    w = _crossover(space, a, b, alpha, np.random.default_rng(0)) + 0.25
    atom = alpha / (1 + 2 * alpha)  # the share of weights cut off at either end
    assert abs((w == 0).mean() - atom) < 0.004
    assert abs((w == 1).mean() - atom) < 0.004
    assert abs(w.mean() - 0.5) < 0.004
    assert abs((w**2).mean() - (atom + (1 - 2 * atom) / 3)) < 0.004
    assert w.min() >= 0
    assert w.max() <= 1


def test_one_gene_of_each_child_mutates_and_all_alike_often():
    space, n = Coordinates(MIXED), 50_000
    u = np.zeros((n, 5))
    _mutate(space, u, 0.5, np.random.default_rng(0))
    changed = u != 0
    shares = changed.mean(axis=0)
    assert (changed.sum(axis=1) <= 1).all()
    # the option of a choice that is drawn may be the old one: 'b' of three, 'x' of five
    np.testing.assert_allclose(shares, [0.2 * 2 / 3, 0.2, 0.2, 0.2, 0.2 * 4 / 5], atol=0.006)


def test_mutations_have_all_sizes_and_both_signs():
    space, sigma = Coordinates(Real(1.0)), 0.5
    step = np.zeros((100_000, 1))
    _mutate(space, step, sigma, np.random.default_rng(0))
    step = step[:, 0]
    assert abs((step > 0).mean() - 0.5) < 0.01
    # log2 |step| = log2 sigma - 16 r + log2 |z|, with E ln |z| = -(gamma + ln 2) / 2
    mean = math.log2(sigma) - 8 - (np.euler_gamma + math.log(2)) / 2 / math.log(2)
    variance = 16**2 / 12 + math.pi**2 / 8 / math.log(2) ** 2
    assert abs(np.log2(np.abs(step)).mean() - mean) < 0.06
    assert abs(np.log2(np.abs(step)).var() / variance - 1) < 0.02


def test_choices_are_never_averaged_and_only_mutation_brings_new_ones():
    domain = Choice(range(9)) * Interval(0, 1)

    def g(theta):
        return theta[:, 1] - theta[:, 0]

    still = genetic(g, domain, population=12, steps=40, rng=3, mutation=0)
    first = set(still.thetas[0, :, 0])
    assert set(still.thetas[..., 0].ravel()) <= first
    assert len(first) < 9
    assert still.thetas[..., 1].min() >= still.thetas[0, :, 1].min(), "nor do blends leave their parents"
    assert set(genetic(g, domain, population=12, steps=40, rng=3).thetas[..., 0].ravel()) - first


def test_without_mutation_and_blend_genes_are_only_exchanged():
    trace = genetic(bowl, BOX, population=15, steps=25, rng=0, mutation=0, blend=1e9)
    for p in range(3):
        first = trace.thetas[0, :, p]
        distance = np.abs(trace.thetas[..., p, None] - first).min(axis=-1)
        assert distance.max() < 1e-12


@pytest.mark.parametrize("elite", [0, 1, 4])
def test_the_parents_are_the_last_generation_and_the_elite_of_all_before(elite):
    """Where genes are passed on whole, each can be traced back to a parent; some only to the elite."""
    g = Rastrigin(5)
    trace = genetic(
        g, g.domain, population=30, steps=60, rng=0, elite=elite, blend=0.0, mutation=0.0, tournament=1
    )
    lo, hi = (getattr(trace.thetas, end)(axis=1) for end in ("min", "max"))
    by_elite_only, everyone = 0, trace.thetas.reshape(-1, 5)
    values = trace.values.ravel()
    for i in range(60):
        best = everyone[np.argsort(values[: 30 * i], kind="stable")[:elite]]
        low, high = (np.vstack([end[i], *best]) for end in (lo, hi))
        children = trace.thetas[i + 1]
        assert (children >= low.min(0) - 1e-12).all()
        assert (children <= high.max(0) + 1e-12).all()
        by_elite_only += int(((children < lo[i] - 1e-12) | (children > hi[i] + 1e-12)).any())
    assert (by_elite_only > 0) == (elite > 0)


def test_nothing_is_evaluated_twice():
    seen = []

    def g(theta):
        seen.append(theta.copy())
        return (theta**2).sum(-1)

    trace = genetic(g, Interval(-5, 5) ** 3, population=12, steps=30, rng=0, elite=4)
    points = np.concatenate(seen)
    assert [len(batch) for batch in seen] == [12] * 31
    assert len(np.unique(points, axis=0)) == len(points) == trace.evaluations[-1]


def test_without_an_elite_the_best_may_be_lost_but_not_from_the_trace():
    g = Rastrigin(5)
    trace = genetic(g, g.domain, population=10, steps=60, rng=0, elite=0)
    assert (np.diff(trace.values.min(axis=1)) > 0).any()
    assert trace.value == trace.values.min()


@pytest.mark.parametrize(
    ("g", "domain", "bound"),
    [
        (Rastrigin(10), Interval(-5.12, 5.12) ** 10, 1e-3),
        (Ackley(10), Interval(-32.768, 32.768) ** 10, 1e-2),
        (Himmelblau(), Interval(-5, 5) ** 2, 1e-6),
        (Rosenbrock(), Interval(-2, 2) ** 2, 1e-2),
    ],
    ids=repr,
)
def test_the_median_of_eleven_seeds_is_low(g, domain, bound):
    run = [genetic(g, domain, population=100, steps=200, rng=seed).value for seed in range(11)]
    assert np.median(run) < bound


def test_a_mixed_domain_is_solved_and_positive_numbers_vary_by_decades():
    def g(theta):
        return (theta[:, 0] != 2) + (theta[:, 1] + 1) ** 2 + theta[:, 2] ** 2 + abs(
            np.log10(theta[:, 3]) + 6) + abs(theta[:, 4] - 1)  # fmt: skip

    trace = genetic(g, MIXED, population=100, steps=150, rng=0)
    assert MIXED.decode(trace.theta)[0] == "c"
    assert MIXED.decode(trace.theta)[4] == "w"
    assert trace.value < 1e-2
    assert abs(trace.theta[3] / 1e-6 - 1) < 0.05


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"tournament": 0}, "tournament must be an integer of at least 1; got 0"),
        ({"elite": -1}, "elite must be an integer from 0 to 4; got -1"),
        ({"elite": 5}, "from 0 to 4; got 5. It must be smaller than the population of 5"),
        ({"blend": -0.1}, "blend must be 0 or positive, and finite; got -0.1"),
        ({"mutation": math.nan}, "mutation must be 0 or positive, and finite; got nan"),
    ],
)
def test_hyper_parameters_out_of_range(how, message):
    with pytest.raises(ValueError, match=message):
        genetic(bowl, BOX, population=5, steps=1, **how)


@pytest.mark.parametrize("name", ["blend", "mutation", "target"])
def test_words_are_no_numbers(name):
    with pytest.raises(TypeError, match=f"{name} must be a number; got str"):
        genetic(bowl, BOX, population=5, steps=1, **{name: "some"})


def test_a_torch_generator_breeds():
    runs = [
        genetic(lambda t: (t**2).sum(-1), MIXED, population=20, steps=10, like=torch.empty(0),
                rng=torch.Generator().manual_seed(3))
        for _ in range(2)
    ]  # fmt: skip
    assert torch.equal(runs[0].thetas, runs[1].thetas)
    assert runs[0].thetas.dtype == torch.float32
    assert MIXED.contains(runs[0].thetas).all()
