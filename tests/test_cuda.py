"""The same calls on a CUDA device: the results stay there, and equal those of the CPU."""

import numpy as np
import pytest
import torch

from lecturecode import (
    affine_error,
    ant_colony,
    brute_force,
    check_gradient,
    classify,
    design_matrix,
    evaluate,
    evolution_strategy,
    find_stationary_point,
    fit_affine,
    genetic,
    gradient_descent,
    grid_search,
    least_squares,
    normal_equations,
    particle_swarm,
    pointwise,
    random_search,
)
from lecturecode.datasets import norris
from lecturecode.domains import Choice, Interval, Positive, Real
from lecturecode.objectives import (
    Ackley,
    DoubleWell,
    Himmelblau,
    MeanSquaredError,
    MonkeySaddle,
    Quadratic,
    Rastrigin,
    Rosenbrock,
    Saddle,
)

pytestmark = pytest.mark.cuda
DEVICE = "cuda"

FREE = [Rosenbrock(), Saddle(), MonkeySaddle(), DoubleWell(), Himmelblau(), Rastrigin(), Ackley()]


def there(array, dtype=torch.float64):
    return torch.as_tensor(np.asarray(array), dtype=dtype, device=DEVICE)


def agree(got, expected, rtol=1e-11, atol=1e-11):
    assert got.device.type == DEVICE
    np.testing.assert_allclose(got.cpu().numpy(), expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("g", FREE, ids=repr)
@pytest.mark.parametrize("method", ["__call__", "gradient", "hessian"])
def test_objectives(g, method):
    theta = np.random.default_rng(0).uniform(-2, 2, (4, 5, 2))
    agree(getattr(g, method)(there(theta)), getattr(g, method)(theta))
    assert getattr(g, method)(there(theta, torch.float32)).dtype == torch.float32


@pytest.mark.parametrize("method", ["__call__", "gradient", "hessian"])
def test_objectives_that_hold_data(method):
    rng = np.random.default_rng(0)
    W, y, lam, theta = (
        rng.standard_normal((9, 2)),
        rng.standard_normal(9),
        [1.0, 3.0],
        rng.standard_normal((4, 2)),
    )
    agree(getattr(MeanSquaredError(there(W), there(y)), method)(there(theta)),
          getattr(MeanSquaredError(W, y), method)(theta))  # fmt: skip
    agree(getattr(Quadratic(there(lam)), method)(there(theta)), getattr(Quadratic(lam), method)(theta))
    assert Quadratic(there(lam)).minima.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("g", [Rosenbrock(), Himmelblau(), DoubleWell()], ids=repr)
@pytest.mark.parametrize("lead", [(), (6,)])
def test_gradient_descent(g, lead):
    start = np.random.default_rng(0).uniform(-1, 1, (*lead, 2))
    ours = gradient_descent(g, start, 1e-3, steps=200, tol=0)
    theirs = gradient_descent(g, there(start), 1e-3, steps=200, tol=0)
    agree(theirs.thetas, ours.thetas, rtol=1e-10)
    agree(theirs.values, ours.values, rtol=1e-9)
    agree(theirs.theta, ours.theta, rtol=1e-9)
    assert theirs.message == ours.message
    assert "theta=[" in repr(theirs)


def test_gradient_descent_that_diverges_keeps_the_best_finite_point():
    trace = gradient_descent(Rosenbrock(), there([-1.2, 1.0]), 0.02, steps=1000)
    assert "diverged at step" in trace.message
    assert np.isfinite(trace.value)


def test_check_gradient():
    assert check_gradient(Himmelblau(), Himmelblau().gradient, there([1.0, 2.0])) < 1e-7


def test_find_stationary_point_and_classify():
    g = Himmelblau()
    trace = find_stationary_point(g.gradient, g.hessian, there([0.0, 0.0]))
    agree(trace.theta, find_stationary_point(g.gradient, g.hessian, [0.0, 0.0]).theta)
    assert classify(g.hessian(trace.theta)) == "maximum"
    assert classify(g.hessian(there(g.minima))).tolist() == ["minimum"] * 4


def test_fit_affine_reaches_the_certified_digits_of_norris():
    data = norris()
    slope, intercept = fit_affine(there(data.x), there(data.y)).tolist()
    assert slope == pytest.approx(data.certified.slope, rel=1e-12)
    assert intercept == pytest.approx(data.certified.intercept, rel=1e-12)


@pytest.mark.parametrize(("T", "P", "rank"), [(30, 5, 5), (4, 9, 4), (30, 6, 3)])
@pytest.mark.parametrize("targets", [None, 3])
def test_least_squares(T, P, rank, targets):
    rng = np.random.default_rng(0)
    W = rng.standard_normal((T, rank)) @ rng.standard_normal((rank, P))
    y = rng.standard_normal(T if targets is None else (T, targets))
    agree(least_squares(there(W), there(y)), least_squares(W, y), rtol=1e-9, atol=1e-9)
    assert least_squares(there(W, torch.float32), there(y, torch.float32)).dtype == torch.float32


def test_normal_equations():
    x, y = np.arange(5.0), np.array([1.0, 3.0, 2.0, 5.0, 4.0])
    agree(normal_equations(design_matrix(there(x)), there(y)), normal_equations(design_matrix(x), y))
    with pytest.raises(ValueError, match="linearly dependent"):
        normal_equations(there(np.ones((3, 2))), there(np.ones(3)))


@pytest.mark.parametrize(
    "rng", [lambda: 0, lambda: torch.Generator(DEVICE).manual_seed(0)], ids=["numpy", "torch"]
)
def test_domains(rng):
    domain = Choice("abc") * Interval(-1, 2) * Real(1.0) * Positive(1.0)
    draws = domain.sample(200, rng=rng(), like=there([]))
    assert draws.device.type == DEVICE
    assert torch.equal(draws, domain.sample(200, rng=rng(), like=there([])))
    assert bool(domain.contains(draws).all())
    agree(domain.project(3 * draws), domain.project(3 * draws.cpu().numpy()))
    assert domain.decode(draws[0])[0] in "abc"


def test_evaluate_and_pointwise():
    theta = np.random.default_rng(0).uniform(-2, 2, (7, 2))
    agree(evaluate(Himmelblau(), there(theta)), Himmelblau()(theta))
    agree(pointwise(Himmelblau())(there(theta)), Himmelblau()(theta))


def test_devices_are_not_mixed():
    with pytest.raises(ValueError, match=r"W is on device cuda:0 and y on cpu; move one"):
        least_squares(there(np.ones((3, 2))), torch.ones(3, dtype=torch.float64))
    with pytest.raises(ValueError, match="data that g holds is on device cuda:0 and theta on cpu"):
        affine_error(there([1.0, 2.0]), there([1.0, 2.0]))(torch.ones(2, dtype=torch.float64))


MIXED = Choice(["a", "b", "c"]) * Positive(0.1) * Interval(0, 1) * Real(2.0)


def mixed(theta):
    """Least at (2, 0.03, 0, 1.5)."""
    decades = (theta[..., 1] / 0.03 + 1e-30).log10() if isinstance(theta, torch.Tensor) else np.log10(
        theta[..., 1] / 0.03 + 1e-30
    )  # fmt: skip
    return (theta[..., 0] - 2) ** 2 + decades**2 + theta[..., 2] + (theta[..., 3] - 1.5) ** 2


def test_searches_ask_on_the_device():
    box, g = Interval(-5, 5) ** 2, Himmelblau()
    agree(grid_search(g, box, 60, like=there([])).theta, grid_search(g, box, 60).theta)
    drawn = random_search(g, box, 5000, rng=0, like=there([]))
    agree(drawn.theta, random_search(g, box, 5000, rng=0).theta)
    points = np.random.default_rng(0).uniform(-5, 5, (1000, 2))
    agree(brute_force(g, there(points)).theta, brute_force(g, points).theta)
    trace = random_search(g, box, 5000, rng=torch.Generator(DEVICE).manual_seed(0), like=there([]))
    assert trace.values.device.type == DEVICE
    assert trace.value < 1


@pytest.mark.parametrize("method", [genetic, particle_swarm, evolution_strategy])
@pytest.mark.parametrize(("g", "domain"), [(Himmelblau(), Interval(-5, 5) ** 2), (mixed, MIXED)])
def test_populations_move_on_the_device_as_on_the_host(method, g, domain):
    """The same draws, so the same path, until rounding decides a comparison."""
    here = method(g, domain, population=20, steps=8, rng=0)
    away = method(g, domain, population=20, steps=8, rng=0, like=there([]))
    agree(away.thetas, here.thetas, rtol=1e-6, atol=1e-6)
    own = torch.Generator(DEVICE).manual_seed(0)
    far = method(g, domain, population=20, steps=100, rng=own, like=there([], torch.float32))
    assert far.thetas.dtype == torch.float32
    assert far.thetas.device.type == DEVICE
    assert far.value < 0.1
    assert bool(domain.contains(far.thetas).all())


def test_ants_walk_on_the_device():
    cities = np.random.default_rng(0).random((12, 2))
    distances = np.linalg.norm(cities[:, None] - cities, axis=-1)
    here = ant_colony(distances, ants=10, steps=60, rng=0)
    away = ant_colony(there(distances), ants=10, steps=60, rng=0)
    assert away.values.device.type == DEVICE
    assert away.value <= 1.05 * here.value
    assert sorted(away.theta.tolist()) == list(range(12))


def test_a_million_particles_in_100_dimensions():
    g = Rastrigin(100)
    trace = particle_swarm(
        g, g.domain, population=1_000_000, steps=3, like=there([], torch.float32),
        rng=torch.Generator(DEVICE).manual_seed(0), record_every=0,
    )  # fmt: skip
    assert int(trace.evaluations[-1]) == 4_000_000
    assert torch.cuda.max_memory_allocated() < 8e9
