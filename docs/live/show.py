"""Run the cells of a page in the page's own Python, and write down what the page shows of them.

This module stands in the worker of a page, beside :mod:`needs`. Nothing of it is seen by the cells: they
run in ``__main__``, one after the other, as in a notebook. What comes in and goes out is JSON.
"""

import ast
import base64
import builtins
import html
import io
import json
import linecache
import os
import pprint
import re
import sys
import time
import traceback
import types
import warnings
from collections.abc import Callable
from typing import Any

from needs import Cell, Memory, Page

import __main__

MOST = 100_000  # characters of text that a cell may show
MOST_PARTS = 60  # figures and other parts
MOST_SVG = 3_000_000  # characters; a larger figure is shown as dots
PLOTS = re.compile(r"\bplots\b|\bmatplotlib\b|\bpylab\b|\bPIL\b")


class Shown:
    """What a cell has shown so far, in order: texts and parts of HTML."""

    def __init__(self, tell: Callable[[str], object] | None = None) -> None:
        self.parts: list[tuple[str, str]] = []
        self.written = 0
        self.alts: list[str] = []
        self.edited = False
        self.figures = 0
        self.gallery = False
        self.tell, self.told = tell, time.monotonic()

    def text(self, stream: str, text: str) -> None:
        """Add text; of what goes beyond the limit only the length is kept."""
        kept = text[: max(0, MOST - self.written)]
        self.written += len(text)
        if kept and self.parts and self.parts[-1][0] == stream:
            self.parts[-1] = (stream, self.parts[-1][1] + kept)
        elif kept:
            self.parts.append((stream, kept))
        if self.tell and time.monotonic() - self.told > 0.3:
            self.told = time.monotonic()
            self.tell(self.out)

    def html(self, text: str) -> None:
        """Add a part of HTML."""
        if len(self.parts) < MOST_PARTS:
            self.parts.append(("html", text))

    @property
    def out(self) -> str:
        """What was printed, as plain text."""
        return "".join(text for kind, text in self.parts if kind != "html")

    def as_html(self) -> str:
        """Return all of it as HTML."""
        written = []
        for kind, text in self.parts:
            if kind == "html":
                written.append(f'<div class="live-part">{text}</div>')
            else:
                written.append(f'<pre class="live-text live-{kind}">{html.escape(text)}</pre>')
        if self.written > MOST:
            cut = f"The cell printed {self.written:,} characters; the page shows the first {MOST:,}."
            written.append(f'<p class="live-cut">{cut}</p>')
        if len(self.parts) >= MOST_PARTS:
            written.append(f'<p class="live-cut">The page shows the first {MOST_PARTS} parts.</p>')
        return "".join(written)


shown = Shown()


class Stream(io.TextIOBase):
    """Where ``print`` writes."""

    encoding = "utf-8"

    def __init__(self, name: str) -> None:
        self.name = name

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def write(self, text: str) -> int:
        """Hand the text to what is shown."""
        shown.text(self.name, text)
        return len(text)


# -- figures and values ------------------------------------------------------------------------


def show_figures(*_: object, **__: object) -> None:
    """Show the open figures and close them, as a notebook does."""
    plt = sys.modules.get("matplotlib.pyplot")
    figures = [plt.figure(number) for number in plt.get_fignums()] if plt else []
    moving = animations(figures) if shown.gallery else {}
    for figure in figures:
        if figure in moving:
            shown.html(moving[figure])
        else:
            show_figure(figure)
    if plt:
        plt.close("all")


def animations(figures: list[Any]) -> dict[Any, str]:
    """Return the players of the animations that have names, by their figures, as in the gallery."""
    module = sys.modules.get("matplotlib.animation")
    values = __main__.__dict__.values() if module else ()
    found = [value for value in values if isinstance(value, module.Animation)]
    if not found:
        return {}
    from lecturecode.plots import player

    return {each._fig: player(each)._repr_html_() for each in found if each._fig in figures}


def show_figure(figure: Any) -> None:
    """Show one figure: as curves, or as dots where these would be too many."""
    if any(ax.name == "3d" for ax in figure.axes):  # these know their size only once they are drawn
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            figure.draw_without_rendering()
    drawn, kind = as_svg(figure), "svg+xml"
    if len(drawn) > MOST_SVG:
        file, kind = io.BytesIO(), "png"
        box = None if shown.gallery else "tight"
        figure.savefig(file, format="png", bbox_inches=box, dpi=2 * figure.dpi)
        drawn = file.getvalue()
    data = base64.b64encode(drawn).decode()
    alt = html.escape(alternative(figure))
    shown.html(f'<img class="live-figure" alt="{alt}" src="data:image/{kind};base64,{data}">')


def as_svg(figure: Any) -> bytes:
    """Return a figure as curves: what a notebook shows of it, in the gallery the whole of it.

    ``savefig`` would draw a figure with a layout, and one that is cut, twice, the first time in vain.
    """
    from matplotlib import rc_context, rcParams
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    file, layout, dpi, canvas = io.BytesIO(), figure.get_layout_engine(), figure.dpi, figure.canvas
    FigureCanvasSVG(figure)  # which measures letters in its own way
    if layout is not None:
        layout.execute(figure)
    box = None if shown.gallery else figure.get_tightbbox().padded(rcParams["savefig.pad_inches"])
    with rc_context({"figure.constrained_layout.use": False, "figure.autolayout": False}):
        figure.set_layout_engine(None)
        figure.savefig(file, format="svg", bbox_inches=box)
        figure.set_layout_engine(layout)
    figure.set_canvas(canvas)
    figure.dpi = dpi  # measuring leaves that of SVG
    return file.getvalue()


def alternative(figure: Any) -> str:
    """Return what a figure shows, in words: its own description, or the book's."""
    number = shown.figures
    shown.figures += 1
    label = " ".join(str(figure.get_label()).split())
    if label:
        return label
    if number < len(shown.alts):
        book = shown.alts[number]
        return f"Figure drawn by the changed code. Before the change: {book}" if shown.edited else book
    return "Figure drawn by the code above"


def show(value: Any) -> None:
    """Show a value as a notebook does: as HTML, if it can be written so, else as text."""
    for method in ("_repr_html_", "_repr_svg_"):
        write = getattr(value, method, None)
        if callable(write) and not isinstance(value, type):
            text = write()
            if text is not None:
                shown.html(text)
                return
    if type(value).__module__.startswith("matplotlib.figure"):
        show_figure(value)
        return
    shown.text("value", as_text(value) + "\n")


def as_text(value: Any) -> str:
    """Return a value as text, a long list or dictionary on several lines."""
    if type(value) in (dict, list, tuple, set, frozenset):
        return pprint.pformat(value, width=80, sort_dicts=False)
    return repr(value)


def as_table(text: str) -> str:
    """Return a table of Markdown as HTML, its formulas for MathJax; nothing if the text is none."""
    rows = [line.strip().strip("|").split("|") for line in text.splitlines()]
    if len(rows) < 3 or set("".join(rows[1])) - set("-: ") or len({len(row) for row in rows}) > 1:
        return ""
    sides = ["right" if side.strip().endswith(":") else "left" for side in rows.pop(1)]

    def row(cells: list[str], tag: str) -> str:
        told = [html.escape(cell.strip()) for cell in cells]
        told = [re.sub(r"`([^`]+)`", r"<code>\1</code>", cell) for cell in told]
        told = [re.sub(r"\$([^$]+)\$", r'<span class="math">\\(\1\\)</span>', cell) for cell in told]
        parts = zip(sides, told, strict=True)
        return "\n".join(f'<{tag} style="text-align: {side}">{cell}</{tag}>' for side, cell in parts)

    head, body = row(rows[0], "th"), "\n".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows[1:])
    return f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def display(*values: Any, **_: object) -> None:
    """Show values, as a notebook's ``display``."""
    for value in values:
        show(value)


# -- what the pages import and is not there ------------------------------------------------------


def stand_ins() -> None:
    """Put the few names of notebooks that the cells use where they import them from."""
    notebook = types.ModuleType("myst_nb")
    notebook.glue = lambda *_, **__: None  # type: ignore[attr-defined]  # for the prose
    sys.modules["myst_nb"] = notebook
    package, inside = types.ModuleType("IPython"), types.ModuleType("IPython.display")

    class Written:
        def __init__(self, data: str) -> None:
            self.data = data

    class HTML(Written):
        def _repr_html_(self) -> str:
            return self.data

    class Markdown(Written):
        def _repr_html_(self) -> str:
            return as_table(self.data) or f'<pre class="live-text">{html.escape(self.data)}</pre>'

    inside.HTML, inside.Markdown, inside.display = HTML, Markdown, display  # type: ignore[attr-defined]
    package.display, package.version_info = inside, (9, 0)  # type: ignore[attr-defined]
    package.get_ipython = lambda: None  # type: ignore[attr-defined]  # Matplotlib asks for it
    sys.modules |= {"IPython": package, "IPython.display": inside}


def refuse_input(prompt: object = "") -> str:
    """Say that nobody can be asked."""
    raise RuntimeError("input() cannot ask in a page; write the answer into the code")


def refuse_network(*_: object, **__: object) -> None:
    """Say that there is no network."""
    raise OSError("a page has no network; run this in your own Python")


def begin() -> None:
    """Prepare Python for the cells of a page."""
    sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
    builtins.input = refuse_input
    builtins.display = display  # type: ignore[attr-defined]
    import socket

    socket.socket.connect = refuse_network  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = refuse_network  # type: ignore[assignment]
    socket.create_connection = refuse_network  # type: ignore[assignment]
    stand_ins()
    os.environ["MPLBACKEND"] = "module://live_backend"
    os.environ["TQDM_DISABLE"] = "1"
    os.makedirs("/home/reader", exist_ok=True)
    os.chdir("/home/reader")

    def said(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        shown.text("stderr", f"{category.__name__}: {message}\n")

    warnings.showwarning = said


# -- cells -------------------------------------------------------------------------------------


class Session:
    """The cells of one page in one running Python."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.codes: tuple[str, ...] = ()
        self.page = Page(())

    def look(self, codes: list[str]) -> Page:
        """Return the page of these codes."""
        if tuple(codes) != self.codes:
            self.codes, self.page = tuple(codes), Page(codes)
        return self.page

    def target(self, asked: dict[str, Any]) -> tuple[Page, Cell]:
        """Return the page and the cell that is asked for, or the code below one of its cells."""
        codes = asked["codes"]
        if "code" not in asked:
            page = self.look(codes)
            return page, page.cells[asked["cell"]]
        after = asked["after"]
        page = self.look(codes[: after + 1] if after is not None else [])
        return page, page.look(asked["code"])


session = Session()


def plan(request: str) -> str:
    """Return the cells that must run before one, and what there is to say about the page."""
    asked = json.loads(request)
    page, target = session.target(asked)
    first = session.memory.plan(page, target)
    texts = [asked["codes"][cell] for cell in first]
    texts.append(asked.get("code") or (asked["codes"][asked["cell"]] if "cell" in asked else ""))
    return json.dumps(
        {
            "first": first,
            "plots": any(PLOTS.search(text) for text in texts),
            "needs": target.needs if "code" in asked else [cell.needs for cell in page.cells],
            "signatures": [cell.signature for cell in page.cells],
        }
    )


def run(request: str, tell: Callable[[str], object] | None = None) -> str:
    """Run one cell, or code below one; return what it showed, and how it failed if it did."""
    global shown
    asked = json.loads(request)
    _, target = session.target(asked)
    extra = "code" in asked
    for name, text in asked.get("files", {}).items():
        os.makedirs(os.path.dirname(os.path.abspath(name)), exist_ok=True)
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
    shown = Shown(tell)
    shown.alts, shown.edited = asked.get("alts", []), asked.get("edited", False)
    shown.gallery = asked.get("gallery", False)
    code = asked["code"] if extra else asked["codes"][asked["cell"]]
    name = "<extra>" if extra else f"<cell {asked['cell']}>"
    space = dict(__main__.__dict__) if extra else __main__.__dict__
    start = time.perf_counter()
    error, value = None, None
    try:
        value = execute(code, name, space)
        if value is not None and not shown.gallery and asked.get("values", True):
            show(value)
        show_figures()
    except BaseException as raised:
        error = told(raised, name)
        close_figures()
    finally:
        if extra:  # what it bound was its own; what it changed is changed
            target = Cell(target.made_by, set(), target.changes, target.needs, signature="extra")
        session.memory.ran(target, failed=error is not None)
    answer = {
        "out": shown.out,
        "html": shown.as_html(),
        "value": as_json(value) if extra else None,
        "error": error,
        "seconds": time.perf_counter() - start,
        "signature": target.signature,
    }
    return json.dumps(answer)


def execute(code: str, name: str, space: dict[str, Any]) -> Any:
    """Execute the statements of a cell; return the value of a last expression."""
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    tree = ast.parse(code, name)
    last = tree.body[-1] if tree.body else None
    quiet = code.rstrip().endswith(";")
    if isinstance(last, ast.Expr) and not quiet:
        exec(compile(ast.Module(tree.body[:-1], []), name, "exec"), space)
        return eval(compile(ast.Expression(last.value), name, "eval"), space)
    exec(compile(tree, name, "exec"), space)
    return None


def as_json(value: Any) -> Any:
    """Return a value as JSON can hold it: numbers, texts, lists, dictionaries; else nothing."""
    as_list = getattr(value, "tolist", None)
    value = as_list() if callable(as_list) else value
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return None
    return value


def close_figures() -> None:
    """Forget the figures of a cell that failed."""
    plt = sys.modules.get("matplotlib.pyplot")
    if plt:
        plt.close("all")


def told(raised: BaseException, name: str) -> dict[str, Any]:
    """Return what a reader is told about an error: its words and the line of the cell."""
    kind, words = type(raised).__name__, str(raised)
    line = None
    if isinstance(raised, SyntaxError):
        words, line = raised.msg, raised.lineno if raised.filename == name else None
    else:
        frames = [
            frame for frame in traceback.extract_tb(raised.__traceback__) if frame.filename == name
        ]
        line = frames[-1].lineno if frames else None
    if kind == "URLError" or "unknown url type" in words:
        words = "a page has no network; run this in your own Python"
    if isinstance(raised, MemoryError):
        words = "the page's memory is used up" + (f": {words}" if words else "")
    if isinstance(raised, ModuleNotFoundError):
        words = f"{words}; it is not in the page, run this in your own Python"
    if isinstance(raised, RecursionError):
        words = words or "the calls go too deep"
    notes = [str(note) for note in getattr(raised, "__notes__", [])]
    text = "\n".join([f"{kind}: {words}" if words else kind, *notes])
    source = linecache.getline(name, line).strip() if line else ""
    return {
        "type": kind,
        "message": words,
        "notes": notes,
        "line": line,
        "source": source,
        "text": text + (f"\nin line {line}: {source}" if line else ""),
        "memory": isinstance(raised, MemoryError),
    }
