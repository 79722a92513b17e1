"""Update rules: pure functions of theta, gradient and state."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lecturecode import Adam, GradientDescent, Momentum
from lecturecode.objectives import Rosenbrock
from lecturecode.optimizers import steps_in_place
from lecturecode.schedules import constant, cosine, inverse_time

numbers = st.floats(-1e6, 1e6)


@settings(max_examples=100, deadline=None)
@given(arrays(float, 3, elements=numbers), arrays(float, 3, elements=numbers), st.floats(1e-6, 1e3))
def test_the_step_is_theta_minus_epsilon_times_the_gradient(theta, gradient, epsilon):
    optimizer = GradientDescent(epsilon)
    after, state = optimizer.step(theta, gradient, optimizer.init(theta))
    assert after.tolist() == [
        t - epsilon * s for t, s in zip(theta.tolist(), gradient.tolist(), strict=True)
    ]
    assert state == ()


@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_a_step_changes_none_of_its_arguments_and_can_be_repeated(library):
    theta, gradient = library(np.array([1.0, 2.0])), library(np.array([3.0, -4.0]))
    optimizer = GradientDescent(0.5)
    first, state = optimizer.step(theta, gradient, optimizer.init(theta))
    second, _ = optimizer.step(theta, gradient, state)
    assert first.tolist() == second.tolist() == [-0.5, 4.0]
    assert theta.tolist() == [1.0, 2.0]
    assert gradient.tolist() == [3.0, -4.0]


@pytest.mark.parametrize("shape", [(2,), (5, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [0.1, 1, np.float64(0.1), np.array(0.1), torch.tensor(0.1)], ids=repr)
def test_a_step_keeps_shape_dtype_and_library(shape, dtype, rate):
    theta = np.ones(shape, dtype)
    for library in (np.asarray, torch.from_numpy):
        after, _ = GradientDescent(rate).step(library(theta), library(theta), ())
        assert type(after) is type(library(theta))
        assert after.dtype == library(theta).dtype
        assert tuple(after.shape) == shape


def test_an_optimizer_is_frozen_and_comparable():
    optimizer = GradientDescent(0.1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        optimizer.learning_rate = 0.2
    assert optimizer == GradientDescent(np.float64(0.1))
    assert repr(optimizer) == "GradientDescent(learning_rate=0.1)"


@pytest.mark.parametrize("rate", [0, 0.0, -0.1, float("nan"), float("inf"), -float("inf")])
def test_a_learning_rate_is_positive_and_finite(rate):
    with pytest.raises(ValueError, match=r"learning_rate must be positive and finite; got .*Try 0\.1"):
        GradientDescent(rate)


@pytest.mark.parametrize("rate", ["0.1", None, 1j, False, [0.1, 0.2], np.array([0.1, 0.2])], ids=repr)
def test_a_learning_rate_is_a_number(rate):
    with pytest.raises(TypeError, match=f"learning_rate must be a number; got {type(rate).__name__}"):
        GradientDescent(rate)


def test_hyper_parameters_are_python_numbers():
    number = np.float32(0.5)
    for optimizer in (GradientDescent(number), Momentum(number, number), Adam(*[number] * 4)):
        assert [type(value) for value in vars(optimizer).values()] == [float] * len(vars(optimizer))


# name: (ours, PyTorch's, a learning rate that neither explodes nor stands still)
RULES = {
    "descent": (GradientDescent(1e-3), lambda p: torch.optim.SGD(p, lr=1e-3)),
    "momentum": (Momentum(2e-4, 0.9), lambda p: torch.optim.SGD(p, lr=2e-4, momentum=0.9)),
    "adam": (Adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
}
START = [[-1.2, 1.0], [0.5, 0.3], [1.5, 2.0]]
LIBRARIES = {"numpy": np.asarray, "torch": torch.as_tensor}
libraries = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)


@pytest.mark.parametrize("name", RULES)
@libraries
def test_a_thousand_steps_are_those_of_torch_optim(name, library):
    ours, theirs = RULES[name]
    p = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = theirs([p])
    theta = library(np.array(START))
    state = ours.init(theta)
    for _ in range(1000):
        optimizer.zero_grad()
        p.grad = Rosenbrock().gradient(p.detach())
        optimizer.step()
        theta, state = ours.step(theta, Rosenbrock().gradient(theta), state)
        np.testing.assert_allclose(np.asarray(theta), p.detach().numpy(), rtol=1e-12, atol=1e-12)
    assert abs(np.asarray(theta) - START).max() > 0.1


def test_adam_with_other_numbers_is_that_of_torch_optim():
    """The gradients are given: where Adam bounces, descents of a function magnify the last digit."""
    gradients = np.random.default_rng(0).standard_normal((1000, 5)) * np.logspace(-4, 4, 5)
    p = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([p], lr=0.02, betas=(0.7, 0.95), eps=0.1)
    ours, theta = Adam(0.02, 0.7, 0.95, 0.1), np.zeros(5)
    state = ours.init(theta)
    for gradient in gradients:
        p.grad = torch.as_tensor(gradient)
        optimizer.step()
        theta, state = ours.step(theta, gradient, state)
        np.testing.assert_allclose(theta, p.detach().numpy(), rtol=1e-12, atol=1e-12)


def test_momentum_is_that_of_pytorch_until_the_rate_changes():
    """v = -epsilon u: the same path, and another one once epsilon falls."""
    gradients = np.random.default_rng(0).standard_normal((30, 4))
    gap = {}
    for drop in (1.0, 0.1):
        p = torch.zeros(4, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.9)
        theta, state = np.zeros(4), Momentum(0.1).init(np.zeros(4))
        for i, gradient in enumerate(gradients):
            rate = 0.1 if i < 15 else 0.1 * drop
            optimizer.param_groups[0]["lr"] = rate
            p.grad = torch.as_tensor(gradient)
            optimizer.step()
            theta, state = Momentum(rate).step(theta, gradient, state)
        gap[drop] = abs(theta - p.detach().numpy()).max()
        if drop == 1.0:
            u = optimizer.state[p]["momentum_buffer"].numpy()
            np.testing.assert_allclose(state[0], -0.1 * u, rtol=1e-12)
    assert gap[1.0] < 1e-14
    assert gap[0.1] > 0.1


def test_theta_moves_by_the_new_velocity():
    """By the old one, which is zero, the first step would go nowhere, and all others lag by one."""
    gradients = np.random.default_rng(0).standard_normal((20, 3))
    theta, state = np.zeros(3), Momentum(0.1, 0.8).init(np.zeros(3))
    v, slide, path, lagging = np.zeros(3), np.zeros(3), [theta], [np.zeros(3)]
    for gradient in gradients:
        theta, state = Momentum(0.1, 0.8).step(theta, gradient, state)
        slide, v = slide + v, 0.8 * v - 0.1 * gradient
        path.append(theta)
        lagging.append(slide)
    np.testing.assert_allclose(path[1], -0.1 * gradients[0], rtol=1e-15)
    assert not lagging[1].any()
    np.testing.assert_allclose(lagging[1:], path[:-1], rtol=1e-13)


def test_the_velocity_is_a_sum_and_the_average_needs_a_smaller_rate():
    alpha, epsilon, gradients = 0.9, 0.2, np.random.default_rng(1).standard_normal(50)
    theta, state = np.array(0.0), Momentum(epsilon, alpha).init(np.array(0.0))
    for gradient in gradients:
        theta, state = Momentum(epsilon, alpha).step(theta, gradient, state)
    weights = alpha ** np.arange(49, -1, -1)
    assert float(state[0]) == pytest.approx(-epsilon * (weights * gradients).sum(), rel=1e-12)

    average, moved = 0.0, 0.0
    theta, state = np.array(0.0), Momentum((1 - alpha) * epsilon, alpha).init(np.array(0.0))
    for gradient in gradients:
        average = alpha * average + (1 - alpha) * gradient
        moved -= epsilon * average
        theta, state = Momentum((1 - alpha) * epsilon, alpha).step(theta, gradient, state)
    assert float(theta) == pytest.approx(moved, rel=1e-12)

    theta, state = np.array(0.0), Momentum(epsilon, alpha).init(np.array(0.0))
    for _ in range(400):
        theta, state = Momentum(epsilon, alpha).step(theta, 1.0, state)
    assert float(state[0]) == pytest.approx(-epsilon / (1 - alpha), rel=1e-12)


def test_the_first_step_of_adam_has_the_length_of_the_learning_rate():
    gradient = np.array([1e-5, -1e5, 3.0])
    theta, (m, s, i) = Adam(0.1).step(np.zeros(3), gradient, Adam(0.1).init(np.zeros(3)))
    np.testing.assert_allclose(theta, -0.1 * np.sign(gradient), rtol=2e-3)
    np.testing.assert_allclose(m, 0.1 * gradient, rtol=1e-14)
    np.testing.assert_allclose(s, 0.001 * gradient**2, rtol=1e-12)
    assert i == 1


def test_the_eps_of_adam_is_added_to_the_root_after_its_correction():
    theta, _ = Adam(1.0, eps=3.0).step(np.zeros(1), np.ones(1), Adam().init(np.zeros(1)))
    assert theta[0] == pytest.approx(-1 / (1 + 3), rel=1e-12)


@libraries
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", [Momentum(np.float64(0.1)), Adam(np.float64(0.1))])
def test_a_step_with_memory_is_pure_and_keeps_its_kind(rule, dtype, library):
    theta, gradient = library(np.ones(3, dtype)), library(np.arange(3, dtype=dtype))
    _, state = rule.step(theta, gradient, rule.init(theta))
    before = [np.asarray(part).copy() for part in state]
    first, after = rule.step(theta, gradient, state)
    second, _ = rule.step(theta, gradient, state)
    assert first.tolist() == second.tolist() != theta.tolist()
    for part, old in zip(state, before, strict=True):
        np.testing.assert_array_equal(np.asarray(part), old)
    assert theta.tolist() == [1, 1, 1]
    assert gradient.tolist() == [0, 1, 2]
    for array in (first, *after[:2]):
        assert not hasattr(array, "dtype") or (type(array), array.dtype) == (type(theta), theta.dtype)


def test_schedules():
    assert [constant(0.3)(i) for i in (0, 5, 10**6)] == [0.3] * 3
    rate = inverse_time(0.2, 50)
    assert [rate(i) for i in (0, 50, 150)] == [0.2, 0.1, 0.05]
    steps = np.arange(10**5)
    assert sum(rate(i) for i in steps) > 70  # 0.2 * 50 * ln(2000), and so on for ever
    assert sum(rate(i) ** 2 for i in steps) < 0.2**2 * 51
    half = cosine(0.2, 100)
    assert half(0) == 0.2
    assert half(25) == pytest.approx(0.1 * (1 + 2**-0.5))
    assert half(50) == pytest.approx(0.1)
    assert half(100) == 0
    with pytest.raises(
        ValueError, match="made for a run of 100 steps, and is asked for the rate after 101"
    ):
        half(101)
    p = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.2)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 100)
    for i in range(100):
        assert half(i) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize("make", [constant, lambda r: inverse_time(r, 5), lambda r: cosine(r, 5),
                                  Momentum, Adam])  # fmt: skip
def test_rates_of_schedules_and_rules_are_positive_numbers(make):
    for rate in (0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="learning_rate must be positive and finite; got"):
            make(rate)
    with pytest.raises(TypeError, match="learning_rate must be a number; got str"):
        make("0.1")


def test_other_hyper_parameters_are_in_their_ranges():
    for bad in (-0.1, 1.0, 1, 2.0, float("nan")):
        for name, make in {
            "momentum": lambda b: Momentum(0.1, b),
            "beta1": lambda b: Adam(beta1=b),
            "beta2": lambda b: Adam(beta2=b),
        }.items():
            with pytest.raises(ValueError, match=f"{name} must be at least 0 and below 1; got"):
                make(bad)
    with pytest.raises(TypeError, match="momentum must be a number; got bool"):
        Momentum(0.1, True)
    with pytest.raises(ValueError, match=r"eps must be positive and finite; got 0\.0$"):
        Adam(eps=0)
    with pytest.raises(ValueError, match=r"half must be positive and finite; got 0\.0$"):
        inverse_time(0.1, 0)
    for steps in (0, 2.5):
        with pytest.raises(ValueError, match="steps must be an integer of at least 1; got"):
            cosine(0.1, steps)


def test_momentum_zero_is_gradient_descent():
    theta, gradient = np.array([1.0, 2.0]), np.array([3.0, -4.0])
    after, _ = Momentum(0.1, 0).step(theta, gradient, Momentum(0.1, 0).init(theta))
    assert after.tolist() == GradientDescent(0.1).step(theta, gradient, ())[0].tolist()


@pytest.mark.parametrize("rule", [GradientDescent(0.1), Momentum(0.1, 0.8), Momentum(0.1, 0), Adam(0.01),
                                  Adam(0.1, 0, 0)], ids=repr)  # fmt: skip
@pytest.mark.parametrize("library", [np.array, torch.as_tensor], ids=["numpy", "torch"])
def test_a_step_in_place_is_the_step_in_the_same_memory(rule, library):
    rng = np.random.default_rng(0)
    start = rng.standard_normal(20)
    theta, here, told = library(start), library(start.copy()), library(start.copy())
    state, kept, known = rule.init(theta), rule.init(here), rule.init(told)
    places = [np.asarray(part) for part in (here, *kept) if not isinstance(part, int)]  # share memory
    for _ in range(1000):
        gradient = library(rng.standard_normal(20) * 10.0 ** rng.integers(-6, 6))
        theta, state = rule.step(theta, gradient, state)
        known = rule.step_by(told, rule.times * gradient, known)
        kept = rule.step_in_place(here, gradient, kept)
    assert told.tolist() == here.tolist()
    for place, part in zip(places, (here, *kept), strict=False):
        assert np.shares_memory(place, np.asarray(part))
    np.testing.assert_allclose(np.asarray(here), np.asarray(theta), rtol=1e-11, atol=1e-12)
    for ours, theirs in zip(kept, state, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-11, atol=1e-300)


def test_a_rule_whose_step_is_its_own_is_not_replaced_by_the_inherited_one():
    class Halved(GradientDescent):
        def step(self, theta, gradient, state):
            return theta - self.learning_rate / 2 * gradient, state

    class Named(GradientDescent):
        pass

    assert [steps_in_place(rule) for rule in (Adam(), Named(0.1), Halved(0.1), object())] == [
        True, True, False, False,
    ]  # fmt: skip
