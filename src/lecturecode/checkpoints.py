"""A run on disk: written in one piece or not at all, without pickle, and refused if it is another's.

A checkpoint is an ``.npz`` file with the arrays of a run and one text, in JSON, for everything else.
"""

import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import IO, Any

import numpy as np

from lecturecode.door import came

__all__ = [
    "CheckpointError",
    "check_checkpoint",
    "clear_remains",
    "read_checkpoint",
    "write_checkpoint",
]

TEXT = "text"
STALE = 24 * 3600.0
"""Seconds after which nobody writes to a file any more, whatever process now has the writer's number."""


class CheckpointError(ValueError):
    """A file that is no checkpoint of this run; a ValueError. The file is left as it is."""


# --- the file -------------------------------------------------------------------------------------


def write_checkpoint(path: Any, arrays: Mapping[str, np.ndarray], text: Mapping[str, Any]) -> None:
    """Write arrays and text to `path`: whoever reads it finds the old file or the new one, whole.

    Parameters
    ----------
    path : str or path
        Where to; a symbolic link is followed. The file is written beside it first, under a random name,
        and then renamed. It keeps the permissions of the file that it replaces.
    arrays : mapping of str to array
        NumPy arrays of numbers.
    text : mapping
        What JSON can hold.

    Raises
    ------
    CheckpointError
        If there is something at `path` that is no regular file.
    """
    target, mode = _target(path)
    beside, file = _open_beside(target)
    try:
        with file:
            pack(file, arrays, text)
            if mode is not None:
                os.chmod(beside, mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    finally:
        with suppress(FileNotFoundError):
            os.remove(beside)


def check_checkpoint(path: Any) -> None:
    """Check that a checkpoint can be written to `path`, by making a file beside it and removing it.

    Raises
    ------
    TypeError
        If `path` is neither a string nor a path; bytes are none.
    ValueError
        If it is blank, or no name of a file.
    CheckpointError
        If there is something that is no regular file. A ValueError.
    OSError
        If the folder does not exist (FileNotFoundError), cannot be written to (PermissionError), or does
        not take a name of this length.
    """
    try:
        name = os.fspath(path)
    except TypeError:
        name = None
    if not isinstance(name, str):
        raise TypeError(f"checkpoint must be the path of a file; got {type(path).__name__}")
    if not name.strip() or "\0" in name:
        raise ValueError(f"checkpoint must be the path of a file, such as 'fit.npz'; got {came(name)}")
    folder = os.path.dirname(os.path.realpath(name))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"there is no folder {folder} for the checkpoint; make it first")
    try:
        target, _ = _target(name)
        beside, file = _open_beside(target)
        file.close()
        os.remove(beside)
    except OSError as error:
        raise OSError(
            error.errno,
            f"no checkpoint can be written to {name} ({error.strerror}); give another path",
        ) from error


def clear_remains(path: Any) -> None:
    """Remove what a process of this machine that was killed while it wrote to `path` left beside it.

    The files of processes that still run, and of other machines, stay. On Windows, where it does harm to
    ask a process whether it still runs, all of them do, for a day.

    Parameters
    ----------
    path : str or path
        As for :func:`write_checkpoint`.
    """
    folder, name = os.path.split(os.path.realpath(path))
    of_ours = re.compile(re.escape(_beside(name)) + r"-(\d+)(-[0-9a-f]{16})?\.part")
    for each in os.listdir(folder):
        number, remains = of_ours.fullmatch(each), os.path.join(folder, each)
        with suppress(OSError):
            if number and (time.time() - os.stat(remains).st_mtime > STALE or not _runs(int(number[1]))):
                os.remove(remains)


def _target(path: Any) -> tuple[str, int | None]:
    """Return the file that `path` leads to and its permissions, or None if there is none yet."""
    target = os.path.realpath(path)
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return target, None
    if not stat.S_ISREG(mode):
        raise CheckpointError(
            f"{path} is not a whole checkpoint, since it is no regular file but a {_kind(mode)}. It was "
            "left as it is; give another path"
        )
    return target, stat.S_IMODE(mode)


def _kind(mode: int) -> str:
    kinds = {
        "folder": stat.S_ISDIR, "pipe": stat.S_ISFIFO, "socket": stat.S_ISSOCK,
    }  # fmt: skip
    return next((name for name, is_one in kinds.items() if is_one(mode)), "device")


def _open_beside(target: str) -> tuple[str, IO[bytes]]:
    """Open a new file beside the target, that only this call writes to."""
    from secrets import token_hex

    folder, name = os.path.split(target)
    beside = os.path.join(folder, f"{_beside(name)}-{os.getpid()}-{token_hex(8)}.part")
    return beside, open(beside, "xb")  # "x": refuse a file or link that is there


def _beside(name: str) -> str:
    """Return how the names of files begin that this machine writes beside a checkpoint."""
    from hashlib import blake2b
    from platform import node

    if len(os.fsencode(name)) > 100:  # a name has 255 bytes at most
        name = blake2b(os.fsencode(name), digest_size=16).hexdigest()
    return f"{name}.{node()}"


def _runs(process: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


# --- what is in it --------------------------------------------------------------------------------


def pack(file: IO[bytes], arrays: Mapping[str, np.ndarray], text: Mapping[str, Any]) -> None:
    """Write arrays and text to a file that is open."""
    import json  # not at the top: it takes long to import

    letters = np.frombuffer(json.dumps({**text, "arrays": list(arrays)}).encode(), dtype=np.uint8)
    np.savez(file, allow_pickle=False, **{TEXT: letters}, **arrays)


def unpack(file: IO[bytes]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and the text that :func:`pack` wrote.

    Raises
    ------
    CheckpointError
        If arrays are missing. A file that is damaged or something else raises whatever its readers do.
    """
    import json

    with np.load(file, allow_pickle=False) as parts:
        arrays = {name: parts[name] for name in parts.files}
    text = json.loads(arrays.pop(TEXT).tobytes().decode())
    if set(text.pop("arrays")) != set(arrays):
        raise CheckpointError("some of its arrays are missing")
    return arrays, text


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

    _target(path)
    try:
        with open(path, "rb") as file:
            arrays, text = unpack(file)
        theirs = dict(text["run"])
    except Exception as error:  # whatever a damaged or foreign file makes its readers raise
        raise CheckpointError(
            f"{path} is not a whole checkpoint ({type(error).__name__}: {error}). It was left as it is; "
            "delete it, or give another path, to start anew"
        ) from error
    check_same(path, theirs, json.loads(json.dumps(dict(run))))
    if rates is not None:
        _check_rates(path, text.get("rates", {}), rates(text["steps"]))
    return arrays, text


def check_same(path: Any, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Check that what a file says of its run is what this run says.

    Raises
    ------
    CheckpointError
        If it is not; the message says where the two differ.
    """
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


def _check_rates(path: Any, theirs: Mapping[str, float], ours: Mapping[str, float]) -> None:
    for i in sorted({*theirs, *ours}, key=int):
        if theirs.get(i) != ours.get(i):
            raise CheckpointError(
                f"{path} is the checkpoint of another run (learning rate of step {i}: the file has "
                f"{theirs.get(i)}, this run {ours.get(i)}). It was left as it is; give the schedule "
                "that it was written with, or another path to start anew"
            )


# --- by what runs are told apart ------------------------------------------------------------------


def digest(arrays: Iterable[np.ndarray]) -> str:
    """Return a short text that other numbers would not have."""
    from hashlib import blake2b

    data = blake2b(digest_size=16)
    for array in arrays:
        data.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return data.hexdigest()


def describe(thing: Any, inside: tuple[Any, ...] = ()) -> str:
    """Return a text by which things are told apart in another process, where addresses are others.

    It is the repr, and of a class that has none, its name and the fields of the instance. `inside` are
    the things that this one is a field of.
    """
    if any(thing is outer for outer in inside):
        return "..."
    by_address: Any = object.__repr__
    if type(thing).__repr__ is by_address:
        outer = (*inside, thing)
        fields = [f"{name}={describe(value, outer)}" for name, value in _fields(thing).items()]
        return f"{type(thing).__qualname__}({', '.join(fields)})"
    if isinstance(thing, np.ndarray) and not thing.dtype.hasobject:
        return f"array({thing.dtype}, {thing.shape}, {digest([thing])})"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))


def _fields(thing: Any) -> dict[str, Any]:
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    return {name: getattr(thing, name) for name in slots if hasattr(thing, name)} | getattr(
        thing, "__dict__", {}
    )


# --- generators -----------------------------------------------------------------------------------


def generator_state(rng: Any) -> Any:
    """Return the state of a generator as what JSON can hold."""
    if isinstance(rng, np.random.Generator):
        return _listed(rng.bit_generator.state)
    return rng.get_state().tolist()


def check_generator(rng: Any, state: Any) -> None:
    """Check that a state is one of this kind of generator.

    Raises
    ------
    CheckpointError
        If it is not.
    """
    numpy = isinstance(rng, np.random.Generator)
    found = state["bit_generator"] if isinstance(state, dict) else "torch.Generator"
    wanted = type(rng.bit_generator).__name__ if numpy else "torch.Generator"
    if found != wanted:
        raise CheckpointError(f"the checkpoint was written with the generator {found}; rng is {wanted}")


def set_generator_state(rng: Any, state: Any) -> None:
    """Put a generator back into a state that :func:`generator_state` returned.

    Raises
    ------
    CheckpointError
        If the state is that of another kind of generator.
    """
    check_generator(rng, state)
    if isinstance(rng, np.random.Generator):
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
