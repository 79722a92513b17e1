"""Our lines and PyTorch's own, held together: the same steps, gradients and Hessians."""

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
    Momentum,
    Network,
    SquaredError,
    affine_error,
    gradient_descent,
    least_squares,
    minimize,
    pytorch,
    train,
)
from lecturecode.datasets import norris, penguins
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
from lecturecode.schedules import inverse_time


def penguin_error(library):
    birds = penguins()
    x, y = birds["flipper_length_mm"], birds["body_mass_g"]
    return affine_error(library((x - x.mean()) / x.std()), library((y - y.mean()) / y.std()))


# name: (how to build it on arrays or tensors, start, learning rate)
RUNS = {
    "bowl": (lambda lib: Quadratic(lib(np.array([1.0, 10.0]))), [-1.8, 1.0], 0.02),
    "rosenbrock": (lambda lib: Rosenbrock(), [-1.2, 1.0], 1e-3),
    "himmelblau": (lambda lib: Himmelblau(), [0.5, 0.5], 2e-3),
    "double well": (lambda lib: DoubleWell(), [0.2, 1.0], 1e-2),
    "rastrigin": (lambda lib: Rastrigin(), [0.7, -1.3], 1e-4),
    "ackley": (lambda lib: Ackley(), [1.3, -0.4], 1e-3),
    "penguins": (penguin_error, [3.0, -2.0], 5e-3),
}
SHORT = {  # these fall for ever, so only a few steps
    "saddle": (lambda lib: Saddle(), [1.0, 0.1], 1e-2),
    "monkey saddle": (lambda lib: MonkeySaddle(), [0.5, 0.2], 1e-2),
}


def sgd(g, start, learning_rate, steps):
    """Descend with torch.optim.SGD and autograd alone; return every iterate."""
    theta = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([theta], lr=learning_rate)
    path = [theta.detach().clone()]
    for _ in range(steps):
        optimizer.zero_grad()
        g(theta).backward()
        optimizer.step()
        path.append(theta.detach().clone())
    return torch.stack(path).numpy()


@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize("name", RUNS)
def test_gradient_descent_is_torch_optim_sgd_for_1000_steps(name, library):
    make, start, rate = RUNS[name]
    trace = gradient_descent(make(library), library(np.array(start)), rate, steps=1000, tol=0)
    theirs = sgd(make(torch.as_tensor), start, rate, 1000)
    assert trace.steps == 1000
    np.testing.assert_allclose(np.asarray(trace.thetas), theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", SHORT)
def test_gradient_descent_is_torch_optim_sgd_down_a_saddle(name):
    make, start, rate = SHORT[name]
    trace = gradient_descent(make(np.asarray), start, rate, steps=60, tol=0)
    np.testing.assert_allclose(trace.thetas, sgd(make(torch.as_tensor), start, rate, 60), rtol=1e-12)


def test_minimize_with_gradients_from_autograd_is_minimize_with_ours():
    g = Rosenbrock()

    def by_autograd(theta):
        theta = theta.clone().requires_grad_(True)
        value = g(theta)
        return value, torch.autograd.grad(value, theta)[0]

    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    theirs = minimize(by_autograd, start, GradientDescent(1e-3), steps=1000)
    ours = gradient_descent(g, start, 1e-3, steps=1000)
    np.testing.assert_allclose(theirs.thetas.numpy(), ours.thetas.numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(theirs.values.numpy(), ours.values.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", [*RUNS, *SHORT])
@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")  # inside torch.func
def test_gradient_and_hessian_are_those_of_torch_func_in_a_batch(name):
    g = (RUNS | SHORT)[name][0](torch.as_tensor)
    theta = torch.from_numpy(np.random.default_rng(4).uniform(-1.5, 1.5, (30, 2)))
    gradient = torch.func.vmap(torch.func.grad(g))(theta)
    hessian = torch.func.vmap(torch.func.hessian(g))(theta)
    torch.testing.assert_close(g.gradient(theta), gradient, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(g.hessian(theta), hessian, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", [*RUNS, *SHORT])
def test_arrays_and_tensors_give_equal_values(name):
    make = (RUNS | SHORT)[name][0]
    theta = np.random.default_rng(4).uniform(-1.5, 1.5, (5, 6, 2))
    for method in ("__call__", "gradient", "hessian"):
        ours = getattr(make(np.asarray), method)(theta)
        theirs = getattr(make(torch.as_tensor), method)(torch.from_numpy(theta))
        np.testing.assert_allclose(theirs.numpy(), ours, rtol=1e-13, atol=1e-12)


def test_least_squares_is_torch_linalg_lstsq_on_norris():
    data = norris()
    W = torch.stack([torch.from_numpy(data.x), torch.ones(36, dtype=torch.float64)], dim=1)
    y = torch.from_numpy(data.y)
    theirs = torch.linalg.lstsq(W, y[:, None]).solution[:, 0]
    torch.testing.assert_close(least_squares(W, y), theirs, rtol=1e-11, atol=1e-11)


def test_mean_squared_error_is_torch_mse_loss():
    rng = np.random.default_rng(0)
    W, y = torch.from_numpy(rng.standard_normal((20, 3))), torch.from_numpy(rng.standard_normal(20))
    theta = torch.from_numpy(rng.standard_normal(3))
    torch.testing.assert_close(
        MeanSquaredError(W, y)(theta), torch.nn.functional.mse_loss(W @ theta, y), rtol=1e-13, atol=0
    )


@pytest.mark.parametrize(
    ("dtype", "close"), [(np.float64, 1e-12), (np.float32, 1e-5)], ids=["float64", "float32"]
)
@pytest.mark.parametrize("name", ALTERNATED)
def test_alternated_minimization_of_arrays_and_tensors_takes_the_same_steps(name, dtype, close):
    ours = ALTERNATED[name](lambda a: np.asarray(a, dtype=dtype))
    theirs = ALTERNATED[name](lambda a: torch.from_numpy(np.asarray(a, dtype=dtype)))
    assert ours.steps == theirs.steps >= 3
    assert ours.converged == theirs.converged
    assert ours.message.split(" hold to ")[0] == theirs.message.split(" hold to ")[0]
    assert list(ours.extras) == list(theirs.extras)
    pairs = {n: (getattr(ours, n), getattr(theirs, n)) for n in ("thetas", "values", "theta", "last")}
    pairs |= {n: (ours.extras[n], theirs.extras[n]) for n in ours.extras if n != "labels"}
    for n, (array, tensor) in pairs.items():
        assert isinstance(tensor, torch.Tensor), n
        assert array.dtype == tensor.numpy().dtype == dtype, n
        scale = abs(array).max()
        np.testing.assert_allclose(tensor.numpy(), array, rtol=close, atol=close * scale, err_msg=n)
    if "labels" in ours.extras:
        np.testing.assert_array_equal(theirs.extras["labels"].numpy(), ours.extras["labels"])
    exact = ALTERNATED[name](np.asarray)
    assert theirs.value == pytest.approx(exact.value, rel=close, abs=close * exact.values.max())


@pytest.mark.parametrize(
    ("dtype", "close"), [(np.float64, 1e-11), (np.float32, 2e-4)], ids=["float64", "float32"]
)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_arrays_and_of_tensors_do_the_same(name, dtype, close):
    def kind(a):
        return a if a.dtype.kind == "i" else a.astype(dtype)

    ours = NETWORKS[name](lambda a: kind(np.asarray(a)))
    theirs = NETWORKS[name](lambda a: torch.from_numpy(kind(np.asarray(a))))
    assert list(ours) == list(theirs)
    for n, array in ours.items():
        assert isinstance(theirs[n], torch.Tensor), n
        assert array.dtype == theirs[n].numpy().dtype == dtype, n
        # second differences of rounded numbers: a Hessian has two thirds of the digits
        within = np.finfo(dtype).eps ** 0.55 if n == "hessian" else close
        scale = within * abs(array).max()
        np.testing.assert_allclose(theirs[n].numpy(), array, rtol=within, atol=scale, err_msg=n)


# --- whole runs of training -----------------------------------------------------------------------

TRAINED = {
    "regression": (Network((3, 8, 2), "tanh"), SquaredError(), CURVE),
    "classes": (Network((3, 8, 5, 2), "relu"), CrossEntropy(), LABELS),
}
OPTIMIZERS = {"descent": GradientDescent(0.05), "momentum": Momentum(0.02, 0.9), "adam": Adam(0.01)}
SCHEDULES = {
    "one rate": None,
    "falling": inverse_time(0.02, 20),
    "from rest and back": lambda i: 0.02 * min(i, 3) / 3 * (i % 7 != 6),  # 0 now and then
}


def both_runs(task, rule, device="cpu", dtype=np.float64, fast=False, **more):
    """Train by hand on the CPU in float64, and a module on a device; return both traces."""
    network, loss, y = TRAINED[task]
    theta = network.init(1)
    given = {"epochs": 40, "batch_size": 7, "rng": 5, "record_every": 1}
    given |= {"validation": (X[:9] + 0.1, y[:9])} | more
    ours = train(network, loss, X, y, OPTIMIZERS[rule], start=theta, **given)
    module = pytorch.MLP.from_network(network, theta.astype(dtype)).to(device)
    x = X.astype(dtype)
    y = y if y.dtype.kind == "i" else y.astype(dtype)
    if given["validation"] is not None:
        given["validation"] = tuple(a.astype(dtype) if a.dtype.kind == "f" else a
                                    for a in given["validation"])  # fmt: skip
    return ours, pytorch.train(module, loss, x, y, OPTIMIZERS[rule], fast=fast, **given)


def same_run(ours, theirs, close):
    """Compare all that two runs recorded, value by value."""
    assert (ours.steps, ours.message, ours.converged) == (theirs.steps, theirs.message, theirs.converged)
    pairs = {n: (getattr(ours, n), getattr(theirs, n)) for n in ("thetas", "values", "theta", "last")}
    pairs |= {n: (kept, torch.as_tensor(theirs.extras[n])) for n, kept in ours.extras.items()}
    for n, (array, tensor) in pairs.items():
        scale = close * abs(array).max()
        np.testing.assert_allclose(tensor.cpu().numpy(), array, rtol=close, atol=scale, err_msg=n)
    assert ours.value == pytest.approx(theirs.value, rel=close)
    np.testing.assert_array_equal(ours.evaluations, theirs.evaluations)
    assert list(ours.extras) == list(theirs.extras)


@pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize("task", TRAINED)
def test_a_run_by_hand_is_the_run_of_a_module(task, rule, schedule, fast):
    ours, theirs = both_runs(task, rule, schedule=SCHEDULES[schedule], fast=fast)
    assert ours.steps == 40 * 6
    same_run(ours, theirs, 1e-10)


@pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])
@pytest.mark.parametrize(
    "more",
    [
        {"keep_last": False},
        {"validation": None},
        {"patience": 1},
        {"record_every": 5},
        {"batch_size": 40},
    ],
    ids=lambda more: next(iter(more)),
)
def test_a_run_by_hand_is_the_run_of_a_module_whatever_was_asked_for(more, fast):
    same_run(*both_runs("regression", "adam", fast=fast, **more), 1e-10)


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_run_of_a_module_in_float32_stays_close(rule):
    ours, theirs = both_runs("regression", rule, dtype=np.float32, epochs=10)
    assert theirs.thetas.dtype == torch.float32
    same_run(ours, theirs, 1e-4)


# --- the same on a CUDA device --------------------------------------------------------------------


@pytest.fixture
def no_tf32():
    """Multiply float32 matrices in float32: TF32 keeps 10 bits of 23, and is no rounding error."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.cuda
@pytest.mark.usefixtures("no_tf32")
@pytest.mark.parametrize(("dtype", "close"), [(np.float64, 1e-9), (np.float32, 1e-3)])
@pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])
@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize("task", TRAINED)
def test_a_run_by_hand_is_the_run_of_a_module_on_the_device(task, rule, fast, dtype, close):
    ours, theirs = both_runs(task, rule, device="cuda", dtype=dtype, fast=fast, epochs=10)
    assert (theirs.theta.device.type, theirs.values.device.type) == ("cuda", "cuda")
    same_run(ours, theirs, close)


@pytest.mark.cuda
@pytest.mark.usefixtures("no_tf32")
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_captured_run_follows_a_schedule_on_the_device(rule):
    falling = SCHEDULES["falling"]
    ours, theirs = both_runs("regression", rule, "cuda", np.float32, True, epochs=10, schedule=falling)
    same_run(ours, theirs, 1e-3)
