"""PyTorch: the package's loop against the one that is written out by hand, on the CPU.

The network, its batch size and the two optimizers are those of the lecture. Both start from the same
weights and see the same minibatches. Neither asks for the loss as a number but at the end of an epoch,
for its mean, save that the package looks at each loss before its step, to stop at the first that is NaN.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from contest import Answer, Case, Problem

WIDTHS = (100, 50, 10)
BATCH = 32
EPOCHS = 5


def fit_problem() -> Problem:
    from lecturecode import Network

    rng = np.random.default_rng(0)
    x = rng.standard_normal((3200, 100)).astype(np.float32)
    return {
        "x": x,
        "labels": (x @ rng.standard_normal((100, 10)).astype(np.float32)).argmax(1),
        "theta": Network(WIDTHS, "relu").init(0).astype(np.float32),
    }


def build(problem: Problem) -> tuple[Any, Any, Any]:
    import torch

    from lecturecode import Network
    from lecturecode.pytorch import MLP

    module = MLP.from_network(Network(WIDTHS, "relu"), problem["theta"])
    return module, torch.from_numpy(problem["x"]), torch.from_numpy(problem["labels"])


def fit_lecturecode(rule: str) -> Callable[[Problem], Callable[[], Answer]]:
    def contestant(problem: Problem) -> Callable[[], Answer]:
        from lecturecode import Adam, CrossEntropy, Momentum
        from lecturecode.pytorch import train

        module, x, labels = build(problem)
        optimizer = Adam(1e-4) if rule == "Adam" else Momentum(0.01, 0.9)

        def run() -> Answer:
            trace = train(module, CrossEntropy(), x, labels, optimizer, epochs=EPOCHS, batch_size=BATCH,
                          rng=0, start=problem["theta"])  # fmt: skip
            return trace.extras["loss"], trace.steps

        return run

    return contestant


def fit_by_hand(rule: str) -> Callable[[Problem], Callable[[], Answer]]:
    def contestant(problem: Problem) -> Callable[[], Answer]:
        import torch
        from torch.nn import functional

        def run() -> Answer:
            module, x, labels = build(problem)
            parameters = list(module.parameters())
            if rule == "Adam":
                optimizer: Any = torch.optim.Adam(parameters, lr=1e-4)
            else:
                optimizer = torch.optim.SGD(parameters, lr=0.01, momentum=0.9)
            rng, losses = np.random.default_rng(0), []
            for _ in range(EPOCHS):
                order, seen = torch.from_numpy(rng.permutation(len(x))), []
                for batch in torch.split(order, BATCH):
                    outputs = module(x[batch])
                    loss = functional.cross_entropy(outputs, labels[batch])
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    seen.append(loss.detach())
                losses.append(torch.stack(seen).double().mean().item())
            return np.array(losses), EPOCHS * len(seen)

        return run

    return contestant


def fit_case(rule: str) -> Case:
    return Case(
        title=f"pytorch.train, 100-50-10, minibatches of 32, {rule}",
        unit="step",
        problem=fit_problem,
        contestants={
            "lecturecode.pytorch.train": fit_lecturecode(rule),
            "plain PyTorch loop": fit_by_hand(rule),
        },
        tolerance=1e-6,
        goal="at most 1.1 times the loop written by hand, same losses",
        limits={"plain PyTorch loop": 1.1},
    )


TORCH_CASES = {
    "pytorch_train_momentum": fit_case("SGD with momentum"),
    "pytorch_train_adam": fit_case("Adam"),
}
