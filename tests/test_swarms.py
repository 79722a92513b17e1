"""Particle swarm: the path is that of the formulas, particle by particle, and it ends low."""

import math
import pickle
import tracemalloc

import numpy as np
import pytest
import torch

from lecturecode import particle_swarm
from lecturecode.domains import Choice, Interval, Positive, Real
from lecturecode.objectives import Ackley, Himmelblau, Rastrigin, Rosenbrock

BOX = Interval(-1, 3) * Interval(0, 10) * Interval(-7, -2)
A, B = BOX.low, BOX.high


def bowl(theta):
    return ((theta - np.array([0.5, 9.5, -2.0])) ** 2).sum(-1)


def one_particle_at_a_time(g, M, steps, seed, c=2.05, share=0.05):
    """Fly in theta itself, by lists and loops; only the order of the draws is the package's."""
    rng, n, P = np.random.default_rng(seed), int(share * M), len(A)
    chi = 2 / abs(2 - 2 * c - math.sqrt((2 * c) ** 2 - 4 * (2 * c)))  # Clerc & Kennedy, phi = 2 c
    theta = [A + (B - A) * r for r in rng.random((M, P))]
    v = [(A + (B - A) * r - theta[m]) / 2 for m, r in enumerate(rng.random((M, P)))]
    own, lowest, path = list(theta), [g(t) for t in theta], [list(theta)]
    for step in range(steps):
        leader = own[lowest.index(min(lowest))]
        r1, r2, r3 = rng.random((M, P)), rng.random((M, P)), rng.random((n, P)) if n else None
        for m in range(M):
            before = theta[m]
            if m < M - n:
                flight = v[m] + c * r1[m] * (own[m] - before) + c * r2[m] * (leader - before)
                theta[m] = np.array(
                    [min(max(t, a), b) for t, a, b in zip(before + chi * flight, A, B, strict=True)]
                )
            else:
                theta[m], scout = leader.copy(), m - (M - n)
                p = -(step + scout) % P
                theta[m][p] = A[p] + (B[p] - A[p]) * r3[scout][p]
            v[m] = theta[m] - before
        for m in range(M):
            if g(theta[m]) < lowest[m]:
                own[m], lowest[m] = theta[m], g(theta[m])
        path.append(list(theta))
    return np.array(path)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("attraction", [2.05, 2.5])
def test_the_path_is_that_of_the_formulas_one_particle_at_a_time(share, attraction):
    trace = particle_swarm(
        bowl, BOX, population=20, steps=30, rng=4, attraction=attraction, scouts=share
    )
    expected = one_particle_at_a_time(bowl, 20, 30, 4, attraction, share)
    np.testing.assert_allclose(trace.thetas, expected, rtol=0, atol=1e-12)
    assert (trace.thetas == A).any() or (trace.thetas == B).any(), "the borders are part of the test"


def test_the_velocities_are_the_flights():
    trace = particle_swarm(bowl, BOX, population=20, steps=5, rng=0)
    velocities = trace.extras["velocities"]
    assert velocities.shape == trace.thetas.shape
    assert not velocities[0].any()
    np.testing.assert_allclose(trace.thetas[:-1] + velocities[1:], trace.thetas[1:], atol=1e-14)
    assert list(trace.extras) == ["velocities"]
    assert len(trace.extras) == 1
    assert "speeds" not in trace.extras
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(trace)).extras["velocities"], velocities)
    assert not particle_swarm(bowl, BOX, population=20, steps=5, rng=0, record_every=2).extras


def test_all_particles_fly_unless_scouts_are_asked_for():
    trace = particle_swarm(bowl, BOX, population=100, steps=9, rng=4)
    expected = particle_swarm(bowl, BOX, population=100, steps=9, rng=4, scouts=0.0)
    np.testing.assert_array_equal(trace.thetas, expected.thetas)
    scouted = particle_swarm(bowl, BOX, population=100, steps=9, rng=4, scouts=0.01)
    assert (trace.thetas != scouted.thetas).any()


def test_the_published_constriction():
    c = 2.05
    assert round(2 / (2 * c - 2 + math.sqrt(4 * c * c - 8 * c)), 4) == 0.7298


def test_scouts_differ_from_the_leader_in_one_coordinate_and_take_them_in_turn():
    seen = {}

    def g(theta):
        seen[len(seen)] = theta.copy()
        return bowl(theta)

    particle_swarm(g, BOX, population=10, steps=12, rng=1, scouts=0.2)
    turns = []
    for step in range(1, 13):
        past = np.concatenate([seen[i] for i in range(step)])
        leader = past[np.argmin(bowl(past))]
        different = ~np.isclose(seen[step][-2:], leader, atol=1e-12)
        assert (different.sum(axis=1) == 1).all()
        turns.append(different.argmax(axis=1).tolist())
    assert all(sorted(t[0] for t in turns[i : i + 3]) == [0, 1, 2] for i in range(10))
    assert all(first != second for first, second in turns)


def test_scouts_leave_a_local_minimum_where_the_swarm_stays():
    results = {
        share: [
            particle_swarm(Rastrigin(10), Rastrigin(10).domain, population=60, steps=150, rng=seed,
                           scouts=share, record_every=0).value
            for seed in range(15)
        ]
        for share in (0.0, 0.05)
    }  # fmt: skip
    assert np.median(results[0.05]) < np.median(results[0.0]) - 1


@pytest.mark.parametrize(
    ("g", "steps", "bound"),
    [
        (Himmelblau(), 100, 1e-9),
        (Rosenbrock(), 200, 1e-8),
        (Ackley(10), 200, 1e-3),
        (Rastrigin(10), 200, 3.0),
    ],
    ids=repr,
)
def test_the_median_of_eleven_seeds_is_low(g, steps, bound):
    domain = getattr(g, "domain", None) or Interval(-5, 5) ** 2
    if not np.isfinite(domain.high).all():
        domain = Interval(-5, 5) ** domain.size
    how = {"population": 100, "steps": steps, "scouts": 0.05}
    run = [particle_swarm(g, domain, **how, rng=seed).value for seed in range(11)]
    assert np.median(run) < bound


def test_a_mixed_domain_is_solved_and_positive_numbers_move_in_decades():
    domain = Choice(range(6)) * Positive(1.0) * Real(1.0) * Interval(0, 1)

    def g(theta):
        return (
            abs(theta[:, 0] - 4) + abs(np.log10(theta[:, 1]) + 6) + (theta[:, 2] - 30) ** 2 + theta[:, 3]
        )

    trace = particle_swarm(g, domain, population=60, steps=200, rng=0, scouts=0.05)
    assert trace.theta[0] == 4
    assert trace.value < 1e-3
    assert domain.contains(trace.thetas).all()


def test_it_needs_no_more_than_eight_populations_of_memory():
    M, P = 20_000, 50
    tracemalloc.start()
    particle_swarm(lambda t: np.einsum("mp,mp->m", t, t), Interval(-5, 5) ** P,
                   population=M, steps=4, rng=0, record_every=0)  # fmt: skip
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * (8 * M * P)


@pytest.mark.parametrize("attraction", [2.0, -1, math.nan, math.inf])
def test_an_attraction_that_does_not_settle_is_refused(attraction):
    with pytest.raises(ValueError, match=r"attraction must be above 2.*got.*does not settle"):
        particle_swarm(bowl, BOX, population=5, steps=1, attraction=attraction)


@pytest.mark.parametrize("scouts", [1.0, -0.1, math.nan])
def test_a_share_of_scouts_is_a_share(scouts):
    with pytest.raises(ValueError, match=r"scouts must be at least 0 and below 1; got.*is a share"):
        particle_swarm(bowl, BOX, population=5, steps=1, scouts=scouts)


@pytest.mark.parametrize("name", ["attraction", "scouts", "target"])
def test_words_are_no_numbers(name):
    with pytest.raises(TypeError, match=f"{name} must be a number; got str"):
        particle_swarm(bowl, BOX, population=5, steps=1, **{name: "some"})


def test_a_torch_generator_draws_the_swarm():
    runs = [
        particle_swarm(lambda t: (t**2).sum(-1), BOX, population=20, steps=10, like=torch.empty(0),
                       rng=torch.Generator().manual_seed(3))
        for _ in range(2)
    ]  # fmt: skip
    assert torch.equal(runs[0].thetas, runs[1].thetas)
    assert runs[0].thetas.dtype == torch.float32
    assert torch.is_tensor(runs[0].extras["velocities"])
