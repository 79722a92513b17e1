"""The book holds together: the map is complete and true, chapters and scripts keep their form."""

import ast
import importlib.metadata
import importlib.util
import itertools
import re
import runpy
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
CHAPTERS = sorted((DOCS / "chapters").glob("[0-9]*.md"))
SCRIPTS = sorted((ROOT / "gallery").glob("*/plot_*.py"))

# Everything that the lecture has, by its letter.
LECTURE = {
    "S": "1-3 10-13 20 30 31 50 51 60 70-72 80 81 90-93 100 101 110 111",
    "A": "10-13 20-22 30 31 40-46 50 80 81 90-92 100 101 110-116",
    "E": "1 10 30-32 40 50 70-73 80-87 90 91 110",
    "F": "10 20 30 40 50-52 60 70 80 90 91 110",
    "C": "10 11 20 21 30 31 40-43 50-53 80 81 90-95 100-105",
    "X": "30-33 40 50 51 80 90-94 100 110-112",
}


def load(path):
    """Import a file of the site's own code."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


checks = load(DOCS / "_ext" / "checks.py")


@pytest.fixture(scope="module")
def lecture():
    return checks.LectureMap.read(DOCS / "lecture_map.toml")


@pytest.fixture(scope="module")
def notation():
    return tomllib.loads((DOCS / "notation.toml").read_text(encoding="utf-8"))["rows"]


def identifiers():
    for letter, numbers in LECTURE.items():
        for part in numbers.split():
            first, _, last = part.partition("-")
            for number in range(int(first), int(last or first) + 1):
                yield f"{letter}{number:02d}"


def name_of(path):
    return path.relative_to(ROOT).as_posix()


# -- the lecture map ------------------------------------------------------------------------


def test_the_map_has_every_identifier_of_the_lecture_and_no_other(lecture):
    assert sorted(lecture.items) == sorted(identifiers())


def test_the_map_is_well_formed(lecture):
    assert list(checks.check_form(lecture)) == []


def test_the_code_in_the_map_exists(lecture):
    assert list(checks.check_code(lecture)) == []


def test_the_tests_in_the_map_exist(lecture):
    assert list(checks.check_tests(lecture, ROOT)) == []


def test_what_a_written_chapter_treats_is_covered(lecture):
    assert list(checks.check_cover(lecture, DOCS)) == []


def test_what_is_still_to_come_names_no_place(lecture):
    written = lecture.written(DOCS)
    for key, item in lecture.items.items():
        if item["chapter"] not in written:
            assert not item["places"], f"{key} has a place, but chapter {item['chapter']} is to come"


def test_each_chapter_file_is_in_the_table_of_contents(lecture):
    pages = {chapter["page"] for chapter in lecture.chapters.values()}
    assert {f"chapters/{path.stem}" for path in CHAPTERS} <= pages


# -- the checks themselves, each shown to bite ----------------------------------------------


def a_map(key="A50", **changes):
    item = {"text": "t", "chapter": "06", "places": [], "code": [], "tests": []} | changes
    chapters = {"06": {"title": "Descent", "page": "chapters/06_d", "about": "steps"}}
    return checks.LectureMap(chapters, {key: item}, {"A slide": [key]})


def test_an_unknown_function_is_found():
    wrong = a_map(code=["lecturecode.trace.Trace", "lecturecode.trace.Tracer"])
    (problem,) = checks.check_code(wrong)
    assert problem.startswith("A50: ")
    assert "Tracer" in problem


def test_an_unknown_module_is_found():
    (problem,) = checks.check_code(a_map(code=["lecturecode.decent.minimize"]))
    assert "A50" in problem
    assert "decent" in problem


def test_a_field_of_a_dataclass_counts_as_code():
    assert list(checks.check_code(a_map(code=["lecturecode.trace.Trace.thetas"]))) == []


def test_an_unknown_test_is_found(tmp_path):
    (tmp_path / "test_x.py").write_text(
        "def test_one():\n    pass\n\nclass TestTwo:\n    def test_three(self):\n        pass\n"
    )
    good = a_map(tests=["test_x.py::test_one", "test_x.py::TestTwo::test_three"])
    assert list(checks.check_tests(good, tmp_path)) == []
    bad = a_map(tests=["test_x.py::test_three", "test_y.py::test_one"])
    problems = list(checks.check_tests(bad, tmp_path))
    assert len(problems) == 2
    assert all(problem.startswith("A50: ") for problem in problems)


def test_an_unknown_place_is_found():
    known = {"chapters/06_d": {"eq-step": "equation-eq-step"}, "auto_gallery/06_d/plot_1": {}}
    good = a_map(places=["chapters/06_d#eq-step", "auto_gallery/06_d/plot_1"])
    assert list(checks.check_places(good, known)) == []
    bad = a_map(places=["chapters/06_d#eq-stop", "auto_gallery/06_d/plot_2", "chapters/06_d"])
    assert len(list(checks.check_places(bad, known))) == 3


@pytest.mark.parametrize(
    ("key", "complaints"), [("S50", 1), ("F50", 1), ("E50", 2), ("C50", 2), ("A50", 3), ("X50", 2)]
)
def test_a_written_chapter_owes_places_code_and_tests(tmp_path, key, complaints):
    assert list(checks.check_cover(a_map(key), tmp_path)) == []
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "06_d.md").write_text("# Descent\n")
    assert len(list(checks.check_cover(a_map(key), tmp_path))) == complaints


def test_a_claim_is_held_by_an_assertion_in_its_own_section(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "06_d.md").write_text(
        "(one)=\n## One\n\n```{code-cell}\n# a comment\nassert x\n```\n\n(two)=\n## Two\n\nText.\n"
    )
    held = a_map("C50", places=["chapters/06_d#one"])
    assert list(checks.check_cover(held, tmp_path)) == []
    bare = a_map("C50", places=["chapters/06_d#two"])
    assert len(list(checks.check_cover(bare, tmp_path))) == 1


def test_a_wrong_name_in_the_notation_is_found():
    row = {"symbol": "x", "code": "`x`", "where": "lecturecode.trace.Trace.thetas"}
    assert list(checks.check_notation([row])) == []
    row["where"] = "lecturecode.trace.Trace.theta_s"
    assert len(list(checks.check_notation([row]))) == 1


# -- the notation, the front page, the reference --------------------------------------------


def test_every_name_in_the_notation_exists(notation):
    assert len(notation) > 25
    assert list(checks.check_notation(notation)) == []


def test_no_symbol_stands_twice_in_the_notation(notation):
    symbols = [row["symbol"] for row in notation]
    assert len(symbols) == len(set(symbols))


def test_every_module_is_in_the_reference():
    package = ROOT / "src" / "lecturecode"
    modules = {p.stem for p in package.glob("*.py")} | {
        p.parent.name for p in package.glob("*/__init__.py")
    }
    pages = "".join(path.read_text() for path in (DOCS / "api").glob("*.rst"))
    documented = set(re.findall(r"module-reference:: lecturecode\.(\w+)", pages))
    assert modules - {"__init__"} <= documented


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_internal_links_lead_somewhere(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target) or target.startswith(("auto_gallery/", "docs/_build/")):
            continue
        found = [path.parent / f"{target}{suffix}" for suffix in ("", ".md", ".rst")]
        assert any(each.exists() for each in found), f"{page}: {target} leads nowhere"


def wanted_packages():
    """Return the requirements that the Makefile installs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + [r for name in extras if name != "scale" for r in extras[name]]
    return [Requirement(line) for line in lines]


def pins():
    """Return {name: the requirements that pin it}; a marker may tell two Pythons apart."""
    found = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def version_of(pin):
    (found,) = pin.specifier
    assert found.operator == "=="
    return found.version


def test_every_installed_package_is_pinned_within_its_range():
    known = pins()
    for requirement in wanted_packages():
        name = canonicalize_name(requirement.name)
        assert name in known, f"{name} has no version in constraints.txt"
        for pin in known[name]:
            version = version_of(pin)
            assert requirement.specifier.contains(version), f"{requirement} excludes {version}"


PYTHONS = ["3.11.0", "3.11.2", "3.12.0", "3.13.0", "3.14.0"]


def test_every_pin_allows_every_python_that_the_readme_promises():
    """Debian 12 has 3.11.2: a package that asks for 3.11.5 cannot be installed there."""
    assert "Python 3.11 or newer" in (ROOT / "README.md").read_text(encoding="utf-8")
    checked = 0
    for name, found in pins().items():
        for pin in found:
            try:
                installed = importlib.metadata.distribution(name)
            except importlib.metadata.PackageNotFoundError:
                continue  # of a group that is not installed here
            if installed.version != version_of(pin):
                continue  # the pin of another Python
            allowed = SpecifierSet(installed.metadata.get("Requires-Python") or "")
            for python in PYTHONS:
                meant = pin.marker is None or pin.marker.evaluate(
                    {"python_version": python.rpartition(".")[0], "python_full_version": python}
                )
                if meant:
                    assert python in allowed, f"{name} {installed.version} needs Python {allowed}"
                    checked += 1
    assert checked > 400, "hardly anything of constraints.txt is installed here"


# -- chapters -------------------------------------------------------------------------------


def headings(text):
    prose = re.sub(r"^(`{3,}).*?^\1", "", text, flags=re.M | re.S)
    return re.findall(r"^## +(.+)$", prose, re.M)


def cells(text):
    return re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```", text, re.M | re.S)


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_a_chapter_starts_from_its_answer_and_ends_in_exercises(path):
    text = path.read_text(encoding="utf-8")
    titles = headings(text)
    places = [titles.index(title) for title in ("In short", "Summary", "Exercises", "Further reading")]
    assert places == sorted(places), titles
    assert titles[0] == "In short"
    assert titles[1].startswith("The picture")
    short, _, rest = text.partition("\n## In short\n")[2].partition("\n## ")
    links = re.findall(r"\]\(#([\w-]+)\)", short)
    labels = set(re.findall(r"^\(([\w-]+)\)=", text, re.M))
    assert len(links) >= 3, "the box leads a reader of fifteen minutes through the chapter"
    assert set(links) <= labels
    summary = rest.partition("\n## Summary\n")[2].partition("\n## ")[0]
    bullets = re.findall(r"^- .*(?:\n  .*)*", summary, re.M)
    assert len(bullets) >= 4
    linked = re.compile(r"\]\(#|\{(?:eq|ref|doc|numref|py:\w+)\}`")
    assert not [bullet for bullet in bullets if not linked.search(bullet)], "an answer without its place"


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_a_chapter_has_exercises_with_solutions(path):
    text = path.read_text(encoding="utf-8")
    exercises = re.findall(r"\{exercise(?:-start)?\}[^\n]*\n:label: *(\S+)", text)
    solutions = re.findall(r"\{solution(?:-start)?\} *(\S+)", text)
    assert len(exercises) >= 3
    assert sorted(exercises) == sorted(solutions)
    assert re.search(r"\bcheck\(", text), "no exercise is judged by lecturecode.exercises.check"


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_a_chapter_retypes_no_code_of_the_package(path):
    text = path.read_text(encoding="utf-8")
    included = re.findall(r"\{literalinclude\} *(\S+)\n((?::[^\n]*\n)*)", text)
    for file, options in included:
        source = path.parent / file
        assert source.is_file(), f"{file} does not exist"
        wanted = re.search(r":pyobject: *(\S+)", options)
        if wanted:
            assert wanted.group(1) in objects(source), f"{file} has no {wanted.group(1)}"


def objects(path):
    """Return the names of a file's functions and classes, methods after their class's name."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{m.name}" for m in node.body if isinstance(m, ast.FunctionDef)}
    return names


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_a_chapter_describes_its_figures_and_asserts(path):
    found = cells(path.read_text(encoding="utf-8"))
    for cell in found:
        if "plt.show()" in cell:
            assert re.search(r"^\s*alt: *\S", cell, re.M), f"a figure without alt:\n{cell}"
    assert any(re.search(r"^assert ", cell, re.M) for cell in found), "no claim is asserted"


def test_no_label_stands_twice_in_the_chapters():
    found = []
    for path in CHAPTERS:
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^```\{movable\}.*?^```", "", text, flags=re.M | re.S)  # its label is a slider's
        found += re.findall(r"^\(([\w-]+)\)=|^\$\$ *\(([\w-]+)\)$|^:label: *(\S+)", text, re.M)
    labels = [next(filter(None, each)) for each in found]
    assert len(labels) == len(set(labels)), {each for each in labels if labels.count(each) > 1}


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_without_its_solutions_a_chapter_runs_as_before(path, monkeypatch):
    """No cell comes after a solution, whose names and draws it would miss in an edition without them."""
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    from solutions import without_solutions

    text = path.read_text(encoding="utf-8")
    before, found, _ = text.partition("{solution-start}")
    left = without_solutions(text)
    assert "solution-start" not in left
    assert left.count("\n") == text.count("\n")
    after = left.splitlines()[before.count("\n") :] if found else []
    assert not [line for line in after if "{code-cell}" in line]


# -- the gallery ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_a_script_asks_one_question_and_asserts_its_answer(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    title, line, *_ = ast.get_docstring(tree).splitlines()
    assert set(line) == {"="}
    assert len(line) == len(title)
    assert any(isinstance(node, ast.Assert) for node in tree.body), "no assertion"
    private = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and "._" in (n.module or "")]
    assert not private, "a script uses the public names only"


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_a_script_shows_its_figure_then_reads_it_then_asserts_with_a_reason(path):
    """A reader who changes a number is told what the figure should have shown."""
    text = path.read_text(encoding="utf-8")
    before, _, closing = text.rpartition("\n# %%\n")
    assert before.count("plt.show()") == 1, "the figure is shown once, before it is read"
    comment = itertools.takewhile(lambda line: line.startswith("#"), closing.splitlines())
    said = " ".join(line[2:] for line in comment)
    assert len(said.split()) >= 8, "no sentence reads the figure"
    assert said.rstrip(")").endswith("."), f"not a sentence: {said[-40:]}"
    asserts = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Assert)]
    assert max(node.lineno for node in asserts) > before.count("\n") + 2, "nothing asserts what was read"
    for node in asserts:
        reason = ast.unparse(node.msg) if node.msg else ""
        assert re.search(r"\bshould\b", reason), f"line {node.lineno} does not say what should be"


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_a_script_runs_alone_and_describes_its_figures(path, monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    plt.close("all")  # whatever an earlier test left open is not the script's
    # Agg has no window to show; a reader's own backend has.
    monkeypatch.setattr(plt, "show", lambda *args, **kwargs: None)
    monkeypatch.chdir(path.parent)
    try:
        with plt.rc_context():
            names = runpy.run_path(str(path), run_name="__main__")
            assert names, "the script leaves nothing behind"
            for number in plt.get_fignums():
                figure = plt.figure(number)
                assert figure.get_label().strip(), f"figure {number} has no description"
                figure.canvas.draw()  # and it can be drawn; an animation starts here
    finally:
        plt.close("all")


def test_no_equation_number_stands_in_two_pairs_of_parentheses():
    for path in DOCS.glob("**/[0-9a-z]*.md"):
        if "_build" not in path.parts:
            assert "({eq}`" not in path.read_text(), f"{path.name}: the number brings its own"


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_a_listing_is_a_whole_function_or_says_why_not(path):
    """What a reader sees is what was tested; a part of it is shown for a reason that stands above."""
    text = path.read_text(encoding="utf-8")
    for found in re.finditer(r"^```\{literalinclude\} *\S+\n((?::[^\n]*\n)*)", text, re.M):
        if re.search(r"^:(?:start|end)-|^:lines:", found.group(1), re.M):
            above = text[: found.start()].rstrip().splitlines()[-1]
            together = "% the four listings are cut" in text[: found.start()]
            reason = above.startswith("% the listing is cut because") or together
            assert reason, f"{found.group()} is cut, and nothing says why"
