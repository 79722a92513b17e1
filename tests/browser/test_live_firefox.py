"""Three chapters run in Firefox as in the book: Debian's, driven by puppeteer-core, nothing downloaded.

The npm package ``puppeteer-core`` is looked for where ``NODE_PATH`` says, or in ``node_modules`` of the
repository: ``npm install --no-save puppeteer-core``.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import SITE
from live_sweep import BUILT, LIST, RUN, judged
from test_live import SWEPT

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 600  # the most that a cell may take
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")


def modules() -> Path | None:
    """Return the folder of npm packages that has puppeteer-core."""
    folders = [Path(name) for name in os.environ.get("NODE_PATH", "").split(os.pathsep) if name]
    for folder in [*folders, ROOT / "node_modules"]:
        if (folder / "puppeteer-core").is_dir():
            return folder
    return None


def test_three_chapters_run_in_firefox(tmp_path: Path) -> None:
    if FIREFOX is None:
        pytest.skip("no Firefox on this machine; on Debian: apt install firefox-esr")
    if shutil.which("node") is None:
        pytest.skip("no node on this machine; on Debian: apt install nodejs")
    if modules() is None:
        pytest.skip("no puppeteer-core: npm install --no-save puppeteer-core")
    functions = tmp_path / "functions.json"
    functions.write_text(json.dumps({"LIST": LIST, "BUILT": BUILT, "RUN": RUN, "seconds": SECONDS}))
    script = shutil.copy(Path(__file__).with_name("live_firefox.mjs"), tmp_path)
    (tmp_path / "node_modules").symlink_to(modules())  # where node looks for what a script imports
    pages = [(SITE / name).as_uri() for name in SWEPT]
    done = subprocess.run(
        ["node", script, FIREFOX, functions, *pages], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [page["address"] for page in told] == pages
    for page in told:
        assert len(page["shown"]) > 10
        wrong = {cell["index"]: judged(cell["built"], cell["live"]) for cell in page["shown"]}
        assert not {index: problem for index, problem in wrong.items() if problem}, page["address"]
        assert not [url for url in page["asked"] if not url.startswith(("file:", "blob:", "data:"))]
