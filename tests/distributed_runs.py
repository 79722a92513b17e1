"""What each of the processes does that tests/test_distributed.py starts with torchrun.

    python -m torch.distributed.run --standalone --nproc-per-node 2 tests/distributed_runs.py NAME FOLDER

Rank k writes what it found to FOLDER/k.npz.
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch

from lecturecode import Adam, CrossEntropy, GradientDescent, Momentum, SquaredError
from lecturecode.pytorch import train_distributed
from lecturecode.schedules import inverse_time

torch.set_num_threads(1)

GIVEN = np.random.default_rng(0).standard_normal((41, 3))
X = torch.tensor(GIVEN)
CURVE = torch.tensor(np.stack([np.sin(2 * GIVEN[:, 0]), GIVEN[:, 1] * GIVEN[:, 2]], -1))
LABELS = torch.tensor((GIVEN[:, 0] * GIVEN[:, 1] > 0).astype(int))
HELD_OUT = (X[:11] + 0.1, CURVE[:11])
SOME = torch.where(torch.arange(41) % 7 > 1, -100, LABELS)
"""Class numbers of which most are ignored, so that some shares have none, and some minibatches."""
WEIGHTS = torch.tensor([1.0, 20.0], dtype=torch.float64)
EPOCHS = 6


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.02, momentum=0.9, nesterov=True)


CASES = {
    "remainders": (SquaredError(), CURVE, Adam(0.02), {"batch_size": 7}),
    "a rank without a sample": (CrossEntropy(), LABELS, GradientDescent(0.1), {"batch_size": 8}),
    "the last dropped": (CrossEntropy(), LABELS, Momentum(0.02), {"batch_size": 9, "keep_last": False}),
    "a schedule": (
        SquaredError(), CURVE, Momentum(1.0), {"batch_size": 10, "schedule": inverse_time(0.02, 9)},
    ),
    "validation": (SquaredError(), CURVE, Adam(0.05), {"batch_size": 5, "validation": HELD_OUT}),
    "patience": (
        SquaredError(), CURVE, Adam(0.5), {"batch_size": 5, "validation": HELD_OUT, "patience": 1},
    ),
    "patience after a fall": (
        SquaredError(), CURVE, Adam(0.15), {"batch_size": 5, "validation": HELD_OUT, "patience": 1},
    ),
    "class weights": (
        torch.nn.CrossEntropyLoss(WEIGHTS), LABELS, Adam(0.02), {"batch_size": 7},
    ),
    "ignored labels": (
        torch.nn.CrossEntropyLoss(WEIGHTS, label_smoothing=0.1), SOME, GradientDescent(0.1),
        {"batch_size": 3, "validation": (X[:11] + 0.1, SOME[:11])},
    ),
    "an optimizer of PyTorch": (torch.nn.MSELoss(), CURVE, sgd, {"batch_size": 41}),
    "NaN": (SquaredError(), CURVE, GradientDescent(30.0), {"batch_size": 8, "epochs": 60}),
}  # fmt: skip
"""Loss, targets, optimizer and more, for fits that one process and two must do alike."""

SINGLE = {"remainders in float32": (SquaredError(), CURVE.float(), Adam(0.02), {"batch_size": 7})}


def module_from(seed, dtype=torch.float64):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.nn.Sequential(
            torch.nn.Linear(3, 6), torch.nn.Tanh(), torch.nn.Linear(6, 2)
        ).to(dtype)  # fmt: skip


def fit(train, module, case, **more):
    loss, y, optimizer, options = (CASES | SINGLE)[case]
    x = X.to(next(module.parameters()))
    y = y.to(x.device)
    given = {"epochs": EPOCHS, "rng": 3, "record_every": 1} | options | more
    return train(module, loss, x, y, optimizer, **given)


def parts_of(trace):
    """Return the arrays of a trace by their names."""
    named = {name: getattr(trace, name) for name in ("thetas", "values", "theta", "last", "value")}
    found = {name: np.asarray(torch.as_tensor(value).cpu()) for name, value in named.items()}
    return found | {"evaluations": trace.evaluations, "message": trace.message, **trace.extras}


def rank():
    return int(os.environ["RANK"])


def everything(folder):
    """Fit all cases, each from another start than the other rank's; then what must be refused."""
    found = {}
    for case in CASES:
        module = module_from(rank())
        seen = []
        module.register_forward_pre_hook(lambda module, args, seen=seen: seen.append(args[0].clone()))
        trace = fit(train_distributed, module, case, timeout=120)
        found |= {f"{case}: {name}": part for name, part in parts_of(trace).items()}
        end = torch.cat([module[k].get_parameter(p).detach().ravel() for k, p in LAYERS])
        found[f"{case}: module"] = end.numpy()
        if case == "the last dropped":  # the first forward pass is that of the check at the door
            found["seen"] = np.concatenate([part[:, 0] for part in seen[1:5]])
    found |= {f"stopped: {name}": part for name, part in stopped().items()}
    module = Shifted(rank())
    found |= {f"buffers: {name}": part for name, part in parts_of(shifted(module, timeout=120)).items()}
    found["buffers: left"] = module.shift.numpy()
    found["listens"] = np.array(sorted(module.listens))
    for name, run in REFUSED.items():
        try:
            run(folder)
        except (ValueError, RuntimeError, OSError, FloatingPointError, KeyboardInterrupt) as error:
            found[f"refused: {name}"] = f"{type(error).__name__}: {error}"
            trace = getattr(error, "trace", None)
            found[f"refused, values: {name}"] = 0 if trace is None else len(trace.values)
    return found


LAYERS = ((0, "bias"), (0, "weight"), (2, "bias"), (2, "weight"))


def refused(**more):
    def run(folder):
        given = {"timeout": 120} | {k: v(folder) if callable(v) else v for k, v in more.items()}
        fit(train_distributed, module_from(0), "remainders", **given)

    return run


def other_data(folder):
    y = CURVE + rank()
    train_distributed(
        module_from(0), SquaredError(), X, y, Adam(), epochs=1, batch_size=4, rng=0, timeout=120
    )


def raises_in_rank_1(folder):
    def schedule(i):
        if rank() == 1 and i == 8:
            raise FloatingPointError("a mistake of rank 1")
        return 0.1

    fit(train_distributed, module_from(0), "remainders", schedule=schedule, timeout=120)


def interrupted_in_rank_1(folder):
    def schedule(i):
        if rank() == 1 and i == 8:
            raise KeyboardInterrupt
        return 0.1

    fit(train_distributed, module_from(0), "remainders", schedule=schedule, timeout=120)


def other_seed(folder):
    path = Path(folder) / "seed.npz"
    for seed in (3, 4):
        fit(train_distributed, module_from(0), "remainders", checkpoint=path, rng=seed, epochs=1,
            timeout=120)  # fmt: skip


def hangs_in_rank_1(folder):
    def schedule(i):
        if rank() == 1 and i == 8:
            time.sleep(4)
        return 0.1

    fit(train_distributed, module_from(0), "remainders", schedule=schedule, timeout=1.5)


def normalized(folder):
    module = torch.nn.Sequential(torch.nn.BatchNorm1d(3, dtype=X.dtype), module_from(0))
    fit(train_distributed, module, "remainders")


def summed(folder):
    loss = torch.nn.MSELoss(reduction="sum")
    train_distributed(module_from(0), loss, X, CURVE, Adam(), epochs=1, batch_size=4)


def damaged(folder):
    path = Path(folder) / "damaged.npz"
    if rank() == 0:
        path.write_bytes(b"not a checkpoint")
    return path


def own_mean(folder):
    def loss(outputs, y):
        return ((outputs - y) ** 2).mean()

    train_distributed(module_from(0), loss, X, CURVE, Adam(), epochs=1, batch_size=4, timeout=120)


class Shifted(torch.nn.Module):
    """Adds a buffer, which a forward pass of the training moves by the mean of what it sees."""

    def __init__(self, shift):
        super().__init__()
        self.inner = module_from(0)
        self.register_buffer("shift", torch.tensor(float(shift), dtype=torch.float64))

    def forward(self, x):
        outputs = self.inner(x) + self.shift
        if self.training:
            self.listens = listening()
            self.shift += 0.1 * x.mean()
        return outputs


def listening():
    """Return the addresses at which this process waits for connections, as Linux writes them."""
    ours = {os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")
            if os.path.islink(f"/proc/self/fd/{name}")}  # fmt: skip
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
        listen = (row for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in ours)
        found |= {row[1].split(":")[0] for row in listen}
    return found


def shifted(module, train=train_distributed, **more):
    """Fit for one epoch of one minibatch, so that both processes start it with one buffer."""
    return train(
        module, SquaredError(), X, CURVE, GradientDescent(0.1), epochs=1, batch_size=41, rng=0,
        record_every=1, **more,
    )  # fmt: skip


REFUSED = {
    "batch": refused(batch_size=1),
    "rng": refused(rng=lambda folder: rank()),
    "folder": refused(checkpoint="/no/such/folder/fit.npz"),
    "damaged": refused(checkpoint=damaged),
    "data": other_data,
    "exception": raises_in_rank_1,
    "interrupt": interrupted_in_rank_1,
    "seed": other_seed,
    "hangs": hangs_in_rank_1,
    "batch normalization": normalized,
    "sum": summed,
    "own mean": own_mean,
}


def stopped():
    """Let rank 0 stop all by its callback, and draw the minibatches from no seed."""
    calls = []

    def callback(trace):
        calls.append(len(trace))
        return len(calls) == 2

    trace = fit(
        train_distributed, module_from(0), "remainders", callback=callback, rng=None, timeout=120
    )
    return parts_of(trace) | {"calls": np.array(calls)}


def killed(folder, who, step, how):
    """Fit; rank `who` ends at a step, if torchrun has started it for the first time."""

    def schedule(i):
        first = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
        if first and (rank(), i) == (int(who), int(step)):
            os.kill(os.getpid(), signal.SIGKILL) if how == "SIGKILL" else os._exit(7)
        return 0.02

    path = os.path.join(folder, "fit.npz")
    module = module_from(rank())
    trace = fit(train_distributed, module, "remainders", checkpoint=path, schedule=schedule, timeout=120)
    return parts_of(trace)


def on_cuda(folder):
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return parts_of(fit(train_distributed, module_from(0).to(device), "remainders", timeout=120))


if __name__ == "__main__":
    name, folder, *more = sys.argv[1:]
    run = {"everything": everything, "killed": killed, "on_cuda": on_cuda}[name]
    np.savez(Path(folder) / f"{rank()}.npz", allow_pickle=False, **run(folder, *more))
