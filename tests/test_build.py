"""A green book is a true book: what fails, fails the build, also when a cache could hide it.

The trees are tiny: one chapter, one script, a package of two functions, and the real build.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import psutil
import pytest

pytest.importorskip("sphinx", reason="building the book needs the extra docs")

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"

CHAPTER = """\
---
file_format: mystnb
kernelspec:
  name: python3
---

(tiny)=
# Tiny

$$
y = 2 x
$$ (eq-double)

```{code-cell}
from pathlib import Path

from lecturecode import double

with Path("runs.txt").open("a") as log:
    log.write("x")
print("twice", double(21))
```

```{literalinclude} ../../src/lecturecode/__init__.py
:pyobject: double
```

```{exercise}
:label: ex-tiny
What is twice two?
```

```{solution-start} ex-tiny
```
It is four.

```{code-cell}
Path("solved.txt").write_text("four")
```
```{solution-end}
```
"""
SCRIPT = '''\
"""
A line rises
============

It does, by :eq:`eq-double`.
"""

import matplotlib.pyplot as plt
from lecturecode import double
from lecturecode.plots import describe

figure, axes = plt.subplots(figsize=(2, 2))
axes.plot([double(0), double(1)])
describe(figure, "a line that rises")
'''
MAP = """\
[chapters.06]
title = "Tiny"
page = "chapters/06_tiny"
about = "twice a number"

[slides]
"Numbers" = "E50"

[E50]
text = "Twice."
chapter = "06"
places = ["chapters/06_tiny#eq-double", "auto_gallery/06_tiny/plot_line"]
code = ["lecturecode.double"]
tests = ["tests/test_tiny.py::test_double"]
"""
FILES = {
    "docs/chapters/06_tiny.md": CHAPTER,
    "docs/index.md": "# Book\n\n```{toctree}\n:glob:\n:numbered: 1\n\nchapters/*\nmap\nwords\ntimes\n"
    "api/reference\nauto_gallery/index\n```\n",
    "docs/words.md": "# Words\n\n```{glossary}\nDouble\n  Twice a number.\n\n"
    "Half\n  The opposite.\n```\n",
    "docs/times.md": "# Times\n\n```{chapter-times}\n```\n\n```{gallery-times}\n```\n",
    "docs/api/reference.rst": "Reference\n=========\n\n.. module-reference:: lecturecode\n",
    "docs/map.md": "# Map\n\n```{lecture-map}\n```\n",
    "docs/lecture_map.toml": MAP,
    "gallery/GALLERY_HEADER.rst": "Gallery\n=======\n",
    "gallery/06_tiny/GALLERY_HEADER.rst": "Tiny\n----\n",
    "gallery/06_tiny/plot_line.py": SCRIPT,
    "src/lecturecode/__init__.py": '"""A tiny package."""\n\n\ndef double(x):\n'
    '    """Return twice a number."""\n    return 2 * x\n',
    "src/lecturecode/plots.py": "def describe(figure, text):\n    figure.set_label(text)\n",
    "tests/test_tiny.py": "from lecturecode import double\n\n\n"
    "def test_double():\n    assert double(2) == 4\n",
}


class Tree:
    """A small book in a folder of its own."""

    def __init__(self, root):
        self.root = root
        for name in ("pyproject.toml", "constraints.txt", "docs/conf.py"):
            self.copy(name)
        for name in ("build", "editions", "fingerprints", "packing", "pieces", "slides"):
            self.copy(f"docs/{name}.py")
        for name in ("docs/_ext", "docs/_static", "docs/references.bib"):
            self.copy(name)
        for name in ("needs.py", "where.py", "elsewhere.toml"):  # without pieces no page runs code
            self.copy(f"docs/live/{name}")
        self.copy("docs/_templates")
        for name, text in FILES.items():
            self.write(name, text)

    def copy(self, name):
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def change(self, name, old, new):
        path = self.root / name
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    def command(self, *options):
        return [sys.executable, str(self.root / "docs" / "build.py"), *options]

    @property
    def env(self):
        return os.environ | {"PYTHONPATH": str(self.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}

    def build(self, *options, **env):
        done = subprocess.run(
            self.command(*options), env=self.env | env, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def page(self, name, variant="html"):
        return (self.root / "docs" / "_build" / variant / name).read_text()

    @property
    def runs(self):
        return len((self.root / "docs" / "chapters" / "runs.txt").read_text())


def line_of(text, part):
    return next(i for i, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.fixture
def tree(tmp_path):
    """Stand in a folder whose name makes trouble where a path is not quoted."""
    root = tmp_path / "a b é"
    root.mkdir()
    return Tree(root)


def search_index(tree):
    text = tree.page("searchindex.js")
    return json.loads(re.fullmatch(r"bookIndex\((.*)\);\n", text, re.S).group(1))


@pytest.mark.slow
def test_a_package_broken_after_a_green_build_fails_the_next(tree):
    status, said = tree.build()
    assert status == 0, said
    assert "minutes on two cores" in said, "nothing says how long it takes"
    assert "script 1 of 1: plot_line.py" in said
    assert "chapter 1 of 1: 06_tiny.md" in said
    assert (tree.root / "docs/_build/html/index.html").as_uri() in said
    page = tree.page("chapters/06_tiny.html")
    assert "twice 42" in page
    assert "(6.1)" in page, "equations are numbered by the chapter's file"
    assert "equation (6.1)" in tree.page("map.html")
    for target in ("chapters/06_tiny", "auto_gallery/06_tiny/plot_line"):
        row = tree.page("times.html").partition("Seconds")[2].partition(f'href="{target}.html"')[2]
        assert re.search(r"<p>\d+\.\d+</p>", row.partition("</tr>")[0]), f"no time of {target}"
    assert tree.runs == 1

    status, said = tree.build()
    assert status == 0, said
    assert tree.runs == 1, "nothing changed, yet the chapter was run again"

    tree.change("src/lecturecode/__init__.py", "return 2 * x", "raise RuntimeError('broken')")
    for _ in range(2):  # the failure itself must not be cached either
        status, said = tree.build()
        assert status != 0
        ending = said.partition("To mend:")[2]
        line = line_of(CHAPTER, "print(")
        assert f"docs/chapters/06_tiny.md:{line}: RuntimeError: broken" in ending
        line = line_of(SCRIPT, "axes.plot")
        assert f"gallery/06_tiny/plot_line.py:{line}: RuntimeError: broken" in ending

    tree.change("src/lecturecode/__init__.py", "raise RuntimeError('broken')", "return x + x")
    status, said = tree.build()
    assert status == 0, said
    assert "twice 42" in tree.page("chapters/06_tiny.html")


@pytest.mark.slow
def test_every_failure_is_listed_with_its_file_and_line(tree):
    status, said = tree.build()
    assert status == 0, said
    chapter = CHAPTER.replace('print("twice", double(21))', "\n\nprint(\n    double(21) / 0\n)")
    tree.write("docs/chapters/06_tiny.md", chapter)
    script = SCRIPT + "\nassert double(1) == 3, 'not three'\n"
    tree.write("gallery/06_tiny/plot_line.py", script)
    tree.change("docs/lecture_map.toml", "#eq-double", "#eq-triple")
    status, said = tree.build()
    assert status != 0
    ending = said.partition("To mend:")[2].splitlines()
    wanted = [
        f"docs/chapters/06_tiny.md:{line_of(chapter, '/ 0')}: ZeroDivisionError: division by zero",
        f"gallery/06_tiny/plot_line.py:{line_of(script, 'assert')}: AssertionError: not three",
        f"docs/lecture_map.toml:{line_of(MAP, '[E50]')}: E50: the page chapters/06_tiny has no "
        "label eq-triple",
    ]
    for each in wanted:
        assert any(line.strip() == each for line in ending), said

    # What is not mended fails again, what is mended shows no trace of it.
    tree.write("gallery/06_tiny/plot_line.py", SCRIPT)
    tree.write("docs/lecture_map.toml", MAP)
    status, said = tree.build()
    assert status != 0, "a failed cell was forgotten"
    assert [line.strip() for line in said.partition("To mend:")[2].splitlines()][1:] == wanted[:1]
    assert "Traceback" not in (tree.root / "docs/auto_gallery/06_tiny/plot_line.rst").read_text()


@pytest.mark.slow
def test_pictures_without_a_description_fail_the_build(tree):
    show = "import matplotlib.pyplot as plt\n\nplt.plot([1, 2])\nplt.show()"
    tree.change("docs/chapters/06_tiny.md", 'print("twice", double(21))', show)
    tree.change("gallery/06_tiny/plot_line.py", 'describe(figure, "a line that rises")\n', "")
    status, said = tree.build()
    assert status != 0
    ending = said.partition("To mend:")[2]
    assert "docs/chapters/06_tiny.md:" in ending
    assert "no alternative text" in ending
    assert "gallery/06_tiny/plot_line.py:" in ending
    assert "no description" in ending


@pytest.mark.slow
def test_slides_of_what_a_section_does_not_have_fail_the_build(tree):
    tree.change(
        "docs/chapters/06_tiny.md",
        "```{exercise}",
        "## More\n\n<!-- slides: eq-more -->\n\n```{exercise}",
    )
    for _ in range(2):  # a page that is not written again must not hide it
        status, said = tree.build()
        assert status == 1
        assert "chapters/06_tiny.html#more: slides: the section has no formula or figure eq-more" in said


def all_files(site):
    """Yield the name and the bytes of all that a site holds, that of its archives included."""
    for path in sorted(path for path in site.rglob("*") if path.is_file()):
        name = path.relative_to(site).as_posix()
        yield name, path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                yield from ((f"{name}/{member}", packed.read(member)) for member in packed.namelist())


@pytest.mark.slow
def test_the_switch_leaves_the_solutions_out(tree):
    status, said = tree.build("--solutions", "0")
    assert status == 0, said
    page = tree.page("chapters/06_tiny.html", "html-without-solutions")
    assert "What is twice two?" in page
    assert "It is four." not in page
    assert not (tree.root / "docs/chapters/solved.txt").exists(), "a solution's cell was run"
    holding = [
        name
        for name, data in all_files(tree.root / "docs/_build/html-without-solutions")
        if b"It is four" in data or b"solved.txt" in data
    ]
    assert holding == [], "search, notebook, twin, slides and whatever else is written"

    status, said = tree.build()
    assert status == 0, said
    assert "It is four." in tree.page("chapters/06_tiny.html")
    whole = dict(all_files(tree.root / "docs/_build/html"))
    assert b"solved.txt" in whole["_downloads/notebooks/notebooks.zip/chapters/06_tiny.ipynb"]
    assert b"It is four" not in whole["slides/06_tiny.html"]
    assert (tree.root / "docs/chapters/solved.txt").exists()


@pytest.mark.slow
def test_a_rebuild_is_equal_to_a_fresh_build_and_a_docstring_runs_nothing(tree):
    assert tree.build()[0] == 0
    fresh = search_index(tree)
    assert {"Half", "Double", "Tiny"} <= {entry["heading"] for entry in fresh["entries"]}

    tree.change("docs/map.md", "# Map", "# A map")  # another page than the glossary's
    assert tree.build()[0] == 0
    tree.change("docs/map.md", "# A map", "# Map")
    assert tree.build()[0] == 0
    assert search_index(tree) == fresh, "the search differs from that of a fresh build"

    tree.change("src/lecturecode/__init__.py", "Return twice a number", "Double a number")
    status, said = tree.build()
    assert status == 0, said
    assert tree.runs == 1, "a docstring changed, and the chapter was run again"
    assert "Double a number" in tree.page("api/reference.html"), "the reference is out of date"
    assert "Double a number" in tree.page("chapters/06_tiny.html"), "the listing is out of date"

    status, said = tree.build(OPENBLAS_CORETYPE="Prescott")
    assert status == 0, said
    assert tree.runs == 2, "other linear algebra was asked for, and the chapter was not run again"


@pytest.mark.slow
def test_a_folder_can_be_moved_and_home_need_not_be_writable(tree):
    nowhere = "/dev/null/nobody"  # not even root can make it
    status, said = tree.build(HOME=nowhere, XDG_CACHE_HOME=nowhere, XDG_CONFIG_HOME=nowhere)
    assert status == 0, said
    assert "arning" not in said
    before = search_index(tree)
    tree.root = tree.root.rename(tree.root.parent / "elsewhere")
    status, said = tree.build()
    assert status == 0, said
    assert tree.runs == 1, "the folder was moved, and the chapter was run again"
    assert search_index(tree) == before
    assert "a b" not in tree.page("chapters/06_tiny.html")


@pytest.mark.slow
def test_ctrl_c_ends_the_build_without_a_traceback_and_the_next_goes_on(tree):
    slow = CHAPTER.replace('print("twice"', 'import time\n\ntime.sleep(5)\nprint("twice"')
    tree.write("docs/chapters/06_tiny.md", slow)
    child = subprocess.Popen(
        tree.command(), env=tree.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    started = []
    for line in child.stdout:
        started.append(line)
        if "script 1 of 1" in line:  # which runs beside the chapter
            break
    cell_began = tree.root / "docs/chapters/runs.txt"
    script_ended = tree.root / "docs/auto_gallery/06_tiny/plot_line.rst"
    while not (cell_began.exists() and script_ended.exists()):
        time.sleep(0.05)
        assert child.poll() is None
    below = psutil.Process(child.pid).children(recursive=True)
    child.send_signal(signal.SIGINT)
    rest = child.communicate(timeout=30)[0]
    assert child.returncode == 130
    said = "".join(started) + rest
    assert "Traceback" not in said
    assert "Interrupted. What has run is kept" in said
    _, alive = psutil.wait_procs(below, timeout=20)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    assert not alive, "the interrupted build left processes behind"

    status, said = tree.build()
    assert status == 0, said
    assert "script" not in said.replace("scripts", ""), "a script that had run was run again"
    assert "twice 42" in tree.page("chapters/06_tiny.html")


# -- what a run depends on ------------------------------------------------------------------


@pytest.fixture
def fingerprints(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import fingerprints

    return fingerprints


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x = 1\n", "x = 1  # one\n", True),
        ("def f():\n    return 1\n", 'def f():\n    """One."""\n    return 1\n', True),
        ("class A:\n    x = 1\n", 'class A:\n    """One."""\n\n    x = 1\n', True),
        ("x = 1\n", "x = 2\n", False),
        ("x = 'a'\n", "x = 'b'\n", False),
        ("def f(x=1):\n    return x\n", "def f(x=2):\n    return x\n", False),
        ("def f(x: int):\n    return x\n", "def f(x: float):\n    return x\n", False),
    ],
)
def test_code_is_what_counts_of_a_source(fingerprints, one, other, same):
    assert (fingerprints.code_of(one) == fingerprints.code_of(other)) is same


def test_a_run_depends_on_the_packages_that_its_imports_reach(fingerprints):
    reached = fingerprints.reached(ROOT)
    assert {"numpy", "torch", "matplotlib", "contourpy", "ipykernel"} <= set(reached)
    assert not {"ruff", "mypy", "pytest", "playwright", "sphinx-book-theme"} & set(reached)


def test_data_and_the_kernel_of_linear_algebra_count(fingerprints, tree, monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    before = fingerprints.of_runs(tree.root)
    tree.write("src/lecturecode/datasets/x.csv", "1,2\n")
    with_data = fingerprints.of_runs(tree.root)
    assert with_data != before
    tree.write("README.md", "not of a run")
    assert fingerprints.of_runs(tree.root) == with_data
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert fingerprints.of_runs(tree.root) != with_data
