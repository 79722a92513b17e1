"""Run every cell that is marked ready, in its page, and compare with what the book shows.

As a script (``make browser-live``) it goes through all chapters and the gallery, says how far it is, and
writes the counts to ``docs/live_cells.json``, which the build page shows. Where pages are named, the
record of the others stays. The tests run three chapters.
"""

import argparse
import datetime
import json
import math
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "docs" / "_ext"))

from live import code_mark  # noqa: E402  (found only now)

NUMBER = re.compile(r"[-+\u2212]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
NOISE = 1e-12  # numbers below it are rounding errors of something that would be zero
ROUNDING = (
    " digits  {name}",
    "np.linalg.solve(twice.T @ twice",
    "formula = six_times(Polynomial([0, 1]))",
    "for rule_name, rule in rules.items():",  # from too large a start
    "away[h] = abs(slopes",
    "landscape = {neurons: search(neurons)",  # Newton's method from far away
    "campaign_runs = [campaign(s)",  # of 15 long searches one more or less ends in a valley
    "grid_search(twenty,",  # the refusal says how long an evaluation takes
)
"""Cells that print how large rounding errors are or have grown, or a time: these differ by processor."""

SOURCES = "() => lecturecode.live.cells.filter(cell => cell.box).map(cell => cell.source)"
LIST = """() => lecturecode.live.cells.map((cell, index) => [index, cell.state, Boolean(cell.box)])
    .filter(([, , shown]) => shown).map(([index, state]) => [index, state])"""
READ = """parts => {
  const OTHER = 'figcaption, style, script, button, form, .math, .lecturecode-player';
  const figures = parts.map(part =>
    Number(part.matches('img, .lecturecode-player'))
    + part.querySelectorAll('.lecturecode-player').length
    + [...part.querySelectorAll('img')].filter(image => !image.closest('.lecturecode-player')).length);
  const text = part => {
    const copy = part.cloneNode(true);
    for (const other of copy.querySelectorAll(OTHER)) other.remove();
    return part.matches(OTHER) ? '' : copy.textContent;
  };
  return { text: parts.map(text).join('\\n'), figures: figures.reduce((a, b) => a + b, 0) };
}"""
BUILT = f"""index => {{
  const {{ box, gallery }} = lecturecode.live.cells[index];
  const parts = [...box.querySelectorAll(':scope > .cell_output')];
  const OUTPUTS = '.sphx-glr-script-out, img, .sphx-glr-horizontal, .lecturecode-player';
  let next = gallery ? box.nextElementSibling : null;
  for (; next && next.matches(OUTPUTS); next = next.nextElementSibling) parts.push(next);
  const removed = box.matches('.tag_remove-output, .tag_remove_output');
  return {{ ...({READ})(parts), removed, code: lecturecode.live.cells[index].source }};
}}"""
RUN = f"""async ([index, seconds]) => {{
  const late = new Promise(resolve => setTimeout(resolve, 1000 * seconds));
  const result = await Promise.race([lecturecode.live.run(index), late]);
  if (!result) {{
    lecturecode.live.stop();
    return {{ error: {{ text: `no answer in ${{seconds}} s` }} }};
  }}
  const made = document.createElement('div');
  made.innerHTML = result.html;
  return {{ ...({READ})([made]), error: result.error, seconds: result.seconds }};
}}"""


@dataclass
class Ran:
    """How one cell fared in its page."""

    page: str
    cell: int
    seconds: float
    problem: str


def judged(built: dict[str, Any], live: dict[str, Any]) -> str:
    """Return in what a cell's output differs from the book's; nothing if it does not."""
    if live["error"]:
        return live["error"]["text"]
    if built["removed"]:
        return ""
    if built["figures"] != live["figures"]:
        return f"{live['figures']} figures instead of {built['figures']}"
    rounding = any(part in built["code"] for part in ROUNDING)
    return same(built["text"], live["text"], numbers=not rounding)


def same(built: str, live: str, numbers: bool = True) -> str:
    """Return where two texts differ, in words or by more than rounding; nothing if they do not."""
    words = ["".join(NUMBER.sub("#", text).split()) for text in (built, live)]  # NumPy pads its numbers
    found = [NUMBER.findall(text) for text in (built, live)]
    if words[0] != words[1] or len(found[0]) != len(found[1]):
        return (
            f"other text: {' '.join(live.split())[:300]!r} instead of {' '.join(built.split())[:300]!r}"
        )
    for ours, theirs in zip(*found, strict=True):
        if numbers and not close(ours, theirs):
            return f"another number: {theirs} instead of {ours}"
    return ""


def close(first: str, second: str) -> bool:
    """Tell whether two printed numbers differ by one in the last printed digit at most."""
    a, b = (float(text.replace(",", "").replace("\u2212", "-")) for text in (first, second))
    if max(abs(a), abs(b)) < NOISE:
        return True
    return math.isclose(a, b, rel_tol=0, abs_tol=1.01 * max(last_digit(first), last_digit(second)))


def last_digit(text: str) -> float:
    """Return what one in the last digit of a printed number is worth; nothing for whole numbers."""
    mantissa, _, power = text.replace(",", "").lower().partition("e")
    if "." not in mantissa and not power:
        return 0.0
    return 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))


def sweep(page: Page, name: str, seconds: float = 120) -> Iterator[Ran]:
    """Run the ready cells of an open page from top to bottom."""
    for index, state in page.evaluate(LIST):
        if state == "static":
            continue
        built = page.evaluate(BUILT, index)
        start = time.monotonic()
        live = page.evaluate(RUN, [index, seconds])
        yield Ran(name, index, round(time.monotonic() - start, 2), judged(built, live))


def record(out: Path, browser: str, counts: dict[str, Any]) -> None:
    """Write down what was found so far."""
    told = {"date": f"{datetime.date.today():%d %B %Y}", "browser": browser, "pages": counts}
    out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Go through the book; fail if a cell marked ready does not run as in the book."""
    from conftest import CHROMIUM, FLAGS, SITE, pages

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", help="pages of the site; all by default")
    parser.add_argument("--seconds", type=float, default=300, help="the most that a cell may take")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "live_cells.json")
    options = parser.parse_args()
    names = options.pages or pages("chapters/*.html", "appendices/*.html", "auto_gallery/*/plot_*.html")
    counts, wrong = {}, []
    kept = json.loads(options.out.read_text(encoding="utf-8"))["pages"] if options.out.is_file() else {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        version = f"Chromium {browser.version.partition('.')[0]}"
        for number, name in enumerate(names, 1):
            page = browser.new_page()
            page.set_default_timeout(1000 * options.seconds)
            page.goto((SITE / name).as_uri())
            if not page.evaluate("Boolean(window.lecturecode?.live)"):
                page.close()
                continue
            page_code = page.evaluate(SOURCES)
            states = [state for _, state in page.evaluate(LIST)]
            print(
                f"{number} of {len(names)}: {name}, {states.count('ready')} of {len(states)} cells",
                flush=True,
            )
            results = []
            for ran in sweep(page, name, options.seconds):
                results.append(ran)
                print(f"\n  cell {ran.cell}: {ran.problem}" if ran.problem else ".", end="", flush=True)
            print()
            page.close()
            wrong += [asdict(ran) for ran in results if ran.problem]
            right = sum(not ran.problem for ran in results)
            code = code_mark(page_code)
            counts[name] = {"cells": len(states), "ready": len(results), "right": right, "code": code}
            record(options.out, version, (kept if options.pages else {}) | counts)
            print(f"  {right} as in the book, {sum(r.seconds for r in results):.0f} s", flush=True)
        browser.close()
    total = {key: sum(count[key] for count in counts.values()) for key in ("cells", "ready", "right")}
    print(
        f"{total['cells']} cells; {total['ready']} run in their pages, {total['right']} as in the book."
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
