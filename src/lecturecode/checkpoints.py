"""A run on disk: written in one piece or not at all, without pickle, and refused if it is another's.

A checkpoint is an ``.npz`` file with the arrays of a run and one text, in JSON, for everything else.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

__all__ = ["CheckpointError", "read_checkpoint", "write_checkpoint"]

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

    beside = f"{os.fspath(path)}.{os.getpid()}.part"
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


def read_checkpoint(path: Any, run: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what :func:`write_checkpoint` wrote, and check that it belongs to this run.

    Parameters
    ----------
    path : str or path
        Where from.
    run : mapping
        What the text must say under "run", word by word.

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
    return arrays, text


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
