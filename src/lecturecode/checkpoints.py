"""A run on disk: written in one piece or not at all, without pickle, and refused if it is another's.

A checkpoint is an ``.npz`` file with the arrays of a run and one text, in JSON, for everything else.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

__all__ = ["CheckpointError", "clear_remains", "read_checkpoint", "write_checkpoint"]

TEXT = "text"


class CheckpointError(ValueError):
    """A file that is no checkpoint of this run; a ValueError. The file is left as it is."""


def write_checkpoint(path: Any, arrays: Mapping[str, np.ndarray], text: Mapping[str, Any]) -> None:
    """Write arrays and text to `path`: whoever reads it finds the old file or the new one, whole.

    Parameters
    ----------
    path : str or path
        Where to. The file is written beside it first, and then renamed.
    arrays : mapping of str to array
        NumPy arrays of numbers.
    text : mapping
        What JSON can hold.
    """
    import json  # not at the top: it takes long to import

    beside = f"{_beside(path)}{os.getpid()}.part"
    letters = np.frombuffer(json.dumps({**text, "arrays": list(arrays)}).encode(), dtype=np.uint8)
    try:
        with open(beside, "wb") as file:
            np.savez(file, allow_pickle=False, **{TEXT: letters}, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        with suppress(FileNotFoundError):
            os.remove(beside)


def clear_remains(path: Any) -> None:
    """Remove what a process of this machine that was killed while it wrote to `path` left beside it.

    The files of processes that still run, and of other machines, stay. On Windows, where it does harm to
    ask a process whether it still runs, all of them do.

    Parameters
    ----------
    path : str or path
        As for :func:`write_checkpoint`.
    """
    from glob import escape, glob

    start = _beside(path)
    for remains in glob(escape(start) + "*.part"):
        number = remains.removeprefix(start).removesuffix(".part")
        if os.name == "posix" and number.isdecimal() and not _runs(int(number)):
            with suppress(OSError):
                os.remove(remains)


def _beside(path: Any) -> str:
    """Return how the names of files begin that this machine writes beside a checkpoint."""
    from platform import node

    return f"{os.fspath(path)}.{node()}-"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def read_checkpoint(
    path: Any, run: Mapping[str, Any], rates: Callable[[int], Mapping[str, float]] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what :func:`write_checkpoint` wrote, and check that it belongs to this run.

    Parameters
    ----------
    path : str or path
        Where from.
    run : mapping
        What the text must say under "run", word by word.
    rates : callable, optional
        Takes the number of steps that the text has, and returns what it must say under "rates":
        learning rates by their steps.

    Returns
    -------
    arrays : dict of str to array
    text : dict

    Raises
    ------
    CheckpointError
        If the file is truncated or something else, or belongs to another run; the message says where
        the two differ.
    """
    import json

    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as parts:
            arrays = {name: parts[name] for name in parts.files}
        text = json.loads(arrays.pop(TEXT).tobytes().decode())
        theirs = dict(text["run"])
        if set(text.pop("arrays")) != set(arrays):
            raise CheckpointError("some of its arrays are missing")
    except Exception as error:  # whatever a damaged or foreign file makes its readers raise
        raise CheckpointError(
            f"{path} is not a whole checkpoint ({type(error).__name__}: {error}). It was left as it is; "
            "delete it, or give another path, to start anew"
        ) from error
    ours = json.loads(json.dumps(dict(run)))
    differences = [
        f"{name}: the file has {theirs.get(name)!r}, this run {ours.get(name)!r}"
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    ]
    if differences:
        raise CheckpointError(
            f"{path} is the checkpoint of another run ({'; '.join(differences)}). It was left as it is; "
            "give another path to start anew"
        )
    if rates is not None:
        _check_rates(path, text.get("rates", {}), rates(text["steps"]))
    return arrays, text


def _check_rates(path: Any, theirs: Mapping[str, float], ours: Mapping[str, float]) -> None:
    for i in sorted({*theirs, *ours}, key=int):
        if theirs.get(i) != ours.get(i):
            raise CheckpointError(
                f"{path} is the checkpoint of another run (learning rate of step {i}: the file has "
                f"{theirs.get(i)}, this run {ours.get(i)}). It was left as it is; give the schedule "
                "that it was written with, or another path to start anew"
            )


def generator_state(rng: Any) -> Any:
    """Return the state of a generator as what JSON can hold."""
    if isinstance(rng, np.random.Generator):
        return _listed(rng.bit_generator.state)
    return rng.get_state().tolist()


def set_generator_state(rng: Any, state: Any) -> None:
    """Put a generator back into a state that :func:`generator_state` returned.

    Raises
    ------
    CheckpointError
        If the state is that of another kind of generator.
    """
    numpy = isinstance(rng, np.random.Generator)
    found = state["bit_generator"] if isinstance(state, dict) else "torch.Generator"
    wanted = type(rng.bit_generator).__name__ if numpy else "torch.Generator"
    if found != wanted:
        raise CheckpointError(f"the checkpoint was written with the generator {found}; rng is {wanted}")
    if numpy:
        rng.bit_generator.state = _arrays(state)
    else:
        rng.set_state(rng.get_state().new_tensor(state))


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(inner) for key, inner in value.items()}
    return {"array": value.tolist()} if isinstance(value, np.ndarray) else value


def _arrays(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) == {"array"}:
        return np.array(value["array"], dtype=np.uint64)
    return {key: _arrays(inner) for key, inner in value.items()}
