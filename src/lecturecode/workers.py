"""Send g to other processes: one theta each, and no finished evaluation is lost.

A pool of n processes serves one g. Each process stands behind an executor of its own, so that when one
dies it is known at which theta. Executors of other libraries join in through their ``map``.
"""

import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from functools import partial
from typing import Any

from lecturecode.arrays import Array

__all__ = ["Pool", "finish"]

Results = list[float | None]
"""The number found at each theta, in order; None where there is none."""


class Pool:
    """Processes that evaluate g; they start with the first call and end with the pool.

    Parameters
    ----------
    g : callable
        Takes theta of shape (P,), returns a number. It is sent to each process once.
    workers : int
        Number of processes, at least 1.

    Raises
    ------
    TypeError
        If `g` cannot be sent to another process.
    RuntimeError
        If this Python runs in a browser, which starts no processes.
    """

    def __init__(self, g: Callable[[Any], float], workers: int) -> None:
        if sys.platform == "emscripten":
            raise RuntimeError("workers are processes, and a browser starts none; leave workers out")
        import cloudpickle  # a lambda, or a function of a notebook, can travel too

        try:
            self.g = cloudpickle.dumps(g)
        except Exception as error:
            raise TypeError(_unpicklable(error)) from error
        self.executors: list[Any] = []
        self.workers = workers

    def evaluate(self, thetas: list[Array]) -> tuple[Results, BaseException | None]:
        """Return g at each theta, and the first error, which has the culprit as ``theta``."""
        idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        stopped = threading.Event()
        threads = ThreadPoolExecutor(self.workers, initializer=_leave_ctrl_c_to_the_main_thread)
        try:
            while len(self.executors) < self.workers:
                self._start()
            for executor in self.executors:
                idle.put(executor)
            return finish(lambda theta: threads.submit(self._one, idle, stopped, theta), thetas)
        except BaseException:
            while self.executors:  # Ctrl-C: do not wait for what is under way
                self.executors.pop().shutdown(wait=False, kill_workers=True)
            raise
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        from loky import ProcessPoolExecutor  # slow to import, rarely needed

        self.executors.append(ProcessPoolExecutor(1, initializer=_receive, initargs=(self.g,)))

    def _one(self, idle: queue.SimpleQueue[Any], stopped: threading.Event, theta: Array) -> float:
        executor = idle.get()
        try:
            if stopped.is_set():
                raise NotBegun
            return executor.submit(_evaluate_received, theta).result()
        except BaseException as error:
            stopped.set()
            if isinstance(error, BrokenExecutor):
                if executor in self.executors:
                    self.executors.remove(executor)
                error.add_note("a worker process died while it evaluated this theta")
            raise
        finally:
            idle.put(executor)  # a dead one too, or the threads that wait for it would wait for ever


def _leave_ctrl_c_to_the_main_thread() -> None:
    """Block SIGINT in this thread, and so in the processes that it starts, from their first moment on.

    A terminal sends Ctrl-C to them as well, and one that is still starting would print a traceback.
    """
    if hasattr(signal, "pthread_sigmask"):
        from multiprocessing.resource_tracker import ensure_running

        ensure_running()  # some versions of Python unblock the signal where they start it
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


class NotBegun(Exception):  # noqa: N818
    """Another theta had failed before the turn came to this one."""


def finish(
    submit: Callable[[Any], Future[Any]], thetas: list[Array]
) -> tuple[Results, BaseException | None]:
    """Submit all `thetas`; once one has failed, no more are begun, and those under way are finished.

    Returns
    -------
    values : list of float or None
        What was found at each theta.
    error : exception or None
        The failure at the first theta of those that failed, with that theta as attribute ``theta``.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, with the values so far as attribute ``results``.
    """
    futures: list[Future[Any]] = []
    refused: Exception | None = None
    try:
        try:
            for theta in thetas:  # in a map, a StopIteration would look like its end
                futures.append(submit(theta))
        except Exception as no:  # the executor was shut down, or has broken meanwhile
            refused = no
        done, _ = wait_for(futures, return_when="FIRST_EXCEPTION")
        reached = max((i for i, future in enumerate(futures) if future in done), default=0)
        # Points before one that has been reached are under way, even where an executor does not know it.
        wait_for([future for i, future in enumerate(futures) if i < reached or not future.cancel()])
    except BaseException as interrupt:
        for future in futures:
            future.cancel()
        interrupt.results = _padded(map(_value, futures), thetas)  # type: ignore[attr-defined]
        raise
    results = _padded(map(_value, futures), thetas)
    failures = [(theta, _failure(f)) for theta, f in zip(thetas, futures, strict=False) if _failure(f)]
    if not failures:
        return results, refused
    theta, error = failures[0]
    return results, _located(error, theta)


def spread(
    g: Callable[[Any], float], thetas: list[Array], mapper: Callable[..., Iterable[Any]]
) -> tuple[Results, BaseException | None]:
    """Evaluate g at each theta through a map-like callable, by its executor if it belongs to one.

    Returns
    -------
    values, error
        As for :func:`finish`; a ValueError if `mapper` returned another number of results.

    Raises
    ------
    KeyboardInterrupt
        As for :func:`finish`.
    """
    executor = getattr(mapper, "__self__", None)
    if isinstance(executor, Executor):
        results, failure = finish(lambda theta: executor.submit(g, theta), thetas)
        if isinstance(failure, BrokenExecutor) and hasattr(failure, "theta"):
            failure.add_note(
                f"this pool does not tell at which of {results.count(None)} unfinished theta a worker "
                "died; theta is the first of them. With an int as workers it is the right one"
            )
        return results, failure
    results, failure = [], None
    try:
        for value, error in mapper(partial(_attempt, g), thetas):
            results.append(value)
            if error is not None and failure is None:
                failure = _located(error, thetas[len(results) - 1])
                if mapper is map:
                    break  # what other maps have begun, they finish
        if failure is None and len(results) != len(thetas):
            failure = ValueError(
                f"workers returned {len(results)} results for {len(thetas)} points; "
                "it must work like the built-in map"
            )
    except Exception as error:
        failure = failure or error
    except BaseException as interrupt:
        interrupt.results = _padded(results, thetas)  # type: ignore[attr-defined]
        raise
    return _padded(results, thetas), failure


def explain(error: BaseException) -> BaseException:
    """Return `error`, or a TypeError that says what to do if it is about pickling g."""
    unpicklable = isinstance(error, pickle.PicklingError) or (
        isinstance(error, AttributeError | TypeError) and "pickle" in str(error)
    )
    if not unpicklable:
        return error
    clear = TypeError(_unpicklable(error))
    clear.__cause__ = error
    return clear


def _value(future: Future[Any]) -> float | None:
    if not future.done() or future.cancelled() or future.exception() is not None:
        return None
    return future.result()


def _failure(future: Future[Any]) -> BaseException | None:
    error = None if future.cancelled() else future.exception()
    return None if isinstance(error, NotBegun) else error


def _located(error: Any, theta: Array) -> BaseException:
    if not hasattr(error, "theta"):
        error.theta = theta
    return error


def _padded(results: Iterable[float | None], thetas: list[Array]) -> Results:
    known = list(results)[: len(thetas)]
    return known + [None] * (len(thetas) - len(known))


def _attempt(g: Callable[[Any], float], theta: Array) -> tuple[float | None, Exception | None]:
    try:
        return g(theta), None
    except Exception as error:
        return None, error


def _unpicklable(error: BaseException) -> str:
    return (
        f"g cannot be sent to another process: {error}. Define it with def at the top of a module, and "
        "let it open files, locks and connections itself; or use threads: "
        "workers=concurrent.futures.ThreadPoolExecutor(4).map"
    )


def _receive(pickled: bytes) -> None:
    global _received
    try:
        _received = pickle.loads(pickled)
    except Exception as error:
        _received = partial(_refuse, f"{type(error).__name__}: {error}")


def _refuse(why: str, theta: Array) -> float:
    raise RuntimeError(f"g could not be made again in a worker process: {why}")


def _evaluate_received(theta: Array) -> float:
    try:
        return _received(theta)
    except Exception as error:
        import cloudpickle

        try:
            pickle.loads(cloudpickle.dumps(error))
        except Exception:  # it would not survive the way back, and take the worker with it
            raise RuntimeError(f"{type(error).__name__}: {error}") from None
        raise


_received: Callable[[Any], float]
