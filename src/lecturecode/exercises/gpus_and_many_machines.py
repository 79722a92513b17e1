"""Exercises of the chapter on GPUs and many machines."""

from typing import Any

import numpy as np

from lecturecode.exercises.judges import judge


@judge(
    "gpus/ring-sum",
    "a function ring_sum(arrays, send) that returns, for each process, the sum of all arrays",
)
def _ring_sum(ring_sum: Any) -> str | None:
    rng = np.random.default_rng(0)
    for n, length in ((2, 4), (3, 6), (5, 20), (1, 3)):
        arrays = [rng.integers(-9, 9, length).astype(float) for _ in range(n)]
        given, sent = [a.copy() for a in arrays], np.zeros(n, dtype=int)

        def send(k: int, array: Any, sent: np.ndarray = sent) -> np.ndarray:
            sent[k] += np.size(array)
            return np.array(array)

        answer = ring_sum(given, send)
        if not all(np.array_equal(a, b) for a, b in zip(given, arrays, strict=True)):
            return "an array that was passed in has been changed"
        if len(answer) != n:
            return f"{n} processes are to have the sum; {len(answer)} arrays were returned"
        if n > 1 and not sent.any():
            return "nothing was sent, and no process knows the array of another by itself"
        for k, found in enumerate(answer):
            if np.shape(found) != (length,):
                return f"process {k} has shape {np.shape(found)} in the end; the arrays have ({length},)"
            if not np.array_equal(found, sum(arrays)):
                return f"process {k} of {n} does not have the sum of all in the end"
        allowed = 2 * (n - 1) * length // n
        if sent.max() > allowed:
            return (
                f"of {n} processes with {length} numbers each, one sent {sent.max()} numbers; "
                f"{allowed} are enough"
            )
        if sent.sum() < n * allowed:
            return "fewer numbers were sent than a sum needs; arrays were read without sending"
    return None
