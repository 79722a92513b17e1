"""Training: minibatches, PyTorch's own loop step by step, schedules, early stopping, explosions."""

import dataclasses
import tracemalloc
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_networks import flat, module, total_loss

from lecturecode import (
    Adam,
    CrossEntropy,
    GradientDescent,
    Momentum,
    Network,
    SquaredError,
    TotalLoss,
    UnequalUnitsWarning,
    minibatches,
    train,
    training,  # its stepper
)
from lecturecode.schedules import cosine, inverse_time

LIBRARIES = {"numpy": np.asarray, "torch": torch.as_tensor}
libraries = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
X = np.random.default_rng(0).standard_normal((50, 3))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
CURVE = np.stack([np.sin(2 * X[:, 0]), X[:, 1] * X[:, 2]], -1)
TASKS = {
    "regression": (Network((3, 8, 2), "tanh"), SquaredError(), CURVE),
    "classes": (Network((3, 8, 5, 3), "relu"), CrossEntropy(), LABELS),
}
RULES = {
    "descent": (GradientDescent(0.05), lambda p: torch.optim.SGD(p, lr=0.05)),
    "momentum": (Momentum(0.02, 0.9), lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9)),
    "adam": (Adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
}
tasks = pytest.mark.parametrize("task", TASKS)
LINE = np.linspace(-1, 1, 20)[:, None]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 200), st.data(), st.booleans(), st.booleans())
def test_minibatches_are_disjoint_and_complete(samples, data, keep_last, torch_too):
    size = data.draw(st.integers(1, samples))
    more = {"rng": 3}
    if torch_too:
        more = {"rng": torch.Generator().manual_seed(3), "like": torch.empty(0)}
    batches = list(minibatches(samples, size, keep_last=keep_last, **more))
    seen = np.concatenate([np.asarray(batch) for batch in batches])
    assert len(set(seen.tolist())) == len(seen)
    assert set(seen.tolist()) <= set(range(samples))
    rest = samples % size
    assert len(seen) == (samples if keep_last else samples - rest)
    lengths = [size] * (samples // size) + [rest] * bool(rest and keep_last)
    assert [len(batch) for batch in batches] == lengths


def test_minibatches_are_drawn_anew_from_the_rng():
    rng = np.random.default_rng(0)
    first, second = (np.concatenate(list(minibatches(30, 7, rng=rng))) for _ in range(2))
    assert first.tolist() != second.tolist()
    assert first.tolist() == np.random.default_rng(0).permutation(30).tolist()
    ours = torch.cat(list(minibatches(30, 7, rng=torch.Generator().manual_seed(1), like=torch.empty(0))))
    assert torch.equal(ours, torch.randperm(30, generator=torch.Generator().manual_seed(1)))


@tasks
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("keep_last", [True, False])
@libraries
def test_a_run_is_pytorchs_own_loop_minibatch_by_minibatch(task, rule, keep_last, library):
    network, loss, y = TASKS[task]
    ours, theirs = RULES[rule]
    theta = network.init(1)
    trace = train(
        network, loss, library(X), library(y), ours, epochs=30, batch_size=8, rng=7,
        start=library(theta), keep_last=keep_last, record_every=1,
    )  # fmt: skip

    net = module(network, theta)
    optimizer = theirs(net.parameters())
    rng, x, y = np.random.default_rng(7), torch.as_tensor(X), torch.as_tensor(y)
    thetas, values, sums = [], [], []
    for _ in range(30):
        total = seen = 0
        order = torch.as_tensor(rng.permutation(50))
        for batch in torch.split(order, 8):
            if len(batch) < 8 and not keep_last:
                continue
            optimizer.zero_grad()
            value = total_loss(loss, net(x[batch]), y[batch])
            value.backward()
            thetas.append(flat(net.parameters()))
            values.append(value.item())
            optimizer.step()
            total, seen = total + value.item() * len(batch), seen + len(batch)
        sums.append(total / seen)
    assert trace.steps == len(values) == 30 * (7 if keep_last else 6)
    np.testing.assert_allclose(np.asarray(trace.thetas)[:-1], torch.stack(thetas), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.asarray(trace.values)[:-1], values, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(trace.extras["loss"], sums, rtol=1e-9)
    np.testing.assert_allclose(np.asarray(trace.last), flat(net.parameters()), rtol=1e-9, atol=1e-9)
    final = total_loss(loss, net(x), y).item()
    assert float(trace.values[-1]) == pytest.approx(final, rel=1e-9)
    assert trace.extras["end"].tolist() == [(k + 1) * len(values) // 30 for k in range(30)]


@tasks
@pytest.mark.parametrize("rule", RULES)
def test_theta_is_the_lowest_of_what_was_compared_and_value_belongs_to_it(task, rule):
    network, loss, y = TASKS[task]
    trace = train(network, loss, X, y, RULES[rule][0], epochs=20, batch_size=7, rng=0, record_every=1)
    g = TotalLoss(network, loss, X, y)
    assert trace.value == pytest.approx(float(g(trace.theta)), rel=1e-12)
    assert trace.value <= trace.values[-1]
    ends = [0, *trace.extras["end"]]
    k = int(np.argmin(trace.extras["loss"]))
    around = min(float(g(trace.thetas[ends[k]])), float(g(trace.thetas[ends[k + 1]])))
    assert trace.value <= around * (1 + 1e-12)
    assert not trace.converged
    assert trace.message == "used up all 20 epochs"
    assert trace.evaluations.tolist() == list(range(1, len(trace.values) + 1))


def test_the_best_is_kept_though_the_loss_is_seen_before_the_step():
    """One minibatch an epoch: "loss" is that of the theta before, and the step leads away from it."""
    start = np.array([0.0, 1.1])
    trace = train(Network((1, 1)), SquaredError(), LINE, LINE, GradientDescent(3.0),
                  epochs=5, batch_size=20, start=start)  # fmt: skip
    assert trace.theta.tolist() == [0.0, 1.1]
    assert not np.shares_memory(trace.theta, start)
    assert trace.value == pytest.approx(trace.values[0], rel=1e-14)


@pytest.mark.parametrize("batch_size", [20, 6])
@libraries
def test_an_explosion_stops_says_the_step_and_keeps_the_best(batch_size, library):
    network, start = Network((1, 4, 1), "relu"), Network((1, 4, 1), "relu").init(0)
    g = TotalLoss(network, SquaredError(), library(LINE), library(LINE))
    trace = train(network, SquaredError(), library(LINE), library(LINE), GradientDescent(5.0), rng=0,
                  epochs=1000, batch_size=batch_size, start=library(start), record_every=1)  # fmt: skip
    values = np.asarray(trace.values)
    assert np.isfinite(values[:-1]).all()
    assert not np.isfinite(values[-1])
    epochs = len(trace.extras["loss"])
    assert trace.message == (
        f"diverged at step {trace.steps}, after {epochs} epochs: the loss is not finite; "
        "try a smaller learning rate"
    )
    assert not trace.converged
    assert len(trace.thetas) == len(values)
    assert np.isfinite(np.asarray(trace.theta)).all()
    assert trace.value == pytest.approx(float(g(trace.theta)), rel=1e-12)
    assert trace.value <= float(g(library(start))) * (1 + 1e-12)


def test_an_explosion_in_the_very_last_step_is_told():
    with np.errstate(over="ignore"):
        trace = train(Network((1, 1)), SquaredError(), LINE, LINE, GradientDescent(1e160),
                      epochs=1, batch_size=20, start=[0.0, 2.0])  # fmt: skip
    assert "diverged at step 1, after 1 epochs" in trace.message
    assert (trace.theta.tolist(), trace.steps) == ([0, 2], 1)
    assert trace.value == pytest.approx(trace.values[0], rel=1e-14)


def test_a_start_of_infinite_loss():
    trace = train(Network((1, 1)), SquaredError(), LINE, LINE, GradientDescent(0.1),
                  epochs=3, batch_size=20, start=[1e200, 0.0])  # fmt: skip
    assert "diverged at step 0, after 0 epochs" in trace.message
    assert (trace.theta.tolist(), trace.steps) == ([1e200, 0], 0)
    assert not np.isfinite(trace.value)


@pytest.mark.parametrize("rule", [GradientDescent(1.0), Momentum(1.0, 0.8), Adam(1.0)])
def test_a_schedule_sets_the_rate_of_every_step(rule):
    network, rates = Network((1, 3, 1)), inverse_time(0.05, 10)
    theta = network.init(0)
    trace = train(network, SquaredError(), LINE, LINE, rule, epochs=4, batch_size=6, rng=2, start=theta,
                  schedule=rates, record_every=1)  # fmt: skip
    rng, state, i = np.random.default_rng(2), rule.init(theta), 0
    for _ in range(4):
        for batch in minibatches(20, 6, rng=rng):
            gradient = TotalLoss(network, SquaredError(), LINE[batch], LINE[batch]).gradient(theta)
            np.testing.assert_allclose(trace.thetas[i], theta, rtol=1e-12)
            now = dataclasses.replace(rule, learning_rate=rates(i))
            theta, state = now.step(theta, gradient, state)
            i += 1
    np.testing.assert_allclose(trace.last, theta, rtol=1e-12)


def test_a_schedule_that_ends_too_early_says_where_and_leaves_the_trace():
    with pytest.raises(
        ValueError, match="made for a run of 4 steps, and is asked for the rate after 5"
    ) as e:
        train(Network((1, 1)), SquaredError(), LINE, LINE, GradientDescent(0.1),
              epochs=5, batch_size=10, rng=0, schedule=cosine(0.1, 4))  # fmt: skip
    assert len(e.value.trace.extras["loss"]) == 2


@pytest.mark.parametrize("rule", [GradientDescent(1.0), Momentum(1.0, 0.8), Adam(1.0)])
def test_at_a_rate_of_zero_only_the_velocity_moves_theta(rule):
    """The last of ten steps is one after the horizon of the cosine."""
    trace = train(Network((1, 3, 1)), SquaredError(), LINE, LINE, rule, epochs=5, batch_size=10, rng=0,
                  schedule=cosine(0.1, 9), record_every=1)  # fmt: skip
    assert trace.steps == 10
    assert trace.message == "used up all 5 epochs"
    moves = np.diff(trace.thetas, axis=0)
    assert abs(moves[-2]).max() > 0
    kept = 0.8 if isinstance(rule, Momentum) else 0.0
    np.testing.assert_allclose(moves[-1], kept * moves[-2], rtol=1e-9, atol=1e-15)


def overfit(patience, library=np.asarray, **more):
    """Twelve noisy samples, a network that can follow each of them, and others to judge it by."""
    rng = np.random.default_rng(3)
    x, z = rng.uniform(-1, 1, (12, 1)), rng.uniform(-1, 1, (60, 1))
    y, v = x + 0.5 * rng.standard_normal(x.shape), z + 0.5 * rng.standard_normal(z.shape)
    x, y, z, v = (library(part) for part in (x, y, z, v))
    network = Network((1, 30, 1))
    trace = train(network, SquaredError(), x, y, Adam(0.02), epochs=200, batch_size=4, rng=0,
                  validation=(z, v), patience=patience, record_every=1, **more)  # fmt: skip
    return trace, TotalLoss(network, SquaredError(), z, v)


@pytest.mark.parametrize("patience", [1, 5, 20])
@libraries
def test_early_stopping_waits_as_long_as_it_was_told(patience, library):
    trace, g = overfit(patience, library)
    seen = trace.extras["validation"]
    best = int(np.argmin(seen))
    assert trace.converged
    assert trace.message == f"the validation loss has not fallen for {patience} epochs"
    assert len(seen) == best + 1 + patience < 200
    lows = np.minimum.accumulate(seen)[: best + 1]
    waits = np.diff([*np.flatnonzero(np.diff(lows, prepend=np.inf) < 0), best])
    assert (waits < patience).all() or patience == 1
    assert trace.value == seen[best] == pytest.approx(float(g(trace.theta)), rel=1e-13)
    np.testing.assert_array_equal(
        np.asarray(trace.theta), np.asarray(trace.thetas[int(trace.extras["end"][best])])
    )


def test_validation_without_patience_goes_on_and_keeps_the_best():
    trace, g = overfit(None)
    assert len(trace.extras["validation"]) == 200
    assert trace.value == trace.extras["validation"].min() == pytest.approx(float(g(trace.theta)))
    assert trace.value < float(g(trace.last))
    for k, end in enumerate(trace.extras["end"]):
        assert trace.extras["validation"][k] == pytest.approx(float(g(trace.thetas[end])), rel=1e-12)


def test_a_start_that_no_epoch_improves_is_the_best():
    trace = train(Network((1, 1)), SquaredError(), LINE, -LINE, GradientDescent(0.1), epochs=50,
                  batch_size=5, start=[0.0, 1.0], validation=(LINE, LINE), patience=3)  # fmt: skip
    assert (trace.theta.tolist(), trace.value) == ([0, 1], 0)
    assert len(trace.extras["validation"]) == 3


def test_a_callback_sees_every_epoch_and_can_stop():
    seen = []

    def callback(trace):
        seen.append((trace.steps, trace.message, len(trace.extras["loss"])))
        return len(seen) == 3

    trace = train(Network((1, 1)), SquaredError(), LINE, LINE, GradientDescent(0.1),
                  epochs=9, batch_size=8, callback=callback)  # fmt: skip
    assert seen == [(3 * k - 1, f"after {k} epochs", k) for k in (1, 2, 3)]
    assert trace.message == "stopped by the callback after 3 epochs"
    assert trace.steps == 9


@libraries
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("record_every", [0, 1])
def test_a_callback_sees_the_theta_after_the_last_step_and_it_stays(rule, library, record_every):
    network, loss, y = TASKS["regression"]
    seen, copies = [], []

    def callback(trace):
        seen.append(trace)
        copies.append([np.asarray(part).copy() for part in (trace.last, trace.theta)])

    given = {"batch_size": 8, "rng": 1, "start": library(network.init(0)), "record_every": record_every}
    data = network, loss, library(X), library(y), RULES[rule][0]
    end = train(*data, epochs=4, callback=callback, **given)
    for k, trace in enumerate(seen):
        shorter = train(*data, epochs=k + 1, **given)
        np.testing.assert_array_equal(np.asarray(trace.last), np.asarray(shorter.last))
        np.testing.assert_array_equal(np.asarray(trace.last), copies[k][0])
        np.testing.assert_array_equal(np.asarray(trace.theta), copies[k][1])
    np.testing.assert_array_equal(np.asarray(seen[-1].last), np.asarray(end.last))


def test_a_rule_of_ones_own_needs_no_step_in_place():
    class Rule:
        def init(self, theta):
            return ()

        def step(self, theta, gradient, state):
            return theta - 0.1 * gradient, state

    given = {"epochs": 3, "batch_size": 6, "rng": 0, "record_every": 1}
    ours = train(Network((1, 3, 1)), SquaredError(), LINE, LINE, GradientDescent(0.1), **given)
    theirs = train(Network((1, 3, 1)), SquaredError(), LINE, LINE, Rule(), **given)
    # ours has the rate inside the sum over the samples, theirs outside: equal but for rounding
    np.testing.assert_allclose(ours.thetas, theirs.thetas, rtol=1e-11, atol=1e-14)


def test_an_interrupted_run_returns_what_it_has():
    def schedule(i):
        if i == 10:
            raise KeyboardInterrupt
        return 0.1

    trace = train(Network((1, 1)), SquaredError(), LINE, LINE, GradientDescent(0.1),
                  epochs=9, batch_size=5, schedule=schedule, record_every=1)  # fmt: skip
    assert trace.message == "interrupted after 10 steps, in epoch 3"
    assert (trace.steps, len(trace.extras["loss"])) == (10, 2)
    assert trace.value == pytest.approx(
        float(TotalLoss(Network((1, 1)), SquaredError(), LINE, LINE)(trace.theta))
    )


def test_a_progress_bar_counts_epochs(capsys):
    train(Network((1, 1)), SquaredError(), LINE, LINE, GradientDescent(0.1),
          epochs=4, batch_size=5, progress=True)  # fmt: skip
    assert "4/4" in capsys.readouterr().err


@libraries
@pytest.mark.parametrize("rule", RULES)
def test_float32_stays_float32_and_arguments_stay_as_they_are(library, rule):
    network, loss, y = TASKS["regression"]
    theta = network.init(0).astype("f4")
    x, y, start = library(X.astype("f4")), library(y.astype("f4")), library(theta.copy())
    trace = train(network, loss, x, y, RULES[rule][0], epochs=3, batch_size=8, start=start,
                  validation=(x, y), record_every=1, schedule=inverse_time(0.01, 5))  # fmt: skip
    for array in (trace.thetas, trace.values, trace.theta, trace.last):
        assert (type(array), array.dtype) == (type(start), start.dtype)
    np.testing.assert_array_equal(np.asarray(start), theta)
    np.testing.assert_array_equal(np.asarray(x), X.astype("f4"))


@libraries
def test_a_start_is_drawn_before_the_minibatches_from_the_same_rng(library):
    network, loss, y = TASKS["regression"]
    given = {"epochs": 2, "batch_size": 8, "record_every": 1}
    drawn = train(network, loss, library(X), library(y), Adam(), rng=5, **given)
    rng = np.random.default_rng(5)
    theta = network.init(rng, like=library(X))
    same = train(network, loss, library(X), library(y), Adam(), rng=rng, start=theta, **given)
    assert drawn.thetas.tolist() == same.thetas.tolist()
    assert drawn.thetas[0].tolist() == theta.tolist()


def test_a_torch_generator_repeats_a_run_on_tensors():
    network, loss, y = TASKS["classes"]
    runs = [
        train(network, loss, torch.as_tensor(X), torch.as_tensor(y), Adam(0.01), epochs=3, batch_size=8,
              rng=torch.Generator().manual_seed(4)).theta for _ in range(2)
    ]  # fmt: skip
    assert torch.equal(*runs)


def test_a_theta_that_autograd_watches_is_taken_as_numbers():
    theta = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    x = torch.as_tensor(LINE)
    trace = train(Network((1, 1)), SquaredError(), x, x, Adam(0.1), epochs=2, batch_size=5, start=theta)
    assert not trace.theta.requires_grad
    assert theta.tolist() == [0, 0]


def peak(epochs, optimizer, widths=(200, 64, 5), batch_size=32, samples=4000):
    """Train in float32; return the peak of memory beside the data, P and one batch's activations.

    The least of three runs, since what another thread or a late finalizer allocates is counted, too.
    """
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((samples, widths[0]), dtype=np.float32), rng.integers(0, 5, samples)
    network = Network(widths, "relu")
    theta = network.init(0, like=x)
    given = {"epochs": epochs, "batch_size": batch_size, "start": theta}
    peaks = []
    for _ in range(3):
        tracemalloc.start()
        try:
            train(network, CrossEntropy(), x, y, optimizer, **given)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return min(peaks), 4 * network.size, 4 * batch_size * sum(widths)


def test_memory_grows_by_two_numbers_a_step():
    """The value and the count of evaluations; a theta of 13189 numbers would be 53 kB a step."""
    peak(1, Adam())  # what is imported on first use
    (short, _, _), (long, _, _) = peak(12, Adam()), peak(28, Adam())
    assert long - short < 2000 * 50


@pytest.mark.parametrize(
    ("optimizer", "most"),
    [(GradientDescent(0.01), 5), (Momentum(0.01), 6), (Adam(), 7)],
    ids=["descent", "momentum", "adam"],
)
def test_memory_is_a_few_times_that_of_parameters_and_one_batch(optimizer, most):
    """Theta, the gradient, the state, and three thetas: where this epoch began, and the best one's ends.

    A minibatch needs its activations and their gradients; 20 kB are for 400 values and what is small.
    """
    peak(1, optimizer)
    found, P, activations = peak(20, optimizer, samples=640)
    assert found < most * P + 2 * activations + 20_000


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"network": Network}, r"network is the class Network; make one: Network\(\.\.\.\)"),
        (
            {"loss": "cross entropy"},
            r"loss must have with_gradient and targets; got str\. For instance CrossEntropy\(\)",
        ),
        ({"loss": CrossEntropy}, r"loss is the class CrossEntropy; make one: CrossEntropy\(\)"),
        ({"optimizer": "adam"}, r"optimizer must have init and step; got str\. For instance Adam"),
        ({"schedule": 0.1}, "schedule must be a function of the number of steps so far; got float"),
        ({"callback": []}, "callback must be a function of the trace so far; got list"),
        ({"keep_last": 1}, "keep_last must be True or False; got 1"),
        ({"progress": None}, "progress must be True or False; got None"),
    ],
)
def test_what_is_refused_before_the_first_epoch(change, says, monkeypatch):
    monkeypatch.setattr(training.ByHand, "epoch", lambda *_: pytest.fail("an epoch began"))
    line = {"network": Network((1, 1)), "loss": SquaredError(), "x": LINE, "y": LINE}
    with pytest.raises(TypeError, match=says):
        train(**line | {"optimizer": Adam(), "epochs": 1, "batch_size": 1} | change)


def test_a_module_instead_of_a_network_is_sent_to_the_loop_for_modules():
    says = r"got Linear\. Modules of PyTorch are fitted by lecturecode\.pytorch\.train"
    with pytest.raises(TypeError, match=says):
        train(torch.nn.Linear(1, 1), SquaredError(), LINE, LINE, Adam(), epochs=1, batch_size=1)


# --- units ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1e-3, 100.0])
@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_inputs_far_from_one_are_told_where_theta_is_drawn(library, unit):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 3))
    y, network = x[:, :1] ** 2, Network((3, 4, 1))
    how = {"epochs": 1, "batch_size": 10, "rng": 0}

    def fit(x, y, **options):
        return train(network, SquaredError(), library(x), library(y), Adam(1e-3), **how, **options)

    with pytest.warns(UnequalUnitsWarning, match=r"x has a root mean square of .*x.std\(0\)") as caught:
        fit(unit * x, y)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(x, y)
        fit(unit * x, y, start=library(np.zeros(network.size)))  # a theta of the reader's own
        fit(np.zeros_like(x), y)


def test_targets_of_a_squared_error_far_above_one_are_told():
    x = np.linspace(-1, 1, 50)[:, None]
    with pytest.warns(UnequalUnitsWarning, match="y has a root mean square of 4e[+]03"):
        train(Network((1, 1)), SquaredError(), x, 4000 + x, Adam(1e-3), epochs=1, batch_size=10, rng=0)
