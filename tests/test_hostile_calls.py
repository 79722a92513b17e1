"""Hostile calls of all public functions end in an answer that makes sense or in words of our own."""

import os
import signal
import time

import numpy as np
import pytest
from hostile_calls import outcomes
from hostile_kinds import LARGE, VALUES, Entry, real, whole
from hostile_table import SHARED, TABLE, missing

from lecturecode import door

DEPTHS = 0.02  # the share of calls that may be answered from the depths


def test_every_public_callable_and_each_of_its_arguments_is_in_the_table():
    assert missing() == []


@pytest.mark.parametrize("name", TABLE)
def test_hostile_calls(name):
    item = TABLE[name]
    for ax in SHARED:
        ax.clear()
    for argument, value in item.good().items():
        assert item.kind(argument)(value), f"the good {argument} does not make sense to its own kind"
    found = outcomes(item)
    wrong = [o for o in found if o.verdict in ("nonsense", "endless")]
    assert not wrong, "\n".join(f"{o.verdict}: {o.argument}={o.value}" for o in wrong)
    depths = [o for o in found if o.verdict == "depths"]
    assert len(depths) <= DEPTHS * len(found), "\n".join(
        f"{o.argument}={o.value}: {o.said}" for o in depths
    )


# --- the judge ------------------------------------------------------------------------------------


def verdicts(call, kind):
    """What comes of each value for a function of one argument."""
    found = outcomes(Entry("f", "f", call, lambda: {"steps": 2}, {"steps": kind}))
    assert [o.value for o in found] == list(VALUES)
    return {o.value: o.verdict for o in found}


def test_a_function_that_takes_everything_accepts_nonsense():
    found = verdicts(lambda steps: None, whole())
    taken = {"2", "np.int8(2)", LARGE}
    assert {value for value, verdict in found.items() if verdict == "answered"} == taken
    assert set(found.values()) == {"answered", "nonsense"}


def test_a_function_that_checks_nothing_answers_from_the_depths():
    found = verdicts(lambda steps: [None] * min(steps, 9), whole())
    assert found["None"] == found["'a'"] == found["0.5"] == "depths"
    assert found["True"] == found["-1"] == "nonsense"


def test_a_function_that_never_ends_is_ended():
    def call(steps):
        while steps == 0 or (steps is not True and steps == 10**9):
            pass

    found = verdicts(call, whole())
    assert (found["0"], found[LARGE]) == ("endless", "asked for")


def test_memory_is_asked_for_only_where_a_large_number_makes_sense():
    def call(steps):
        return np.ones(10**12 if steps == 10**9 else 1)

    assert verdicts(call, whole())[LARGE] == "asked for"
    assert verdicts(call, real(0, 1))[LARGE] == "depths"


def test_a_process_that_dies_is_begun_anew():
    def call(steps):
        if isinstance(steps, str):
            os.kill(os.getpid(), signal.SIGKILL)

    found = verdicts(call, whole())
    assert found["'a'"] == found["''"] == "depths"
    assert found["b''"] == "nonsense"


def test_a_process_that_sleeps_is_ended_too(monkeypatch):
    monkeypatch.setattr("hostile_calls.PATIENCE", 1.0)

    def call(steps):
        if steps is None:
            time.sleep(60)

    assert verdicts(call, whole())["None"] == "endless"


def test_refusals_are_those_that_a_line_of_the_package_raises():
    found = verdicts(lambda steps: door.whole(steps, "steps"), whole())
    assert set(found.values()) == {"answered", "refused"}
    found = verdicts(lambda steps: door.whole(steps, "steps") / (type(steps) is int), whole())
    assert (found["2"], found["np.int8(2)"], found["None"]) == ("answered", "depths", "refused")
