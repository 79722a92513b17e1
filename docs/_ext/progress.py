"""Say how far the build is: which chapter or script has just run, and how many there are.

Scripts run on several processes; each that is done adds one byte to a file, whose length is the
count of all of them.
"""

import os
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx_gallery.gen_rst import md5sum_is_current

TOTAL = "LECTURECODE_SCRIPTS_TO_RUN"
DONE = "LECTURECODE_SCRIPTS_DONE"


def say(text: str) -> None:
    """Write a line at once, past Sphinx, which is quiet but for warnings."""
    print(text, file=sys.__stdout__, flush=True)


def count_scripts(app: Sphinx) -> None:
    """Count the scripts that are about to run."""
    gallery, made = Path(app.srcdir).parent / "gallery", Path(app.srcdir) / "auto_gallery"
    scripts = sorted(gallery.rglob("plot_*.py"))
    waiting = []
    for script in scripts:
        copy = made / script.relative_to(gallery)
        same = copy.is_file() and copy.read_bytes() == script.read_bytes()
        if not (same and md5sum_is_current(copy, mode="t")):
            waiting.append(script)
    done = Path(app.doctreedir).parent / "scripts-done"
    done.write_bytes(b"")
    os.environ[TOTAL], os.environ[DONE] = str(len(waiting)), str(done)
    if waiting:
        say(f"{len(waiting)} of {len(scripts)} gallery scripts are to run")


def script_done(gallery_conf: dict[str, Any], name: Any, when: str) -> None:
    """Tell that a script has run; sphinx-gallery calls this before and after each."""
    if name is None or when != "after" or DONE not in os.environ:
        return
    with open(os.environ[DONE], "ab") as file:
        file.write(b".")
        count = file.tell()
    say(f"  script {count} of {os.environ[TOTAL]}: {Path(name).name}")


def pages_follow(app: Sphinx, env: Any) -> None:
    """Tell that all has run."""
    say("All has run; writing the pages.")


def setup(app: Sphinx) -> dict[str, Any]:
    """Come before the gallery, and after the last page is read."""
    app.connect("builder-inited", count_scripts, priority=1)
    app.connect("env-check-consistency", pages_follow)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
