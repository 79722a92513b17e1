"""The Python that the site ships, run by node: the files of a page, the answers of this Python."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SITE

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent / "docs")]

import packing  # noqa: E402
from test_without_torch import told_without_torch  # noqa: E402

pytestmark = pytest.mark.browser
LIVE = SITE / "_static" / "live"
LIMIT = 30e6  # bytes by which running code may make the site grow


@pytest.fixture(scope="module")
def state() -> dict:
    told = json.loads((LIVE / "live.json").read_text(encoding="utf-8"))
    if not told["available"]:
        pytest.skip(f"the site was built without code that runs in pages: {told['reason']}")
    return told


def same(here: object, there: object) -> bool:
    """Tell whether two answers are equal, numbers to what linear algebra rounds."""
    if isinstance(here, list):
        return len(here) == len(there) and all(map(same, here, there))
    return here == (pytest.approx(there, rel=1e-8, abs=1e-10) if isinstance(here, float) else there)


def test_the_site_grows_by_no_more_than_its_share(state: dict) -> None:
    files = [path for path in LIVE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LIMIT
    assert (LIVE / "LICENSES" / "index.html").is_file()


def test_methods_answer_and_refuse_in_a_page_as_they_do_here(state: dict, tmp_path: Path) -> None:
    program = packing.node()
    assert program, "playwright brings a node"
    script, runs = TESTS / "live_python.mjs", TESTS / "without_torch_runs.py"
    command = [program, str(script), str(LIVE), str(tmp_path), str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    page = json.loads(done.stdout.partition("told ")[2].splitlines()[0])
    here = told_without_torch()
    assert page["modules"] == here["modules"]
    assert page["refusals"] == here["refusals"]
    differ = {name for name, answer in here["runs"].items() if not same(answer, page["runs"][name])}
    assert not differ
