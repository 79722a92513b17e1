"""PyTorch's own way: modules and theta, losses, functions to minimize, training, and what is refused."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lecturecode import (
    Adam,
    CrossEntropy,
    GradientDescent,
    Momentum,
    Network,
    SquaredError,
    check_gradient,
    coordinate_descent,
    evolution_strategy,
    find_stationary_point,
    gradient_descent,
    grid_search,
    minimize,
    particle_swarm,
    random_search,
)
from lecturecode import TotalLoss as ByHand
from lecturecode.activations import ACTIVATIONS
from lecturecode.checkpoints import CheckpointError
from lecturecode.domains import Interval
from lecturecode.objectives import Objective, Rosenbrock
from lecturecode.pytorch import (
    MLP,
    TotalLoss,
    cross_entropy,
    cuda_graph,
    device,
    get_theta,
    objective,
    set_theta,
    train,
    value_and_gradient,
)
from lecturecode.schedules import inverse_time

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 3))
Y = np.stack([np.sin(2 * X[:, 0]), X[:, 1] * X[:, 2]], -1)
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
LINE = torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None]
NETWORK = Network((3, 6, 2))
THETA = NETWORK.init(1)
RULES = {"descent": GradientDescent(0.05), "momentum": Momentum(0.02), "adam": Adam(0.01)}
both_ways = pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])


def fresh(theta=THETA):
    return MLP.from_network(NETWORK, theta)


def fit(module=None, loss=None, x=X, y=Y, rule=RULES["adam"], **more):
    given = {"epochs": 6, "batch_size": 8, "rng": 3} | more
    return train(module or fresh(), loss or SquaredError(), x, y, rule, **given)


def line(**more):
    """Fit a line whose rate is far too large."""
    module = MLP.from_network(Network((1, 4, 1), "relu"), Network((1, 4, 1), "relu").init(0))
    given = {"epochs": 1000, "batch_size": 6, "rng": 0, "record_every": 1}
    return train(module, SquaredError(), LINE, LINE, GradientDescent(5.0), **(given | more))


# --- modules and theta ----------------------------------------------------------------------------


def test_a_module_is_made_as_a_network_is():
    by_hand, module = Network((3, 4, 2)), MLP((3, 4, 2))
    assert module.network == by_hand
    assert [type(layer) for layer in module.layers] == [nn.Linear, nn.Tanh, nn.Linear]


def test_the_two_layers_of_the_lecture():
    module = MLP((100, 50, 10), "relu")
    assert [type(layer) for layer in module.layers] == [nn.Linear, nn.ReLU, nn.Linear]
    assert module(torch.zeros(32, 100)).shape == (32, 10)
    assert (
        sum(p.numel() for p in module.parameters()) == Network((100, 50, 10)).size == len(module.theta)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_weights_move_from_a_network_and_back_as_they_are(name, dtype):
    network = Network((3, 5, 4, 2), name, name)
    theta = (network.init(0) + 0.1 * RNG.standard_normal(network.size)).astype(dtype)
    module = MLP.from_network(network, theta)
    assert module.network == network
    assert module.theta.numpy().tobytes() == theta.tobytes()
    x = (10 * X).astype(dtype)  # where a softplus with a threshold is off
    close = 1e-13 if dtype == np.float64 else 1e-5
    found = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(found, network.predict(theta, x), rtol=close, atol=close)


def test_theta_is_a_copy_and_so_is_what_is_set():
    module, theta = fresh(), torch.from_numpy(THETA.copy())
    module.theta.zero_()
    set_theta(module, theta)
    theta.zero_()
    assert module.theta.numpy().tobytes() == THETA.tobytes()
    with torch.no_grad():
        module.layers[0].bias[0] = 7
    assert get_theta(module)[0] == 7


def test_any_module_has_a_theta_with_biases_first_and_frozen_parts_left_out():
    module = nn.Sequential(nn.Conv1d(1, 2, 2), nn.BatchNorm1d(2), nn.Linear(3, 1, bias=False))
    module[2].requires_grad_(False)
    set_theta(module, range(10))
    assert module[0].bias.tolist() == [0, 1]
    assert module[0].weight.reshape(-1).tolist() == [2, 3, 4, 5]
    assert (module[1].bias.tolist(), module[1].weight.tolist()) == ([6, 7], [8, 9])
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    assert get_theta(tied).shape == (8,)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: get_theta(nn.ReLU()), ValueError, "ReLU has no parameter, so there is nothing to fit"),
        (lambda: get_theta(nn.Linear(1, 1).requires_grad_(False)), ValueError, "that is not frozen"),
        (lambda: get_theta(nn.Linear), TypeError, "must be a torch.nn.Module.*got the class Linear"),
        (lambda: get_theta(3), TypeError, "must be a torch.nn.Module.*got int"),
        (lambda: set_theta(nn.Linear(2, 1), [1.0]), ValueError,
         r"shape \(3,\), made up of bias \(1,\), weight \(1, 2\); got \(1,\)"),
        (lambda: get_theta(nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1).double())), TypeError,
         "one dtype; 0.bias has torch.float32 and 1.bias torch.float64"),
        (lambda: get_theta(nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1, device="meta"))), ValueError,
         "one device; 0.bias is on cpu and 1.bias on meta"),
        (lambda: MLP((3,)), ValueError, "at least the inputs and the outputs"),
        (lambda: MLP((3, 1), "swish"), ValueError, "activation must be one of .*; got 'swish'"),
        (lambda: MLP.from_network((3, 1), THETA), TypeError, "must be a lecturecode.Network; got tuple"),
        (lambda: MLP.from_network(NETWORK, THETA[1:]), ValueError, r"shape \(38,\)"),
    ],
)  # fmt: skip
def test_what_is_no_module_with_a_theta(call, error, match):
    with pytest.raises(error, match=match):
        call()


# --- the loss by hand -----------------------------------------------------------------------------


def test_cross_entropy_by_hand_is_pytorchs():
    outputs = torch.from_numpy(30 * RNG.standard_normal((7, 4))).requires_grad_()
    labels = torch.tensor([0, 3, 2, 2, 1, 0, 3])
    ours, theirs = cross_entropy(outputs, labels), nn.CrossEntropyLoss()(outputs, labels)
    torch.testing.assert_close(ours, theirs, rtol=1e-14, atol=0)
    gradients = [torch.autograd.grad(value, outputs)[0] for value in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-13, atol=1e-15)
    assert torch.isfinite(cross_entropy(torch.tensor([[1e30, -1e30]]), torch.tensor([1])))


@pytest.mark.parametrize(
    ("outputs", "labels", "error", "match"),
    [
        ((4, 2), torch.zeros(4), TypeError, r"integers from 0 on; got dtype torch.float32.*labels.long"),
        ((4, 2), torch.zeros(4, dtype=torch.bool), TypeError, "got dtype torch.bool"),
        ((4, 2), torch.zeros(4, 1, dtype=torch.int64), ValueError, r"got \(4, 2\) and \(4, 1\)"),
        ((4, 2), torch.zeros(3, dtype=torch.int64), ValueError, r"got \(4, 2\) and \(3,\)"),
        (
            (4,),
            torch.zeros(4, dtype=torch.int64),
            ValueError,
            r"outputs must have shape \(batch_size, K\)",
        ),
    ],
)
def test_labels_that_are_none(outputs, labels, error, match):
    with pytest.raises(error, match=match):
        cross_entropy(torch.zeros(outputs), labels)


# --- the device -----------------------------------------------------------------------------------


def test_cuda_asked_for_and_absent(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device() == device("cpu") == torch.device("cpu")
    match = (
        r'PyTorch finds no CUDA device.*To run on the CPU, ask for device\("cpu"\), or for device\(\)'
    )
    with pytest.raises(ValueError, match=match):
        device("cuda")


def test_cuda_where_it_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device() == torch.device("cuda")
    assert device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ValueError, match="cuda:2 was asked for, and there are 2, from cuda:0"):
        device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "", 3.5])
def test_no_device_of_that_name(name):
    with pytest.raises(ValueError, match=r'no device is called .*there are "cpu" and "cuda"'):
        device(name)


# --- a function of theta --------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["squares", "classes", "by hand"])
@pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
def test_the_total_loss_is_that_of_the_network_with_gradient_and_hessian(loss, lead):
    ours = SquaredError() if loss == "squares" else CrossEntropy()
    y = Y if loss == "squares" else LABELS
    g = TotalLoss(fresh(), cross_entropy if loss == "by hand" else ours, X, y)
    by_hand = ByHand(NETWORK, ours, X, y)
    theta = 0.5 * RNG.standard_normal((*lead, NETWORK.size))
    tensor = torch.from_numpy(theta)
    value, gradient = g.value_and_gradient(tensor)
    np.testing.assert_allclose(g(tensor), by_hand(theta), rtol=1e-12)
    np.testing.assert_allclose(value, by_hand(theta), rtol=1e-12)
    np.testing.assert_allclose(gradient, by_hand.gradient(theta), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(g.hessian(tensor), by_hand.hessian(theta), rtol=1e-6, atol=1e-8)
    assert gradient.shape == (*lead, NETWORK.size)


def test_the_module_is_left_alone_and_g_does_not_follow_it():
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2)).double()
    g, start = TotalLoss(module, SquaredError(), X, Y), get_theta(module)
    before = g(start)
    set_theta(module, start + 1)
    module(torch.from_numpy(X) + 5)
    assert torch.equal(g(start), before)
    assert torch.equal(g.start, start)
    assert module.training
    assert check_gradient(g, g.gradient, start) < 1e-6


def test_every_family_fits_a_module():
    module = nn.Linear(1, 1).double()
    g = TotalLoss(module, SquaredError(), LINE, 3 * LINE + 1)
    box, like = Interval(-5, 5) ** 2, torch.empty(0, dtype=torch.float64)
    assert grid_search(g, box, 11, like=like).theta.tolist() == [1, 3]
    swarm = particle_swarm(g, box, population=20, steps=80, rng=0, like=like)
    newton = find_stationary_point(g.gradient, g.hessian, g.start)
    f = value_and_gradient(module, SquaredError(), LINE, 3 * LINE + 1)
    descent = minimize(f, g.start, GradientDescent(0.4), steps=500)
    for trace in (swarm, newton, descent):
        np.testing.assert_allclose(trace.theta, [1, 3], atol=1e-4)
    assert newton.steps == 1


def test_a_theta_that_does_not_fit():
    g = TotalLoss(fresh(), SquaredError(), X, Y)
    with pytest.raises(
        ValueError, match=r"theta must have 38 entries along its last axis.*got shape \(2,\)"
    ):
        g([0.0, 1.0])
    with pytest.raises(TypeError, match=r"float64 and theta has dtype torch.float32"):
        g(torch.zeros(38))


# --- training -------------------------------------------------------------------------------------


@both_ways
def test_the_module_ends_with_the_best_theta_in_the_mode_it_had(fast):
    module = fresh().eval()
    trace = fit(module, fast=fast, epochs=20)
    assert torch.equal(module.theta, trace.theta)
    assert not module.training
    g = TotalLoss(module, SquaredError(), X, Y)
    assert trace.value == pytest.approx(float(g(trace.theta)), rel=1e-13)
    assert trace.value == trace.values[-1] or trace.value < trace.values[-1]
    assert trace.evaluations.tolist() == list(range(1, 20 * 4 + 2))
    assert len(trace.values) == trace.steps + 1 == 81


@both_ways
def test_an_explosion_stops_says_the_step_and_keeps_the_best(fast):
    trace = line(fast=fast)
    values = trace.values.numpy()
    assert np.isfinite(values[:-1]).all()
    assert not np.isfinite(values[-1])
    epochs = len(trace.extras["loss"])
    assert trace.message == (
        f"diverged at step {trace.steps}, after {epochs} epochs: the loss is not finite; "
        "try a smaller learning rate"
    )
    assert not trace.converged
    assert len(trace.thetas) == len(values)
    assert trace.extras["end"].tolist() == [4 * (k + 1) for k in range(epochs)]
    module = MLP((1, 4, 1), "relu").double()
    g = TotalLoss(module, SquaredError(), LINE, LINE)
    assert trace.value == pytest.approx(float(g(trace.theta)), rel=1e-12)
    assert trace.value <= float(g(Network((1, 4, 1), "relu").init(0).tolist())) * (1 + 1e-12)


def test_fast_and_plain_see_an_explosion_at_the_same_step():
    plain, fast = line(), line(fast=True)
    assert (plain.steps, plain.message) == (fast.steps, fast.message)
    assert torch.equal(plain.values[:-1], fast.values[:-1])
    assert torch.equal(plain.theta, fast.theta)


def test_a_loss_that_turns_nan_ends_the_run_where_it_did():
    calls = []

    def loss(outputs, y):
        calls.append(len(y))
        return ((outputs - y) ** 2).sum(-1) * (float("nan") if len(calls) == 12 else 1.0)

    trace = fit(loss=loss, record_every=1)  # one call at the door, one more for each step
    assert "diverged at step 10, after 2 epochs: the loss is not finite" in trace.message
    assert torch.isfinite(trace.theta).all()
    assert torch.equal(trace.last, trace.thetas[10])


@both_ways
@pytest.mark.parametrize("keep_last", [True, False])
@pytest.mark.parametrize("record_every", [0, 1, 3])
def test_thetas_are_recorded_as_often_as_was_asked(fast, keep_last, record_every):
    trace = fit(fast=fast, keep_last=keep_last, record_every=record_every)
    steps = 6 * (4 if keep_last else 3)
    assert len(trace.values) == steps + 1
    assert len(trace.thetas) == (steps // record_every + 1 if record_every else 1)
    if record_every == 1:
        g = TotalLoss(fresh(), SquaredError(), X, Y)
        order = np.random.default_rng(3).permutation(30)
        few = TotalLoss(fresh(), SquaredError(), X[order[:8]], Y[order[:8]])
        assert float(trace.values[0]) == pytest.approx(float(few(trace.thetas[0])), rel=1e-13)
        assert float(trace.values[-1]) == pytest.approx(float(g(trace.thetas[-1])), rel=1e-13)


@both_ways
def test_losses_of_every_kind(fast):
    same = {
        "package": CrossEntropy(),
        "module": nn.CrossEntropyLoss(),
        "by hand": cross_entropy,
        "each": nn.CrossEntropyLoss(reduction="none"),
    }
    values = [fit(loss=loss, y=LABELS, fast=fast).values for loss in same.values()]
    for other in values[1:]:
        torch.testing.assert_close(other, values[0], rtol=1e-12, atol=0)


@both_ways
def test_optimizers_of_every_kind(fast):
    pairs = [
        (Adam(0.01, 0.8, 0.9, 1e-6), lambda p: torch.optim.Adam(p, 0.01, (0.8, 0.9), 1e-6)),
        (Momentum(0.02, 0.7), lambda p: torch.optim.SGD(p, 0.02, 0.7)),
        (GradientDescent(0.05), lambda p: torch.optim.SGD(p, 0.05)),
    ]
    for ours, theirs in pairs:
        first, second = (fit(rule=rule, fast=fast, record_every=1) for rule in (ours, theirs))
        assert torch.equal(first.thetas, second.thetas)
    fitted = fit(rule=lambda p: torch.optim.RMSprop(p, 0.01), fast=fast, epochs=20)
    assert fitted.value < 0.7 * fitted.values[0]


def test_a_schedule_sets_the_rate_of_an_optimizer_of_the_users():
    seen = []

    def build(parameters):
        seen.append(torch.optim.SGD(parameters, lr=9.0, momentum=0.5))
        return seen[0]

    fit(rule=build, schedule=inverse_time(0.1, 6), epochs=1)
    assert seen[0].param_groups[0]["lr"] == pytest.approx(0.1 / 1.5)


def test_early_stopping_and_callbacks():
    trace = fit(validation=(X[:9], -Y[:9]), patience=2, epochs=50)
    assert trace.converged
    assert trace.message == "the validation loss has not fallen for 2 epochs"
    assert trace.value == min([*trace.extras["validation"], trace.value])
    seen = []
    stopped = fit(callback=lambda t: seen.append((t.steps, t.message)) or len(seen) == 3)
    assert seen == [(4 * k - 1, f"after {k} epochs") for k in (1, 2, 3)]
    assert stopped.message == "stopped by the callback after 3 epochs"
    assert stopped.steps == 12


def test_a_progress_bar_counts_epochs(capsys):
    fit(progress=True)
    assert "6/6" in capsys.readouterr().err


@both_ways
@pytest.mark.parametrize("error", [KeyboardInterrupt, ArithmeticError])
def test_an_interrupted_run_returns_what_it_has(fast, error):
    def schedule(step):
        if step == 10:
            raise error
        return 0.01

    if error is KeyboardInterrupt:
        trace = fit(schedule=schedule, fast=fast)
        assert trace.message == "interrupted after 10 steps, in epoch 3"
    else:
        with pytest.raises(error) as caught:
            fit(schedule=schedule, fast=fast)
        trace = caught.value.trace
    assert trace.steps in (9, 10)
    assert len(trace.extras["loss"]) == 2


def test_data_of_float32_and_arguments_stay_as_they_are():
    module = fresh(THETA.astype("f4"))
    x, y = torch.from_numpy(X.astype("f4")), torch.from_numpy(Y.astype("f4"))
    trace = fit(module, x=x, y=y, record_every=1)
    for tensor in (trace.thetas, trace.values, trace.theta, trace.last):
        assert tensor.dtype == torch.float32
    np.testing.assert_array_equal(x.numpy(), X.astype("f4"))
    start = torch.from_numpy(THETA.copy())
    fit(start=start)
    np.testing.assert_array_equal(start.numpy(), THETA)


# --- a graph that records: tried with one that only remembers what to run --------------------------


class Recording:
    """What a CUDA graph does, as far as the loop can tell."""

    made = 0

    def __init__(self, body, stream):
        type(self).made += 1
        self.body, self.replays = body, 0

    def replay(self):
        self.replays += 1
        self.body()


def test_steps_are_recorded_after_the_warm_up_and_the_odd_ones_run_unrecorded(monkeypatch):
    made = []
    monkeypatch.setattr(cuda_graph, "can_record", lambda device: True)
    monkeypatch.setattr(cuda_graph, "record", lambda *a: made.append(Recording(*a)) or made[-1])
    plain, fast = fit(record_every=1), fit(record_every=1, fast=True)
    assert torch.equal(plain.thetas, fast.thetas)
    assert torch.equal(plain.values, fast.values)
    assert len(made) == 1
    assert made[0].replays == 6 * 3 - cuda_graph.WARM_UP  # of four minibatches an epoch, one is smaller


def test_all_steps_after_the_warm_up_are_repeated(monkeypatch):
    made = []
    monkeypatch.setattr(cuda_graph, "can_record", lambda device: True)
    monkeypatch.setattr(cuda_graph, "record", lambda *a: made.append(Recording(*a)) or made[-1])
    fit(fast=True, keep_last=False)
    assert [graph.replays for graph in made] == [6 * 3 - cuda_graph.WARM_UP]


def test_a_step_that_cannot_be_captured_runs_uncaptured(monkeypatch):
    def fails(body, stream):
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(cuda_graph, "can_record", lambda device: True)
    monkeypatch.setattr(cuda_graph, "record", fails)
    with pytest.warns(
        RuntimeWarning, match=r"cannot be captured \(operation not .* capturing\), so fast"
    ):
        fast = fit(record_every=1, fast=True)
    assert torch.equal(fit(record_every=1).thetas, fast.thetas)


# --- checkpoints ----------------------------------------------------------------------------------


class Killed(BaseException):
    """What nothing in the package catches, as little as a SIGKILL."""


def killed_at(step):
    def schedule(i):
        if i == step:
            raise Killed
        return 0.02

    return schedule


def equal(first, second):
    """Compare all of two traces, bit for bit."""
    for name in ("thetas", "values", "theta", "last", "evaluations"):
        a, b = (np.asarray(getattr(trace, name)) for trace in (first, second))
        assert (a.dtype, a.tobytes()) == (b.dtype, b.tobytes()), name
    for name in ("value", "converged", "message"):
        assert getattr(first, name) == getattr(second, name)
    for name, kept in first.extras.items():
        assert kept.tobytes() == second.extras[name].tobytes(), name


def noisy():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Dropout(), nn.Linear(6, 2)).double()


@both_ways
@pytest.mark.parametrize("build", [fresh, noisy])
@pytest.mark.parametrize("step", [4, 14])
@pytest.mark.parametrize("rule", [*RULES, "theirs"])
def test_a_run_cut_off_at_any_step_ends_where_the_other_does(tmp_path, fast, build, step, rule):
    chosen = RULES.get(rule, lambda p: torch.optim.NAdam(p, 0.01))
    more = {"rule": chosen, "fast": fast, "record_every": 1, "validation": (X[:9] + 0.1, Y[:9])}
    whole = fit(build(), schedule=lambda i: 0.02, **more)
    path = tmp_path / "run.npz"
    with pytest.raises(Killed):
        fit(build(), schedule=killed_at(step), checkpoint=path, **more)
    assert path.exists()
    torch.rand(5)
    module = build()
    equal(fit(module, schedule=lambda i: 0.02, checkpoint=path, **more), whole)
    assert torch.equal(get_theta(module), whole.theta)


SCRIPT = """
    import os, signal, sys
    import numpy as np, torch
    from lecturecode import Adam, Network, SquaredError
    from lecturecode.pytorch import MLP, train
    path, out, where = sys.argv[1:]
    x = np.random.default_rng(0).standard_normal((40, 3))

    def schedule(i):
        if where == f"step {i}":
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.01 / (1 + i / 20)

    network = Network((3, 8, 2))
    module = MLP.from_network(network, network.init(0))
    loss = lambda outputs, y: ((outputs - y) ** 2).sum(-1)
    trace = train(module, loss, x, np.sin(x[:, :2]), Adam(), epochs=8, batch_size=7, rng=1,
                  schedule=schedule, checkpoint=path, record_every=1)
    np.savez(out, thetas=trace.thetas, values=trace.values, theta=trace.theta, value=trace.value,
             **trace.extras)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_process_killed_with_sigkill_and_started_again_ends_bit_for_bit(tmp_path, monkeypatch):
    def arguments(path, out, where):
        return [str(tmp_path / path), str(tmp_path / out), where]

    def start(*names):
        command = [sys.executable, "-c", textwrap.dedent(SCRIPT), *arguments(*names)]
        return subprocess.run(command, timeout=120, cwd=Path(__file__).parent).returncode

    monkeypatch.setattr(sys, "argv", ["script", *arguments("whole.npz", "expected.npz", "never")])
    exec(textwrap.dedent(SCRIPT), {})
    assert start("run.npz", "no.npz", "step 20") == -signal.SIGKILL
    assert start("run.npz", "found.npz", "never") == 0
    with np.load(tmp_path / "expected.npz") as expected, np.load(tmp_path / "found.npz") as found:
        for name in expected.files:
            assert found[name].tobytes() == expected[name].tobytes(), name
    with np.load(tmp_path / "run.npz", allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "fiu" for name in file.files)


def frozen_first():
    module = fresh()
    module.layers[0].requires_grad_(False)
    return module


OTHERS = {
    "width": ({"module": MLP((3, 7, 2)).double()}, "network"),
    "activation": ({"module": MLP((3, 6, 2), "relu").double()}, "network"),
    "kind": ({"module": nn.Linear(3, 2).double()}, "network"),
    "frozen": ({"module": frozen_first()}, "frozen"),
    "optimizer": ({"rule": Adam(0.02)}, "optimizer"),
    "theirs": ({"rule": lambda p: torch.optim.Adam(p, 0.01)}, "optimizer"),
    "batch size": ({"batch_size": 9}, "batch size"),
    "data": ({"x": X + 1e-12}, "data"),
    "loss": ({"loss": nn.MSELoss()}, "loss"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_checkpoint_of_another_run_is_refused_and_left_as_it_is(tmp_path, other):
    path = tmp_path / "run.npz"
    fit(checkpoint=path, epochs=2)
    content, (change, word) = path.read_bytes(), OTHERS[other]
    with pytest.raises(
        CheckpointError, match=rf"of another run \(.*{word}: the file has .*left as it is"
    ):
        fit(checkpoint=path, **change)
    assert path.read_bytes() == content
    fit(checkpoint=path)


def test_a_checkpoint_of_the_run_by_hand_is_refused(tmp_path):
    from lecturecode import train as by_hand

    path = tmp_path / "run.npz"
    by_hand(NETWORK, SquaredError(), X, Y, Adam(0.01), epochs=1, batch_size=8, checkpoint=path)
    with pytest.raises(CheckpointError, match='network: the file has "Network'):
        fit(checkpoint=path)


# --- a function of one's own ----------------------------------------------------------------------


def valley(theta):
    """Rosenbrock's function, as one writes it in PyTorch."""
    x, y = theta
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor, np.ndarray.tolist])
@pytest.mark.parametrize("shape", [(2,), (5, 2), (2, 3, 2)])
def test_a_function_of_a_tensor_becomes_an_objective(kind, shape):
    g, known = objective(valley), Rosenbrock()
    points = np.random.default_rng(0).normal(size=shape)
    theta = kind(points)
    expected = known(points), known.gradient(points), known.hessian(points)
    answers = g(theta), g.gradient(theta), g.hessian(theta)
    for ours, theirs in zip(
        (*answers, *g.value_and_gradient(theta)), (*expected, *expected), strict=False
    ):
        assert isinstance(ours, torch.Tensor if kind is torch.as_tensor else np.ndarray | np.generic)
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    assert isinstance(g, Objective)
    assert objective(valley) == g


def test_every_family_takes_a_function_of_a_tensor():
    g, known, square = objective(valley), Rosenbrock(), Interval(-2, 2) ** 2
    for ours, theirs in (
        (gradient_descent(h, [-1.2, 1.0], 1e-3, steps=50) for h in (g, known)),
        (minimize(h, [-1.2, 1.0], Adam(0.05), steps=50) for h in (g, known)),
        (find_stationary_point(h.gradient, h.hessian, [-1.2, 1.0]) for h in (g, known)),
        (coordinate_descent(h, [-1.2, 1.0], sweeps=5) for h in (g, known)),
        (random_search(h, square, draws=20, rng=0) for h in (g, known)),
        (evolution_strategy(h, square, steps=10, rng=0) for h in (g, known)),
    ):
        np.testing.assert_allclose(ours.last, theirs.last, rtol=1e-6, atol=1e-8, err_msg=ours.message)
    assert check_gradient(g, g.gradient, [0.3, -0.7]) < 1e-8
    single = objective(valley)(np.ones(2, np.float32))
    assert (single.dtype, objective(valley)([1, 2]).dtype) == (np.float32, np.float64)


def test_what_a_function_keeps_for_itself_is_a_constant():
    weight = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    g = objective(lambda theta: weight * (theta**2).sum())
    assert (g([1.0, 2.0]).item(), g.gradient(torch.ones(2).double()).tolist()) == (15.0, [6.0, 6.0])
    assert not g(torch.ones(2).double()).requires_grad


@pytest.mark.parametrize(
    ("g", "theta", "error", "says"),
    [
        (3.0, None, TypeError, "g must be a function of theta; got float"),
        (nn.Linear, None, TypeError, "g is the class Linear; make one"),
        (lambda t: 1.0, [1.0], TypeError, r"g must return a tensor; got 1\.0"),
        (lambda t: t, [1.0, 2.0], ValueError, r"shape \(\) for theta of shape \(2,\); got \(2,\)\. One"),
        (lambda t: t, [[1.0, 2.0]], ValueError, r"shape \(\) for theta of shape \(2,\); got \(2,\)"),
        (torch.sum, 3.0, ValueError, r"theta must have shape \(\.\.\., P\) .*; got \(\)\. One"),
        (torch.sum, [], ValueError, r"theta must have shape \(\.\.\., P\) with P >= 1; got \(0,\)$"),
        (torch.sum, ["a"], TypeError, "theta must hold real numbers"),
    ],
)  # fmt: skip
def test_what_is_no_objective(g, theta, error, says):
    for name in ("__call__", "gradient", "hessian"):
        with pytest.raises(error, match=says):
            getattr(objective(g), name)(theta)


# --- bad input ------------------------------------------------------------------------------------

X64 = torch.from_numpy(X)
BAD = {
    "no parameters": ({"module": nn.ReLU()}, ValueError, "ReLU has no parameter"),
    "no module": ({"module": NETWORK}, TypeError, "must be a torch.nn.Module"),
    "x elsewhere": ({"x": X64.to("meta")}, ValueError,
                    r"the module is on device cpu and x on meta; move one, as by x.to\('cpu'\)"),
    "y elsewhere": ({"y": torch.from_numpy(Y).to("meta")}, ValueError, "cpu and y on meta"),
    "module elsewhere": ({"module": MLP((3, 6, 2)).double().to("meta"), "x": X64}, ValueError,
                         "module is on device meta and x on cpu"),
    "validation elsewhere": ({"validation": (X64.to("meta"), Y)}, ValueError,
                             "cpu and validation x on meta"),
    "precision": ({"x": X.astype("f4")}, TypeError,
                  r"module has dtype torch.float64 and x has torch.float32; convert one"),
    "labels of fractions": ({"loss": CrossEntropy(), "y": LABELS * 1.0}, TypeError,
                            r"y must hold class numbers.* from 0 to 1; got dtype torch.float64.*y\.l"),
    "labels by hand": ({"loss": cross_entropy, "y": LABELS * 1.0}, TypeError,
                       "labels must be class numbers, integers from 0 on; got dtype torch.float64"),
    "labels out of range": ({"loss": CrossEntropy(), "y": LABELS + 1}, ValueError, r"0 to 1; got 1..2"),
    "labels of theirs": ({"loss": nn.CrossEntropyLoss(), "y": LABELS * 1.0}, RuntimeError, "Long|float"),
    "NaN": ({"x": X * np.nan}, ValueError, "x has 90 value"),
    "words": ({"x": [["a"]]}, TypeError, "x must hold real numbers"),
    "lengths": ({"y": Y[:5]}, ValueError, r"same number of samples.*\(30, 3\) and \(5, 2\)"),
    "none": ({"x": X[:0], "y": Y[:0]}, ValueError, "at least 1"),
    "shape of y": ({"y": Y[:, 0]}, ValueError, r"SquaredError needs targets of shape \(T, 2\)"),
    "shape of x": ({"x": X[:, :2]}, RuntimeError, "mat1 and mat2"),
    "loss": ({"loss": 3}, TypeError, "loss must be SquaredError"),
    "class of a loss": ({"loss": nn.MSELoss}, TypeError, "loss must be SquaredError"),
    "loss of two": ({"loss": lambda a, y: (a - y).abs()}, ValueError,
                    r"for 2 samples it returned \(2, 2\)"),
    "start": ({"start": THETA[1:]}, ValueError, r"shape \(38,\).*got \(37,\)"),
    "start of NaN": ({"start": THETA * np.nan}, ValueError, "the start has parameters that are NaN"),
    "optimizer": ({"rule": 0.1}, TypeError, "optimizer must be GradientDescent"),
    "class of a rule": ({"rule": Adam}, TypeError, "optimizer must be GradientDescent"),
    "built": ({"rule": torch.optim.SGD(fresh().parameters(), 0.1)}, TypeError,
              r"give the function that builds it, such as lambda params: torch.optim.SGD"),
    "builds nothing": ({"rule": list}, TypeError, "must return a torch.optim.Optimizer; got list"),
    "epochs": ({"epochs": 0}, ValueError, "epochs"),
    "batch size": ({"batch_size": 31}, ValueError, "batch_size must be at most"),
    "patience": ({"patience": 3}, ValueError, "patience needs validation"),
    "validation": ({"validation": X}, TypeError, r"validation must be the pair \(x, y\)"),
    "schedule": ({"schedule": lambda i: -1.0}, ValueError, r"schedule\(0\) must be 0 or positive"),
    "folder": ({"checkpoint": "/nowhere/run.npz"}, FileNotFoundError, "no folder /nowhere"),
    "rate for a schedule": ({"schedule": 0.1}, TypeError,
                            "schedule must be a function of the number of steps so far; got float"),
    "callback": ({"callback": ""}, TypeError, "callback must be a function of the trace so far"),
    "progress": ({"progress": 1}, TypeError, "progress must be True or False; got 1"),
    "keep_last": ({"keep_last": "no"}, TypeError, "keep_last must be True or False; got 'no'"),
    "fast": ({"fast": "yes"}, TypeError, "fast must be True or False; got 'yes'"),
    "labels in words": ({"loss": CrossEntropy(), "y": ["a", "b"] * 15}, TypeError,
                        r"y must hold real numbers.*Words become numbers by numpy\.unique\(y, return"),
    "one-hot labels": ({"loss": CrossEntropy(), "y": np.eye(2, dtype=int)[LABELS]}, ValueError,
                       r"y\.argmax\(-1\)"),
    "a loss in words": ({"loss": "cross entropy"}, TypeError, "loss must be .*; got 'cross entropy'"),
    "class of our loss": ({"loss": CrossEntropy}, TypeError, "loss must be .*the class CrossEntropy"),
    "sparse x": ({"x": X64.to_sparse()}, TypeError, r"x is a sparse tensor.*x\.to_dense\(\)"),
    "start elsewhere": ({"start": torch.from_numpy(THETA).to("meta")}, ValueError, "start is on"),
    "start in words": ({"start": ["a"] * 38}, TypeError, "start must hold real numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_train_refuses(name):
    change, error, match = BAD[name]
    with pytest.raises(error, match=match):
        fit(**change)


@pytest.mark.parametrize("name", ["callback", "progress", "keep_last", "fast", "a loss in words"])
def test_what_is_refused_leaves_the_module_as_it_was(name):
    module = fresh()
    before = get_theta(module)
    with pytest.raises(TypeError):
        fit(**{"module": module, "start": THETA + 1} | BAD[name][0])
    assert torch.equal(get_theta(module), before)


def test_arrays_of_another_byte_order_are_the_same_numbers():
    swapped = {"x": X.astype(">f8"), "y": Y.astype(">f8"), "start": THETA.astype(">f8")}
    assert torch.equal(fit(**swapped).last, fit(start=THETA).last)


@pytest.mark.parametrize(("name", "a", "y"), [("outputs", 3.0, LABELS), ("labels", X64, [0, 1, 1])])
def test_a_loss_of_what_is_no_tensor(name, a, y):
    with pytest.raises(TypeError, match=rf"{name} must be a tensor; got .*torch\.tensor\({name}\)"):
        cross_entropy(a, torch.tensor(y) if name == "outputs" else y)


def test_errors_of_a_module_or_loss_say_what_they_were_given():
    with pytest.raises(RuntimeError) as error:
        fit(x=X[:, :2])
    assert "raised by MLP for samples of shape (2, 2)" in error.value.__notes__
    with pytest.raises(RuntimeError) as error:
        fit(loss=nn.CrossEntropyLoss(), y=LABELS * 1.0)
    (note,) = error.value.__notes__
    assert "raised by the loss for outputs torch.float64 (2, 2) and targets torch.float64 (2,)" in note


@pytest.mark.parametrize("name", ["no parameters", "x elsewhere", "labels of fractions", "loss"])
def test_what_a_total_loss_refuses(name):
    change, error, match = BAD[name]
    given = {"module": fresh(), "loss": SquaredError(), "x": X, "y": Y} | change
    with pytest.raises(error, match=match):
        value_and_gradient(given["module"], given["loss"], given["x"], given["y"])


def test_an_optimizer_that_asks_the_host_is_not_captured():
    from lecturecode.pytorch.optimizers import Rule

    parameters = list(fresh().parameters())
    with pytest.raises(ValueError, match="this Adam looks at the host; build it with capturable=True"):
        Rule(torch.optim.Adam, parameters, None, captured=True)
    with pytest.raises(ValueError, match="reads the learning rate from the device"):
        Rule(torch.optim.SGD, parameters, lambda i: 0.1, captured=True)
