"""A green book is a true book: what fails, fails the build, also when a cache could hide it.

The trees are tiny: one chapter, one script, a package of two functions, and the real build.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

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

[E50]
text = "Twice."
chapter = "06"
places = ["chapters/06_tiny#eq-double", "auto_gallery/06_tiny/plot_line"]
code = ["lecturecode.double"]
tests = ["tests/test_tiny.py::test_double"]
"""
FILES = {
    "docs/chapters/06_tiny.md": CHAPTER,
    "docs/index.md": "# Book\n\n```{toctree}\n:glob:\n:numbered: 1\n\nchapters/*\nmap\n"
    "auto_gallery/index\n```\n",
    "docs/map.md": "# Map\n\n```{lecture-map}\n```\n",
    "docs/lecture_map.toml": MAP,
    "gallery/GALLERY_HEADER.rst": "Gallery\n=======\n",
    "gallery/06_tiny/GALLERY_HEADER.rst": "Tiny\n----\n",
    "gallery/06_tiny/plot_line.py": SCRIPT,
    "src/lecturecode/__init__.py": "def double(x):\n    return 2 * x\n",
    "src/lecturecode/plots.py": "def describe(figure, text):\n    figure.set_label(text)\n",
    "tests/test_tiny.py": "def test_double():\n    assert True\n",
}


class Tree:
    """A small book in a folder of its own."""

    def __init__(self, root):
        self.root = root
        for name in ("pyproject.toml", "constraints.txt", "docs/conf.py", "docs/build.py"):
            self.copy(name)
        for name in ("docs/_ext", "docs/_static", "docs/references.bib"):
            self.copy(name)
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

    def build(self, *options):
        env = os.environ | {"PYTHONPATH": str(self.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, str(self.root / "docs" / "build.py"), *options]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
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
    return Tree(tmp_path)


@pytest.mark.slow
def test_a_package_broken_after_a_green_build_fails_the_next(tree):
    status, said = tree.build()
    assert status == 0, said
    assert (tree.root / "docs/_build/html/index.html").as_uri() in said
    page = tree.page("chapters/06_tiny.html")
    assert "twice 42" in page
    assert "(6.1)" in page, "equations are numbered by the chapter's file"
    assert "equation (6.1)" in tree.page("map.html")
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
def test_the_switch_leaves_the_solutions_out(tree):
    status, said = tree.build("--solutions", "0")
    assert status == 0, said
    page = tree.page("chapters/06_tiny.html", "html-without-solutions")
    assert "What is twice two?" in page
    assert "It is four." not in page
    assert not (tree.root / "docs/chapters/solved.txt").exists(), "a solution's cell was run"

    status, said = tree.build()
    assert status == 0, said
    assert "It is four." in tree.page("chapters/06_tiny.html")
    assert (tree.root / "docs/chapters/solved.txt").exists()
