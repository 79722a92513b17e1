"""The loops that the chapter on PyTorch sets side by side: one fit, written three times."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from lecturecode import Network, minibatches
from lecturecode.graph import Node, backward

SNIPPET = Path(__file__).parents[1] / "docs" / "chapters" / "snippets" / "three_loops.py"
EPSILON = {np.float64: 1e-13, np.float32: 1e-4}


@pytest.fixture(scope="module")
def loops():
    spec = importlib.util.spec_from_file_location("three_loops", SNIPPET)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def problem(dtype, activation="relu"):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((50, 4)).astype(dtype), rng.integers(0, 3, 50)
    network = Network((4, 6, 3), activation)
    batches = [batch for _ in range(10) for batch in minibatches(50, 8, rng=rng)]
    return network, network.init(0).astype(dtype), x, y, batches, 0.3


@pytest.mark.parametrize("dtype", EPSILON)
@pytest.mark.parametrize("name", ["by_graph", "by_pytorch"])
def test_by_hand_by_graph_and_in_pytorch_each_loss_and_theta_is_the_same(loops, name, dtype):
    given = problem(dtype)
    before = given[1].copy()
    theta, losses = loops.by_hand(*given)
    other, values = getattr(loops, name)(*given)
    assert len(losses) == len(values) == 70
    np.testing.assert_allclose(values, losses, rtol=0, atol=EPSILON[dtype])
    np.testing.assert_allclose(np.asarray(other), theta, rtol=0, atol=EPSILON[dtype])
    assert losses[-1] < 0.9 * losses[0]
    np.testing.assert_array_equal(given[1], before)


@pytest.mark.parametrize("name", ["by_hand", "by_graph", "by_pytorch"])
def test_precision_is_kept(loops, name):
    theta, _ = getattr(loops, name)(*problem(np.float32))
    assert np.asarray(theta).dtype == np.float32


def test_the_sum_of_squares_is_30_and_its_gradient_twice_the_tensor():
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    node = Node([[1, 2], [3, 4]])
    y, total = (a**2).sum(), (node**2).sum()
    y.backward()
    backward(total)
    assert torch.equal(a**2, torch.tensor([[1.0, 4.0], [9.0, 16.0]]))
    np.testing.assert_array_equal((node**2).value, [[1, 4], [9, 16]])
    assert y.item() == total.value == 30
    assert a.grad.tolist() == node.grad.tolist() == [[2, 4], [6, 8]]
