"""Run the cells of one chapter as the book runs them, and say where one fails: make chapter C=10.

No page is written and nothing is cached; solutions run, too. It takes as long as the cells do.
"""

import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
sys.path[:0] = [str(DOCS), str(DOCS / "_ext")]

import build  # noqa: E402
from failures import ANSI, executed_cells, failing_line, last_line  # noqa: E402
from folds import marked  # noqa: E402
from myst_nb.core.read import read_myst_markdown_notebook  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError  # noqa: E402

SECONDS = 600


def pages() -> list[Path]:
    """Return the pages that have cells."""
    return [p for folder in ("chapters", "appendices") for p in sorted((DOCS / folder).glob("*.md"))]


def find(name: str) -> Path:
    """Return the page of a number, a letter or the beginning of a name; raise LookupError."""
    wanted = Path(name).stem.lower()
    wanted = f"{int(wanted):02d}" if wanted.isdigit() else wanted
    whole = [page for page in pages() if page.stem.split("_")[0] == wanted]
    found = whole or [page for page in pages() if wanted and page.stem.startswith(wanted)]
    if len(found) != 1:
        known = ", ".join(page.stem for page in pages())
        raise LookupError(f"C={name} names {len(found)} chapters; there are {known}")
    return found[0]


def warned(cell: dict) -> str:
    """Return what a cell wrote to stderr, by which the book would not be built."""
    streams = [out for out in cell.get("outputs", []) if out.output_type == "stream"]
    return "".join(out.text for out in streams if out.name == "stderr")


def run(path: Path) -> list[str]:
    """Run the cells of a page; return what went wrong, each with its file and line."""
    source = marked(path.read_text(encoding="utf-8"))  # the cells in folds run, too
    notebook = read_myst_markdown_notebook(source)
    lines = executed_cells(source)
    code = [(i, c) for i, c in enumerate(notebook.cells) if c.cell_type == "code" and c.source.strip()]
    where = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=where)
    wrong, place = [], os.path.relpath(path, ROOT)
    with client.setup_kernel():
        for number, ((index, cell), line) in enumerate(zip(code, lines, strict=True), 1):
            begin = time.monotonic()
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                traceback = ANSI.sub("", str(error))
                return [*wrong, f"{place}:{failing_line(source, traceback)}: {last_line(traceback)}"]
            except (CellTimeoutError, DeadKernelError) as error:
                return [*wrong, f"{place}:{line}: {str(error).splitlines()[0]}"]
            seconds = time.monotonic() - begin
            print(f"  cell {number} of {len(code)}, line {line}: {seconds:.1f} s", flush=True)
            if warned(cell):
                wrong.append(f"{place}:{line}: {warned(cell).strip().splitlines()[0]}")
    return wrong


def main() -> int:
    """Run the chapter that is asked for."""
    try:
        path = find(sys.argv[1] if len(sys.argv) > 1 else "")
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 1
    os.environ.update(build.environment(solutions=True))
    print(f"Running {path.relative_to(ROOT)}.", flush=True)
    begin = time.monotonic()
    try:
        wrong = run(path)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    if wrong:
        print("To mend:\n  " + "\n  ".join(wrong), file=sys.stderr)
        return 1
    print(f"All cells ran in {time.monotonic() - begin:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
