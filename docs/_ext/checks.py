"""Check that what the lecture map and the notation point to exists.

Plain functions on plain tables, so that the tests can call them without building the book. Each
yields one sentence for each thing that is wrong, which starts with the identifier.
"""

import ast
import dataclasses
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FIELDS = {"text", "chapter", "places", "code", "tests"}
EXTRA = {"X": {"slide", "book", "found"}, "C": {"claim", "verdict", "found"}}
VERDICTS = {"holds", "holds if", "false as said"}
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?!\w)")


@dataclasses.dataclass(frozen=True)
class LectureMap:
    """The table of contents, the identifiers of the lecture, and those of each slide."""

    chapters: dict[str, dict[str, str]]
    items: dict[str, dict[str, Any]]
    slides: dict[str, list[str]]

    @classmethod
    def read(cls, path: Path) -> "LectureMap":
        """Read ``lecture_map.toml``."""
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        slides = {title: keys.split() for title, keys in table.pop("slides").items()}
        return cls(table.pop("chapters"), table, slides)

    def written(self, docs: Path) -> set[str]:
        """Return the numbers of the chapters that exist."""
        return {
            number
            for number, chapter in self.chapters.items()
            if (docs / f"{chapter['page']}.md").is_file()
        }


def find(name: str) -> Any:
    """Return the object with a dotted name; raise LookupError if there is none."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        module = ".".join(parts[:cut])
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name and (module == error.name or module.startswith(error.name + ".")):
                continue
            raise
        for part in parts[cut:]:
            fields = getattr(found, "__dataclass_fields__", {})
            if not hasattr(found, part) and part not in fields:
                raise LookupError(f"{name}: {'.'.join(parts[:cut])} has no {part}")
            found = getattr(found, part, None)
        return found
    raise LookupError(f"{name}: there is no module {parts[0]}")


def tests_in(path: Path) -> set[str]:
    """Return the names of a file's test functions, methods as ``Class::test``."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{m.name}" for m in node.body if isinstance(m, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            names.add(node.name)
    return {name for name in names if name.split("::")[-1].startswith("test")}


def check_form(lecture: LectureMap) -> Iterator[str]:
    """Yield what is wrong with the table itself."""
    shown = [key for keys in lecture.slides.values() for key in keys]
    yield from (f"{key}: on a slide, and has no entry" for key in shown if key not in lecture.items)
    yield from (f"{key}: on no slide" for key in lecture.items if key not in shown)
    for key, item in lecture.items.items():
        if not re.fullmatch(r"[SAEFCX]\d{2,3}", key):
            yield f"{key}: not an identifier of the lecture"
            continue
        expected = FIELDS | EXTRA.get(key[0], set())
        if set(item) != expected:
            yield f"{key}: has the fields {sorted(item)}, needs {sorted(expected)}"
        elif item["chapter"] not in lecture.chapters:
            yield f"{key}: there is no chapter {item['chapter']!r}"
        else:
            for field in {"text", *EXTRA.get(key[0], set())}:
                if not item[field].strip():
                    yield f"{key}: {field} is empty"
            if item.get("verdict", "holds") not in VERDICTS:
                yield f"{key}: the verdict is one of {sorted(VERDICTS)}"


def check_code(lecture: LectureMap) -> Iterator[str]:
    """Yield every public name that does not exist."""
    for key, item in lecture.items.items():
        for name in item["code"]:
            try:
                find(name)
            except LookupError as error:
                yield f"{key}: no such code: {error.args[0]}"
            except Exception as error:  # whatever the import of a broken module raises
                yield f"{key}: {name} cannot be imported: {error!r}"


def check_tests(lecture: LectureMap, root: Path) -> Iterator[str]:
    """Yield every test that does not exist."""
    found: dict[str, set[str]] = {}
    for key, item in lecture.items.items():
        for test in item["tests"]:
            file, _, name = test.partition("::")
            if not (root / file).is_file():
                yield f"{key}: no such test file: {file}"
                continue
            if file not in found:
                found[file] = tests_in(root / file)
            if name not in found[file]:
                yield f"{key}: no such test: {name} in {file}"


def check_cover(lecture: LectureMap, docs: Path) -> Iterator[str]:
    """Yield what an identifier of a written chapter still lacks."""
    written = lecture.written(docs)
    for key, item in lecture.items.items():
        if item["chapter"] not in written:
            continue
        if not item["places"]:
            yield f"{key}: chapter {item['chapter']} is written, but no place treats it"
        if key[0] == "A" and not item["code"]:
            yield f"{key}: an algorithm without code"
        if key[0] in "AE" and not item["tests"]:
            yield f"{key}: no test holds it"
        held = item["tests"] or any(asserted(docs, place) for place in item["places"])
        if key[0] in "CX" and not held:
            yield f"{key}: neither a test nor a place with an assertion holds it"


def asserted(docs: Path, place: str) -> bool:
    """Tell whether a gallery script or a chapter's section asserts something."""
    page, _, label = place.partition("#")
    if page.startswith("auto_gallery/"):
        script = docs.parent / "gallery" / (page.removeprefix("auto_gallery/") + ".py")
        return script.is_file() and "assert " in script.read_text(encoding="utf-8")
    path = docs / f"{page}.md"
    return path.is_file() and "\nassert " in section(path.read_text(encoding="utf-8"), label)


def section(text: str, label: str) -> str:
    """Return the part of a page from a label to the next heading after its own text."""
    name = re.escape(label)
    mark = re.search(rf"^\({name}\)=|\({name}\)$|\b(?:label|name): *{name}\s*$", text, re.M)
    if not mark:
        return ""
    rest = text[mark.end() :].lstrip("\n")
    below = rest.partition("\n")[2] if rest.startswith("#") else rest
    prose = re.sub(r"^(`{3,}).*?^\1", lambda m: "~" * len(m.group()), below, flags=re.M | re.S)
    end = re.search(r"^#+ ", prose, re.M)
    return below[: end.start()] if end else below


def check_places(lecture: LectureMap, known: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield every place that the book does not have."""
    for key, item in lecture.items.items():
        for place in item["places"]:
            page, _, label = place.partition("#")
            if page not in known:
                yield f"{key}: no such page: {page}"
            elif label and label not in known[page]:
                yield f"{key}: the page {page} has no label {label}"
            elif not label and page.startswith(("chapters/", "appendices/")):
                yield f"{key}: {page} names a whole chapter; name a label in it"


def check_numbers(lecture: LectureMap, texts: dict[str, str]) -> Iterator[str]:
    """Yield every number of what was found that no place of the entry says or prints.

    `texts` has, for each page, its prose and what its cells printed.
    """
    for key, item in lecture.items.items():
        pages = [place.partition("#")[0] for place in item["places"]]
        said = {number for page in pages for number in NUMBER.findall(texts.get(page, ""))}
        for number in NUMBER.findall(re.sub(r"\$[^$]*\$|`[^`]*`", "", item.get("found", ""))):
            if number not in said:
                yield f"{key}: no place of it says {number}"


def check_notation(rows: list[dict[str, str]]) -> Iterator[str]:
    """Yield every code name of the notation table that does not exist."""
    for row in rows:
        for name in re.findall(r"lecturecode(?:\.\w+)+", row["code"] + " " + row.get("where", "")):
            try:
                find(name)
            except LookupError as error:
                yield f"notation, {row['symbol']}: no such code: {error.args[0]}"
