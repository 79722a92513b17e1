"""The lecture map, the claims, the errata and the notation: tables that are checked.

``lecture_map.toml`` says for each identifier of the lecture where the book treats it, which code
implements it and which tests hold it. Whatever it points to has to exist; an identifier whose
chapter is written has to point somewhere. Every complaint names the identifier and, being a
warning, fails the build.
"""

import tomllib
from pathlib import Path
from typing import Any

import checks
from checks import LectureMap
from docutils import nodes
from folds import fold
from shared import fill_later, link, name, table, words
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


# -- checks ----------------------------------------------------------------------------------


def labels(app: Sphinx) -> dict[str, dict[str, str]]:
    """Return, for each page, its labels and the anchors that they stand for."""
    found: dict[str, dict[str, str]] = {name: {} for name in app.env.found_docs}
    standard = app.env.get_domain("std")
    for label, (page, anchor, *_) in (standard.anonlabels | standard.labels).items():
        found.setdefault(page, {})[label] = anchor
    equations = app.env.get_domain("math").equations
    for label, (page, _) in equations.items():
        found.setdefault(page, {})[label] = nodes.make_id(f"equation-{label}")
    return found


def check_all(app: Sphinx, env: Any) -> None:
    """Warn about everything that is wrong."""
    docs = Path(app.srcdir)
    map_file, notation_file = docs / "lecture_map.toml", docs / "notation.toml"
    env.book_labels = labels(app)
    if map_file.is_file():
        lecture = LectureMap.read(map_file)
        problems = list(checks.check_form(lecture))
        if not problems:
            problems += checks.check_code(lecture)
            problems += checks.check_tests(lecture, docs.parent)
            problems += checks.check_cover(lecture, docs)
            problems += checks.check_places(lecture, env.book_labels)
            problems += checks.check_numbers(lecture, texts(env, lecture))
        for problem in problems:
            logger.warning(problem, location=line_of(map_file, problem.split(":")[0]), type="book")
    if notation_file.is_file():
        for problem in checks.check_notation(tomllib.loads(notation_file.read_text())["rows"]):
            logger.warning(problem, location=str(notation_file), type="book")


def texts(env: Any, lecture: LectureMap) -> dict[str, str]:
    """Return the words of each page that an entry with a number leads to, with what was printed."""
    told = [item for item in lecture.items.values() if "found" in item]
    pages = {place.partition("#")[0] for item in told for place in item["places"]}
    return {page: env.get_doctree(page).astext() for page in pages & env.found_docs}


def line_of(path: Path, key: str) -> str:
    """Return the file and line at which an identifier's table starts."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return f"{path}:{lines.index(f'[{key}]') + 1 if f'[{key}]' in lines else 1}"


# -- tables ----------------------------------------------------------------------------------


def the_map(app: Sphinx) -> LectureMap:
    """Return the map of this book."""
    return LectureMap.read(Path(app.srcdir) / "lecture_map.toml")


def heading(text: str) -> nodes.rubric:
    """Return the line over a table; :func:`jump` links to it."""
    return nodes.rubric(text=text, ids=[nodes.make_id(f"table-{text}")])


def jump(headings: list[nodes.rubric]) -> nodes.paragraph:
    """Return a line of links to the tables of a page."""
    line = nodes.paragraph("", "Jump to: ")
    for i, target in enumerate(headings):
        line += [nodes.Text(" · ")] if i else []
        line += nodes.reference("", target.astext(), internal=True, refid=target["ids"][0])
    return line


def identifier(key: str) -> list[nodes.Node]:
    """Return an identifier, which other pages can link to."""
    return [nodes.paragraph("", key, ids=[nodes.make_id(key)])]


def title_around(doctree: nodes.document, anchor: str) -> str | None:
    """Return the question of the fold, or the title of the section, in which a place stands."""
    place = next(
        (each for each in doctree.findall(nodes.Element) if anchor in each.get("ids", ())), None
    )
    while place is not None and not isinstance(place, fold | nodes.section):
        place = place.parent
    return place[0].astext() if place else None


def title_of(app: Sphinx, page: str, label: str) -> str:
    """Return what a link to a place says."""
    standard = app.env.get_domain("std")
    anchor = app.env.book_labels.get(page, {}).get(label, "")
    numbers = app.env.toc_fignumbers.get(page, {})
    for kind, format_ in (("displaymath", "equation ({})"), ("figure", "figure {}")):
        if anchor in numbers.get(kind, {}):
            return format_.format(".".join(map(str, numbers[kind][anchor])))
    if label in standard.labels and standard.labels[label][2]:
        return str(standard.labels[label][2])
    around = title_around(app.env.get_doctree(page), anchor) if anchor else None
    return around or app.env.titles[page].astext()


def places(app: Sphinx, page: str, item: dict[str, Any], lecture: LectureMap) -> list[nodes.Node]:
    """Return the links to the places of an identifier, or when they come."""
    if not item["places"]:
        if item["chapter"] in lecture.written(Path(app.srcdir)):
            return words("missing")
        return words(f"to come in chapter\N{NO-BREAK SPACE}{int(item['chapter'])}")
    lines = []
    for place in item["places"]:
        target, _, label = place.partition("#")
        anchor = app.env.book_labels.get(target, {}).get(label, "")
        if target not in app.env.found_docs:
            continue
        text = title_of(app, target, label)
        lines.append(nodes.paragraph("", "", link(app, page, target, anchor, text)))
    return lines


def in_reference(app: Sphinx, page: str, name: str, shown: list[nodes.Node]) -> list[nodes.Node]:
    """Return what is shown, as a link to a name's entry in the API reference if it has one."""
    entry = app.env.get_domain("py").objects.get(name)
    if entry is None:
        return shown
    uri = app.builder.get_relative_uri(page, entry.docname) + f"#{entry.node_id}"
    return [nodes.reference("", "", *shown, internal=True, refuri=uri)]


def code_links(app: Sphinx, page: str, names: list[str]) -> list[nodes.Node]:
    """Return each name, linked to its entry in the API reference if it has one."""
    return [
        nodes.paragraph(
            "", "", *in_reference(app, page, each, [name(each.removeprefix("lecturecode."))])
        )
        for each in names
    ]


def test_names(names: list[str]) -> list[nodes.Node]:
    """Return each test as code."""
    return [nodes.paragraph("", "", name(each.removeprefix("tests/"))) for each in names]


def map_tables(app: Sphinx, page: str, place: nodes.Element) -> list[nodes.Node]:
    """Return one table for each slide."""
    lecture, headings, out = the_map(app), [], []
    head = ["Id", "In the lecture", "In the book", "Code and tests"]
    for title, keys in lecture.slides.items():
        rows = []
        for key in keys:
            item = lecture.items[key]
            code = code_links(app, page, item["code"]) + test_names(item["tests"])
            rows.append([identifier(key), words(item["text"]), places(app, page, item, lecture), code])
        headings.append(heading(title))
        out += [headings[-1], table(head, [6, 38, 24, 32], rows)]
    return [jump(headings), *out]


def held_by(item: dict[str, Any]) -> list[nodes.Node]:
    """Return the tests of an entry, or where its assertion stands."""
    return test_names(item["tests"]) or words("an assertion there")


def claims_table(app: Sphinx, page: str, place: nodes.Element) -> list[nodes.Node]:
    """Return what the lecture claims, what came out, and where it is put to the test."""
    lecture = the_map(app)
    rows = []
    for key, item in lecture.items.items():
        if key[0] == "C":
            verdict = nodes.paragraph("", "", nodes.strong(text=item["verdict"]))
            where = places(app, page, item, lecture) + held_by(item)
            claim = words(item["claim"])
            rows.append([identifier(key), claim, [verdict, *words(item["found"])], where])
    head = ["Id", "Claim", "What came out", "Where, and held by"]
    return [table(head, [5, 28, 37, 30], rows)]


def errata_table(app: Sphinx, page: str, place: nodes.Element) -> list[nodes.Node]:
    """Return where the slides are loose, what the book says, and the difference that it makes."""
    lecture = the_map(app)
    rows = []
    for key, item in lecture.items.items():
        if key[0] == "X":
            book, where = words(item["book"]), places(app, page, item, lecture)
            (found,) = words(item["found"])
            found.insert(0, nodes.emphasis(text="The difference: "))
            rows.append([identifier(key), words(item["slide"]), [*book, found], where])
    head = ["Id", "The slide", "The book, and the difference that it makes", "Where"]
    return [table(head, [5, 25, 46, 24], rows)]


def notation_table(app: Sphinx, page: str, place: nodes.Element) -> list[nodes.Node]:
    """Return the symbols with their names in code, one table for each chapter."""
    rows = tomllib.loads((Path(app.srcdir) / "notation.toml").read_text(encoding="utf-8"))["rows"]
    headings: list[nodes.rubric] = []
    out: list[nodes.Node] = []
    for number, chapter in the_map(app).chapters.items():
        lines = [
            [
                [nodes.paragraph("", "", nodes.math(text=row["symbol"]))],
                words(row["meaning"]),
                linked(app, page, row["code"], row["where"]),
                words(row["shape"]),
                words(row["pytorch"]),
            ]
            for row in rows
            if row["chapter"] == number
        ]
        if lines:
            head = ["Symbol", "Meaning", "In the code", "Shape", "In PyTorch"]
            headings.append(heading(f"{int(number)} {chapter['title']}"))
            out += [headings[-1], table(head, [14, 32, 22, 12, 20], lines)]
    return [jump(headings), *out]


def linked(app: Sphinx, page: str, text: str, target: str) -> list[nodes.Node]:
    """Return a text that leads to a name's entry in the API reference, if it has one."""
    (line,) = words(text)
    known = app.env.get_domain("py").objects
    while target and target not in known:  # a field is described with its class
        target = target.rpartition(".")[0]
    if not target or known[target].objtype == "module":
        return [line]
    return [nodes.paragraph("", "", *in_reference(app, page, target, line.children))]


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directives and the checks."""
    makers = {"lecture-map": map_tables, "claims": claims_table, "errata": errata_table}
    fill_later(app, makers | {"notation": notation_table})
    app.connect("env-updated", check_all)
    return {"version": "1", "env_version": 1, "parallel_read_safe": False}
