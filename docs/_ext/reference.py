"""The API reference: one directive for a module, with the examples that use each object."""

import importlib
import importlib.util
import inspect
import json
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def public_names(module: Any) -> list[str]:
    """Return a module's public functions and classes, in the order of its source."""
    names = getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]
    found = []
    for name in names:
        thing = getattr(module, name)
        if not (inspect.isfunction(thing) or inspect.isclass(thing)):
            continue
        home = getattr(thing, "__module__", "")
        if home == module.__name__ or home.startswith(module.__name__ + "."):
            found.append((home, inspect.getsourcelines(thing)[1], name))
    return [name for *_, name in sorted(found)]


class Module(Directive):
    """Document a module: its docstring, a list of its public names, an entry for each.

    A module that does not exist yet leaves nothing, so that the lecture's order can be written
    down once.
    """

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write the directives of autodoc and parse them."""
        name = self.arguments[0]
        env = self.state.document.settings.env
        env.documented_modules = getattr(env, "documented_modules", set()) | {name}
        if importlib.util.find_spec(name) is None:
            return []
        module = importlib.import_module(name)
        title = name.removeprefix("lecturecode.")
        lines = [title, "-" * len(title), "", f".. automodule:: {name}", "   :no-members:", ""]
        names = public_names(module)
        if names:
            lines += [".. autosummary::", "   :nosignatures:", ""]
            lines += [f"   {each}" for each in names] + [""]
        for each in names:
            kind = "autoclass" if inspect.isclass(getattr(module, each)) else "autofunction"
            lines += [f".. {kind}:: {name}.{each}"]
            lines += (["   :members:"] if kind == "autoclass" else []) + [""]
        source = getattr(module, "__file__", "")
        env.note_dependency(source)
        content = StringList(lines, source=f"{source}: reference")
        parent = nodes.section(document=self.state.document)
        self.state.nested_parse(content, self.content_offset, parent, match_titles=True)
        return parent.children


def add_examples(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Put the gallery's examples of a function or class below its docstring."""
    if what not in ("function", "class", "method"):
        return
    home = getattr(obj, "__module__", None)
    own = getattr(obj, "__qualname__", "")
    wanted = [name, f"{home}.{own}", f"lecturecode.{own}"]  # the last as the scripts import it
    folder = Path(app.srcdir) / app.config.sphinx_gallery_conf["backreferences_dir"]
    record = folder / "backreferences_all.json"
    known = json.loads(record.read_text()) if record.is_file() else {}
    used = [each for each in dict.fromkeys(wanted) if known.get(each)]
    if used:
        lines += ["", ".. rubric:: In the gallery", "", f".. minigallery:: {' '.join(used)}", ""]


def add_short_names(app: Sphinx, env: Any) -> list[str]:
    """Let `lecturecode.gradient_descent` lead where `lecturecode.descent.gradient_descent` does."""
    package, objects = importlib.import_module("lecturecode"), env.domains["py"].objects
    for name in getattr(package, "__all__", []):
        home = getattr(package, name).__module__
        entry = objects.get(f"{home}.{name}") or objects.get(f"{home.rpartition('.')[0]}.{name}")
        if entry is not None:
            for alias in (f"lecturecode.{name}", f"{home}.{name}"):
                objects.setdefault(alias, entry._replace(aliased=True))
    return []


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive; numpydoc goes first."""
    app.add_directive("module-reference", Module)
    app.connect("autodoc-process-docstring", add_examples, priority=900)
    app.connect("env-updated", add_short_names)
    return {"version": "1", "parallel_read_safe": False}
