"""One fit by every stepper, for what all of them must do alike.

    python tests/fitting_runs.py STEPPER CHECKPOINT STEP

fits until the loss of that step is asked for, and then kills itself.
"""

import os
import signal
import socket
import sys
from dataclasses import dataclass, field

import numpy as np
import torch

from lecturecode import Adam, Network, SquaredError, pytorch, train

GIVEN = np.random.default_rng(0).standard_normal((30, 3))
CURVE = np.stack([np.sin(2 * GIVEN[:, 0]), GIVEN[:, 1] * GIVEN[:, 2]], -1)
HELD_OUT = (np.tile(GIVEN[:11], (3, 1)) + 0.1, np.tile(CURVE[:11], (3, 1)))
NETWORK = Network((3, 6, 2))
STEPPERS = ("by hand", "by hand on tensors", "autograd", "captured", "distributed")


def as_usual(step):
    """Leave the loss of a step as it is."""
    return 1.0


@dataclass(frozen=True)
class Watched(SquaredError):  # noqa: N818
    """The squared error; `factor` is asked before each step, and `seen` has the sizes of other calls."""

    factor: object = field(default=as_usual, repr=False)
    seen: list = field(default_factory=list, repr=False, compare=False)
    steps: list = field(default_factory=list, repr=False, compare=False)

    def __call__(self, prediction, y):
        if torch.is_tensor(prediction) and prediction.requires_grad:  # a step of PyTorch's
            return super().__call__(prediction, y) * self._next()
        self.seen.append(len(y))
        return super().__call__(prediction, y)

    def with_gradient(self, prediction, y):
        factor = self._next()
        values, gradients = super().with_gradient(prediction, y)
        return factor * values, factor * gradients

    def _next(self):
        self.steps.append(None)
        return self.factor(len(self.steps) - 1)


def alone():
    """Set the environment that torchrun makes for one process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ.update(words)


def fit(stepper, factor=as_usual, loss=None, rule=None, seed=1, validation=None, **more):
    """Fit 30 samples, 8 at a time: four steps an epoch."""
    tensors = stepper != "by hand"
    x, y = (torch.tensor(a) if tensors else a for a in (GIVEN, CURVE))
    if validation is not None:
        validation = tuple(torch.tensor(a) if tensors else a for a in validation)
    loss, rule = loss or Watched(factor), rule or Adam(0.02)
    given = {"epochs": 6, "batch_size": 8, "rng": 3, "record_every": 1, "validation": validation} | more
    theta = NETWORK.init(seed)
    if stepper.startswith("by hand"):
        return train(NETWORK, loss, x, y, rule, start=x.new_tensor(theta) if tensors else theta, **given)
    module = pytorch.MLP.from_network(NETWORK, theta)

    def of_torch(outputs, y):
        return loss(outputs, y)

    if stepper == "distributed":
        return pytorch.train_distributed(module, of_torch, x, y, rule, timeout=60.0, **given)
    return pytorch.train(module, of_torch, x, y, rule, fast=stepper == "captured", **given)


def parts_of(trace):
    """Return the arrays of a trace by their names."""
    names = ("thetas", "values", "theta", "last", "value", "evaluations")
    found = {name: np.asarray(torch.as_tensor(getattr(trace, name))) for name in names}
    return found | dict(trace.extras)


if __name__ == "__main__":
    name, path, last = sys.argv[1:]

    def killed(step):
        if step == int(last):
            os.kill(os.getpid(), signal.SIGKILL)
        return 1.0

    alone()
    fit(name, killed, checkpoint=path, validation=HELD_OUT)
