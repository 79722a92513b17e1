"""PyTorch's own way of fitting a network: modules, autograd, ``torch.optim`` and devices.

What the rest of the package writes out by hand is called here, with the same arguments and the same
traces: a fit moves from one to the other by changing the network's line.
"""

try:
    import torch  # noqa: F401  (only to say it in one sentence where it is missing)
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise  # torch is there, and lacks something itself
    needs = "lecturecode.pytorch needs torch: pip install torch"
    raise ModuleNotFoundError(needs, name="torch") from None

from lecturecode.pytorch.distributed import train_distributed
from lecturecode.pytorch.functional import Differentiated, TotalLoss, objective, value_and_gradient
from lecturecode.pytorch.modules import MLP, cross_entropy, device
from lecturecode.pytorch.scaling import speed_up, step_seconds
from lecturecode.pytorch.theta import get_theta, set_theta
from lecturecode.pytorch.training import train

__all__ = [
    "MLP",
    "Differentiated",
    "TotalLoss",
    "cross_entropy",
    "device",
    "get_theta",
    "objective",
    "set_theta",
    "speed_up",
    "step_seconds",
    "train",
    "train_distributed",
    "value_and_gradient",
]
