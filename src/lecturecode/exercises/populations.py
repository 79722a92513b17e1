"""Exercises of the chapter on populations."""

from typing import Any

import numpy as np

from lecturecode.exercises.judges import judge


@judge(
    "populations/tournament",
    "a function (M, k) that returns for each rank, best first, the probability to win a tournament of k "
    "members drawn independently from M",
)
def _tournament(answer: Any) -> str | None:
    for M, k in ((7, 1), (7, 3), (40, 2), (5, 9)):
        wins = np.asarray(answer(M, k), dtype=float)
        if wins.shape != (M,):
            return f"{M} members have {M} probabilities, of shape ({M},); this has shape {wins.shape}"
        if not np.isclose(wins.sum(), 1):
            return "one member wins each tournament, so the probabilities sum to 1; here they do not"
        if k == 1 and not np.allclose(wins, 1 / M):
            return "a tournament of one is a blind draw, in which all ranks are alike; here they differ"
        if k > 1 and not (np.diff(wins) < 0).all():
            return "a better rank wins more often than a worse one; here it does not"
        if not np.isclose(wins[-1], 1 / M**k):
            return "the last of all wins only if it meets nobody but itself; here it does not"
        if not np.isclose(1 - wins[0], (1 - 1 / M) ** k):
            return "the best loses exactly those tournaments for which it is not drawn; here it does not"
        last_two = wins[-2:].sum() * M**k
        if not np.isclose(last_two, 2**k):
            return "the last two share the tournaments among themselves; here they do not"
        if not np.allclose(np.cumsum(wins[::-1]) * M**k, np.arange(1, M + 1.0) ** k):
            return "some rank in the middle wins too often or too rarely"
    return None


@judge(
    "populations/swarm-step",
    "a function (theta, v, own, leader, r1, r2, chi, c) that returns theta and v after one step",
)
def _swarm_step(answer: Any) -> str | None:
    rng = np.random.default_rng(0)
    theta, v, own = rng.normal(size=(3, 5, 2))
    leader, (r1, r2), chi, c = own[2], rng.random((2, 5, 2)), 0.7, 2.1
    given = [array.copy() for array in (theta, v, own, leader, r1, r2)]
    place, flight = (np.asarray(a) for a in answer(theta, v, own, leader, r1, r2, chi, c))
    if any((a != b).any() for a, b in zip(given, (theta, v, own, leader, r1, r2), strict=True)):
        return "an array that was passed in has been changed"
    if place.shape != (5, 2) or flight.shape != (5, 2):
        return f"5 particles in the plane need shape (5, 2) twice, not {place.shape}, {flight.shape}"
    if np.allclose(place, theta + v) and not np.allclose(flight, v):
        return "the particles moved by the velocity that they had; they move by the one that they get"
    if not np.allclose(place - theta, flight):
        return "the particles did not move by their new velocity"
    none = np.zeros_like(r1)

    def flown(v: Any, own: Any, leader: Any, r1: Any, r2: Any) -> Any:
        return np.asarray(answer(theta, v, own, leader, r1, r2, chi, c)[1])

    if not np.allclose(flown(v, own, leader, none, none), chi * v):
        return "where both draws are zero nothing pulls, and the constricted velocity remains; not here"
    alone, led = flown(none, own, leader, r1, none), flown(none, own, leader, none, r2)
    if not np.allclose(alone, flown(none, own, -leader, r1, none)):
        return "where r2 is zero the leader does not matter; here it does"
    if not np.allclose(led, flown(none, -own, leader, none, r2)):
        return "where r1 is zero the own best place does not matter; here it does"
    for pull, r, goal, name in ((alone, r1, own, "own best place"), (led, r2, leader, "leader")):
        if (pull * (goal - theta) < 0).any():
            return f"the pull of the {name} drives away from it"
        if not np.allclose(pull, chi * c * r * (goal - theta)):
            return f"the pull of the {name} has the wrong strength"
    if not np.allclose(flight, chi * v + alone + led):
        return "the velocity that remains and the two pulls are right one by one; they do not add up"
    return None
