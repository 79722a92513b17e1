"""What is timed for networks: a training of some epochs, minibatch by minibatch, from the same start.

The package ends a run by the loss on all training data, twice, and has that counted as its own.
"""

import warnings
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
from contest import Answer, Case, Contestant, Problem

RATE = 0.05
ADAM_RATE = 0.001


def network_problem(widths: tuple[int, ...], batch: int, steps: int, epochs: int) -> Problem:
    from lecturecode import Network, minibatches

    rng, order = np.random.default_rng(0), np.random.default_rng(2)
    x = rng.standard_normal((batch * steps, widths[0]), dtype=np.float32)
    teacher = rng.standard_normal((widths[0], widths[-1])) / widths[0] ** 0.5
    network = Network(widths, "relu")
    return {
        "widths": widths,
        "batch": batch,
        "x": x,
        "y": (x @ teacher).argmax(1),
        "theta": network.init(1, like=x),
        "epochs": epochs,
        "order": np.concatenate(
            [t for _ in range(epochs) for t in minibatches(len(x), batch, rng=order)]
        ),
    }


def matrices(problem: Problem) -> list[np.ndarray]:
    """Return b1, W1, b2, W2, ... as arrays of their own."""
    parts, end = [], 0
    for m, n in pairwise(problem["widths"]):
        for shape in ((n,), (n, m)):
            size = int(np.prod(shape))
            parts.append(problem["theta"][end : end + size].reshape(shape).copy())
            end += size
    return parts


def train_lecturecode(rule: str, problem: Problem) -> Callable[[], Answer]:
    from lecturecode import Adam, CrossEntropy, GradientDescent, Network, train

    network = Network(problem["widths"], "relu")
    optimizer = GradientDescent(RATE) if rule == "sgd" else Adam(ADAM_RATE)

    def run() -> Answer:
        trace = train(
            network, CrossEntropy(), problem["x"], problem["y"], optimizer, epochs=problem["epochs"],
            batch_size=problem["batch"], rng=2, start=problem["theta"],
        )  # fmt: skip
        return trace.last, trace.steps

    return run


def train_torch(rule: str, problem: Problem, **options: bool) -> Callable[[], Answer]:
    import torch

    widths, start = problem["widths"], matrices(problem)
    layers: list[torch.nn.Module] = []
    for m, n in pairwise(widths):
        layers += [torch.nn.Linear(m, n), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    loss_function = torch.nn.CrossEntropyLoss()
    x, y = torch.from_numpy(problem["x"]), torch.from_numpy(problem["y"])
    order = torch.from_numpy(problem["order"])

    def parameters() -> list[torch.Tensor]:
        return [p for layer in layers[::2] for p in (layer.bias, layer.weight)]

    def run() -> Answer:
        with torch.no_grad():
            for parameter, array in zip(parameters(), start, strict=True):
                parameter.copy_(torch.from_numpy(array))
        if rule == "sgd":
            optimizer = torch.optim.SGD(model.parameters(), lr=RATE, **options)
        else:
            optimizer = torch.optim.Adam(model.parameters(), lr=ADAM_RATE, **options)
        losses = []
        for batch in order.split(problem["batch"]):
            loss = loss_function(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return torch.cat([p.detach().ravel() for p in parameters()]).numpy(), len(losses)

    return run


def train_sklearn(problem: Problem) -> Callable[[], Answer]:
    from sklearn.neural_network import MLPClassifier

    start, order = matrices(problem), problem["order"]
    x, y = problem["x"][order], problem["y"][order]
    model = MLPClassifier(  # all epochs are one of its own, since it cannot be told their order
        problem["widths"][1:-1], solver="sgd", alpha=0, batch_size=problem["batch"], momentum=0,
        learning_rate_init=RATE, max_iter=1, shuffle=False, warm_start=True,
    )  # fmt: skip

    def run() -> Answer:
        if hasattr(model, "coefs_"):
            for k, (b, W) in enumerate(zip(start[::2], start[1::2], strict=True)):
                model.intercepts_[k][...], model.coefs_[k][...] = b, W.T
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged, as is intended
            model.fit(x, y)
        parts = [a for b, W in zip(model.intercepts_, model.coefs_, strict=True) for a in (b, W.T)]
        return np.concatenate([part.ravel() for part in parts]), len(x) // problem["batch"]

    run()  # makes the arrays that the start is written into
    return run


def products_only(problem: Problem) -> Callable[[], Answer]:
    """Time the two large matrix products of each step alone: a floor, not a training."""
    b, W, *_ = matrices(problem)
    batches = np.split(problem["x"], len(problem["x"]) // problem["batch"]) * problem["epochs"]
    a, G = (np.ones((problem["batch"], len(b)), np.float32) for _ in range(2))
    gradient = np.empty_like(W)
    answer = train_lecturecode("sgd", problem)()[0]

    def run() -> Answer:
        for x in batches:
            np.matmul(x, W.T, out=a)
            np.matmul(G.T, x, out=gradient)
        return answer, len(batches)

    return run


SGD: dict[str, Contestant] = {
    "lecturecode.train, GradientDescent": partial(train_lecturecode, "sgd"),
    "torch eager, SGD": partial(train_torch, "sgd"),
    "torch eager, SGD fused": partial(train_torch, "sgd", fused=True),
}
ADAM: dict[str, Contestant] = {
    "lecturecode.train, Adam": partial(train_lecturecode, "adam"),
    "torch eager, Adam for-loop": partial(train_torch, "adam", foreach=False),
    "torch eager, Adam foreach": partial(train_torch, "adam", foreach=True),
    "torch eager, Adam fused": partial(train_torch, "adam", fused=True),
}
DIGITS = (784, 128, 10)

NETWORK_CASES = {
    "network_sgd": Case(
        title="a step of SGD, network 784-128-10, minibatches of 64, float32",
        unit="step",
        problem=partial(network_problem, DIGITS, 64, 25, 40),
        contestants={
            **SGD,
            "sklearn MLPClassifier": train_sklearn,
            "two large products alone (floor)": products_only,
        },
        tolerance=1e-3,
        goal="at most 1.6 x the floor, 0.6 x PyTorch eager and 0.6 x scikit-learn",
        limits={
            "torch eager, SGD": 0.6,
            "torch eager, SGD fused": 0.6,
            "sklearn MLPClassifier": 0.6,
            "two large products alone (floor)": 1.6,
        },
    ),
    "network_adam": Case(
        title="a step of Adam, network 784-128-10, minibatches of 64, float32",
        unit="step",
        problem=partial(network_problem, DIGITS, 64, 25, 40),
        contestants=ADAM,
        tolerance=1e-2,
        goal="at most 0.65 x PyTorch's best",
        limits={name: 0.65 for name in ADAM if name.startswith("torch")},
    ),
    "network_large": Case(
        title="a step of SGD, network 784-1024-1024-10, minibatches of 256, float32",
        unit="step",
        problem=partial(network_problem, (784, 1024, 1024, 10), 256, 4, 20),
        contestants=SGD,
        tolerance=1e-3,
        goal="at most 1.15 x PyTorch",
        limits={name: 1.15 for name in SGD if name.startswith("torch")},
    ),
}
