"""Hostile calls: every public callable, each of its arguments in turn, and values that are wrong there.

Each call must be answered by an answer that makes sense, or be refused in the package's own words: by a
``raise`` of ours. What comes from the depths (Python, NumPy, PyTorch, Matplotlib speaking of what our
code did with the value) tells a reader nothing.

``python tests/hostile_calls.py`` prints the counts; ``--show depths`` (or ``nonsense``, ``endless``,
``refused``) lists calls; names of callables narrow it down.
"""

import argparse
import ast
import contextlib
import io
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("MPLBACKEND", "agg")

import matplotlib.pyplot as plt
import torch
from hostile_kinds import LARGE, VALUES, Entry
from hostile_table import TABLE, missing

import lecturecode as lc

PACKAGE = str(Path(lc.__file__).parent)
SECONDS = 2.0  # of the processor's time, for one call
PATIENCE = 30.0  # seconds of the clock, after which a child that says nothing is ended
MEMORY = 3 * 2**30  # bytes that a child may add to what it has


class Case(NamedTuple):
    """One call: which arguments get which values, and whether an answer makes sense."""

    argument: str
    value: str
    changed: Callable[[], dict[str, Any]]
    sense: bool


class Outcome(NamedTuple):
    """What came of one call."""

    name: str
    argument: str
    value: str
    verdict: str  # answered, nonsense, refused, unnamed, depths, endless, asked for
    said: str


def cases(item: Entry) -> Iterator[Case]:
    """All calls of one callable: a wrong value for each argument, and each pair of arguments swapped."""
    for argument in item.arguments():
        for label, make in VALUES.items():
            yield Case(argument, label, lambda a=argument, m=make: {a: m()}, item.kind(argument)(make()))
    good = item.good()
    names = [name for name in good if name != "ax"]
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            one, other = good[first], good[second]
            sense = item.kind(first)(other) and item.kind(second)(one)
            yield Case(first, f"<-> {second}", lambda a=first, b=second: _swapped(item, a, b), sense)


def _swapped(item: Entry, first: str, second: str) -> dict[str, Any]:
    good = item.good()
    return {first: good[second], second: good[first]}


class TooLong(BaseException):
    """A call took more of the processor's time than it may."""


def _late(*_: Any) -> None:
    raise TooLong


def judge(item: Entry, case: Case) -> Outcome:
    """Make one call and say what came of it."""
    arguments = {**item.good(), **case.changed()}
    large = case.value == LARGE
    signal.setitimer(signal.ITIMER_PROF, SECONDS / 2 if large and case.sense else SECONDS)
    try:
        item.call(**arguments)
    except TooLong:
        verdict, said = ("asked for" if large and case.sense else "endless"), ""
    except MemoryError as error:
        verdict, said = ("asked for" if large and case.sense else "depths"), f"MemoryError: {error}"
    except BaseException as error:
        verdict, said = "depths", _told(error)
        if in_our_words(error):
            verdict = "refused" if case.argument in str(error) else "unnamed"
    else:
        verdict, said = ("answered" if case.sense else "nonsense"), ""
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return Outcome(item.name, case.argument, case.value, verdict, said)


def _told(error: BaseException) -> str:
    file, line = _place(error)
    with contextlib.suppress(Exception):
        return f"{type(error).__name__}: {str(error)[:150]!r} ({Path(file).name}:{line})"
    return type(error).__name__


OURS = (TypeError, ValueError, OSError, KeyError, IndexError)
"""KeyError for a name that is in no mapping, IndexError for an entry that is not there, and errors of
files for paths."""


def in_our_words(error: BaseException) -> bool:
    """Tell whether an exception was raised, and not merely passed on, by a line of the package.

    Where a callable is expected and another one came, Python's "takes 0 positional arguments but 1 was
    given" is as clear as a message can be, and so is what a user's function raises.
    """
    file, line = _place(error)
    if isinstance(error, TypeError) and "positional argument" in str(error) and "<lambda>" in str(error):
        return True
    return isinstance(error, OURS) and file.startswith(PACKAGE) and line in _raises(file)


def _place(error: BaseException) -> tuple[str, int]:
    """Return the file and the line that an exception comes from."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return frame.f_code.co_filename, line


@cache
def _raises(filename: str) -> set[int | None]:
    tree = ast.parse(Path(filename).read_text())
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None]
    return {line for node in nodes for line in range(node.lineno, (node.end_lineno or 0) + 1)}


# --- children, so that nothing can take the machine down ------------------------------------------


def _child(item: Entry, start: int, pipe: Any) -> None:
    signal.signal(signal.SIGPROF, _late)
    used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY, used + MEMORY))
    torch.set_num_threads(1)
    os.chdir(tempfile.mkdtemp())
    warnings.simplefilter("ignore")
    for number, case in enumerate(cases(item)):
        if number < start:
            continue
        pipe.send((number, None))
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            outcome = judge(item, case)
        _tidy(number)
        pipe.send((number, outcome))
    pipe.send((-1, None))
    pipe.close()
    os._exit(0)


def _tidy(number: int) -> None:
    for figure in plt.get_fignums()[2:]:
        plt.close(figure)
    if number % 40 == 0:
        for figure in plt.get_fignums():
            for ax in plt.figure(figure).axes:
                ax.clear()


@cache
def _warm() -> None:
    """Do once what each child would do again: read our sources, and import what PyTorch imports late."""
    for file in Path(PACKAGE).rglob("*.py"):
        _raises(str(file))
    meta = torch.ones(2, device="meta")
    for use in (bool, float, lambda m: m + m > 0, lambda m: m.sum().item()):
        with contextlib.suppress(Exception):
            use(meta)


def outcomes(item: Entry) -> list[Outcome]:
    """Make all calls of one callable in a process of their own; begin anew after one that kills it."""
    _warm()
    item.call(**item.good())  # what is right must be answered, and what is imported late is here then
    found: list[Outcome] = []
    context = multiprocessing.get_context("fork")
    start, everything = 0, list(cases(item))
    while start < len(everything):
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_child, args=(item, start, theirs), daemon=False)
        child.start()
        theirs.close()
        silent = True
        try:
            while ours.poll(PATIENCE):
                number, outcome = ours.recv()
                if number < 0:
                    start, silent = len(everything), False
                    break
                if outcome is not None:
                    found.append(outcome)
                    start = number + 1
        except EOFError:
            silent = False  # the process died
        if start < len(everything):
            case = everything[start]
            asked = case.value == LARGE and case.sense
            verdict = "asked for" if asked else "endless" if silent else "depths"
            said = "" if silent else "the process died"
            found.append(Outcome(item.name, case.argument, case.value, verdict, said))
            start += 1
        child.kill()
        child.join()
        ours.close()
    return found


# --- the report -----------------------------------------------------------------------------------

VERDICTS = ("answered", "refused", "unnamed", "asked for", "nonsense", "endless", "depths")
"""Unnamed: refused in our words, and without the name of the argument."""


def main() -> None:
    """Make the calls and print what came of them."""
    parser = argparse.ArgumentParser(description="hostile calls of the public functions")
    parser.add_argument("names", nargs="*", help="callables or families; all if none is given")
    parser.add_argument("--show", choices=VERDICTS, action="append", default=[])
    given = parser.parse_args()
    print(f"{len(VALUES)} values: " + ", ".join(VALUES))
    for line in missing():
        print("MISSING", line)
    families: dict[str, Counter] = {}
    listed: list[Outcome] = []
    for item in TABLE.values():
        if given.names and not {item.name, item.family} & set(given.names):
            continue
        for outcome in outcomes(item):
            families.setdefault(item.family, Counter())[outcome.verdict] += 1
            families.setdefault(f"  {item.name}", Counter())[outcome.verdict] += 1
            if outcome.verdict in given.show:
                listed.append(outcome)
    for outcome in listed:
        print(f"{outcome.verdict:9} {outcome.name}({outcome.argument}={outcome.value}) {outcome.said}")
    total = sum((c for name, c in families.items() if not name.startswith(" ")), Counter())
    print(f"{'':32}{'calls':>9}" + "".join(f"{verdict:>11}" for verdict in VERDICTS))
    for name, counts in {**families, "all": total}.items():
        print(f"{name:32}{counts.total():9}" + "".join(f"{counts[verdict]:11}" for verdict in VERDICTS))


if __name__ == "__main__":
    sys.exit(main())
