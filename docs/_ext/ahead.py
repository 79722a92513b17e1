"""Run the chapters side by side, ahead of their reading, so that all cores have something to do.

Sphinx reads one page after the other, and a chapter is run when it is read. Here the chapters of
which the cache knows no run are run first, several at a time, and kept in that cache, where the
reading finds them. One that fails is left to the reading, which runs it again and reports it.

Where nothing has run yet, the chapters begin together with the scripts of the gallery, which leave
a core idle at the end of each of their sections. Pages are written on all cores, too, by Sphinx's
own means.
"""

import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from threading import Lock, Semaphore, Thread
from typing import Any

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import create_nb_reader
from progress import say
from sphinx.application import Sphinx

WORKERS = min(os.cpu_count() or 1, 4)
BESIDE_SCRIPTS = max(1, WORKERS // 2)


class Runs:
    """The chapters that are run, the longest first, since it would be waited for at the end."""

    def __init__(self, config: Any, waiting: dict[Path, Any], at_a_time: int) -> None:
        self.config, self.count, self.done = config, len(waiting), 0
        longest_first = sorted(waiting, key=lambda path: path.stat().st_size, reverse=True)
        self.waiting = deque((path, waiting[path]) for path in longest_first)
        self.places, self.kept_back = Semaphore(at_a_time), WORKERS - at_a_time
        self.writing = Lock()
        # where Sphinx gives up, no thread may hold it back
        self.threads = [Thread(target=self.work, daemon=True) for _ in range(WORKERS)]
        say(f"{self.count} chapters are to run")
        for thread in self.threads:
            thread.start()

    def work(self) -> None:
        """Run one chapter after another, as long as there are any."""
        with suppress(IndexError):
            while True:
                with self.places:
                    self.run(*self.waiting.popleft())

    def run(self, path: Path, notebook: Any) -> None:
        """Run the cells of a chapter in a kernel of their own, and keep what came out."""
        timeout, result = self.config.execution_timeout, None
        with suppress(Exception):  # the reading runs it again, and says what is wrong
            result = single_nb_execution(
                notebook, cwd=str(path.parent), timeout=timeout, allow_errors=False
            )
        failed = result is None or result.err is not None
        with self.writing:
            if not failed:
                keep(get_cache(self.config.execution_cache_path), path, result)
            self.done += 1
            how = "failed" if failed else f"{result.time:.0f} s"
            say(f"  chapter {self.done} of {self.count}: {path.name}, {how}")

    def wait(self) -> None:
        """Give the chapters all cores, and wait for the last."""
        if self.kept_back:
            self.places.release(self.kept_back)
        for thread in self.threads:
            thread.join()


def cached(cache: Any, notebook: Any) -> bool:
    """Tell whether the cache holds a run of these cells."""
    with suppress(KeyError):
        cache.match_cache_notebook(notebook)
        return True
    return False


def not_run(app: Sphinx, docnames: list[str]) -> dict[Path, Any]:
    """Return the chapters of which the cache knows no run, as notebooks."""
    env, config = app.env, app.env.mystnb_config
    cache = get_cache(config.execution_cache_path)
    waiting = {}
    for docname in docnames:
        path = Path(env.doc2path(docname))
        if not docname.startswith(("chapters/", "appendices/")) or path.suffix != ".md":
            continue
        source = [path.read_text(encoding="utf-8")]
        app.emit("source-read", docname, source)
        reader = create_nb_reader(str(path), env.myst_config, config, source[0])
        notebook = reader.read(source[0]) if reader else None
        if notebook and not cached(cache, notebook):
            waiting[path] = notebook
    return waiting


def run_beside_scripts(app: Sphinx) -> None:
    """Begin with all chapters before the gallery does, if no run is cached."""
    app.runs = None
    if Path(app.env.mystnb_config.execution_cache_path).is_dir():
        return
    folders = ("chapters", "appendices")
    pages = [path for folder in folders for path in sorted((Path(app.srcdir) / folder).glob("*.md"))]
    waiting = not_run(app, [f"{path.parent.name}/{path.stem}" for path in pages])
    if waiting:
        app.runs = Runs(app.env.mystnb_config, waiting, BESIDE_SCRIPTS)


def run_ahead(app: Sphinx, env: Any, docnames: list[str]) -> None:
    """Run what is about to be read and was not run before."""
    runs = app.runs
    if runs is None:
        waiting = not_run(app, docnames)
        runs = Runs(env.mystnb_config, waiting, WORKERS) if waiting else None
    if runs is not None:
        runs.wait()


def write_side_by_side(app: Sphinx, env: Any) -> None:
    """Let Sphinx write on all cores; it counts the process that hands out the pages, too."""
    app.parallel = WORKERS + 1


def keep(cache: Any, path: Path, result: Any) -> None:
    """Put a run into the cache, where the reading finds it."""
    uri = cache.add_nb_to_project(str(path)).uri
    bundle = CacheBundleIn(result.nb, uri, data={"execution_seconds": result.time})
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the moments before the first script is run, the first page is read, and written."""
    app.connect("builder-inited", run_beside_scripts)
    app.connect("env-before-read-docs", run_ahead)
    app.connect("env-check-consistency", write_side_by_side)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
