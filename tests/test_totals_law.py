"""What a fit reports is what it leaves: `trace.value` is the loss of the module that comes back.

The recipe is the one of the docstring of :func:`lecturecode.pytorch.train`; the steps are those of a
loop that a reader types, with the mean that the loss itself takes.
"""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from fitting_runs import alone
from torch import nn
from torch.nn import functional

from lecturecode import (
    Adam,
    CrossEntropy,
    GradientDescent,
    Momentum,
    Network,
    SquaredError,
    TotalLoss,
    backprop,
    find_stationary_point,
    fit_affine,
    grid_search,
    lasso,
    least_squares,
    minibatches,
    nonnegative_least_squares,
    normal_equations,
    particle_swarm,
    pytorch,
    train,
)
from lecturecode.domains import Interval
from lecturecode.pytorch.mean_loss import PLAIN, PLAIN_FUNCTIONS, MeanLoss

T, K, SEED, RATE = 23, 3, 5, 0.1
RNG = np.random.default_rng(0)
X = torch.tensor(RNG.standard_normal((T, 4)))
REAL = torch.tensor(RNG.standard_normal((T, K)))
LABELS = torch.tensor(RNG.integers(0, K, T))
SOME = torch.where(torch.tensor(RNG.random(T) < 0.7), -100, LABELS)
"""Class numbers of which most are ignored, so that some minibatches have none."""
SIGNS, PARTS, YES = REAL.sign(), REAL.softmax(1), (REAL > 0).double()
WEIGHTS = torch.tensor([1.0, 20.0, 0.3], dtype=torch.float64)
NOT_ALL = torch.tensor([0.0, 2.0, 0.0], dtype=torch.float64)


def own_weighted(outputs, y):
    return functional.cross_entropy(outputs, y, WEIGHTS)


def root_of_the_mean_square(outputs, y):
    return ((outputs - y) ** 2).mean() ** 0.5


LOSSES = {
    "cross-entropy": (nn.CrossEntropyLoss(), LABELS),
    "class weights": (nn.CrossEntropyLoss(WEIGHTS), LABELS),
    "classes that weigh nothing": (nn.CrossEntropyLoss(NOT_ALL), LABELS),
    "ignored labels": (nn.CrossEntropyLoss(), SOME),
    "an ignored class": (nn.CrossEntropyLoss(WEIGHTS, ignore_index=1), LABELS),
    "smoothed labels": (nn.CrossEntropyLoss(label_smoothing=0.2), LABELS),
    "weighted, ignored and smoothed": (nn.CrossEntropyLoss(WEIGHTS, label_smoothing=0.2), SOME),
    "weighted probabilities": (nn.CrossEntropyLoss(WEIGHTS), PARTS),
    "negative logarithms": (nn.NLLLoss(WEIGHTS), SOME),
    "each": (nn.CrossEntropyLoss(reduction="none"), LABELS),
    "each, weighted": (nn.CrossEntropyLoss(WEIGHTS, reduction="none"), SOME),
    "of the package": (CrossEntropy(), LABELS),
    "by hand": (pytorch.cross_entropy, LABELS),
    "function": (functional.cross_entropy, SOME),
    "partial": (partial(functional.cross_entropy, ignore_index=1, weight=WEIGHTS), LABELS),
    "own, weighted": (own_weighted, LABELS),
    "margins": (nn.MultiMarginLoss(weight=WEIGHTS), LABELS),
    "squares of the package": (SquaredError(), REAL),
    "squares": (nn.MSELoss(), REAL),
    "absolute": (nn.L1Loss(), REAL),
    "Huber": (nn.HuberLoss(), REAL),
    "smooth": (nn.SmoothL1Loss(beta=0.5), REAL),
    "yes or no": (nn.BCEWithLogitsLoss(pos_weight=WEIGHTS), YES),
    "yes or no, weighted": (nn.BCEWithLogitsLoss(weight=WEIGHTS), YES),
    "counts": (nn.PoissonNLLLoss(), YES),
    "signs": (nn.SoftMarginLoss(), SIGNS),
    "hinge": (nn.HingeEmbeddingLoss(), SIGNS),
    "divergence": (nn.KLDivLoss(reduction="batchmean"), PARTS),
    "several labels": (nn.MultiLabelSoftMarginLoss(weight=WEIGHTS), YES),
    "root": (root_of_the_mean_square, REAL),
    "own sum": (lambda outputs, y: ((outputs - y) ** 2).sum(), REAL),
}


def seeded(*layers):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), *[layer() for layer in layers], nn.Linear(6, K)).double()


MODULES = {
    "plain": lambda: seeded(nn.Tanh),
    "batch normalization": lambda: seeded(partial(nn.BatchNorm1d, 6), nn.ReLU),
    "dropout": lambda: seeded(nn.Tanh, nn.Dropout),
    "both": lambda: seeded(partial(nn.BatchNorm1d, 6, momentum=None), nn.ReLU, nn.Dropout),
    "without running means": lambda: seeded(
        partial(nn.BatchNorm1d, 6, track_running_stats=False), nn.ReLU
    ),
}


def measured(module, loss, x, y):
    """The recipe: all data in one call of the module, in evaluation mode, and of the loss."""
    module.eval()
    with torch.no_grad():
        return float(loss(module(x), y).mean())


def counted(loss, y):
    """Return whether any sample of a minibatch counts in a mean by weights."""
    ignore = getattr(loss, "ignore_index", -100)
    weight = getattr(loss, "weight", None)
    if y.is_floating_point() or type(loss) not in (nn.CrossEntropyLoss, nn.NLLLoss):
        return loss is not functional.cross_entropy or bool((y != ignore).any())
    if loss.reduction == "none":
        return True
    left = y[y != ignore]
    return bool((torch.ones(len(left)) if weight is None else weight[left]).sum() > 0)


def typed(module, loss, y, batch_size, epochs=2, rate=RATE):
    """The loop as a reader types it; return the losses and the thetas."""
    optimizer, rng = torch.optim.SGD(module.parameters(), lr=rate), np.random.default_rng(SEED)
    values, thetas = [], [pytorch.get_theta(module)]
    module.train()
    torch.manual_seed(1)
    for _ in range(epochs):
        for batch in minibatches(T, batch_size, rng=rng, like=X):
            optimizer.zero_grad()
            outputs = module(X[batch])
            value = torch.zeros((), dtype=torch.float64)
            if counted(loss, y[batch]):
                value = loss(outputs, y[batch]).mean()
                value.backward()
                optimizer.step()
            values.append(value.item())
            thetas.append(pytorch.get_theta(module))
    return np.array(values), torch.stack(thetas)


def fit(fitted, module, loss, y, batch_size, **more):
    torch.manual_seed(1)
    given = {"epochs": 2, "batch_size": batch_size, "rng": SEED, "record_every": 1} | more
    rule = given.pop("rule", GradientDescent(RATE))
    return fitted(module, loss, X, y, rule, **given)


def holds(fitted, build, loss, y, batch_size, **more):
    """Fit, and compare with the recipe and with the loop."""
    module = build()
    values, thetas = typed(copy.deepcopy(module), loss, y, batch_size)
    trace = fit(fitted, module, loss, y, batch_size, **more)
    np.testing.assert_allclose(trace.values[:-1], values, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(trace.thetas, thetas, rtol=1e-9, atol=1e-12)
    assert torch.equal(pytorch.get_theta(module), trace.theta)
    assert trace.value == pytest.approx(measured(module, loss, X, y), rel=1e-12)


ways = pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])


@pytest.mark.parametrize("batch_size", [4, T])
@pytest.mark.parametrize("build", MODULES)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_value_is_that_of_the_module_and_the_steps_are_those_of_the_loss(loss, build, batch_size):
    holds(pytorch.train, MODULES[build], *LOSSES[loss], batch_size)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_same_on_the_buffers_of_a_captured_step(loss):
    holds(pytorch.train, MODULES["both"], *LOSSES[loss], 10, fast=True)


@pytest.mark.parametrize("build", ["plain", "dropout"])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_same_in_one_process_of_many(loss, build, monkeypatch):
    environment(monkeypatch)
    holds(pytorch.train_distributed, MODULES[build], *LOSSES[loss], 4, timeout=60.0)


def environment(monkeypatch):
    """Be one process that torchrun started; as before when the test is over."""
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "")
    alone()


@pytest.mark.parametrize("build", ["batch normalization", "both", "without running means"])
def test_many_processes_refuse_what_compares_samples(build):
    with pytest.raises(ValueError, match="is a BatchNorm1d, which compares the samples"):
        fit(pytorch.train_distributed, MODULES[build](), nn.MSELoss(), REAL, 4)


# --- the best epoch is not the last ---------------------------------------------------------------


def worse_at_the_end(step):
    """Rates of three good epochs of six steps, and a bad one."""
    return 0.05 if step < 18 else 100.0


@ways
@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("build", MODULES)
@pytest.mark.parametrize("loss", ["class weights", "ignored labels", "squares", "own, weighted"])
def test_buffers_come_back_with_the_theta_that_they_belong_to(loss, build, held_out, fast):
    (loss, y), module = LOSSES[loss], MODULES[build]()
    x = X
    more = {"validation": (X[:9] + 0.1, y[:9])} if held_out else {}
    trace = fit(
        pytorch.train, module, loss, y, 4, epochs=4, schedule=worse_at_the_end, fast=fast, **more
    )
    if held_out:
        x, y = more["validation"]
    assert not torch.equal(trace.theta, trace.last)
    assert trace.value == pytest.approx(measured(module, loss, x, y), rel=1e-12)
    if held_out:
        assert trace.value <= trace.extras["validation"].min()


@ways
def test_a_run_that_goes_on_from_a_checkpoint_leaves_the_same_buffers(fast, tmp_path):
    """The third epoch is the best; the last call begins after the fourth."""
    loss, y = LOSSES["class weights"]
    more = {"schedule": worse_at_the_end, "fast": fast, "validation": (X[:9] + 0.1, y[:9])}
    whole, parts = MODULES["both"](), [MODULES["both"]() for _ in range(5)]
    expected = fit(pytorch.train, whole, loss, y, 4, epochs=5, **more)
    for epochs, module in enumerate(parts, 1):
        path = tmp_path / "fit.npz"
        trace = fit(pytorch.train, module, loss, y, 4, epochs=epochs, checkpoint=path, **more)
    assert torch.equal(trace.theta, expected.theta)
    assert trace.value == expected.value == measured(parts[-1], loss, X[:9] + 0.1, y[:9])
    for ours, theirs in zip(parts[-1].buffers(), whole.buffers(), strict=True):
        assert torch.equal(ours, theirs)


def test_an_interrupted_or_lost_run_leaves_the_module_that_it_reports():
    for factor, says in ((0.0, "interrupted"), (float("nan"), "diverged")):
        module, steps = MODULES["batch normalization"](), []

        def loss(outputs, y, factor=factor, steps=steps):
            if outputs.requires_grad:
                steps.append(None)
                if len(steps) == 15:
                    if factor == 0:
                        raise KeyboardInterrupt
                    return factor * outputs.sum()
            return functional.cross_entropy(outputs, y, WEIGHTS)

        trace = fit(pytorch.train, module, loss, LABELS, 4, epochs=4)
        assert says in trace.message
        assert trace.value == pytest.approx(measured(module, own_weighted, X, LABELS), rel=1e-12)


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_loss_of_all_data_that_is_never_finite_is_not_reported_as_another(by_hand):
    """The samples of the validation are so large that their squares overflow."""
    held_out = (X[:3] * 1e200, REAL[:3] * 1e200)
    if by_hand:
        trace = train(Network((4, K)), SquaredError(), X, REAL, Adam(), epochs=2, batch_size=4, rng=0,
                      validation=held_out)  # fmt: skip
    else:
        trace = fit(pytorch.train, nn.Linear(4, K).double(), SquaredError(), REAL, 4,
                    validation=held_out)  # fmt: skip
    assert np.isfinite(np.asarray(trace.values)).all()
    assert trace.value == np.inf


def test_each_layer_has_its_own_mode_back(monkeypatch):
    environment(monkeypatch)
    for fitted, build in ((pytorch.train, "both"), (pytorch.train_distributed, "dropout")):
        module = MODULES[build]()
        module[1].eval()
        modes = [layer.training for layer in module.modules()]
        fit(fitted, module, nn.MSELoss(), REAL, 4)
        assert [layer.training for layer in module.modules()] == modes


# --- the mean over an epoch, and over what is measured --------------------------------------------


@pytest.mark.parametrize("loss", ["class weights", "ignored labels", "negative logarithms", "squares"])
def test_the_loss_of_an_epoch_is_the_mean_over_what_has_passed(loss):
    """With a rate of nearly 0, all minibatches together are all data."""
    loss, y = LOSSES[loss]
    module = MODULES["plain"]()
    trace = fit(pytorch.train, module, loss, y, 4, rule=GradientDescent(1e-13))
    expected = measured(module, loss, X, y)
    np.testing.assert_allclose(trace.extras["loss"], expected, rtol=1e-9)


def of_classes(loss):
    return loss is functional.cross_entropy or type(loss) in (nn.CrossEntropyLoss, nn.NLLLoss)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_adds_up_where_it_says_so(loss):
    loss, y = LOSSES[loss]
    outputs = torch.tensor(np.random.default_rng(1).standard_normal((T, K)))
    each = bool(loss(outputs, y).ndim)
    mean = MeanLoss(loss, each=each)
    parts = slice(0, 5), slice(5, T)
    total = sum(float(mean.sum(outputs[part], y[part])) for part in parts)
    together = total / sum(float(mean.count(y[part])) for part in parts)
    expected = float(loss(outputs, y).mean())
    if mean.adds_up:
        assert together == pytest.approx(expected, rel=1e-12)
    else:  # the test would miss nothing if all added up
        assert (
            together != pytest.approx(expected, rel=1e-6)
            or loss is LOSSES["yes or no, weighted"][0]
            or (type(loss) in PLAIN)
        )


def test_the_tables_are_in_the_law():
    """Each plain mean of PyTorch that is known stands in LOSSES, or is one of them by another name."""
    others = {nn.BCELoss, nn.MultiLabelMarginLoss}  # which need outputs or targets of another kind
    assert {type(loss) for loss, _ in LOSSES.values()} >= set(PLAIN) - others
    assert pytorch.cross_entropy in PLAIN_FUNCTIONS


def test_two_losses_that_need_other_data_add_up():
    inside, several = REAL.sigmoid(), torch.tensor([[0, 2, -1], [1, -1, 0]] * 4)
    for loss, outputs, y in (
        (nn.BCELoss(), inside, YES),
        (nn.MultiLabelMarginLoss(), REAL[:8], several),
        (functional.binary_cross_entropy, inside, YES),
        *((f, REAL, SIGNS if f is functional.soft_margin_loss else YES) for f in PLAIN_FUNCTIONS[2:]),
    ):
        mean = MeanLoss(loss)
        assert mean.adds_up
        parts = slice(0, 3), slice(3, len(y))
        together = sum(float(mean.sum(outputs[part], y[part])) for part in parts) / len(y)
        assert together == pytest.approx(float(loss(outputs, y)), rel=1e-12)


class Pair(nn.Module):
    """Returns two tensors, as a network with two heads does."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(4, K).double(), nn.Linear(4, K).double()

    def forward(self, x):
        return self.one(x), self.other(x)


def test_outputs_that_are_no_tensor_are_measured_all_at_once():
    def loss(outputs, y):
        return functional.cross_entropy(sum(outputs), y, WEIGHTS)

    module = Pair()
    trace = fit(pytorch.train, module, loss, LABELS, 4)
    assert trace.value == pytest.approx(measured(module, loss, X, LABELS), rel=1e-12)


def test_pixels_count_one_by_one():
    """Outputs (T, K, d) of labels (T, d), some of which are ignored."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, K * 2), nn.Unflatten(1, (K, 2))).double()
    y = torch.stack([LABELS, SOME], 1)
    for loss in (nn.CrossEntropyLoss(), nn.CrossEntropyLoss(WEIGHTS, label_smoothing=0.1)):
        holds(pytorch.train, lambda: copy.deepcopy(module), loss, y, 4)


# --- by hand, and as a function of theta ----------------------------------------------------------


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize(("loss", "y"), [(SquaredError(), REAL), (CrossEntropy(), LABELS)])
def test_by_hand_the_value_is_the_total_loss_at_theta(loss, y, tensors):
    x, y, network = (X, y, Network((4, 5, K))) if tensors else (X.numpy(), y.numpy(), Network((4, 5, K)))
    for held_out in (None, (x[:7], y[:7])):
        trace = train(network, loss, x, y, Adam(0.05), epochs=3, batch_size=4, rng=0,
                      validation=held_out)  # fmt: skip
        g = TotalLoss(network, loss, *(held_out or (x, y)))
        assert trace.value == pytest.approx(float(g(trace.theta)), rel=1e-12)


@pytest.mark.parametrize("build", MODULES)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_module_as_a_function_of_theta_is_the_recipe(loss, build):
    (loss, y), module = LOSSES[loss], MODULES[build]()
    g, expected = pytorch.TotalLoss(module, loss, X, y), measured(module, loss, X, y)
    assert float(g(g.start)) == pytest.approx(expected, rel=1e-12)
    module.zero_grad()
    loss(module(X), y).mean().backward()
    named = dict(module.named_parameters())
    order = sorted(named, key=lambda name: (name.split(".")[0], not name.endswith("bias")))
    gradient = torch.cat([named[name].grad.reshape(-1) for name in order])
    np.testing.assert_allclose(g.gradient(g.start), gradient, rtol=1e-9, atol=1e-12)


# --- what is refused, or said ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "y", "says"),
    [
        (nn.CrossEntropyLoss(), torch.full((T,), -100), "all of y is -100, which this loss ignores"),
        (nn.CrossEntropyLoss(torch.tensor([0.0, 1.0, 1.0]).double()), torch.zeros(T, dtype=torch.int64),
         "all of y is of classes that weigh 0"),
        (nn.CrossEntropyLoss(), torch.arange(T) % 2 - (torch.arange(T) > 5).long(),
         r"y must hold class numbers from 0 to 2, or -100, which this loss ignores; got -1\.\.1"),
        (functional.cross_entropy, torch.arange(T), r"from 0 to 2, or -100, .* got 0\.\.22"),
        (nn.MSELoss(reduction="sum"), REAL, "Give it reduction='mean'"),
        (lambda a, y: ((a.detach() - y) ** 2).mean(), REAL, "autograd sees no way from the loss back"),
    ],
)  # fmt: skip
@ways
def test_what_has_no_mean_or_no_gradient(loss, y, says, fast):
    with pytest.raises(ValueError, match=says):
        fit(pytorch.train, MODULES["plain"](), loss, y, 4, fast=fast)
    if "autograd" not in says:
        with pytest.raises(ValueError, match=says):
            pytorch.TotalLoss(MODULES["plain"](), loss, X, y)


def test_labels_of_the_validation_are_called_so():
    held_out = X[:3], torch.full((3,), -100)
    with pytest.raises(ValueError, match="all of validation y is -100"):
        fit(pytorch.train, MODULES["plain"](), nn.CrossEntropyLoss(), LABELS, 4, validation=held_out)


def test_a_gradient_that_would_be_zero_since_nothing_was_recorded_is_refused():
    def wrong(outputs, y):
        return (outputs.argmax(1) != y).double()

    g = pytorch.TotalLoss(MODULES["plain"](), wrong, X, LABELS)
    h = pytorch.objective(lambda theta: (theta.detach() ** 2).sum())
    for f, theta in ((g, g.start), (g, g.start.repeat(2, 1)), (h, X[0]), (h, X)):
        assert torch.isfinite(f(theta)).all()  # a value needs no gradient
        for derivative in (f.gradient, f.hessian):
            with pytest.raises(ValueError, match="has no connection to theta that autograd knows"):
                derivative(theta)


# --- what kind of numbers comes in ----------------------------------------------------------------


NET = Network((4, 5, K))
ATTACHED = (
    X.clone().requires_grad_(),  # a leaf
    REAL * torch.ones((), dtype=torch.float64, requires_grad=True),  # with a graph behind it
)


def fitted_by_hand(x, y):
    return train(NET, SquaredError(), x, y, Adam(), epochs=1, batch_size=4, rng=0, validation=(x, y))


FROM_DATA = {
    "train": lambda x, y: fitted_by_hand(x, y).theta,
    "pytorch.train": lambda x, y: (
        pytorch.train(
            seeded(nn.Tanh),
            SquaredError(),
            x,
            y,
            Adam(),
            epochs=1,
            batch_size=4,
            rng=0,
            validation=(x, y),
        ).theta
    ),
    "TotalLoss": lambda x, y: TotalLoss(NET, SquaredError(), x, y)(torch.ones(NET.size).double()),
    "its gradient": lambda x, y: TotalLoss(NET, SquaredError(), x, y).gradient(NET.init(0).tolist()),
    "pytorch.TotalLoss": lambda x, y: pytorch.TotalLoss(seeded(nn.Tanh), SquaredError(), x, y)(
        torch.ones(4 * 6 + 6 + 6 * K + K).double()
    ),
    "backprop": lambda x, y: backprop(NET, SquaredError(), torch.ones(NET.size).double(), x, y)[1],
    "normal_equations": lambda x, y: normal_equations(x, y[:, 0]),
    "least_squares": lambda x, y: least_squares(x, y[:, 0]),
    "fit_affine": lambda x, y: fit_affine(x, y[:, 0])[0],
    "lasso": lambda x, y: lasso(x, y[:, 0], 0.1).theta,
    "nonnegative_least_squares": lambda x, y: nonnegative_least_squares(x, y[:, 0]).theta,
}


@pytest.mark.parametrize("name", FROM_DATA)
def test_data_with_a_graph_are_their_numbers(name):
    found, expected = FROM_DATA[name](*ATTACHED), FROM_DATA[name](X, REAL)
    assert torch.equal(found, expected)
    assert not found.requires_grad


def test_values_with_a_graph_are_their_numbers_for_arrays_too():
    weight = torch.ones(2, dtype=torch.float64, requires_grad=True)

    def g(theta):
        return (torch.as_tensor(theta) * weight).sum(-1) ** 2

    square = Interval(-1, 1) ** 2
    assert grid_search(g, square, 3).value == 0.0
    assert particle_swarm(g, square, population=5, steps=3, rng=0).value >= 0.0


def test_a_g_of_tensors_that_is_given_arrays_says_how_it_takes_them():
    def g(theta):
        return torch.exp(theta).sum(-1)

    with pytest.raises(TypeError, match=r"must be Tensor, not numpy\.ndarray") as error:
        grid_search(g, Interval(-1, 1) ** 2, 3)
    assert any("lecturecode.pytorch.objective(g)" in note for note in error.value.__notes__)
    assert grid_search(pytorch.objective(g), Interval(-1, 1) ** 2, 3).theta.tolist() == [-1, -1]


@pytest.mark.parametrize("which", ["gradient", "Hessian"])
def test_derivatives_of_another_library_than_theta_are_refused(which):
    ours, theirs = (
        (lambda t: 2 * t, lambda t: 2 * np.eye(2)),
        (
            lambda t: 2 * torch.as_tensor(t),
            lambda t: 2 * torch.eye(2, dtype=torch.float64),
        ),
    )
    pair = (theirs[0], ours[1]) if which == "gradient" else (ours[0], theirs[1])
    with pytest.raises(TypeError, match=f"theta is a NumPy array and the {which.lower()} is a PyTorch"):
        find_stationary_point(*pair, np.ones(2))


@pytest.mark.parametrize("rule", [GradientDescent(0.1), Momentum(0.05, 0.5), Adam(0.05, eps=1e-4)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sixteen_bits_are_answered_with_sixteen(dtype, rule):
    x = torch.linspace(-1, 1, 40)[:, None].to(dtype)
    torch.manual_seed(0)
    module = nn.Linear(1, 1).to(dtype)
    trace = pytorch.train(module, SquaredError(), x, 3 * x + 1, rule, epochs=60, batch_size=10, rng=0)
    assert trace.theta.dtype == dtype
    assert "value=" in repr(trace)
    spacing = torch.finfo(dtype).eps  # of numbers near 1; a line near 3 + 1 has four times that
    assert trace.value == pytest.approx(
        measured(module, SquaredError(), x, 3 * x + 1), rel=8 * spacing, abs=16 * spacing**2
    )
    assert trace.value < 0.05
