"""Several processes, one program: each has a number, its rank, and they add up arrays together.

``torchrun`` starts the same script some times over and tells each process its rank, how many they are,
and where the first one can be met. A process that dies cannot say so: the others find out by themselves.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from hashlib import blake2b
from io import BytesIO
from itertools import count
from logging import getLogger
from typing import Any
from uuid import uuid4

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.rendezvous import rendezvous

from lecturecode.checkpoints import pack, unpack
from lecturecode.door import came
from lecturecode.pytorch.mean_loss import MeanLoss
from lecturecode.stepping import Stored
from lecturecode.trace import Trace

__all__ = ["RankError", "Ranks", "check_divisible", "join", "share"]

NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun puts into the environment of each process."""
ROLL_CALL = 2.0
"""Seconds in which a rank has to answer, once one is known to be missing."""


class RankError(RuntimeError):
    """Another process of the run has failed; a RuntimeError.

    `ranks` has the numbers of those, and `trace` what this process has seen.
    """

    def __init__(self, message: str, ranks: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.ranks = ranks
        self.trace: Trace | None = None


class _LostError(Exception):
    """A sum could not be formed: somebody is missing."""


class _ToldToStopError(Exception):
    """SIGTERM arrived, as it does from torchrun when another process has failed."""


def share(samples: int, rank: int, size: int) -> slice:
    """Return the part of `samples` that is rank's: all parts together are all of them, none twice.

    Parameters
    ----------
    samples : int
        How many there are to divide.
    rank, size : int
        Which process, and of how many.

    Returns
    -------
    slice
        Where n samples are divided among s processes, the first n mod s have one more than the others.

    Examples
    --------
    >>> [list(range(10))[share(10, rank, 4)] for rank in range(4)]
    [[0, 1, 2], [3, 4, 5], [6, 7], [8, 9]]
    """
    least, more = divmod(samples, size)
    first = rank * least + min(rank, more)
    return slice(first, first + least + (rank < more))


def check_divisible(module: nn.Module, loss: Any) -> None:
    """Check that the loss of a minibatch is a mean over samples that do not see each other.

    Raises
    ------
    ValueError
        If it is not, and shares of it cannot be put together again.
    """
    for name, layer in module.named_modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            raise ValueError(
                f"{name or 'the module'} is a {type(layer).__name__}, which compares the samples of a "
                "minibatch, and each process has only a share of them; take LayerNorm or GroupNorm"
            )
    if getattr(loss, "reduction", "mean") == "sum":
        raise ValueError(
            "the loss must be a mean over the samples, or one number for each, for shares of it to add "
            f"up; {loss} has reduction='sum'. Give it reduction='none'"
        )


@dataclass
class Ranks:
    """The processes of one run, seen by one of them. :func:`join` makes it.

    Attributes
    ----------
    rank, size : int
        The number of this process, and how many there are.
    store : torch.distributed.Store
        A register of words that outlives any single process, kept by torchrun.
    device : torch.device
        Where the arrays are that are added.
    """

    rank: int
    size: int
    store: Any
    device: torch.device
    together: bool = field(default=True, init=False)

    @property
    def leads(self) -> bool:
        """Whether this one writes, calls back and shows progress."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Whether there is no other."""
        return self.size == 1

    def any(self, stop: bool) -> bool:
        """Return whether one of the ranks wants to stop."""
        return bool(self.add(torch.tensor([float(stop)], device=self.device)) > 0)

    def from_leader(self, stored: Stored | None) -> Stored | None:
        """Return what rank 0 has read from a checkpoint."""
        content = BytesIO()
        if stored is not None:
            pack(content, *stored)
        found = self.spread_bytes(content.getvalue())
        return unpack(BytesIO(found)) if found else None

    def common_generator(self) -> np.random.Generator:
        """Return a generator with a seed that rank 0 has drawn for all."""
        seed = np.random.SeedSequence().entropy if self.leads else 0
        return np.random.default_rng(int(self.spread_bytes(str(seed).encode())))

    def check_batch_size(self, batch_size: int) -> None:
        """Check that each rank has a share of a minibatch.

        Raises
        ------
        ValueError
            If there are more ranks than samples in it.
        """
        if batch_size < self.size:
            raise ValueError(
                f"batch_size is that of all processes together, and {batch_size} samples are too "
                f"few for {self.size} processes; give at least {self.size}, or start fewer of them"
            )

    def check_adds_up(self, mean: MeanLoss) -> None:
        """Check that the loss of a minibatch is known from those of shares.

        Raises
        ------
        ValueError
            If there are several ranks, and the loss returns one number that may divide by anything.
        """
        if self.size > 1 and not mean.adds_up:
            raise ValueError(
                "each process sees only a share of a minibatch, and this loss returns one number, which "
                f"cannot be put together from those of shares; got {came(mean.loss)}. Let it return the "
                "loss of each sample, before any mean, or give one of PyTorch's, such as "
                "torch.nn.CrossEntropyLoss(weight=...)"
            )

    def add(self, array: torch.Tensor) -> torch.Tensor:
        """Replace `array` by the sum of those of all ranks, the same bits everywhere; return it."""
        try:
            dist.all_reduce(array)
        except RuntimeError as error:
            raise _LostError(f"lost contact ({error})") from error
        return array

    def spread(self, array: torch.Tensor) -> torch.Tensor:
        """Replace `array` by that of rank 0; return it."""
        try:
            dist.broadcast(array, 0)
        except RuntimeError as error:
            raise _LostError(f"lost contact ({error})") from error
        return array

    def spread_bytes(self, content: bytes) -> bytes:
        """Return what rank 0 has, whatever the others give."""
        length = self.spread(torch.tensor([len(content)], device=self.device))
        buffer = torch.empty(int(length), dtype=torch.uint8, device=self.device)
        if self.rank == 0 and content:
            buffer.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        return self.spread(buffer).cpu().numpy().tobytes() if len(buffer) else b""

    def say(self, word: str, text: str) -> None:
        """Write `text` into the register under `word` and one's own rank."""
        self.store.set(f"{word} {self.rank}", text)

    def heard(self, word: str, rank: int) -> str:
        """Wait for what another rank says."""
        try:
            return self.store.get(f"{word} {rank}").decode()
        except RuntimeError as error:
            raise _LostError(f"lost contact ({error})") from error

    def agree(self, words: dict[str, Any]) -> None:
        """Compare what this process was given with what rank 0 was.

        Raises
        ------
        ValueError
            If they differ; the message says in what.
        """
        self.say("given", json.dumps(words))
        ours, theirs = (json.loads(self.heard("given", rank)) for rank in (self.rank, 0))
        different = [name for name in theirs if ours.get(name) != theirs[name]]
        if different:
            raise ValueError(
                f"all processes must be given the same, but rank {self.rank} differs from rank 0 in: "
                f"{', '.join(different)}. Make the data from one seed, and the call without the rank"
            )

    def leave(self) -> None:
        """Close the connections; who waits for this rank learns that it is gone."""
        if self.together:
            self.together = False
            dist.destroy_process_group()

    def failures(self) -> dict[int, str]:
        """Call the roll: return the ranks that failed and what is known about each."""
        self.leave()  # so that nobody waits for this one, and all come to the roll call
        silent = set(range(self.size)) - {self.rank}
        found: dict[int, str] = {}
        end = time.monotonic() + ROLL_CALL
        try:
            self.say("here", "")
            while silent and time.monotonic() < end:
                for rank in sorted(silent):
                    if self.store.check([f"failed {rank}"]):
                        found[rank] = "failed: " + self.store.get(f"failed {rank}").decode()
                    elif not self.store.check([f"here {rank}"]):
                        continue
                    silent.discard(rank)
                time.sleep(0.02)
        except RuntimeError:  # the register itself is gone
            return found
        return found | dict.fromkeys(silent, "no longer answers (killed, out of memory, or cut off)")

    @contextmanager
    def guarded(self, where: Any) -> Iterator[None]:
        """Turn a loss of contact into a RankError that says who, and `where()` the run stands.

        Raises
        ------
        RankError
            If another process died, failed or hangs, or if this one is told to stop.
        """
        ours = threading.current_thread() is threading.main_thread() and self.device.type == "cpu"
        before = signal.signal(signal.SIGTERM, _told_to_stop) if ours else None
        try:
            yield
        except (_LostError, _ToldToStopError) as error:
            if ours:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)  # there are two more seconds to tell why
            found = self.failures()
            reason = "; ".join(f"rank {rank} {what}" for rank, what in sorted(found.items()))
            reason = reason or f"rank {self.rank} {error}, and all others answer"
            said = f"{reason}. {where()}"
            getLogger("lecturecode").error(said)  # now, since a traceback may come too late
            failure = RankError(said, tuple(sorted(found)))
            failure.trace = getattr(error, "trace", None)
            raise failure from error
        except BaseException as error:
            text = str(error).splitlines()
            with suppress(RuntimeError):  # the register may be gone
                self.say("failed", f"{type(error).__name__}: {text[0] if text else ''}")
            raise
        finally:
            self.leave()
            if ours:
                signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def join(device: torch.device, timeout: float) -> Ranks:
    """Meet the other processes that torchrun started, by gloo on the CPU and by nccl on CUDA devices.

    Parameters
    ----------
    device : torch.device
        Where this process computes.
    timeout : float
        Seconds that a process waits for the others before it gives up.

    Returns
    -------
    Ranks

    Raises
    ------
    RuntimeError
        If this process was not started by torchrun. The message has the command to type.
    RankError
        If the others are not met in time.
    ValueError
        If the device is that of another process on this machine.
    """
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        script = os.path.basename(sys.argv[0]) or "fit.py"
        raise RuntimeError(
            f"train_distributed runs in processes that torchrun starts, and {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not set here. Put the call into a script and type\n"
            f"    torchrun --standalone --nproc-per-node 2 {script}\n"
            "or, in one process without torchrun, call lecturecode.pytorch.train"
        )
    local, beside = (int(os.environ.get(f"LOCAL_{name}", "0")) for name in ("RANK", "WORLD_SIZE"))
    if device.type == "cuda" and beside > 1 and device.index != local:
        raise ValueError(
            f"rank {os.environ['RANK']} is number {local} on its machine and its module is on {device}, "
            f"but each process needs a device of its own; move module, x and y to 'cuda:{local}', the "
            "number that torchrun puts into LOCAL_RANK"
        )
    wait = timedelta(seconds=timeout)
    try:
        base, rank, size = _register(timeout)
        store = _page_of_this_run(base, rank, size, timeout)
        with _by_loopback(one_machine=size in (1, beside)):
            dist.init_process_group(
                "nccl" if device.type == "cuda" else "gloo",
                store=dist.PrefixStore("group", store),
                rank=rank,
                world_size=size,
                timeout=wait,
                device_id=device if device.type == "cuda" else None,
            )
    except RuntimeError as error:
        raise RankError(
            f"rank {os.environ['RANK']} did not meet the other {int(os.environ['WORLD_SIZE']) - 1} at "
            f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']} in {timeout:g} s ({error}). Is "
            "the same command running on every machine? Where the name of a machine leads nowhere, name "
            "the network interface in GLOO_SOCKET_IFNAME"
        ) from error
    return Ranks(rank, size, store, device)


@contextmanager
def _by_loopback(one_machine: bool) -> Iterator[None]:
    """Let gloo listen on the loopback interface, unless there are several machines, or one is named."""
    name = "GLOO_SOCKET_IFNAME"
    interfaces = [word for _, word in socket.if_nameindex() if word in ("lo", "lo0")]  # Linux, macOS
    if not one_machine or not interfaces or os.environ.get(name):
        yield
        return
    before = os.environ.get(name)
    os.environ[name] = interfaces[0]
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


@cache
def _register(timeout: float) -> tuple[Any, int, int]:
    """Return torchrun's register, opened once per process."""
    return next(rendezvous("env://", timeout=timedelta(seconds=timeout)))


def _page_of_this_run(base: Any, rank: int, size: int, timeout: float) -> Any:
    """Return a part of the register that no other run has written to, the same for all ranks.

    After a restart torchrun's register still has the words of the processes that were there before, and
    the addresses at which they no longer answer. So each rank leaves a word that is new, and the page is
    named by the words of all: only those who have read the same ones turn to it.
    """
    page = dist.PrefixStore(f"lecturecode {next(_runs)}", base)
    page.set(f"word {rank}", uuid4().hex)
    words, end = [f"word {k}" for k in range(size)], time.monotonic() + timeout
    while time.monotonic() < end:
        if page.check(words):
            name = blake2b(b"".join(page.get(word) for word in words), digest_size=16).hexdigest()
            page.set(f"{name} {rank}", "")
            if page.check([f"{name} {k}" for k in range(size)]):
                return dist.PrefixStore(name, page)
        time.sleep(0.01)
    raise RuntimeError("not all of them came")


_runs = count()
"""Numbers the runs of a process, so that those of one process are not mistaken for each other."""


def _told_to_stop(number: int, frame: Any) -> None:
    raise _ToldToStopError("was told to stop (SIGTERM)")
