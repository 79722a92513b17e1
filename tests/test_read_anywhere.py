"""A chapter as a notebook that runs anywhere. The book is the tiny one of test_build."""

import json
import re
import subprocess
import sys
import zipfile

import pytest

pytest.importorskip("sphinx", reason="building the book needs the extra docs")

from test_build import ROOT, Tree

sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "docs" / "_ext")]
MACROS = {"R": r"\mathbb{R}", "norm": [r"\lVert #1 \rVert", 1], "T": r"\mathsf{T}"}
MORE = r"""

## A longer word

<!-- slides: none -->

The number $\norm{x_{1}}$ is {glue:text}`twice_21` in $\R^n$, by {eq}`eq-double`.

```{code-cell}
:tags: [remove-cell]
from myst_nb import glue

from snippets.seven import SEVEN

glue("twice_21", 6 * SEVEN, display=False)
```

| a | b |
|---|---|
| 1 | 2 |
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    tree = Tree(tmp_path_factory.mktemp("a b é"))
    chapter = tree.root / "docs" / "chapters" / "06_tiny.md"
    tree.write("docs/chapters/06_tiny.md", chapter.read_text() + MORE)
    tree.write("docs/chapters/snippets/seven.py", "SEVEN = 7\n")
    status, said = tree.build()
    assert status == 0, said
    return tree


@pytest.fixture(scope="module")
def notebook(book):
    return json.loads(book.page("_downloads/notebooks/chapters/06_tiny.ipynb"))


@pytest.mark.slow
def test_a_notebook_has_numbers_and_values_in_its_text(notebook):
    text = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    assert "# 6 Tiny" in text
    assert "\\tag{6.1}" in text
    assert r"The number $\lVert x_{1} \rVert$ is 42 in $\mathbb{R}^n$, by (6.1)." in text
    assert "| 1 | 2 |" in text
    assert "**Exercise 6.1" in text
    assert "def double(x):" in text
    assert "{glue" not in text


@pytest.mark.slow
def test_a_notebook_hides_solutions_and_knows_no_machine(notebook, book):
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    solved = next(cell for cell in cells if "solved.txt" in "".join(cell["source"]))
    assert solved["metadata"]["jupyter"]["source_hidden"]
    assert all(cell["outputs"] == [] for cell in cells)
    assert str(book.root) not in json.dumps(notebook)
    assert str(ROOT) not in json.dumps(notebook)


@pytest.mark.slow
def test_a_page_leads_to_its_notebook_and_the_files_that_it_reads(book):
    page = book.page("chapters/06_tiny.html")
    assert 'href="../_downloads/notebooks/chapters/06_tiny.ipynb"' in page
    assert 'href="../_downloads/notebooks/notebooks.zip"' in page
    packed = book.root / "docs/_build/html/_downloads/notebooks/notebooks.zip"
    with zipfile.ZipFile(packed) as opened:
        assert {"chapters/06_tiny.ipynb", "chapters/snippets/seven.py"} <= set(opened.namelist())


@pytest.mark.slow
def test_a_page_leads_to_its_slides_and_chooses_what_they_show(book):
    page = book.page("chapters/06_tiny.html")
    assert 'href="../slides/06_tiny.html"' in page
    deck = book.page("slides/06_tiny.html")
    assert "<h1>Tiny</h1>" in deck
    assert "A longer word" not in deck
    assert 'href="06_tiny.html"' in book.page("slides/index.html")
    assert "slides:" not in book.page("chapters/06_tiny.md"), "the twin has the comment"


@pytest.mark.slow
def test_a_notebook_runs_where_only_the_package_is(book, tmp_path):
    with zipfile.ZipFile(book.root / "docs/_build/html/_downloads/notebooks/notebooks.zip") as packed:
        packed.extractall(tmp_path)
    script = (
        "import nbformat, nbclient\n"
        "notebook = nbformat.read('06_tiny.ipynb', as_version=4)\n"
        "nbformat.validate(notebook)\n"
        "nbclient.NotebookClient(notebook, kernel_name='python3').execute()\n"
        "print([o['text'] for c in notebook.cells for o in c.get('outputs', []) if 'text' in o])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path / "chapters",
        env=book.env | {"JUPYTER_PATH": str(book.root / "docs/_build/jupyter")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "twice 42" in done.stdout


@pytest.mark.slow
def test_a_page_has_a_twin_in_markdown(book):
    twin = book.page("chapters/06_tiny.md")
    assert twin.startswith("# 6 Tiny\n")
    assert 'print("twice", double(21))' in twin
    assert "```text\ntwice 42\n```" in twin
    assert "is 42 in" in twin
    assert "snippets.seven" not in twin, "a cell that the page does not show"
    script = book.page("auto_gallery/06_tiny/plot_line.md")
    assert "../../chapters/06_tiny.md#equation-eq-double" in script
    assert "```python\nimport matplotlib.pyplot as plt\n" in script
    assert 'type="text/markdown" href="06_tiny.md"' in book.page("chapters/06_tiny.html")
    listed = book.page("llms.txt")
    assert listed.startswith("# Fitting a model\n")
    assert "- [6 Tiny](chapters/06_tiny.md)" in listed


@pytest.mark.slow
def test_without_addresses_nothing_needs_one(book):
    page = book.page("chapters/06_tiny.html")
    assert '<meta property="og:title" content="6 Tiny" />' in page
    assert '<meta name="citation_title" content="6 Tiny" />' in page
    assert '<meta name="citation_inbook_title" content="Fitting a model" />' in page
    for absent in ("canonical", "og:url", "og:image", "citation_public_url", "wrong-here"):
        assert absent not in page


@pytest.mark.slow
def test_with_addresses_what_needs_them_appears(book):
    book.change("pyproject.toml", 'site = ""', 'site = "https://book.example/"')
    book.change("pyproject.toml", 'repository = ""', 'repository = "https://code.example/book"')
    status, said = book.build()
    assert status == 0, said
    page = book.page("chapters/06_tiny.html")
    where = "https://book.example/chapters/06_tiny.html"
    assert f'<link rel="canonical" href="{where}" />' in page
    assert f'property="og:url" content="{where}"' in page
    assert f'name="citation_public_url" content="{where}"' in page
    assert 'href="https://code.example/book/issues/new?title=6%20Tiny' in page
    assert "(https://book.example/chapters/06_tiny.md)" in book.page("llms.txt")
    script = book.page("auto_gallery/06_tiny/plot_line.html")
    (image,) = re.findall(r'property="og:image" content="https://book.example/([^"]+\.png)"', script)
    assert (book.root / "docs/_build/html" / image).is_file()
    assert 'property="og:image:alt" content="a line that rises"' in script
    assert "og:image" not in page, "neither this page nor this small book has a picture"


def test_a_page_is_described_by_its_first_sentences():
    from addresses import description
    from docutils import nodes

    first = nodes.paragraph("", "", nodes.Text("Short."))
    second = nodes.paragraph("", "", nodes.strong("", "How do you get to the very bottom of it? "))
    second += [nodes.Text("Take a step, "), nodes.math("", "x"), nodes.Text(", and go on.")]
    assert description(nodes.container("", first, second)) == "How do you get to the very bottom of it?"
    long = nodes.paragraph("", "word " * 100)
    assert description(nodes.container("", long)).endswith("word ...")
    assert len(description(nodes.container("", long))) < 210


def test_who_has_no_repository_is_written_to():
    from types import SimpleNamespace

    from addresses import where_to_write

    for contact, where in (
        ("a@b.example", "mailto:a@b.example?subject=Book%3A%20Title%20%28chapters/06_x%29"),
        ("https://b.example/write", "https://b.example/write"),
        ("", ""),
    ):
        config = SimpleNamespace(addresses={"contact": contact}, html_title="Book")
        assert where_to_write(SimpleNamespace(config=config), "chapters/06_x", "Title") == where


def test_the_macros_of_the_book_are_written_out():
    from plain import expanded

    assert expanded(r"\norm{a_{1}}^\T x \in \R n", MACROS) == (
        r"\lVert a_{1} \rVert^\mathsf{T} x \in \mathbb{R} n"
    )
    assert expanded(r"\Re \Rn \norm x", MACROS) == r"\Re \Rn \lVert x \rVert"


def test_code_that_a_page_may_break_is_whole_in_plain_text():
    from types import SimpleNamespace

    from plain import Plain
    from shared import words

    config = SimpleNamespace(mathjax3_config={"tex": {"macros": MACROS}})
    page = Plain(SimpleNamespace(env=None, config=config), "page", lambda uri: uri)
    assert page.line(words("See `torch.optim.Adam` there.")[0]) == "See `torch.optim.Adam` there."


def test_lab_keeps_what_was_changed_by_hand(tmp_path):
    import lab

    made, copies = tmp_path / "made", tmp_path / "lab"
    made.mkdir()
    for name in ("a.ipynb", "b.ipynb"):
        (made / name).write_text("first")
    assert lab.copy(made, copies) == []
    (copies / "b.ipynb").write_text("mine")
    for name in ("a.ipynb", "b.ipynb"):
        (made / name).write_text("second")
    assert lab.copy(made, copies) == ["b.ipynb"]
    assert (copies / "a.ipynb").read_text() == "second"
    assert (copies / "b.ipynb").read_text() == "mine"


def test_lab_says_what_is_missing(monkeypatch, capsys):
    import lab

    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: None)
    assert lab.main() == 1
    assert "JupyterLab is not installed" in capsys.readouterr().out
