"""Every figure that can be moved, in its page: three values answer as the chapter does in Python."""

import contextlib
import importlib
import io
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import SITE, Reader
from live_sweep import same
from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (SITE / "_static/live/core.js").is_file(), reason="the site brings no Python"
    ),
]
DOCS = Path(__file__).resolve().parents[2] / "docs"
SECONDS = 1000 * int(os.environ.get("LECTURECODE_LIVE_SECONDS", "120"))
FENCE = re.compile(r"^(`{3,}|:{3,})\{movable\} (?P<number>\S+)\n(?P<body>.*?)^\1\s*$", re.M | re.S)
DRAWN = """
def drawn(names):
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    def axes(value):
        if isinstance(value, Figure):
            return value.axes
        if isinstance(getattr(value, "ax", None), Axes):  # of a computation graph
            return [value.ax]
        if isinstance(value, Axes):
            return [value]
        if isinstance(value, np.ndarray) and value.dtype != object:
            return []
        parts = value.flat if isinstance(value, np.ndarray) else value
        several = isinstance(value, (list, tuple, np.ndarray))
        return [ax for part in parts for ax in axes(part)] if several else []

    found = {}
    for name, value in sorted(names.items()):
        for k, ax in enumerate([] if name == "built" else axes(value)):
            lines = [line.get_xydata().tolist() for line in ax.lines]
            lines += [np.ma.getdata(image.get_array()).tolist() for image in ax.images]
            lines = [[list(map(str, p)) for p in line] for line in lines]
            found[f"{name} {k}"] = lines, [text.get_text() for text in ax.texts]
    return found
"""
MOVE = """(slider, value) => {
    const data = JSON.parse(slider.closest("div.movable").querySelector("script").textContent);
    slider.value = data.values.indexOf(value);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
}"""


def movable() -> Any:
    """Import the site's own extension."""
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        return importlib.import_module("movable")
    finally:
        sys.path.remove(str(DOCS / "_ext"))


def figures() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path in sorted((DOCS / "chapters").glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        for count, fence in enumerate(FENCE.finditer(text)):
            options = dict(re.findall(r"^:([\w-]+): (.*)$", fence["body"], re.M))
            figure = movable().figure_of(fence["number"], options, movable().cells_above(text, count))
            found.append((f"chapters/{path.stem}#{count}", figure))
    return found


def native(figure: dict[str, Any], value: str) -> tuple[str, dict[str, Any]]:
    """Return what is said of a value, and what the picture shows, by Python itself."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    code, built, names = figure["code"], {"__name__": "__main__"}, {"__name__": "__main__"}
    with mpl.rc_context(), contextlib.redirect_stdout(io.StringIO()), pytest.MonkeyPatch.context() as m:
        plt.switch_backend("agg")
        m.setattr(plt, "show", lambda *args, **kwargs: plt.close("all"))
        exec(code["once"] + "\n" + code["before"] + code["number"] + code["after"], built)
        exec(code["once"] + "\n" + code["before"] + value + code["after"], names)
        tools: dict[str, Any] = {}
        exec(DRAWN, tools)
        said = eval(figure["says"], names | {"built": SimpleNamespace(**built)})
        return said, tools["drawn"](names)


@pytest.mark.parametrize(("place", "figure"), figures(), ids=[place for place, _ in figures()])
def test_three_values_answer_as_python_does(browser: Browser, place: str, figure: Any) -> None:
    name, _, count = place.partition("#")
    reader = Reader(browser)
    page = reader.open(f"{name}.html")
    box = page.locator("div.movable").nth(int(count))
    box.locator("input[type=radio]").first.check()
    box.get_by_role("button", name="See whether it holds").click()
    state = "document.querySelectorAll('div.movable')[n].dataset.movable"
    opened = f"n => ['open', 'failed'].includes({state})"
    page.wait_for_function(opened, arg=int(count), timeout=SECONDS)
    assert box.get_attribute("data-movable") == "open", box.locator(".movable-status").inner_text()
    values = figure["values"]
    for at in sorted({0, figure["at"], len(values) - 1}):
        box.get_by_role("slider").evaluate(MOVE, values[at])
        page.wait_for_function(
            "([n, value]) => { const box = document.querySelectorAll('div.movable')[n];"
            " return box.dataset.movable === 'open' &&"
            " box.querySelector('.movable-says').textContent.startsWith(`At ${value}:`); }",
            arg=[int(count), values[at]],
            timeout=SECONDS,
        )
        said, lines = native(figure, values[at])
        shown = box.locator(".movable-says").inner_text().partition(": ")[2]
        assert not same(said, shown), (said, shown)
        asked = f"import sys\n{DRAWN}\ndrawn(vars(sys.modules['lecturecode_movable'])[{place!r}].names)"
        answer = page.evaluate("code => lecturecode.live.python(code)", asked)
        assert not answer["error"], answer["error"]
        assert answer["value"].keys() == lines.keys()
        assert any(drawn or texts for drawn, texts in lines.values())
        for ax, (drawn, texts) in lines.items():
            its_lines, its_texts = answer["value"][ax]
            assert not same("\n".join(texts), "\n".join(its_texts)), (texts, its_texts)
            for found, line in zip(its_lines, drawn, strict=True):
                here, there = (np.array(part, dtype=float) for part in (line, found))
                size = np.abs(here[np.isfinite(here)]).max(initial=0)
                np.testing.assert_allclose(there, here, rtol=1e-7, atol=1e-7 * size)
    reader.context.close()
