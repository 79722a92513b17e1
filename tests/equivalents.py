"""Every algorithm of the lecture in the package's words and in PyTorch's, in pairs that must agree.

A pair is two functions without arguments, `ours_...` and `theirs_...`, which return what they found.
Those that draw at random find the same minimum, not the same way there; all others agree to rounding.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

import lecturecode as lc
from lecturecode import pytorch
from lecturecode.datasets import norris, penguins
from lecturecode.domains import Interval
from lecturecode.objectives import Himmelblau, Quadratic, Rosenbrock

torch_float = torch.float64
LIKE = torch.empty(0, dtype=torch_float)
BOX = Interval(-5, 5) ** 2
g = Himmelblau()


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    """Draw normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch_float)


W, TARGETS = numbers(40, 6), numbers(40, seed=1)
X, LABELS = numbers(60, 3, seed=2), (numbers(60, 3, seed=2)[:, 0] > 0).long()
NETWORK = lc.Network((3, 5, 2))
THETA = NETWORK.init(0, like=LIKE)


# --- 2.1 search -----------------------------------------------------------------------------------


def ours_grid_search():
    return lc.grid_search(g, BOX, 200, like=LIKE).theta


def theirs_grid_search():
    axis = torch.linspace(-5, 5, 200, dtype=torch_float)
    candidates = torch.cartesian_prod(axis, axis)
    return candidates[g(candidates).argmin()]


CANDIDATES = 5 * numbers(300, 2, seed=3)


def ours_brute_force():
    return lc.brute_force(g, CANDIDATES).theta


def theirs_brute_force():
    return CANDIDATES[g(CANDIDATES).argmin()]


def ours_random_search():
    rng = torch.Generator().manual_seed(0)
    return lc.random_search(g, BOX, 200_000, rng=rng, like=LIKE).value


def theirs_random_search():
    rng = torch.Generator().manual_seed(0)
    candidates = 10 * torch.rand(200_000, 2, generator=rng, dtype=torch_float) - 5
    return g(candidates).min()


# --- 2.2 populations ------------------------------------------------------------------------------


def ours_particle_swarm():
    return lc.particle_swarm(g, BOX, population=40, steps=150, rng=0, like=LIKE).value


def theirs_particle_swarm():
    torch.manual_seed(0)
    u = 10 * torch.rand(40, 2, dtype=torch_float) - 5
    v, own, lowest = torch.zeros_like(u), u.clone(), g(u)
    for _ in range(150):
        leader = own[lowest.argmin()]
        v = 0.73 * v + 1.5 * torch.rand_like(u) * (own - u) + 1.5 * torch.rand_like(u) * (leader - u)
        u = (u + v).clamp(-5, 5)
        values = g(u)
        own = torch.where((values < lowest)[:, None], u, own)
        lowest = torch.minimum(values, lowest)
    return lowest.min()


def ours_genetic():
    return lc.genetic(g, BOX, population=60, steps=200, rng=0, like=LIKE).value


def theirs_genetic():
    torch.manual_seed(0)
    parents = 10 * torch.rand(60, 2, dtype=torch_float) - 5
    for step in range(200):
        pairs = torch.randint(60, (2, 60))
        mask = torch.rand(60, 2) < 0.5
        children = torch.where(mask, parents[pairs[0]], parents[pairs[1]])
        children = children + 2 * 0.93**step * torch.randn_like(children)
        everyone = torch.cat([parents, children.clamp(-5, 5)])
        parents = everyone[g(everyone).argsort()[:60]]
    return g(parents[0])


def ours_evolution_strategy():
    return lc.evolution_strategy(g, BOX, steps=200, rng=0, like=LIKE).value


def theirs_evolution_strategy():
    torch.manual_seed(0)
    mean, covariance = torch.zeros(2, dtype=torch_float), 4 * torch.eye(2, dtype=torch_float)
    for _ in range(100):
        draws = torch.distributions.MultivariateNormal(mean, covariance).sample((40,))
        best = draws[g(draws).argsort()[:10]]
        mean, covariance = best.mean(0), 0.3 * covariance + 0.7 * torch.cov(best.T, correction=0)
    return g(mean)


CITIES = torch.polar(torch.ones(8), torch.arange(8) * math.pi / 4)
DISTANCES = (CITIES[:, None] - CITIES).abs().to(torch_float)


def ours_ant_colony():
    return lc.ant_colony(DISTANCES, ants=20, steps=60, rng=0).value


def theirs_ant_colony():
    torch.manual_seed(0)
    trail, shortest = torch.ones_like(DISTANCES), torch.tensor(math.inf, dtype=torch_float)
    for _ in range(60):
        tours = torch.randint(8, (20, 1))
        for _ in range(7):
            appeal = trail[tours[:, -1]] / (DISTANCES[tours[:, -1]] + 1e-12) ** 2
            chosen = torch.multinomial(appeal.scatter(1, tours, 0.0), 1)
            tours = torch.cat([tours, chosen], 1)
        lengths = DISTANCES[tours, tours.roll(-1, 1)].sum(1)
        shortest = torch.minimum(shortest, lengths.min())
        deposit = (1 / lengths)[:, None].expand_as(tours)
        trail = (0.9 * trail).index_put((tours, tours.roll(-1, 1)), deposit, accumulate=True)
    return shortest


# --- 2.3 zeros of the gradient --------------------------------------------------------------------


def ours_find_stationary_point():
    return lc.find_stationary_point(
        g.gradient, g.hessian, torch.tensor([3.5, 2.5], dtype=torch_float)
    ).theta


def theirs_find_stationary_point():
    theta = torch.tensor([3.5, 2.5], dtype=torch_float)
    for _ in range(20):
        theta = theta - torch.linalg.solve(torch.func.hessian(g)(theta), torch.func.grad(g)(theta))
    return theta


def ours_classify():
    found = lc.classify(g.hessian(torch.tensor([[3.0, 2.0], [-0.270845, -0.923039]], dtype=torch_float)))
    return torch.tensor([{"minimum": 1.0, "maximum": -1.0}[kind] for kind in found])


def theirs_classify():
    points = torch.tensor([[3.0, 2.0], [-0.270845, -0.923039]], dtype=torch_float)
    eigenvalues = torch.linalg.eigvalsh(torch.func.vmap(torch.func.hessian(g))(points))
    return (eigenvalues > 0).all(-1).float() - (eigenvalues < 0).all(-1).float()


def ours_least_squares():
    return lc.least_squares(W, TARGETS)


def theirs_least_squares():
    return torch.linalg.lstsq(W, TARGETS[:, None]).solution[:, 0]


def ours_normal_equations():
    return lc.normal_equations(W, TARGETS)


def theirs_normal_equations():
    return torch.linalg.solve(W.T @ W, W.T @ TARGETS)


def ours_fit_affine():
    data = norris()
    return lc.fit_affine(torch.from_numpy(data.x), torch.from_numpy(data.y))


def theirs_fit_affine():
    data = norris()
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    slope = torch.cov(torch.stack([x, y]))[0, 1] / x.var()
    return torch.stack([slope, y.mean() - slope * x.mean()])


# --- 2.4 alternated minimization ------------------------------------------------------------------


def clouds():
    birds = penguins()
    columns = [torch.from_numpy(birds[name]) for name in ("bill_length_mm", "bill_depth_mm")]
    x = torch.stack([(c - c.mean()) / c.std() for c in columns], 1)
    return x, x[[0, 160, 300]]


def ours_kmeans():
    x, centers = clouds()
    return lc.kmeans(x, 3, centers=centers).value


def theirs_kmeans():
    x, centers = clouds()
    for _ in range(100):
        nearest = torch.cdist(x, centers, compute_mode="donot_use_mm_for_euclid_dist").argmin(1)
        sums = torch.zeros_like(centers).index_add(0, nearest, x)
        centers = sums / torch.bincount(nearest, minlength=3)[:, None]
    return (x - centers[nearest]).square().sum()


def ours_gaussian_mixture():
    x, means = clouds()
    start = lc.Mixture(
        torch.full((3,), 1 / 3, dtype=torch_float),
        means,
        torch.eye(2, dtype=torch_float).repeat(3, 1, 1),
    )
    return lc.gaussian_mixture(x, 3, start=start, sweeps=30, tol=0, floor=0.0).value


def theirs_gaussian_mixture():
    x, means = clouds()
    weights, covariances = (
        torch.full((3,), 1 / 3, dtype=torch_float),
        torch.eye(2, dtype=torch_float).repeat(3, 1, 1),
    )
    for sweep in range(31):
        parts = torch.distributions.MultivariateNormal(means, covariances)
        joint = weights.log() + parts.log_prob(x[:, None])
        total = joint.logsumexp(1, keepdim=True)
        r = (joint - total).exp()  # (T, K)
        if sweep < 30:
            n = r.sum(0)
            weights, means = n / len(x), r.T @ x / n[:, None]
            apart = x[:, None] - means
            covariances = torch.einsum("tk,tki,tkj->kij", r, apart, apart) / n[:, None, None]
    return -total.mean()


def ours_factorize():
    return lc.factorize(W, 2, rng=0).value


def theirs_factorize():
    U, s, Vh = torch.linalg.svd(W, full_matrices=False)
    return (W - U[:, :2] * s[:2] @ Vh[:2]).square().sum()


def ours_lasso():
    return lc.lasso(W, TARGETS, 0.2, tol=1e-12, steps=20000).theta


def theirs_lasso():
    theta, step = torch.zeros(6, dtype=torch_float), 40 / (2 * torch.linalg.matrix_norm(W, 2) ** 2)
    for _ in range(2000):
        slope = 2 / 40 * W.T @ (W @ theta - TARGETS)
        theta = nn.functional.softshrink(theta - step * slope, (0.2 * step).item())
    return theta


def ours_nonnegative_least_squares():
    return lc.nonnegative_least_squares(W, TARGETS).theta


def theirs_nonnegative_least_squares():
    theta, step = torch.zeros(6, dtype=torch_float), 1 / torch.linalg.matrix_norm(W, 2) ** 2
    for _ in range(2000):
        theta = (theta - step * W.T @ (W @ theta - TARGETS)).clamp(min=0)
    return theta


# --- 2.5, 3.2 descent -----------------------------------------------------------------------------

START = [-1.2, 1.0]


def descended(build: Callable, steps: int = 500) -> torch.Tensor:
    theta = torch.tensor(START, dtype=torch_float, requires_grad=True)
    optimizer = build([theta])
    for _ in range(steps):
        optimizer.zero_grad()
        Rosenbrock()(theta).backward()
        optimizer.step()
    return theta.detach()


def ours(rule: Any) -> torch.Tensor:
    rosenbrock = Rosenbrock()

    def value_and_gradient(theta):
        return rosenbrock(theta), rosenbrock.gradient(theta)

    return lc.minimize(
        value_and_gradient, torch.tensor(START, dtype=torch_float), rule, steps=500, tol=0
    ).last


def ours_gradient_descent():
    return ours(lc.GradientDescent(1e-3))


def theirs_gradient_descent():
    return descended(lambda parameters: torch.optim.SGD(parameters, lr=1e-3))


def ours_momentum():
    return ours(lc.Momentum(1e-4, 0.9))


def theirs_momentum():
    return descended(lambda parameters: torch.optim.SGD(parameters, lr=1e-4, momentum=0.9))


def ours_adam():
    return ours(lc.Adam(0.01))


def theirs_adam():
    return descended(lambda parameters: torch.optim.Adam(parameters, lr=0.01))


def ours_cosine():
    rate = lc.cosine(0.1, 50)
    return torch.tensor([rate(i) for i in range(50)])


def theirs_cosine():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule, rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50), []
    for _ in range(50):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return torch.tensor(rates)


def ours_check_gradient():
    bowl = Quadratic(torch.tensor([1.0, 4.0], dtype=torch_float))
    return torch.tensor(lc.check_gradient(bowl, bowl.gradient, numbers(2)) < 1e-6)


def theirs_check_gradient():
    bowl = Quadratic(torch.tensor([1.0, 4.0], dtype=torch_float))
    return torch.tensor(torch.autograd.gradcheck(bowl, numbers(2).requires_grad_()))


# --- 3 networks -----------------------------------------------------------------------------------


def sequential() -> nn.Module:
    module = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    pytorch.set_theta(module, THETA)
    return module


def ours_predict():
    return NETWORK.predict(THETA, X)


def theirs_predict():
    with torch.no_grad():
        return sequential()(X)


def ours_squared_error():
    return lc.SquaredError()(X, X.flip(0)).mean()


def theirs_squared_error():
    return nn.MSELoss(reduction="sum")(X, X.flip(0)) / len(X)


def ours_cross_entropy():
    return lc.CrossEntropy()(X, LABELS).mean()


def theirs_cross_entropy():
    return nn.CrossEntropyLoss()(X, LABELS)


def ours_backprop():
    return lc.backprop(NETWORK, lc.CrossEntropy(), THETA, X, LABELS)[1]


def theirs_backprop():
    module = sequential()
    nn.functional.cross_entropy(module(X), LABELS).backward()
    first, _, second = module
    parts = (first.bias, first.weight, second.bias, second.weight)
    return torch.cat([part.grad.reshape(-1) for part in parts])


def ours_sample_gradients():
    return lc.sample_gradients(NETWORK, lc.CrossEntropy(), THETA, X, LABELS)[1]


def theirs_sample_gradients():
    module, parameters = sequential(), dict(sequential().named_parameters())

    def one(parameters, x, label):
        outputs = torch.func.functional_call(module, parameters, (x[None],))
        return nn.functional.cross_entropy(outputs, label[None])

    each = torch.func.vmap(torch.func.grad(one), in_dims=(None, 0, 0))(parameters, X, LABELS)
    order = ("0.bias", "0.weight", "2.bias", "2.weight")
    return torch.cat([each[name].reshape(len(X), -1) for name in order], 1)


def ours_train():
    rng = torch.Generator().manual_seed(0)
    trace = lc.train(NETWORK, lc.CrossEntropy(), X, LABELS, lc.Momentum(0.01, 0.9), epochs=20,
                     batch_size=16, rng=rng, theta=THETA)  # fmt: skip
    return trace.last


def theirs_train():
    rng, module = torch.Generator().manual_seed(0), sequential()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
    for _ in range(20):
        for batch in torch.randperm(60, generator=rng).split(16):
            outputs = module(X[batch])
            loss = nn.functional.cross_entropy(outputs, LABELS[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return pytorch.get_theta(module)


def ours_reorder_neurons():
    return lc.reorder_neurons(NETWORK, THETA, 1, [2, 0, 4, 1, 3])


def theirs_reorder_neurons():
    module, order = sequential(), [2, 0, 4, 1, 3]
    with torch.no_grad():
        module[0].weight.copy_(module[0].weight[order])
        module[0].bias.copy_(module[0].bias[order])
        module[2].weight.copy_(module[2].weight[:, order])
    return pytorch.get_theta(module)


@dataclass(frozen=True)
class Equivalent:
    """One row of the table: what the two functions are called, and how close they must be."""

    section: str
    algorithm: str
    inside: str
    """What PyTorch has for it."""
    tolerance: float = 1e-10

    @property
    def ours(self) -> Callable[[], Any]:
        """The function in the package's words."""
        return globals()[f"ours_{self.algorithm}"]

    @property
    def theirs(self) -> Callable[[], Any]:
        """The function in PyTorch's words."""
        return globals()[f"theirs_{self.algorithm}"]

    def distance(self) -> float:
        """Run both, and return how far apart they are."""
        found = [torch.as_tensor(part(), dtype=torch_float) for part in (self.ours, self.theirs)]
        return (found[0] - found[1]).abs().max().item()


EQUIVALENTS = [
    Equivalent("2.1", "brute_force", "argmin"),
    Equivalent("2.1", "grid_search", "torch.cartesian_prod, argmin"),
    Equivalent("2.1", "random_search", "torch.rand, argmin", 0.02),
    Equivalent("2.2", "genetic", "torch.where, torch.randint, argsort", 1e-6),
    Equivalent("2.2", "evolution_strategy", "torch.distributions.MultivariateNormal, torch.cov", 1e-6),
    Equivalent("2.2", "particle_swarm", "torch.rand_like, torch.where", 1e-6),
    Equivalent("2.2", "ant_colony", "torch.multinomial, index_put"),
    Equivalent(
        "2.3", "find_stationary_point", "torch.func.grad, torch.func.hessian, torch.linalg.solve"
    ),
    Equivalent("2.3", "classify", "torch.func.vmap, torch.linalg.eigvalsh"),
    Equivalent("2.3", "normal_equations", "torch.linalg.solve"),
    Equivalent("2.3", "least_squares", "torch.linalg.lstsq"),
    Equivalent("2.3", "fit_affine", "torch.cov"),
    Equivalent("2.4", "kmeans", "torch.cdist, index_add"),
    Equivalent("2.4", "gaussian_mixture", "torch.distributions.MultivariateNormal, logsumexp"),
    Equivalent("2.4", "factorize", "torch.linalg.svd", 1e-8),
    Equivalent("2.4", "lasso", "torch.nn.functional.softshrink", 1e-8),
    Equivalent("2.4", "nonnegative_least_squares", "clamp(min=0)"),
    Equivalent("2.5", "gradient_descent", "torch.optim.SGD"),
    Equivalent("2.5", "check_gradient", "torch.autograd.gradcheck"),
    Equivalent("3", "predict", "torch.nn.Sequential, torch.nn.Linear"),
    Equivalent("3", "squared_error", "torch.nn.MSELoss"),
    Equivalent("3", "cross_entropy", "torch.nn.CrossEntropyLoss"),
    Equivalent("3.1", "backprop", "autograd: loss.backward()"),
    Equivalent("3.1", "sample_gradients", "torch.func.vmap, torch.func.grad"),
    Equivalent("3.2", "momentum", "torch.optim.SGD(momentum=...)"),
    Equivalent("3.2", "adam", "torch.optim.Adam"),
    Equivalent("3.2", "cosine", "torch.optim.lr_scheduler.CosineAnnealingLR"),
    Equivalent("3.2", "train", "zero_grad, backward, step"),
    Equivalent("3.3", "reorder_neurons", "indexing"),
]
