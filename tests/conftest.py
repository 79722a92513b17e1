"""What all tests share: the device, and a summary that says when there was none."""

import os
import signal
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "agg")
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
    config.stash[COUNT] = len(wanting)
    if wanting and not cuda_available():
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason="no CUDA device on this machine"))


def pytest_terminal_summary(terminalreporter, exitstatus, config: pytest.Config) -> None:
    """Say what became of the tests that need a CUDA device."""
    count = config.stash.get(COUNT, 0)
    if not count:
        return
    if cuda_available():
        import torch

        said = f"CUDA: {count} tests on {torch.cuda.get_device_name(0)}"
    else:
        said = f"CUDA: no device on this machine, {count} tests SKIPPED"
    terminalreporter.write_sep("-", said)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Do not fail ``pytest -m cuda`` because there is no test of that kind."""
    nothing = exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    if nothing and session.config.getoption("markexpr") == "cuda":
        print("\nCUDA: there is no test that needs a device")
        session.exitstatus = pytest.ExitCode.OK


COUNT = pytest.StashKey[int]()
