"""Data, modules and mistakes as readers bring them: what works, and what is refused with a reason."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import lecturecode
from lecturecode import (
    Adam,
    CrossEntropy,
    GradientDescent,
    Integers,
    Momentum,
    Network,
    RankDeficientWarning,
    SquaredError,
    check_gradient,
    design_matrix,
    fit_affine,
    graph,
    least_squares,
    normal_equations,
    plots,
)
from lecturecode.checkpoints import CheckpointError
from lecturecode.graph import Node, backward
from lecturecode.pytorch import TotalLoss, cross_entropy, get_theta, train

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 3))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
WORDS = RNG.integers(0, 5, (30, 3))
ALONG = X[:, 0] + 0.1
SLOW = Adam(0.01)
both_ways = pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])


def seeded(*layers, dtype=torch.float64):
    torch.manual_seed(0)
    return nn.Sequential(*[layer() for layer in layers]).to(dtype)


def classes(dtype=torch.float64):
    return seeded(lambda: nn.Linear(3, 4), nn.Tanh, lambda: nn.Linear(4, 2), dtype=dtype)


def curve(*more):
    return seeded(lambda: nn.Linear(3, 4), nn.Tanh, lambda: nn.Linear(4, 1), *more)


def embedding(dtype=torch.float64):
    return seeded(lambda: nn.Embedding(5, 4), nn.Flatten, lambda: nn.Linear(12, 2), dtype=dtype)


def fit(module=None, loss=None, x=X, y=LABELS, rule=SLOW, **more):
    given = {"epochs": 4, "batch_size": 8, "rng": 3} | more
    return train(module or classes(), loss or CrossEntropy(), x, y, rule, **given)


# --- what works -----------------------------------------------------------------------------------


@both_ways
def test_ten_lines_with_data_of_ones_own(fast):
    x = np.linspace(-2, 2, 60, dtype="float32")[:, None]
    y = np.sin(2 * x)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    trace = train(module, nn.MSELoss(), x, y, Adam(0.02), epochs=150, batch_size=10, rng=0, fast=fast)
    assert trace.value < 0.02
    assert float(((module(torch.from_numpy(x)).detach() - torch.from_numpy(y)) ** 2).mean()) < 0.02


@both_ways
def test_whole_numbers_into_an_embedding_give_losses_that_are_fractions(fast):
    trace = fit(embedding(), x=WORDS, fast=fast, record_every=1)
    g = TotalLoss(embedding(), CrossEntropy(), WORDS, LABELS)
    assert trace.values.dtype == torch.float64
    assert float(trace.values[-1]) == pytest.approx(float(g(trace.last)), rel=1e-13)
    assert (trace.values > 0.1).all()
    assert torch.equal(trace.values, fit(embedding(), x=WORDS, fast=not fast).values)
    assert check_gradient(g, g.gradient, g.start) < 1e-6


@both_ways
def test_a_run_on_whole_numbers_goes_on_from_its_checkpoint(tmp_path, fast):
    whole = fit(embedding(), x=WORDS, fast=fast)
    path = tmp_path / "fit.npz"
    fit(embedding(), x=WORDS, fast=fast, checkpoint=path, epochs=2)
    with pytest.raises(CheckpointError, match=r"numbers: the file has .*float64"):
        fit(embedding(torch.float32), x=WORDS, fast=fast, checkpoint=path)
    assert torch.equal(fit(embedding(), x=WORDS, fast=fast, checkpoint=path).values, whole.values)


LOSSES = {"package": CrossEntropy(), "PyTorch": nn.CrossEntropyLoss(), "by hand": cross_entropy}


@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "uint16", "uint64"])
@pytest.mark.parametrize("loss", LOSSES)
def test_labels_of_any_integers_are_the_same_labels(loss, kind):
    expected = fit(loss=LOSSES[loss]).values
    assert torch.equal(fit(loss=LOSSES[loss], y=LABELS.astype(kind)).values, expected)
    assert torch.equal(fit(loss=LOSSES[loss], y=torch.from_numpy(LABELS.astype(kind))).values, expected)


def test_labels_of_bytes_are_no_mask():
    outputs = torch.from_numpy(X[:2].copy())  # as many rows as a mask of the labels would need
    found = [cross_entropy(outputs, torch.tensor([2, 1], dtype=d)) for d in (torch.uint8, torch.int64)]
    assert torch.equal(*found)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@both_ways
def test_half_precision_trains_and_goes_on_bit_for_bit(tmp_path, dtype, fast):
    x, path = torch.from_numpy(X).to(dtype), tmp_path / "fit.npz"
    given = {"x": x, "rule": Adam(0.01, eps=1e-3), "fast": fast, "record_every": 1}
    whole = fit(classes(dtype), **given)
    assert whole.theta.dtype == whole.values.dtype == dtype
    fit(classes(dtype), **given, checkpoint=path, epochs=2)
    rest = fit(classes(dtype), **given, checkpoint=path)
    for name in ("thetas", "values", "theta", "last"):
        assert torch.equal(getattr(rest, name), getattr(whole, name)), name


@both_ways
def test_tied_and_frozen_and_idle_parameters(fast):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.first, self.second, self.idle = (nn.Linear(3, 3).double() for _ in range(3))
            self.second.weight = self.first.weight
            self.second.bias.requires_grad_(False)

        def forward(self, x):
            return self.second(torch.tanh(self.first(x)))

    module = Tied()
    kept = [module.second.bias.clone(), module.idle.weight.clone()]
    trace = fit(module, SquaredError(), X, X, fast=fast, epochs=20)
    assert trace.theta.shape == (3 + 9 + 3 + 9,)
    assert trace.value < 0.9 * float(TotalLoss(Tied(), SquaredError(), X, X)(get_theta(Tied())))
    assert module.second.weight is module.first.weight
    assert torch.equal(module.second.bias, kept[0])
    assert torch.equal(module.idle.weight, kept[1])
    g = TotalLoss(module, SquaredError(), X, X)
    assert trace.value == pytest.approx(float(g(trace.theta)), rel=1e-13)
    assert check_gradient(g, g.gradient, g.start) < 1e-6


def noisy():
    return seeded(lambda: nn.Linear(3, 6), lambda: nn.BatchNorm1d(6), nn.Dropout,
                  lambda: nn.Linear(6, 2))  # fmt: skip


class Spy(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append((self.training, torch.is_grad_enabled(), len(x)))
        return x


@both_ways
@pytest.mark.parametrize("training", [True, False])
def test_a_module_learns_in_training_mode_and_is_validated_in_evaluation_mode(fast, training):
    module = nn.Sequential(Spy(), classes()).train(training)
    fit(module, epochs=2, batch_size=15, fast=fast, validation=(X[:7], LABELS[:7]))
    door, measured, step = (False, False, 2), (False, False, 7), (True, True, 15)
    expected = [door, door, measured, *[step, step, measured] * 2, (False, False, 30)]
    assert module[0].seen == expected
    assert module.training == training


def test_dropout_and_batch_norm_in_evaluation_mode_give_the_value_of_the_trace():
    module = noisy()
    trace = fit(module, epochs=6, batch_size=10)
    with torch.no_grad():
        outputs = module.eval()(torch.from_numpy(X))
    value = nn.functional.cross_entropy(outputs, torch.from_numpy(LABELS))
    assert trace.value == pytest.approx(float(value), rel=1e-12)
    assert int(module[1].num_batches_tracked) == 18


def test_a_generator_of_pytorch_draws_the_minibatches_and_goes_on(tmp_path):
    def drawn(**more):
        return fit(rng=torch.Generator().manual_seed(4), **more)

    path, whole = tmp_path / "fit.npz", drawn()
    assert torch.equal(drawn().values, whole.values)
    assert not torch.equal(fit().values, whole.values)
    drawn(checkpoint=path, epochs=2)
    assert torch.equal(drawn(checkpoint=path).values, whole.values)


@both_ways
def test_ctrl_c_in_an_epoch_and_the_same_line_again_end_as_if_there_had_been_none(tmp_path, fast):
    def schedule(step):
        if step == 10 and stop:
            raise KeyboardInterrupt
        return 0.01

    stop, given = False, {"schedule": schedule, "fast": fast, "record_every": 1, "epochs": 5}
    whole, stop, path = fit(noisy(), **given), True, tmp_path / "fit.npz"
    cut = fit(noisy(), **given, checkpoint=path)
    assert cut.message == "interrupted after 10 steps, in epoch 3"
    stop, module = False, noisy()
    rest = fit(module, **given, checkpoint=path)
    for name in ("thetas", "values", "theta", "last"):
        assert torch.equal(getattr(rest, name), getattr(whole, name)), name
    assert torch.equal(get_theta(module), whole.theta)


@both_ways
def test_a_run_that_goes_on_remembers_since_when_it_has_waited(tmp_path, fast):
    def waiting(**more):
        return fit(rule=GradientDescent(0.05), validation=(X, LABELS), patience=2, fast=fast, **more)

    path, whole = tmp_path / "fit.npz", waiting(epochs=8)
    assert whole.steps == 8 * 4  # it falls and falls
    waiting(epochs=4, checkpoint=path)
    rest = waiting(epochs=8, checkpoint=path)
    assert rest.message == whole.message == "used up all 8 epochs"
    assert torch.equal(rest.values, whole.values)


@both_ways
def test_an_interrupted_run_may_be_best_at_the_step_where_it_was(fast):
    def schedule(step):
        if step == 5 and stop:  # of two steps an epoch
            raise KeyboardInterrupt
        return 0.1

    stop, given = False, {"rule": GradientDescent(1.0), "schedule": schedule, "batch_size": 15}
    whole, stop, module = fit(**given, record_every=1), True, classes()
    cut = fit(module, **given, fast=fast)
    g = TotalLoss(classes(), CrossEntropy(), X, LABELS)
    assert float(g(whole.thetas[5])) < float(g(whole.thetas[4]))
    assert torch.equal(cut.theta, whole.thetas[5])
    assert torch.equal(get_theta(module), cut.theta)
    assert cut.value == pytest.approx(float(g(cut.theta)), rel=1e-13)


def test_a_second_call_goes_on_from_the_theta_of_the_first():
    module = classes()
    first = fit(module, epochs=10)
    second = fit(module, epochs=10, record_every=1)
    assert torch.equal(second.thetas[0], first.theta)
    assert second.value < first.value


def test_an_optimizer_of_ones_own_with_weight_decay():
    def build(parameters):
        return torch.optim.SGD(parameters, lr=0.1, weight_decay=0.5)

    module = classes()
    theta = get_theta(module)
    trace = fit(module, rule=build, epochs=1, batch_size=30, record_every=1)
    gradient = TotalLoss(classes(), CrossEntropy(), X, LABELS).gradient(theta)
    torch.testing.assert_close(
        trace.last, theta - 0.1 * (gradient + 0.5 * theta), rtol=1e-12, atol=1e-14
    )


@both_ways
def test_gradients_of_before_are_forgotten(fast):
    module = classes()
    for parameter in module.parameters():
        parameter.grad = torch.full_like(parameter, 1e6)
    trace = fit(module, rule=GradientDescent(0.1), fast=fast)
    assert torch.equal(trace.values, fit(rule=GradientDescent(0.1), fast=fast).values)


def test_a_loss_that_takes_outputs_apart_may_have_targets_of_another_shape():
    def first_column(a, y):
        return (a[:, 0] - y) ** 2

    for loss in (first_column, lambda a, y: first_column(a, y).mean(), lambda a, y: (a[:, 0] - y).abs()):
        assert fit(curve(), loss, y=ALONG).value < np.inf
    flat = curve(lambda: nn.Flatten(0))
    expected = fit(curve(), SquaredError(), y=ALONG[:, None])
    assert torch.allclose(fit(flat, nn.MSELoss(), y=ALONG).values, expected.values, rtol=1e-13)


def test_steps_with_a_loss_of_another_precision_keep_their_losses():
    def exact(a, y):
        return ((a.double() - y.double()) ** 2).sum(-1)

    module, y = curve().float(), ALONG[:, None].astype("f4")
    values = [fit(module, exact, X.astype("f4"), y, start=get_theta(curve().float()), fast=fast).values
              for fast in (False, True)]  # fmt: skip
    torch.testing.assert_close(values[0].float(), values[1], rtol=1e-6, atol=0)


# --- what is refused ------------------------------------------------------------------------------


def per_pair(a, y):
    return ((a - y) ** 2).sum(-1)


BROADCAST = {
    "PyTorch": (nn.MSELoss(), (), ALONG, r"\(T, 1\) and the targets have shape \(30,\).*y\[:, None\]"),
    "mean": (lambda a, y: (a - y).abs().mean(), (), ALONG, "compares each output with each target"),
    "each": (per_pair, (), ALONG, "compares each output with each target"),
    "flat": (
        nn.L1Loss(),
        (lambda: nn.Flatten(0),),
        ALONG[:, None],
        r"\(T,\) and .*\(30, 1\).*y\[:, 0\]",
    ),
}


@pytest.mark.parametrize("name", BROADCAST)
@pytest.mark.parametrize("use", ["train", "total loss"])
def test_a_loss_that_would_broadcast_is_refused(name, use):
    loss, more, y, match = BROADCAST[name]
    with pytest.raises(ValueError, match=match):
        fit(curve(*more), loss, y=y) if use == "train" else TotalLoss(curve(*more), loss, X, y)


def test_a_loss_that_would_broadcast_is_refused_whatever_the_first_targets_are():
    y = np.ones(30)
    y[20] = 0
    with pytest.raises(ValueError, match="compares each output with each target"):
        fit(curve(), nn.MSELoss(), y=y)


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.GRU(3, 2).double()

    def forward(self, x):
        return self.inner(x)


def elsewhere(parameters):
    return torch.optim.Adam(classes().parameters())


REFUSED = {
    "a pair": ({"module": Pair()}, ValueError, r"needs outputs of shape \(T, N_L\); Pair returned a t"),
    "a sum": ({"loss": nn.CrossEntropyLoss(reduction="sum")}, ValueError, "Give it reduction='mean'"),
    "negative labels": ({"loss": cross_entropy, "y": LABELS - 1}, ValueError, r"0 to 1; got -1\.\.0"),
    "large labels": ({"loss": cross_entropy, "y": LABELS + 9}, ValueError, r"from 0 to 1; got 9\.\.10"),
    "LBFGS": ({"rule": torch.optim.LBFGS}, TypeError, "LBFGS asks for the loss several times a step"),
    "others": ({"rule": elsewhere}, ValueError, "the Adam changes 4 tensors that are not the module's"),
    "precision": ({"module": classes(torch.float32)}, TypeError, r"x has .*64; .*x.astype\('float32'\)"),
    "tensors": ({"module": classes(torch.float32), "x": torch.from_numpy(X)}, TypeError,
                r"or x\.to\(torch\.float32\)"),
    "meta": ({"module": classes().to("meta")}, ValueError, r"is on the meta device.*to_empty"),
    "batch": ({"batch_size": 64}, ValueError, "at most the number of samples, 30; got 64"),
    "patience": ({"patience": 1}, ValueError, "patience needs validation"),
    "legacy": ({"rng": np.random.RandomState(0)}, TypeError, "rng must be None.*got RandomState"),
}  # fmt: skip


@both_ways
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_what_came_and_what_to_do(name, fast):
    change, error, match = REFUSED[name]
    with pytest.raises(error, match=match):
        fit(**change, fast=fast)


def test_a_minibatch_of_one_under_batch_norm_is_named_in_a_note():
    with pytest.raises(ValueError, match="more than 1 value per channel") as error:
        fit(noisy(), batch_size=29)
    (note,) = error.value.__notes__
    assert "in epoch 1, after 1 steps. Minibatches have 29 samples, the last of an epoch 1;" in note
    assert "keep_last=False" in note
    assert fit(noisy(), batch_size=29, keep_last=False).steps == 4


# --- nodes ----------------------------------------------------------------------------------------


def test_a_node_is_neither_true_nor_false():
    for value in (0.0, 1.0, np.zeros(2)):
        with pytest.raises(TypeError, match=r"Node\(.*neither true nor false.*if node.value > 0"):
            bool(Node(value))
    with pytest.raises(TypeError, match="'>' not supported between instances of 'Node' and 'int'"):
        bool(Node(1.0) > 0)


@pytest.mark.parametrize(
    "function",
    [np.sum, np.mean, np.asarray, np.squeeze, lambda a: np.dot(a, a.value), lambda a: np.array([a, a]),
     lambda a: np.concatenate([a, a.value]), lambda a: np.where(a.value > 0, a, 0),
     lambda a: Node([a, a])],
)  # fmt: skip
def test_numpy_does_not_take_nodes_apart(function):
    with pytest.raises(TypeError, match=r"got a Node, and would lose its graph; use .*node.value"):
        function(Node(np.ones(3)))


def test_a_reshape_takes_one_tuple_or_several_numbers():
    a = Node(X)
    assert a.reshape(3, 30).shape == a.reshape((3, -1)).shape == (3, 30)
    backward((a.reshape(3, 30) * np.arange(30)).sum())
    np.testing.assert_array_equal(a.grad, np.tile(np.arange(30.0), 3).reshape(30, 3))


@pytest.mark.parametrize("axis", [None, 0, 2, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_a_mean_of_three_axes_is_numpys_and_shares_the_gradient_out(axis, keepdims):
    value = np.arange(24.0).reshape(2, 3, 4)
    a = Node(value)
    mean = a.mean(axis, keepdims)
    np.testing.assert_allclose(mean.value, value.mean(axis, keepdims=keepdims), rtol=1e-14)
    backward(mean.sum())
    np.testing.assert_allclose(a.grad, np.full(value.shape, mean.value.size / 24), rtol=1e-14)


def test_a_function_that_does_not_look_at_theta_has_the_gradient_zero():
    value, gradient = graph.value_and_gradient(lambda theta: Node(3.0) * 2)([1.0, 2.0])
    assert (float(value), gradient.tolist()) == (6.0, [0.0, 0.0])


def test_a_name_may_be_given_to_another_node():
    a = b = Node(1.0)
    b += 2
    assert (float(a.value), float(b.value)) == (1.0, 3.0)
    backward(b * b)
    assert (a.grad, b.grad) == (6.0, 6.0)


def test_entries_of_no_samples_have_empty_gradients():
    a = Node(np.ones((0, 3)))
    backward(a.sum())
    assert a.grad.shape == (0, 3)


def test_networks_of_arrays_are_constants_and_of_tensors_refused():
    network = Network((3, 4, 2))
    theta = network.init(0)
    outputs = graph.dnn(network, theta, X)
    np.testing.assert_allclose(outputs.value, network.predict(theta, X), rtol=1e-13)
    assert outputs.constant
    assert graph.cross_entropy(outputs.value, LABELS).constant
    for given in ((torch.from_numpy(theta), X), (Node(theta), torch.from_numpy(X))):
        with pytest.raises(TypeError, match="Nodes and PyTorch tensors do not mix"):
            graph.dnn(network, *given)
    with pytest.raises(TypeError, match="Nodes and PyTorch tensors do not mix"):
        graph.cross_entropy(torch.from_numpy(X), LABELS)
    with pytest.raises(TypeError, match="x is a NumPy array and labels is a PyTorch tensor"):
        graph.cross_entropy(outputs, torch.from_numpy(LABELS))
    with pytest.raises(ValueError, match=r"outputs must have shape \(T, N\); got \(3,\)"):
        graph.cross_entropy(Node(np.ones(3)), [0])


# --- what one test alone shows --------------------------------------------------------------------


@both_ways
def test_the_loss_that_was_nan_is_the_last_value(fast):
    calls = []

    def loss(a, y):
        calls.append(len(y))
        return nn.functional.cross_entropy(a, y) * (np.nan if len(calls) == 8 else 1)

    trace = fit(loss=loss, fast=fast)  # one call at the door, and seven steps
    assert trace.steps == 6
    assert torch.isfinite(trace.values).tolist() == [True] * 6 + [False]
    assert trace.message.startswith("diverged at step 6, after 1 epochs")


def test_momentum_with_one_rate_and_with_the_same_schedule_are_one_run():
    kept = fit(rule=Momentum(0.05, 0.8)).values
    torch.testing.assert_close(
        fit(rule=Momentum(9.0, 0.8), schedule=lambda i: 0.05).values, kept, rtol=1e-12, atol=0
    )


def test_the_odd_minibatch_of_a_captured_run_has_its_own_samples():
    seen = []

    def loss(a, y):
        seen.append(y.tolist())
        return ((a - y) ** 2).sum(-1)

    y = np.arange(30.0)[:, None]
    fit(curve(), loss, y=y, fast=True, epochs=1, batch_size=8)
    batches = [np.ravel(batch).astype(int).tolist() for batch in seen[1:5]]
    order = np.random.default_rng(3).permutation(30)
    assert [len(batch) for batch in batches] == [8, 8, 8, 6]
    assert np.concatenate(batches).tolist() == order.tolist()


# --- a table of one's own -------------------------------------------------------------------------

ROOT = Path(__file__).parents[1]
CITIES = np.array(["Basel", "Bern", "Chur"])
DAYS = np.datetime64("2020-01-01") + np.arange(300) * 5
PLACE = RNG.integers(0, 3, 300)
AREA, AGE = RNG.integers(30, 200, 300), RNG.uniform(0, 60, 300).round(1)
PRICES = 4 * AREA - 1.5 * AGE + 60.0 * PLACE + 0.01 * np.arange(300)
DUMMIES = (PLACE[:, None] == np.arange(3)).astype(float)
PARITY = (np.arange(300)[:, None] % 2 == np.arange(2)).astype(float)
NUMBERS = np.column_stack([AREA, AGE])


def test_the_table_of_the_readme_becomes_a_line_and_a_network(tmp_path, monkeypatch):
    rows = zip(AREA.tolist(), AGE.tolist(), CITIES[PLACE], DAYS, PRICES.tolist(), strict=True)
    lines = ["area,age,city,sold,price", *(",".join(map(str, row)) for row in rows)]
    gaps = {5: 0, 17: 1, 40: 2, 41: 3, 90: 4}  # a row, and which of its columns is empty
    for row, column in gaps.items():
        cells = lines[row + 1].split(",")
        lines[row + 1] = ",".join([*cells[:column], "", *cells[column + 1 :]])
    (tmp_path / "homes.csv").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## With your own data")[1]
    found = {}
    exec(section.split("```python\n")[1].split("```")[0], found)
    kept = np.delete(np.arange(300), list(gaps))
    fit = np.arange(295) % 4 > 0
    x, a = found["x"], found["a"]
    assert found["x"].shape == (295, 5)
    line = design_matrix(x) @ a * found["unit"] + found["level"]
    np.testing.assert_allclose(line, PRICES[kept], rtol=1e-9)  # the prices are such a line
    error = np.sqrt(((found["prices"][:, 0] - PRICES[kept][~fit]) ** 2).mean())
    assert error < 0.1 * PRICES.std()


NAMED = {
    "dummies": (DUMMIES, "Columns 0, 1 and 2 of x and the intercept have two values.*Drop one of each"),
    "two categories": (np.column_stack([DUMMIES, AGE, PARITY]),
                       "Columns 0, 1, 2, 4 and 5 of x and the intercept have two values each"),
    "standardized": ((DUMMIES - DUMMIES.mean(0)) / DUMMIES.std(0), "Columns 0, 1 and 2 of x have two v"),
    "constant": (np.column_stack([NUMBERS, np.full(300, 0.3)]),
                 "Column 2 of x and the intercept are constant; leave all but one out"),
    "zero": (np.column_stack([NUMBERS, 0 * AGE]), "Column 2 of x is 0 in every row; leave it out"),
    "another unit": (np.column_stack([NUMBERS, AREA / 25.4]),
                     "Columns 0 and 2 of x depend on each other; leave one out"),
    "a sum": (np.column_stack([NUMBERS, AREA + AGE]), "Columns 0, 1 and 2 of x depend on each"),
}  # fmt: skip
LIBRARIES = {"arrays": np.asarray, "tensors": torch.as_tensor}


@pytest.mark.numeric
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", NAMED)
def test_dependent_columns_are_named(name, library, dtype):
    x, match = NAMED[name]
    x = np.asarray(x, dtype)
    y = LIBRARIES[library](PRICES.astype(dtype))
    with pytest.warns(RankDeficientWarning, match=match) as caught:
        fit_affine(LIBRARIES[library](x), y)
    assert caught[0].filename == __file__
    W = LIBRARIES[library](np.column_stack([x, np.ones(300, dtype)]))
    with pytest.raises(ValueError, match=r"W\^T W is singular.*[Cc]olumn.*\d.* of W "):
        normal_equations(W, y)


@pytest.mark.numeric
def test_least_squares_warn_of_dummies_alone():
    with pytest.warns(RankDeficientWarning, match="Columns 0, 1, 2 and 3 of W have two values each"):
        theta = least_squares(design_matrix(DUMMIES), PRICES)
    np.testing.assert_allclose(theta, np.linalg.pinv(design_matrix(DUMMIES)) @ PRICES, rtol=1e-10)
    assert len(least_squares(NAMED["another unit"][0], PRICES)) == 3
    assert len(fit_affine(DUMMIES[:, 1:], PRICES)) == 3
    assert len(normal_equations(design_matrix(DUMMIES[:, 1:]), PRICES)) == 3


def test_rows_of_which_a_few_depend_on_each_other_are_not_taken_for_all():
    """Sorted by category, or constant but for a few rows: the first look sees what is not so."""
    x = np.zeros((400, 2))
    x[:, 0], x[7, 1] = np.arange(400), 1.0
    W = design_matrix(x)
    y = W @ np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(normal_equations(W, y), [1, 2, 3], rtol=1e-8)


WITH_GAPS = np.where(np.arange(600).reshape(300, 2) % 97 == 1, np.nan, NUMBERS)
WITHOUT_SPREAD = np.column_stack([NUMBERS, np.full(300, np.nan)])
ODD = {
    "a table": (np.array([(1, "a")], "i8, U1"), r"table of 2 named columns.*column_stack\(\[x\['f0'\]"),
    "words": (CITIES[PLACE], r"with '\w+' at index \(0,\).*, x\[:, None\] == numpy.unique\(x\)$"),
    "a column of words": (np.array([[1, "Bern"], [2, "Chur"]], object),
                          r"'Bern' at index \(0, 1\).*, x\[:, 1, None\] == numpy.unique\(x\[:, 1\]\)$"),
    "rows of a file": ([["1", "2"], ["3", "4"]], r"by numpy.array\(x\).astype\(float\)"),
    "text": (np.array(["1", "2.5"]), r"Its entries become numbers by x.astype\(float\)"),
    "a gap": ([1.0, None], r"with None at index \(1,\), where a value is missing. Leave out its row"),
    "no text": (["1", ""], r"with '' at index \(1,\), where a value is missing"),
    "a word for a gap": (np.array(["1", "NA"]), r"'NA' at index \(1,\), after numbers.*read it as N"),
    "dates": (DAYS, r"Dates become days by \(d - d.min\(\)\) / numpy.timedelta64\(1, 'D'\), .* d is x$"),
    "dates in words": (DAYS.astype(str), r"where d is x.astype\('datetime64\[D\]'\)"),
    "dates of Python": (DAYS.astype(object), r"datetime.date.*where d is x.astype\('datetime64\[D\]'\)"),
    "masked": (np.ma.masked_invalid(WITH_GAPS), r"x\[~numpy.ma.getmaskarray\(x\).any\(1\)\]"),
    "rows": (WITH_GAPS, r"7 value.*index \(0, 1\); remove.*in 7 of 300 rows and columns 0, 1. To leave "
                        r"these rows out: keep = numpy.isfinite\(x\).all\(1\), then x\[keep\]"),
    "tensors": (torch.as_tensor(WITH_GAPS), r"keep = torch.isfinite\(torch.as_tensor\(x\)\).all\(1\)"),
    "no spread": (WITHOUT_SPREAD, "column 2 has no number at all, as a constant column after a div"),
    "every row": (np.where(np.eye(2) > 0, np.nan, 0.0), r"in 2 of 2 rows and columns 0, 1$"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_entries_that_are_no_numbers_are_shown_with_what_makes_numbers_of_them(name):
    x, match = ODD[name]
    y = torch.ones(len(x)).double() if isinstance(x, torch.Tensor) else np.ones(len(x))
    for take in (fit_affine, lambda x, y: design_matrix(x)):
        with pytest.raises((TypeError, ValueError), match=match):
            take(x, y)
    if name in ("words", "dates", "dates in words", "rows"):  # the other door
        with pytest.raises((TypeError, ValueError), match=match.replace("numpy.isfinite", r".*")[:40]):
            fit(x=x, y=np.zeros(len(x), int))


@pytest.mark.parametrize("name", ["a table", "words", "dates", "dates in words", "masked", "rows"])
def test_what_a_message_says_can_be_done(name):
    x = ODD[name][0]
    if name == "a table":
        done = np.column_stack([x["f0"], x["f0"]])
    elif name == "words":
        done = x[:, None] == np.unique(x)
        np.testing.assert_array_equal(done, DUMMIES)
    elif "dates" in name:
        d = x.astype("datetime64[D]")
        done = (d - d.min()) / np.timedelta64(1, "D")
        np.testing.assert_array_equal(done, 5.0 * np.arange(300))
    elif name == "masked":
        done = x[~np.ma.getmaskarray(x).any(1)]
    else:
        keep = np.isfinite(x).all(1)
        done = x[keep]
        assert len(done) == 293
    assert design_matrix(done).dtype == np.float64


TRACE = lecturecode.kmeans(NUMBERS, 2, rng=0)
SENTENCES = {
    "a trace": (lambda: Network((2, 1)).predict(TRACE, NUMBERS), "Trace.*Its attribute theta holds"),
    "labels of 1 and 2": (lambda: fit(y=LABELS + 1), r"got 1..2.*Classes are numbered from 0: y - 1"),
    "a column of labels": (lambda: CrossEntropy().targets(LABELS[:, None], 2, X), r"column, y\[:, 0\]"),
    "labels with gaps": (lambda: CrossEntropy().targets([0, np.nan], 2, X), "y has 1 value.*NaN"),
    "one output": (lambda: CrossEntropy().targets(0 * LABELS, 1, X), "at least 2; the network has 1"),
    "a list of domains": (lambda: lecturecode.random_search(len, [Integers(1, 2)], 3),
                          r"got list. The domains of several parameters are multiplied"),
    "a width not decoded": (lambda: Network((2, 7.0, 1)), r"got 7.0. A theta of a search.*decode"),
    "validation": (lambda: lecturecode.train(Network((3, 2)), CrossEntropy(), X.astype("f4"), LABELS,
                                             SLOW, epochs=1, batch_size=8, validation=(X, LABELS)),
                   r"x has dtype float32 and validation x has .*64; .*by .astype\('float32'\)"),
    "a start": (lambda: lecturecode.affine_error(X, ALONG)(np.zeros(4, "f4")),
                r"for instance by .astype\('float64'\)"),
    "words in a plot": (lambda: plots.clusters(NUMBERS, CITIES[PLACE]), "return_inverse=True"),
}  # fmt: skip


@pytest.mark.parametrize("name", SENTENCES)
def test_a_newcomers_slip_is_answered_by_what_to_do(name):
    call, match = SENTENCES[name]
    with pytest.raises((TypeError, ValueError), match=match):
        call()
