"""The same calls on a CUDA device: the results stay there, and equal those of the CPU."""

import numpy as np
import pytest
import torch
from alternated_runs import RUNS as ALTERNATED
from network_runs import CURVE, LABELS, X
from network_runs import RUNS as NETWORKS

from lecturecode import (
    Adam,
    CrossEntropy,
    GradientDescent,
    Mixture,
    Momentum,
    Network,
    SquaredError,
    TotalLoss,
    affine_error,
    ant_colony,
    backprop,
    brute_force,
    check_gradient,
    classify,
    design_matrix,
    evolution_strategy,
    find_stationary_point,
    fit_affine,
    gaussian_mixture,
    genetic,
    gradient_descent,
    grid_search,
    kkt_violation,
    kmeans,
    kmeans_start,
    largest_penalty,
    lasso,
    least_squares,
    normal_equations,
    particle_swarm,
    pointwise,
    pytorch,
    random_search,
    train,
)
from lecturecode.alternating import assign, factors, inertia, soft_threshold
from lecturecode.datasets import norris
from lecturecode.domains import Choice, Interval, Positive, Real
from lecturecode.evaluation import evaluate
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
    here = ant_colony(distances, population=10, steps=60, rng=0)
    away = ant_colony(there(distances), population=10, steps=60, rng=0)
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


@pytest.mark.parametrize("name", ALTERNATED)
def test_alternated_minimization_takes_the_same_steps(name):
    here, away = ALTERNATED[name](np.asarray), ALTERNATED[name](there)
    assert (away.steps, away.converged) == (here.steps, here.converged)
    agree(away.values, here.values, rtol=1e-10, atol=1e-10 * abs(here.values).max())
    if name == "factorize":  # columns may change their signs in pairs
        (A, B), (A0, B0) = (factors(trace.last, (30, 20)) for trace in (away, here))
        agree(A @ B.T, A0 @ B0.T, rtol=0, atol=1e-9)
    else:  # a golden section ends within half of the digits
        close = 1e-6 if "golden" in name else 1e-9
        agree(away.thetas, here.thetas, rtol=close, atol=close)
    for key, kept in here.extras.items():
        agree(away.extras[key], kept, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ALTERNATED)
def test_alternated_minimization_stays_on_the_device_in_float32(name):
    here = ALTERNATED[name](np.asarray)
    away = ALTERNATED[name](lambda a: there(a, torch.float32))
    floating = [away.thetas, away.values, away.theta, away.last]
    floating += [kept for key, kept in away.extras.items() if key != "labels"]
    for tensor in floating:
        assert (tensor.device.type, tensor.dtype) == (DEVICE, torch.float32)
    assert away.value == pytest.approx(here.value, rel=1e-4, abs=1e-5 * here.values.max())


def test_clusters_and_mixtures_of_samples_on_the_device():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5000, 4)) + 6 * rng.integers(0, 3, (5000, 1))
    start = kmeans_start(there(x), 3, rng=torch.Generator(DEVICE).manual_seed(0))
    assert (start.device.type, tuple(start.shape)) == (DEVICE, (3, 4))
    agree(kmeans_start(there(x), 3, rng=0), kmeans_start(x, 3, rng=0))
    c = x[:3]
    agree(assign(there(x), there(c)), assign(x, c))
    agree(inertia(there(x), there(c), assign(there(x), there(c))), inertia(x, c, assign(x, c)))
    trace = gaussian_mixture(there(x), 3, rng=torch.Generator(DEVICE).manual_seed(0), restarts=2)
    assert trace.value == pytest.approx(gaussian_mixture(x, 3, rng=0, restarts=2).value, rel=1e-6)
    away = Mixture.unpack(trace.theta, 3)
    here = Mixture(*(p.cpu().numpy() for p in (away.weights, away.means, away.covariances)))
    agree(away.log_density(there(x)), here.log_density(x), rtol=1e-10)
    agree(away.responsibilities(there(x)), here.responsibilities(x), rtol=1e-9)
    far = there(np.round(x * 64) / 64 + 1e4, torch.float32)  # variances must not turn negative
    fit = Mixture.unpack(gaussian_mixture(far, 3, rng=0).theta, 3)
    assert bool((torch.linalg.eigvalsh(fit.covariances) > 0.5).all())


def test_penalties_and_certificates_on_the_device():
    rng = np.random.default_rng(0)
    W, y, theta = rng.standard_normal((40, 6)), rng.standard_normal(40), rng.standard_normal(6)
    assert largest_penalty(there(W), there(y)) == pytest.approx(largest_penalty(W, y), rel=1e-12)
    agree(soft_threshold(there(theta), 0.5), soft_threshold(theta, 0.5))
    away = kkt_violation(there(W), there(y), there(theta))
    assert away == pytest.approx(kkt_violation(W, y, theta), rel=1e-10)


def test_samples_and_centers_are_not_mixed_across_devices():
    with pytest.raises(ValueError, match=r"x is on device cuda:0 and centers on cpu; move one"):
        kmeans(there(np.ones((3, 1))), 1, start=torch.ones((1, 1), dtype=torch.float64))
    with pytest.raises(ValueError, match=r"W is on device cuda:0 and y on cpu; move one"):
        lasso(there(np.ones((3, 1))), torch.ones(3, dtype=torch.float64), 1.0)


def like(a, dtype=torch.float64):
    """Put an array on the device; class numbers stay integers."""
    return torch.as_tensor(a, device=DEVICE) if np.asarray(a).dtype.kind == "i" else there(a, dtype)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_do_the_same_on_the_device(name):
    here, away = NETWORKS[name](np.asarray), NETWORKS[name](like)
    for n, array in here.items():
        close = 1e-8 if n == "hessian" else 1e-9
        agree(away[n], array, rtol=close, atol=close * abs(array).max())


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_stay_on_the_device_in_float32(name):
    for n, tensor in NETWORKS[name](lambda a: like(a, torch.float32)).items():
        assert (tensor.device.type, tensor.dtype) == (DEVICE, torch.float32), n


def test_a_generator_of_the_device_trains_there():
    def run():
        rng = torch.Generator(DEVICE).manual_seed(0)
        return train(Network((3, 16, 2), "relu"), CrossEntropy(), like(X), like(LABELS), Adam(0.01),
                     epochs=30, batch_size=8, rng=rng)  # fmt: skip

    trace = run()
    assert trace.theta.device.type == DEVICE
    assert trace.value < 0.5
    assert torch.equal(trace.theta, run().theta)


def test_a_run_on_the_device_goes_on_from_its_checkpoint(tmp_path):
    def run(epochs, checkpoint):
        rng = torch.Generator(DEVICE).manual_seed(0)
        return train(Network((3, 16, 2)), SquaredError(), like(X), like(CURVE), Adam(), epochs=epochs,
                     batch_size=8, rng=rng, checkpoint=checkpoint, record_every=1)  # fmt: skip

    whole = run(6, None)
    run(3, tmp_path / "run.npz")
    rest = run(6, tmp_path / "run.npz")
    assert torch.equal(rest.thetas, whole.thetas)
    assert torch.equal(rest.theta, whole.theta)
    assert rest.thetas.device.type == DEVICE


def test_networks_and_data_are_not_mixed_across_devices():
    network = Network((3, 2))
    theta = torch.zeros(8, dtype=torch.float64)
    with pytest.raises(ValueError, match="theta is on device cpu and x on cuda:0; move one"):
        backprop(network, SquaredError(), theta, like(X), like(CURVE))
    with pytest.raises(ValueError, match="x is on device cuda:0 and y on cpu; move one"):
        train(network, CrossEntropy(), like(X), torch.as_tensor(LABELS), Adam(), epochs=1, batch_size=4)


# --- PyTorch's own loop ---------------------------------------------------------------------------


def device_fit(theta=None, rule=None, checkpoint=None, epochs=6, fast=False, **more):
    network = Network((3, 16, 2))
    start = network.init(0) if theta is None else theta
    module = pytorch.MLP.from_network(network, start.astype("f4")).to(DEVICE)
    given = {"epochs": epochs, "batch_size": 8, "rng": 0, "record_every": 1, "checkpoint": checkpoint}
    x, y = X.astype("f4"), CURVE.astype("f4")  # moved once, to the module
    return pytorch.train(module, SquaredError(), x, y, rule or Adam(0.01), fast=fast, **given, **more)


def test_a_function_of_theta_stays_on_the_device():
    network = Network((3, 4, 2))
    module = pytorch.MLP.from_network(network, network.init(0)).to(DEVICE)
    g, by_hand = (
        pytorch.TotalLoss(module, SquaredError(), X, CURVE),
        TotalLoss(network, SquaredError(), X, CURVE),
    )
    theta = np.random.default_rng(0).standard_normal((5, network.size))
    agree(g(there(theta)), by_hand(theta))
    agree(g.gradient(there(theta)), by_hand.gradient(theta), rtol=1e-9)
    agree(g.hessian(there(theta)), by_hand.hessian(theta), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("rule", [GradientDescent(0.05), Momentum(0.02), Adam(0.01)])
def test_the_step_is_captured_and_repeats_the_plain_one(rule, monkeypatch):
    made, record = [], pytorch.cuda_graph.record
    monkeypatch.setattr(pytorch.cuda_graph, "record", lambda *a: made.append(record(*a)) or made[-1])
    plain, fast = device_fit(rule=rule), device_fit(rule=rule, fast=True)
    assert len(made) == 1
    assert isinstance(made[0], torch.cuda.CUDAGraph)
    agree(fast.values, plain.values.cpu().numpy(), rtol=1e-4)
    agree(fast.theta, plain.theta.cpu().numpy(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])
def test_the_steps_of_an_epoch_ask_the_device_for_nothing(fast, monkeypatch):
    from lecturecode.pytorch.cuda_graph import Captured
    from lecturecode.pytorch.training import ByAutograd

    kind = Captured if fast else ByAutograd
    inner = kind.epoch

    def strict(stepper, batches):
        watched = stepper.steps > 0  # the first epoch warms up and records
        torch.cuda.set_sync_debug_mode("error" if watched else "default")
        try:
            yield from inner(stepper, batches)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(kind, "epoch", strict)
    assert device_fit(fast=fast).steps == 30


@pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])
def test_an_explosion_on_the_device_is_told_at_its_step(fast):
    trace = device_fit(rule=GradientDescent(50.0), fast=fast, epochs=200)
    assert f"diverged at step {trace.steps}, after" in trace.message
    assert torch.isfinite(trace.values[:-1]).all()
    assert not torch.isfinite(trace.values[-1])
    assert torch.isfinite(trace.theta).all()


@pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])
def test_a_module_goes_on_from_its_checkpoint_on_the_device(tmp_path, fast):
    whole = device_fit(fast=fast)
    device_fit(fast=fast, epochs=3, checkpoint=tmp_path / "run.npz")
    rest = device_fit(fast=fast, checkpoint=tmp_path / "run.npz")
    agree(rest.thetas, whole.thetas.cpu().numpy(), rtol=1e-4, atol=1e-5)
    assert fast or torch.equal(rest.thetas, whole.thetas)


def test_a_step_that_looks_at_the_host_is_refused_or_runs_uncaptured():
    with pytest.raises(ValueError, match="build it with capturable=True"):
        device_fit(rule=lambda p: torch.optim.Adam(p, 0.01), fast=True)
    trace = device_fit(rule=lambda p: torch.optim.Adam(p, 0.01, capturable=True), fast=True)
    assert trace.value < trace.values[0]


def test_modules_and_data_are_not_mixed_across_devices():
    module = pytorch.MLP((3, 2)).double().to(DEVICE)
    with pytest.raises(ValueError, match="the module is on device cuda:0 and x on cpu; move one"):
        pytorch.train(module, SquaredError(), torch.as_tensor(X), CURVE, Adam(), epochs=1, batch_size=4)
