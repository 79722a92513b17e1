"""Which network reads handwritten digits best? The g, theta and Theta of two chapters."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from lecturecode.datasets import digits
from lecturecode.domains import Choice, Positive

torch.set_num_threads(1)  # matrices this small get slower when threads share them

widths, depths = Choice([8, 16, 32, 64]), Choice([1, 2, 3])
activations = Choice(["tanh", "relu"])
Theta = widths * depths * activations * Positive(0.1)

images = digits()
order = np.random.default_rng(0).permutation(len(images.y))
x = torch.tensor(images.x[order] / 16, dtype=torch.float32)  # (1797, 64)
y = torch.tensor(images.y[order])  # (1797,)
training, validation, test = slice(600), slice(600, 1200), slice(1200, None)


def network(width, depth, activation):
    """Put `depth` hidden layers between the 64 pixels and the 10 classes."""
    f = {"tanh": nn.Tanh, "relu": nn.ReLU}[activation]
    layers = []
    for inputs, outputs in pairwise([64] + depth * [width]):
        layers += [nn.Linear(inputs, outputs), f()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def train(theta, seed=0, steps=150, batch_size=50):
    """Train what theta names; the seed fixes its start and its batches."""
    width, depth, activation, learning_rate = Theta.decode(theta)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = network(width, depth, activation)
        batches = torch.randint(600, (steps, batch_size))
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    for batch in batches:
        optimizer.zero_grad()
        cross_entropy(model(x[batch]), y[batch]).backward()
        optimizer.step()
    return model


@torch.no_grad()
def loss(model, part):
    """Return the mean cross-entropy of a model on one part of the images."""
    return cross_entropy(model(x[part]), y[part]).item()


def g(theta, seed=0):
    """Train by theta, shape (4,), and return the loss on images not trained on."""
    return loss(train(theta, seed), validation)
