"""What all tests share: threads, the device, and a summary that says what was left out."""

import os
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "agg")
# Test processes that run side by side keep to one thread each; NumPy reads this when it is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
# A shell without job control lets its background processes ignore Ctrl-C, and so would all of ours.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Where HOME cannot be written, Matplotlib says so in a warning, and warnings are errors here.
if "MPLCONFIGDIR" not in os.environ and not os.access(Path.home(), os.W_OK):
    os.environ["MPLCONFIGDIR"] = tempfile.mkdtemp(prefix="matplotlib-")


def cuda_available() -> bool:
    """Tell whether torch sees a CUDA device."""
    import torch

    return torch.cuda.is_available()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the tests that need a CUDA device where there is none."""
    wanting = [item for item in items if item.get_closest_marker("cuda")]
    config.stash[CUDA] = len(wanting)
    if wanting and not cuda_available():
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason="no CUDA device on this machine"))


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count the slow tests that are left out."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.config.stash[SLOW] = item.config.stash.get(SLOW, 0) + 1


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Hand the counts to the process that sums up; let ``pytest -m cuda`` find nothing."""
    config = session.config
    if hasattr(config, "workeroutput"):  # this process is one of several
        config.workeroutput["counts"] = [config.stash.get(key, 0) for key in (CUDA, SLOW)]
    nothing = exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    if nothing and config.getoption("markexpr") == "cuda":
        print("\nCUDA: there is no test that needs a device")
        session.exitstatus = pytest.ExitCode.OK


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error) -> None:
    """Take the counts of a process that has come to its end: each collects all tests."""
    counts = getattr(node, "workeroutput", {}).get("counts")
    if counts:  # none from one that broke down
        node.config.stash[CUDA], node.config.stash[SLOW] = counts


def pytest_terminal_summary(terminalreporter, exitstatus, config: pytest.Config) -> None:
    """Say what became of the tests that need a CUDA device, and of those that are slow."""
    cuda, slow = (config.stash.get(key, 0) for key in (CUDA, SLOW))
    if cuda and cuda_available():
        import torch

        terminalreporter.write_sep("-", f"CUDA: {cuda} tests on {torch.cuda.get_device_name(0)}")
    elif cuda:
        terminalreporter.write_sep("-", f"CUDA: no device on this machine, {cuda} tests SKIPPED")
    if slow and "not slow" in config.getoption("markexpr"):
        terminalreporter.write_sep("-", f"slow: {slow} tests LEFT OUT; make test-slow runs them")


CUDA, SLOW = pytest.StashKey[int](), pytest.StashKey[int]()
