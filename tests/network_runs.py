"""Networks at work, that arrays, tensors and devices must answer alike.

Each takes a function that turns an array into one of the wanted library, dtype and device, and returns
arrays by their names. Starts and minibatches come from NumPy generators, so that all take the same path.
"""

import numpy as np

from lecturecode import (
    Adam,
    CrossEntropy,
    GradientDescent,
    Momentum,
    Network,
    SquaredError,
    TotalLoss,
    backprop,
    backprop_by_hand,
    flip_neuron,
    reorder_neurons,
    rescale_neuron,
    sample_gradients,
    train,
)
from lecturecode.activations import ACTIVATIONS
from lecturecode.schedules import inverse_time

X = np.random.default_rng(0).standard_normal((40, 3))
CURVE = np.stack([np.sin(2 * X[:, 0]), X[:, 1] * X[:, 2]], -1)
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
LOSSES = {"squares": (SquaredError(), CURVE), "classes": (CrossEntropy(), LABELS)}


def gradients(name, loss):
    network = Network((3, 6, 5, 2), name, name if loss == "squares" else "identity")

    def run(lib):
        of, y = LOSSES[loss]
        thetas = lib(network.init(1, networks=(2,)) + 0.1)
        given = of, thetas[0], lib(X), lib(y)
        value, gradient = backprop(network, of, thetas, lib(X), lib(y))
        values, each = sample_gradients(network, *given)
        hessian = TotalLoss(Network((3, 2, 2)), of, lib(X), lib(y)).hessian(lib(np.linspace(-1, 1, 14)))
        found = {
            "value": value,
            "gradient": gradient,
            "values": values,
            "each": each,
            "hessian": hessian,
        }
        found["outputs"] = network.predict(thetas, lib(X))
        return found | {"a2": network.forward(thetas, lib(X))[0][1]}

    return run


def by_hand(lib):
    network = Network((3, 4, 3, 4, 2), "sigmoid")
    r, gradient, G = backprop_by_hand(
        network, SquaredError(), lib(network.init(0)), lib(X[0]), lib(CURVE[0])
    )
    return {"r": r, "gradient": gradient, **G}


def training(rule, loss, **more):
    def run(lib):
        of, y = LOSSES[loss]
        held_out = (lib(X[:11] + 0.1), lib(y[:11]))
        trace = train(Network((3, 6, 2)), of, lib(X), lib(y), rule, epochs=8, batch_size=7, rng=3,
                      validation=held_out, record_every=1, **more)  # fmt: skip
        return {name: getattr(trace, name) for name in ("thetas", "values", "theta", "last")}

    return run


def symmetries(lib):
    thetas = lib(np.random.default_rng(0).standard_normal((2, 29)))
    relu, tanh = Network((3, 4, 2, 1), "relu"), Network((3, 4, 2, 1))
    return {
        "order": reorder_neurons(tanh, thetas, 1, [2, 0, 3, 1]),
        "beta": rescale_neuron(relu, thetas, 2, 1, 3.0),
        "sign": flip_neuron(tanh, thetas, 1, 3),
    }


RUNS = {f"{name}, {loss}": gradients(name, loss) for name in ACTIVATIONS for loss in LOSSES}
RUNS |= {
    f"train, {type(rule).__name__}, {loss}": training(rule, loss)
    for rule in (GradientDescent(0.05), Momentum(0.02), Adam(0.01))
    for loss in LOSSES
}
RUNS |= {
    "train, a schedule": training(Momentum(1.0), "squares", schedule=inverse_time(0.02, 9)),
    "train, the last dropped": training(Adam(), "classes", keep_last=False),
    "backprop_by_hand": by_hand,
    "symmetries": symmetries,
}
