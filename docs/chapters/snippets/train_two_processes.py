"""Fit handwritten digits by two processes; the line that starts it stands below.

torchrun --standalone --nproc-per-node 2 train_two_processes.py
"""

import os

import numpy as np
import torch

from lecturecode import Adam
from lecturecode.datasets import digits
from lecturecode.pytorch import MLP, train_distributed

torch.set_num_threads(1)  # processes, not threads, share the work here
torch.manual_seed(0)

images = digits()
order = np.random.default_rng(0).permutation(len(images.y))
x = torch.tensor(images.x[order] / 16, dtype=torch.float32)  # (1797, 64)
y = torch.tensor(images.y[order])  # (1797,)
training, test = slice(1200), slice(1200, None)

module, loss = MLP((64, 64, 10), "relu"), torch.nn.CrossEntropyLoss()
fit = {"epochs": 20, "batch_size": 64, "rng": 0, "checkpoint": "digits.npz"}
trace = train_distributed(module, loss, x[training], y[training], Adam(0.003), **fit)

with torch.no_grad():
    right = (module(x[test]).argmax(1) == y[test]).double().mean().item()
if os.environ["RANK"] == "0":  # all processes have the same
    print(f"{trace.message}: loss {trace.value:.3f}, {right:.1%} of the test images are read right")
