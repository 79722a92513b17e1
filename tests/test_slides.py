"""Slides hold what their chapter's page shows, and none of what is folded or set as an exercise."""

import hashlib
import os
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("bs4", reason="reading a page needs the extra docs")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))
import slides
from bs4 import BeautifulSoup

REVEAL = Path(slides.__file__).parent / "_static" / "reveal"
FIGURE = (
    '<figure id="{0}"><a href="../_images/{0}.png"><img alt="A {0}" src="../_images/{0}.png" '
    'width="600" height="300"></a><figcaption><p><span class="caption-number">Fig. 6.1 </span>See {0}.'
    '<a class="headerlink" href="#{0}">#</a></p></figcaption></figure>'
)
FORMULA = (
    '<div class="math notranslate" id="equation-{0}"><span class="eqno">(6.1)<a class="headerlink" '
    'href="#equation-{0}">#</a></span>\\[{0} &lt; 1\\]</div>'
)
CODE = '<div class="highlight-{0}"><div class="highlight"><pre><span></span>{1}\n</pre></div></div>'


def cell(code, said):
    shown = f'<div class="output stream"><div class="highlight"><pre>{said}\n</pre></div></div>'
    outputs = f'<div class="cell_output">{shown}</div>' if said else ""
    source = CODE.format("ipython3", code)
    return f'<div class="cell"><div class="cell_input">{source}</div>{outputs}</div>'


PAGE = f"""<html><head><script>window.MathJax = {{"tex": {{}}}}</script></head><body>
<article class="bd-article"><section id="tiny"><h1><span class="section-number">6 </span>Tiny
<a class="headerlink" href="#tiny">#</a></h1>
<section id="tiny-short"><span id="in-short"></span><h2>In short</h2>
<p><strong>Is it <span class="math">\\(x\\)</span>?</strong> Yes, by
<a href="#equation-two">(6.2)</a>.</p>
</section>
<section id="tiny-step"><h2>The step: one line</h2>
<p>Prose that stays, in <a href="07_next.html#there">the next</a> chapter.</p>
{FORMULA.format("one")}{FORMULA.format("two")}{FIGURE.format("map")}{cell("import numpy", "")}
{cell("def half(x): ...", "")}{cell("step(1)", "twice 42")}{cell("step(2)", "never shown")}
<details class="admonition fold"><summary>Folded</summary><p>deep</p>{FIGURE.format("folded")}</details>
<section id="tiny-code"><h3>The code</h3>{CODE.format("default", "def step(x): ...")}
{CODE.format("default", "x = 1" + chr(10) * 40 + "y")}</section></section>
<section id="tiny-far"><h2>Far</h2>
<p><strong>Ten percent more than the best costs everything.</strong></p>
{FIGURE.format("far")}<div class="cell_output"><div class="lecturecode-player"><style></style>
<img alt="Moves" src="data:image/webp;base64,AAAA"><form></form></div></div></section>
<section id="tiny-talk"><h2>Only talk</h2><p>No picture here.</p></section>
<section id="tiny-summary"><h2>Summary</h2><ul><li><p>A <a href="#tiny-step">step</a> halves it.</p></li>
<li><p>{"word " * 60}<span class="keep-together"><span class="math">\\(a\\)</span>.</span> It has
<a href="#tiny-code">one line</a>. With it, all is <a href="07_next.html">well</a>.</p></li></ul>
</section>
<section id="tiny-exercises"><h2>Exercises</h2><div class="exercise admonition" id="ex"><section
id="exercise-content"><p>What is twice two?</p>{FIGURE.format("asked")}</section></div>
<details class="solution"><summary>Solution</summary><p>It is four.</p></details></section>
</section></article></body></html>"""


def deck(text=PAGE):
    return slides.Writer(slides.Page("chapters/06_tiny.html", text)).deck()


def shown(made):
    return [(each.anchor, each.kind) for each in made.slides]


def test_a_deck_follows_its_chapter():
    made = deck()
    assert (made.number, made.title) == ("6", "Tiny")
    assert shown(made) == [
        ("", "title"),
        ("tiny-step", "beside"),
        ("tiny-step", "code"),
        ("tiny-code", "code"),
        ("tiny-far", "beside"),
        ("tiny-far", "picture-only"),
        ("tiny-summary", "summary"),
    ]
    title, step, run, code, far, moving, summary = (each.content for each in made.slides)
    assert 'class="question">Is it <span class="math">\\(x\\)</span>?</p>' in title
    assert "[two &lt; 1" in step
    assert "[one" not in step, "the formula is not the one that the chapter's first section leads to"
    assert "halves it." in step
    assert "twice 42" in run
    assert "def half(x)" in run
    assert "never shown" not in run, "a section shows its first run"
    assert "def step(x)" in code
    assert "x = 1" not in code, "a listing of forty lines is on a slide"
    assert "Ten percent more" in far
    assert '<img alt="Moves" src="data:image/webp;base64,AAAA"/>' in moving
    assert "form" not in moving
    assert summary.count("<li>") == 2


def test_nothing_is_shown_that_the_page_folds_or_asks():
    text = slides.deck_html(deck(), "Book")
    for absent in ("deep", "folded", "twice two", "It is four", "asked.png", "Prose that stays"):
        assert absent not in text
    assert "import numpy" not in text, "a cell that says nothing is shown"
    assert "headerlink" not in text


def test_links_and_pictures_are_found_from_another_folder_and_places_are_named_once():
    text = slides.deck_html(deck(), "Book")
    soup = BeautifulSoup(text, "html.parser")
    assert [image["src"] for image in soup.select("img")] == [
        "../_images/map.png",
        "../_images/far.png",
        "data:image/webp;base64,AAAA",
    ]
    assert soup.img["alt"] == "A map"
    leads = {a["href"] for a in soup.select(".body a")}
    places = {f"../chapters/06_tiny.html#tiny-{name}" for name in ("step", "code", "far")}
    assert leads == places | {"../chapters/07_next.html"}
    names = [tag["id"] for tag in soup.select("[id]")]
    assert len(names) == len(set(names))
    foot = soup.select("footer")[1]
    assert foot.a["href"] == "../chapters/06_tiny.html#tiny-step"
    assert foot.span.get_text() == "2 / 7"


def test_a_long_bullet_is_cut_into_sentences_at_a_formula_too():
    page = slides.Page("chapters/06_tiny.html", PAGE)
    assert set(page.claims) == {"tiny-step", "tiny-code"}
    said = BeautifulSoup(page.claims["tiny-code"], "html.parser").get_text()
    assert " ".join(said.split()) == "It has one line. With it, all is well."


@pytest.mark.parametrize(
    ("note", "seen", "absent"),
    [
        ("<!-- slides: one -->", "[one", "[two"),
        ("<!-- slides: map -->", "map.png", "[two"),
        ("<!-- slides: one -->", "[one", "map.png"),
        ("<!-- slides: say --><p>This is <em>said</em>.</p>", "This is <em>said</em>.", "halves it. "),
    ],
)
def test_a_comment_chooses_what_a_section_shows(note, seen, absent):
    text = PAGE.replace("<h2>The step: one line</h2>", f"<h2>The step: one line</h2>{note}")
    content = "".join(each.content for each in deck(text).slides if each.anchor == "tiny-step")
    assert seen in content
    assert absent not in content


def test_a_comment_leaves_a_section_out_or_is_told_what_it_lacks():
    note = "<h2>The step: one line</h2><!-- slides: {} -->"
    without = deck(PAGE.replace("<h2>The step: one line</h2>", note.format("none")))
    assert "tiny-step" not in dict(shown(without))
    assert "tiny-code" in dict(shown(without)), "a section of its own is left out as well"
    with pytest.raises(ValueError, match=r"06_tiny\.html#tiny-step: .* no formula or figure three"):
        deck(PAGE.replace("<h2>The step: one line</h2>", note.format("three")))


def test_a_claim_has_a_slide_of_its_own_where_the_code_takes_it_all():
    long = PAGE.replace("def step(x): ...", "def step(x):" + "\n" * 22 + "    return x")
    for text, kinds in ((PAGE, ["code"]), (long, ["formula-only", "code"])):
        assert [kind for anchor, kind in shown(deck(text)) if anchor == "tiny-code"] == kinds


def test_bullets_are_spread_evenly():
    bullets = BeautifulSoup("".join(f"<li>{'word ' * 30}</li>" for _ in range(8)), "html.parser")
    groups = slides.grouped(bullets.find_all("li"))
    assert [len(group) for group in groups] == [3, 2, 3]


@pytest.fixture
def site(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "index.html").write_text("<title>Front &#8212; Book</title>")
    (tmp_path / "chapters/06_tiny.html").write_text(PAGE)
    (tmp_path / "chapters/05_moved.html").write_text("<html><a href='06_tiny.html'>moved</a></html>")
    return tmp_path


def test_decks_are_made_when_a_page_is_newer_and_go_with_their_chapter(site):
    assert slides.make(site) == ["06_tiny.html"]
    assert sorted(path.name for path in (site / "slides").iterdir()) == ["06_tiny.html", "index.html"]
    assert slides.make(site) == []
    (site / "chapters/08_next.html").write_text(PAGE.replace("Tiny", "Next"))
    assert slides.make(site) == ["08_next.html"]
    assert (site / "slides/index.html").read_text().count("<li>") == 2
    later = (site / "slides/index.html").stat().st_mtime + 10
    (site / "chapters/06_tiny.html").rename(site / "chapters/07_tiny.html")
    os.utime(site / "chapters/07_tiny.html", (later, later))
    assert slides.make(site) == ["07_tiny.html"]
    index = (site / "slides/index.html").read_text()
    assert not (site / "slides/06_tiny.html").exists()
    assert 'href="07_tiny.html?print-pdf"' in index
    assert 'Is it <span class="math">\\(x\\)</span>?' in index
    assert "window.MathJax" in index
    assert '<a href="../index.html">Book</a>' in index


def test_reveal_is_the_one_that_its_readme_describes():
    told = (REVEAL / "README.md").read_text("utf-8")
    for name in ("reveal.js", "reveal.css"):
        assert f"{name}  {hashlib.sha256((REVEAL / name).read_bytes()).hexdigest()}" in re.sub(
            " {2,}", "  ", told
        )
    assert "Hakim El Hattab" in (REVEAL / "LICENSE.txt").read_text("utf-8")
