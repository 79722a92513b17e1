"""Run the chapters side by side, ahead of their reading, so that all cores have something to do.

Sphinx reads one page after the other, and a chapter is run when it is read. Here the chapters of
which the cache knows no run are run first, several at a time, and kept in that cache, where the
reading finds them. One that fails is left to the reading, which runs it again and reports it.
"""

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from myst_nb.core.read import create_nb_reader
from progress import say
from sphinx.application import Sphinx

WORKERS = min(os.cpu_count() or 1, 4)


def cached(cache: Any, notebook: Any) -> bool:
    """Tell whether the cache holds a run of these cells."""
    with suppress(KeyError):
        cache.match_cache_notebook(notebook)
        return True
    return False


def run_ahead(app: Sphinx, env: Any, docnames: list[str]) -> None:
    """Run what is about to be read and was not run before."""
    config = env.mystnb_config
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

    if not waiting:
        return
    say(f"{len(waiting)} chapters are to run")
    with ThreadPoolExecutor(WORKERS) as pool:
        runs = {
            pool.submit(run, path, notebook, config.execution_timeout): path
            for path, notebook in waiting.items()
        }
        for count, finished in enumerate(as_completed(runs), 1):
            path = runs[finished]
            failed = finished.exception() is not None or finished.result().err is not None
            if not failed:
                keep(cache, path, finished.result())
            how = "failed" if failed else f"{finished.result().time:.0f} s"
            say(f"  chapter {count} of {len(waiting)}: {path.name}, {how}")


def run(path: Path, notebook: Any, timeout: int) -> ExecutionResult:
    """Run the cells of a chapter in a kernel of their own."""
    return single_nb_execution(notebook, cwd=str(path.parent), timeout=timeout, allow_errors=False)


def keep(cache: Any, path: Path, result: ExecutionResult) -> None:
    """Put a run into the cache, where the reading finds it."""
    uri = cache.add_nb_to_project(str(path)).uri
    bundle = CacheBundleIn(result.nb, uri, data={"execution_seconds": result.time})
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the moment before the first page is read."""
    app.connect("env-before-read-docs", run_ahead)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
