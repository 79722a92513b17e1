"""The problem that two chapters search: g, theta and Theta of a small network for digits."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from lecturecode import pointwise

SNIPPET = Path(__file__).parents[1] / "docs" / "chapters" / "snippets" / "tune_digits.py"


@pytest.fixture(scope="module")
def tune():
    spec = importlib.util.spec_from_file_location("tune_digits", SNIPPET)
    module = importlib.util.module_from_spec(spec)
    threads = torch.get_num_threads()
    spec.loader.exec_module(module)
    torch.set_num_threads(threads)  # the chapters want one; the other tests do not care
    return module


THETA = np.array([1.0, 1.0, 0.0, 0.5])


def test_theta_is_the_network_that_is_built(tune):
    assert tune.Theta.decode(THETA) == (16, 2, "tanh", 0.5)
    model = tune.train(THETA, steps=0)
    shapes = [tuple(p.shape) for p in model.parameters()]
    assert shapes == [(16, 64), (16,), (16, 16), (16,), (10, 16), (10,)]
    assert sum(isinstance(layer, torch.nn.Tanh) for layer in model) == 2
    assert not any(isinstance(layer, torch.nn.ReLU) for layer in model)


def test_g_is_a_function_of_theta_and_seed(tune):
    state = torch.get_rng_state()
    value = tune.g(THETA)
    assert value == tune.g(THETA) == pointwise(tune.g)(THETA[None])[0]
    assert value != tune.g(THETA, seed=1)
    assert torch.equal(state, torch.get_rng_state())


def test_training_lowers_the_loss_on_images_that_it_has_not_seen(tune):
    before = tune.loss(tune.train(THETA, steps=0), tune.validation)
    assert abs(before - np.log(10)) < 0.1
    assert tune.g(THETA) < 0.5 * before


def test_g_is_a_mean_over_the_validation_images_alone(tune):
    model = tune.train(THETA)
    with torch.no_grad():
        scores = model(tune.x[600:1200])
    right = torch.log_softmax(scores, dim=1)[torch.arange(600), tune.y[600:1200]]
    assert np.isclose(tune.g(THETA), -right.mean().item(), rtol=1e-5)


def test_training_sees_the_training_images_alone(tune, monkeypatch):
    before = [p.detach().clone() for p in tune.train(THETA).parameters()]
    blank = tune.x.clone()
    blank[tune.validation] = blank[tune.test] = 0.0
    monkeypatch.setattr(tune, "x", blank)
    assert all(torch.equal(a, b) for a, b in zip(before, tune.train(THETA).parameters(), strict=True))


def test_the_three_parts_share_no_image(tune):
    parts = [set(range(1797)[part]) for part in (tune.training, tune.validation, tune.test)]
    assert [len(part) for part in parts] == [600, 600, 597]
    assert len(set.union(*parts)) == 1797
