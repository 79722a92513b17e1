"""PyTorch's own way to every algorithm of the book, beside ours: each function returns both answers.

Where PyTorch has nothing of its own, the two are our lines on arrays and on tensors.
"""

from collections.abc import Callable

import torch
from torch import nn

import lecturecode as lc
from lecturecode import pytorch
from lecturecode.datasets import norris, penguins
from lecturecode.objectives import Himmelblau, Rosenbrock

g, box = Himmelblau(), Himmelblau().domain
like = torch.empty(0, dtype=torch.float64)
birds = penguins().x
x = torch.tensor((birds - birds.mean(0)) / birds.std(0))  # (342, 4)
y = x @ torch.tensor([1.0, 0.0, 2.0, -1.0], dtype=torch.float64)
NOTHING = "nothing; ours on tensors"

ROWS: list[tuple[str, str, str, Callable]] = []
"""Algorithm, its name here, PyTorch's way, and the function that runs both."""


def row(here: str, there: str) -> Callable:
    """Register a row of the table; the docstring names the algorithm."""

    def keep(function: Callable) -> Callable:
        ROWS.append((str(function.__doc__).rstrip("."), here, there, function))
        return function

    return keep


# Search and populations


@row("grid_search", "`torch.cartesian_prod`, `argmin`")
def grid():
    """Grid search."""
    axis = torch.linspace(-5, 5, 101, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis)
    return lc.grid_search(g, box, 101).theta, points[g(points).argmin()]


@row("brute_force", "`argmin`")
def candidates():
    """Brute force over candidates."""
    corners = [[3.0, 2.0], [-2.8, 3.1], [0.0, 0.0], [3.6, -1.8]]
    points = torch.tensor(corners, dtype=torch.float64)
    return lc.brute_force(g, points).theta, points[g(points).argmin()]


@row("random_search", "`torch.rand`, `argmin`")
def chance():
    """Random search."""
    ours, theirs = (torch.Generator().manual_seed(0) for _ in range(2))
    points = 10 * torch.rand(2, 1024, dtype=torch.float64, generator=theirs).T - 5
    found = lc.random_search(g, box, 1024, rng=ours, like=like)
    return found.theta, points[g(points).argmin()]


def _on_both(method: Callable, **more):
    arrays = method(g, box, rng=1, **more)
    return arrays.theta, method(g, box, rng=1, like=like, **more).theta


@row("genetic", NOTHING)
def genes():
    """Genetic algorithm."""
    return _on_both(lc.genetic, population=20, steps=40)


@row("evolution_strategy", NOTHING)
def strategy():
    """Evolution strategy."""
    return _on_both(lc.evolution_strategy, steps=40)


@row("particle_swarm", NOTHING)
def swarm():
    """Particle swarm."""
    return _on_both(lc.particle_swarm, population=20, steps=40)


@row("ant_colony", NOTHING)
def ants():
    """Ant colony."""
    distances, more = torch.cdist(x[::40], x[::40]), {"population": 10, "steps": 20, "rng": 0}
    arrays = lc.ant_colony(distances.numpy(), **more)
    return arrays.value, lc.ant_colony(distances, **more).value


# Zeros of the gradient


@row("find_stationary_point", "`torch.func.grad`, `torch.func.hessian`")
def newton():
    """Newton's method."""
    start = torch.tensor([2.5, 1.5], dtype=torch.float64)
    derivatives = torch.func.grad(g), torch.func.hessian(g)
    ours = lc.find_stationary_point(g.gradient, g.hessian, start)
    return ours.theta, lc.find_stationary_point(*derivatives, start).theta


@row("classify", "`torch.linalg.eigvalsh`")
def kind():
    """Kind of a stationary point."""
    flat = [[3.0, 2.0], [-0.2708, -0.9230], [0.0867, 2.8843]]
    points = torch.tensor(flat, dtype=torch.float64)
    H = torch.func.vmap(torch.func.hessian(g))(points)
    positive = {"maximum": 0, "saddle": 1, "minimum": 2}
    ours = [positive[name] for name in lc.classify(g.hessian(points))]
    return ours, (torch.linalg.eigvalsh(H) > 0).sum(1)


@row("least_squares", "`torch.linalg.lstsq`")
def least():
    """Least squares."""
    W, b = torch.tensor(lc.design_matrix(norris().x)), torch.tensor(norris().y)
    theirs = torch.linalg.lstsq(W, b[:, None]).solution
    return lc.least_squares(W, b), theirs[:, 0]


@row("normal_equations", "`torch.linalg.solve`")
def normal():
    """Least squares, by the normal equations."""
    return lc.normal_equations(x, y), torch.linalg.solve(x.T @ x, x.T @ y)


@row("fit_affine", "`torch.cov`")
def affine():
    """Affine function."""
    x, y = torch.tensor(norris().x), torch.tensor(norris().y)
    slope = torch.cov(torch.stack([x, y]))[0, 1] / x.var()
    return lc.fit_affine(x, y), torch.stack([slope, y.mean() - slope * x.mean()])


# One block after the other


@row("kmeans", "`torch.cdist`, `argmin`, `mean`")
def clusters():
    """K-means."""
    start = centers = torch.tensor(lc.kmeans_start(x.numpy(), 3, rng=0))
    for _ in range(50):
        nearest = torch.cdist(x, centers).argmin(1)
        centers = torch.stack([x[nearest == k].mean(0) for k in range(3)])
    return lc.kmeans(x, 3, start=start).theta, centers.reshape(-1)


@row("factorize", "`torch.linalg.svd`")
def low_rank():
    """Low rank."""
    U, s, Vt = torch.linalg.svd(x, full_matrices=False)
    A, B = lc.alternating.factors(lc.factorize(x, 2, rng=0).theta, x.shape)
    return A @ B.T, U[:, :2] * s[:2] @ Vt[:2]


@row("gaussian_mixture", "`torch.distributions`, `logsumexp`")
def mixture():
    """EM for a Gaussian mixture."""
    weights, means = torch.full((3,), 1 / 3, dtype=torch.float64), x[[0, 160, 300]]
    covariances = torch.eye(4, dtype=torch.float64).repeat(3, 1, 1)
    start = lc.Mixture(weights, means, covariances)
    ours = lc.gaussian_mixture(x, 3, start=start, sweeps=30, tol=0, floor=0.0)
    for sweep in range(31):
        parts = torch.distributions.MultivariateNormal(means, covariances)
        joint = weights.log() + parts.log_prob(x[:, None])
        total = joint.logsumexp(1, keepdim=True)
        r = (joint - total).exp()  # (T, K)
        if sweep < 30:
            n = r.sum(0)
            weights, means = n / len(x), r.T @ x / n[:, None]
            apart = x[:, None] - means
            summed = torch.einsum("tk,tki,tkj->kij", r, apart, apart)
            covariances = summed / n[:, None, None]
    return ours.value, -total.mean()


@row("lasso", "`nn.functional.softshrink`")
def sparse():
    """Lasso, by ADMM and by shrinking."""
    theta = torch.zeros(4, dtype=torch.float64)
    step = len(x) / (2 * torch.linalg.matrix_norm(x, 2) ** 2)
    for _ in range(2000):
        slope = 2 / len(x) * x.T @ (x @ theta - y)
        theta = nn.functional.softshrink(theta - step * slope, (0.2 * step).item())
    return lc.lasso(x, y, 0.2, tol=1e-12, steps=20000).theta, theta


@row("nonnegative_least_squares", "`clamp`")
def nonnegative():
    """Nonnegative least squares."""
    theta, step = torch.zeros(4, dtype=torch.float64), 1 / torch.linalg.matrix_norm(x, 2) ** 2
    for _ in range(2000):
        theta = (theta - step * x.T @ (x @ theta - y)).clamp(min=0)
    return lc.nonnegative_least_squares(x, y).theta, theta


@row("coordinate_descent", NOTHING)
def coordinates():
    """Coordinate descent."""
    error = lc.affine_error(x[:, 0].numpy(), y.numpy())
    arrays = lc.coordinate_descent(error, x[0, :2].numpy(), sweeps=20)
    error = lc.affine_error(x[:, 0], y)
    return arrays.theta, lc.coordinate_descent(error, x[0, :2], sweeps=20).theta


# Gradients and steps

network, loss = lc.Network((4, 8, 3), "relu"), lc.CrossEntropy()
labels = torch.tensor(penguins().y)
first = torch.tensor(network.init(0))


@row("check_gradient", "`torch.autograd.gradcheck`")
def checked():
    """Check of a gradient."""
    f, at = Rosenbrock(), torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    error = lc.check_gradient(f, f.gradient, at.detach())
    return error < 1e-6, torch.autograd.gradcheck(f, at)


@row("Network", "`nn.Module`")
def forward():
    """Forward pass."""
    module = pytorch.MLP.from_network(network, first)
    return network.predict(first, x), module(x).detach()


@row("SquaredError", "`nn.MSELoss`")
def square():
    """Squared error of vectors."""
    targets, criterion = x.flip(0), nn.MSELoss(reduction="sum")
    return lc.SquaredError()(x, targets).mean(), criterion(x, targets) / len(x)


@row("CrossEntropy", "`nn.CrossEntropyLoss`")
def entropy():
    """Cross-entropy."""
    outputs = x[:, :3]
    return loss(outputs, labels).mean(), nn.CrossEntropyLoss()(outputs, labels)


@row("backprop", "`loss.backward()`")
def gradient():
    """Backpropagation."""
    module = pytorch.MLP.from_network(network, first)
    nn.CrossEntropyLoss()(module(x), labels).backward()
    one, _, two = module.layers
    parts = one.bias, one.weight, two.bias, two.weight
    theirs = torch.cat([part.grad.reshape(-1) for part in parts])
    return lc.backprop(network, loss, first, x, labels)[1], theirs


@row("sample_gradients", "`torch.func.vmap`, `grad`")
def each_gradient():
    """Gradient of each sample."""
    module = pytorch.MLP.from_network(network, first)

    def one(parameters, a, label):
        outputs = torch.func.functional_call(module, parameters, (a[None],))
        return nn.functional.cross_entropy(outputs, label[None])

    each = torch.func.vmap(torch.func.grad(one), in_dims=(None, 0, 0))
    G = each({n: p.detach() for n, p in module.named_parameters()}, x, labels)
    order = [f"layers.{k}.{name}" for k in (0, 2) for name in ("bias", "weight")]
    theirs = torch.cat([G[name].reshape(len(x), -1) for name in order], 1)
    return lc.sample_gradients(network, loss, first, x, labels)[1], theirs


@row("train", "`zero_grad`, `backward`, `step`")
def loop():
    """Training loop."""
    ours, theirs = (torch.Generator().manual_seed(0) for _ in range(2))
    run = {"epochs": 10, "batch_size": 86, "rng": ours, "start": first}
    trace = lc.train(network, loss, x, labels, lc.Momentum(0.1, 0.9), **run)
    module = pytorch.MLP.from_network(network, first)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    for _ in range(10):
        for batch in torch.randperm(len(x), generator=theirs).split(86):
            value = nn.CrossEntropyLoss()(module(x[batch]), labels[batch])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    return trace.last, pytorch.get_theta(module)


def _forty_steps(rule, build):
    run = {"epochs": 10, "batch_size": 86, "rng": 0, "start": first}
    ours = lc.train(network, loss, x, labels, rule, **run)
    module, criterion = pytorch.MLP((4, 8, 3), "relu").double(), nn.CrossEntropyLoss()
    return ours.last, pytorch.train(module, criterion, x, labels, build, **run).last


@row("GradientDescent", "`torch.optim.SGD`")
def plain():
    """SGD, 40 steps."""
    rule = lc.GradientDescent(0.5)
    return _forty_steps(rule, lambda p: torch.optim.SGD(p, lr=0.5))


@row("Momentum", "`torch.optim.SGD`")
def momentum():
    """Momentum, 40 steps."""
    rule = lc.Momentum(0.1, 0.9)
    return _forty_steps(rule, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9))


@row("Adam", "`torch.optim.Adam`")
def adam():
    """Adam, 40 steps."""
    rule = lc.Adam(0.01)
    return _forty_steps(rule, lambda p: torch.optim.Adam(p, lr=0.01))


@row("schedules.cosine", "`CosineAnnealingLR`")
def schedule():
    """Cosine schedule."""
    rate, rates = lc.schedules.cosine(0.1, 50), []
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50)
    for _ in range(50):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return [rate(i) for i in range(50)], rates


@row("reorder_neurons", "`weight[order]`")
def symmetry():
    """Reordering neurons."""
    order = [3, 1, 0, 2, 7, 5, 6, 4]
    one, _, two = pytorch.MLP.from_network(network, first).layers
    parts = one.bias[order], one.weight[order], two.bias, two.weight[:, order]
    theirs = torch.cat([part.detach().reshape(-1) for part in parts])
    return lc.reorder_neurons(network, first, 1, order), theirs
