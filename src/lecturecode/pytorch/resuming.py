r"""A run of PyTorch on disk: parameters, buffers, what the optimizer remembers, and the generators.

The file is that of :mod:`lecturecode.checkpoints`. What must be equal for a run to go on is named in it.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lecturecode.checkpoints import generator_state, set_generator_state
from lecturecode.pytorch.parameters import named_parts, write
from lecturecode.pytorch.rules import describe
from lecturecode.schedules import sampled_rates


def identity_of(run: Any) -> dict[str, Any]:
    """Return what must be the same for a run that goes on."""
    named = {name: list(part.shape) for name, part in named_parts(run.module).items()}
    frozen = [part.detach() for part in run.module.parameters() if not part.requires_grad]
    return {
        "network": lasting(repr(run.module)),
        "parameters": named,
        "frozen": _digest(frozen),
        "loss": lasting(repr(run.mean.loss)),
        "optimizer": describe(run.optimizer, run.rule.torch),
        "batch size": run.batch_size,
        "keep last": run.keep_last,
        "record every": run.recorder.record_every,
        "data": _digest([run.x, run.y, *(run.held_out or ())]),
        "numbers": str(run.parts[0].dtype),
    }


def rates_of(run: Any) -> Callable[[int], dict[str, float]]:
    """Return the function from a number of steps to some of the learning rates that they had."""
    return lambda steps: sampled_rates(run.schedule, steps, run.optimizer)


def frozen(run: Any, identity: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the state of the run as arrays and text."""
    arrays = {"theta": run.theta, "before": run.before, "best": run.best}
    arrays["values"] = run.recorder.values.so_far()
    if run.recorder.record_every:
        arrays["thetas"] = run.recorder.thetas.so_far()
    arrays |= run.rule.state()
    arrays |= {f"buffer {name}": part for name, part in run.module.named_buffers()}
    arrays |= {f"chance {kind}": state for kind, state in _chance(run.x.device).items()}
    text = {
        "run": identity,
        "steps": run.steps,
        "loss": run.losses,
        "end": run.ends,
        "validation": run.validation,
        "lowest": run.lowest,
        "best epoch": run.best_epoch,
        "rates": rates_of(run)(run.steps),
        "rng": generator_state(run.rng),
    }
    return dict(_as_numpy(name, array.detach().cpu()) for name, array in arrays.items()), text


def resume(run: Any, arrays: dict[str, np.ndarray], text: dict[str, Any]) -> None:
    """Go back to the state that :func:`frozen` returned."""
    set_generator_state(run.rng, text["rng"])
    run.steps, run.lowest, run.best_epoch = text["steps"], text["lowest"], text["best epoch"]
    run.losses, run.ends, run.validation = text["loss"], text["end"], text["validation"]
    stored = dict(_as_tensor(name, array) for name, array in arrays.items())
    found = {name: array.to(run.x.device) for name, array in stored.items()}
    write(run.parts, found["theta"])
    run.ended, run.before, run.best = found["theta"], found["before"], found["best"]
    if run.best_epoch == run.epoch:
        run.best = run.ended
    run.rule.restore({name: array for name, array in stored.items() if name.startswith("state ")})
    for name, part in run.module.named_buffers():
        part.copy_(found[f"buffer {name}"])
    for kind in _chance(run.x.device):
        set_state = torch.set_rng_state if kind == "cpu" else torch.cuda.set_rng_state
        set_state(stored[f"chance {kind}"])
    run.recorder.restore(found["values"], found["theta"], found.get("thetas"))


def _chance(device: torch.device) -> dict[str, Tensor]:
    """Return the states of PyTorch's global generators, from which Dropout draws."""
    if device.type == "cuda":
        return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state(device)}
    return {"cpu": torch.get_rng_state()}


def _digest(tensors: list[Tensor]) -> str:
    from hashlib import blake2b

    data = blake2b(digest_size=16)
    for tensor in tensors:
        data.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return data.hexdigest()


BFLOAT16 = " (bfloat16)"
"""What follows the name of an array of that dtype, which NumPy lacks: its bits are kept as int16."""


def _as_numpy(name: str, tensor: Tensor) -> tuple[str, np.ndarray]:
    if tensor.dtype is torch.bfloat16:
        return name + BFLOAT16, tensor.view(torch.int16).numpy()
    return name, tensor.numpy()


def _as_tensor(name: str, array: np.ndarray) -> tuple[str, Tensor]:
    tensor = torch.as_tensor(array)
    if name.endswith(BFLOAT16):
        return name.removesuffix(BFLOAT16), tensor.view(torch.bfloat16)
    return name, tensor


def lasting(text: str) -> str:
    """Return a repr without addresses, which another process would not have."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
