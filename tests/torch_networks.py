"""The networks and losses of the package as PyTorch has them: layers, autograd and loss functions."""

import numpy as np
import torch

from lecturecode import CrossEntropy, Network, SquaredError

LAYERS = {
    "sigmoid": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "leaky relu": lambda: torch.nn.LeakyReLU(0.01),
    "softplus": torch.nn.Softplus,
    "identity": torch.nn.Identity,
}


def module(network, theta):
    """Return a Sequential of Linear layers and activations, with the weights of theta."""
    theta = torch.as_tensor(theta)
    layers, rest = [], theta
    for m, n, name in zip(network.widths, network.widths[1:], network.activations, strict=False):
        linear = torch.nn.Linear(m, n, dtype=theta.dtype, device=theta.device)
        with torch.no_grad():
            linear.bias.copy_(rest[:n])
            linear.weight.copy_(rest[n : n + n * m].reshape(n, m))
        rest = rest[n + n * m :]
        layers += [linear, LAYERS[name]()]
    return torch.nn.Sequential(*layers)


def flat(parameters):
    """Put Linear layers' weights and biases into one vector: of each layer, biases first."""
    parameters = list(parameters)
    pairs = zip(parameters[::2], parameters[1::2], strict=True)
    return torch.cat([part.detach().reshape(-1) for weight, bias in pairs for part in (bias, weight)])


def total_loss(loss, prediction, y):
    """Return PyTorch's own loss of a minibatch; MSELoss takes the mean over the outputs, too."""
    if isinstance(loss, CrossEntropy):
        return torch.nn.functional.cross_entropy(prediction, y)
    return prediction.shape[-1] * torch.nn.functional.mse_loss(prediction, y)


def autograd(network, loss, theta, x, y):
    """Return value and flat gradient of one network, as PyTorch computes them."""
    net = module(network, theta)
    value = total_loss(loss, net(torch.as_tensor(x)), torch.as_tensor(y))
    value.backward()
    return value.item(), flat([p.grad for p in net.parameters()]).numpy()


def random_case(seed):
    """Draw an architecture, its activations, a loss, a theta, and a few samples."""
    rng = np.random.default_rng(seed)
    widths = tuple(int(n) for n in rng.integers(1, 7, rng.integers(2, 7)))
    hidden, output = rng.choice(list(LAYERS), 2)
    loss = (SquaredError(), CrossEntropy())[seed % 2]
    if isinstance(loss, CrossEntropy):
        widths, output = (*widths[:-1], max(2, widths[-1])), "identity"
    network = Network(widths, str(hidden), str(output))
    theta = network.init(rng) + 0.3 * rng.standard_normal(network.size)
    T = int(rng.integers(1, 9))
    x = rng.standard_normal((T, widths[0]))
    labels = isinstance(loss, CrossEntropy)
    y = rng.integers(0, widths[-1], T) if labels else rng.standard_normal((T, widths[-1]))
    return network, loss, theta, x, y
