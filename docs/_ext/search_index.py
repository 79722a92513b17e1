"""Keep the entries of the index in the search when the book is built again.

Sphinx 9.0 writes them into ``searchindex.js``, but does not read them back when only some pages
are made anew, so that the terms of the glossary vanish from the search. Here they are read back.
"""

from typing import Any

from sphinx.application import Sphinx
from sphinx.search import IndexBuilder

load_without_entries, freeze_as_it_came = IndexBuilder.load, IndexBuilder.freeze


def load(self: IndexBuilder, stream: Any, form: Any) -> None:
    """Read an index, and its entries."""
    reader = self.formats[form] if isinstance(form, str) else form
    frozen = reader.load(stream)
    load_without_entries(self, _Frozen(frozen), _Frozen)
    names = frozen["docnames"]
    entries: dict[str, list[tuple[str, str, str]]] = {name: [] for name in names}
    for entry, found in frozen["indexentries"].items():
        for number, anchor, main in found:
            entries[names[number]].append((entry, anchor, "main" if main else ""))
    self._index_entries = entries


class _Frozen:
    """What was read already, for a reader that wants a stream and a format."""

    def __init__(self, frozen: Any) -> None:
        self.frozen = frozen

    @staticmethod
    def load(stream: "_Frozen") -> Any:
        """Return it."""
        return stream.frozen


def freeze(self: IndexBuilder) -> dict[str, Any]:
    """Return the index as a fresh build would: of the pages that exist, in an order of its own."""
    entries = sorted(self._index_entries.items())
    self._index_entries = {name: found for name, found in entries if name in self._titles}
    frozen = freeze_as_it_came(self)
    for name in ("indexentries", "terms", "titleterms"):
        frozen[name] = {word: found for word, found in sorted(frozen[name].items()) if found != []}
    for found in frozen["indexentries"].values():
        found.sort()
    return frozen


def setup(app: Sphinx) -> dict[str, Any]:
    """Put both in the place of Sphinx's."""
    IndexBuilder.load, IndexBuilder.freeze = load, freeze
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
