"""Make slides of the chapters of the built site, a deck of reveal.js for each; `make docs` calls it.

A deck takes from the page, as it was built, what is shown in a lecture: the question that the chapter
starts from; of each section its formula, its picture, a short run and what the summary says of it; and
the summary. Nothing is written for it anew, and nothing runs. Prose, folds and exercises stay in the
book, to which each slide leads.

A comment in a chapter chooses what its section shows::

    <!-- slides: none -->                     no slide
    <!-- slides: eq-best-rate fig-sweep -->   of all formulas and pictures these
    <!-- slides: say -->                      the next paragraph as what is claimed
"""

import argparse
import copy
import html
import posixpath
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Comment, NavigableString, Tag

SITE = Path(__file__).parent.resolve() / "_build" / "html"
FOLDER = "slides"
LEFT_OUT = "script, button, .movable, .exercise, .solution, .judged, .headerlink"
NO_SLIDES = {"In short", "In practice", "Summary", "Exercises", "Further reading"}
ROWS, COLUMNS = 26, 105  # of code and what it says, on one slide
ROWS_BELOW = 11  # of them, below a formula
BULLET = 40  # words of a bullet that is not cut into sentences
CLAIM = 55  # words
SUMMARY = 95  # words of bullets on one slide
SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z]|$)")
DEFINES = re.compile(r"^(def|class) ", re.MULTILINE)
PYTHON = re.compile(r"highlight-(default|python3?|ipython3?)$")
FOLD = re.compile(r"<details\b(?:(?!<details\b).)*?</details>", re.DOTALL)  # with none inside
MATHJAX = re.compile(r"<script>window\.MathJax = .*?</script>", re.DOTALL)


# -- a page ----------------------------------------------------------------------------------


@dataclass
class Code:
    """Code of a page, and what it said."""

    source: Tag
    said: list[Tag]

    def rows(self) -> int:
        """Return how many lines of a slide it takes."""
        rows = sum(len(tag.find_all("tr")) or lines(tag)[0] for tag in self.said)
        return lines(self.source)[0] + rows

    def fits(self) -> bool:
        """Tell whether a slide has room for it."""
        return self.rows() <= ROWS and lines(self.source)[1] <= COLUMNS


@dataclass
class Section:
    """What may be shown of a section of a page."""

    anchor: str
    title: Tag
    formulas: list[Tag] = field(default_factory=list)
    pictures: list[Tag] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    claim: str = ""


@dataclass
class Slide:
    """One slide: the section that it leads to, the look that it has, and what is on it."""

    anchor: str
    kind: str
    content: str


@dataclass
class Deck:
    """The slides of a chapter."""

    name: str
    number: str
    title: str
    question: str
    slides: list[Slide]
    mathjax: str


def mathjax(text: str) -> str:
    """Return how a page sets its formulas, for a page in a folder beside it."""
    configured = MATHJAX.search(text)
    script = '<script defer src="../_static/mathjax/tex-chtml.js"></script>'
    return f"{configured.group()}\n{script}" if configured else ""


def unfolded(text: str) -> str:
    """Return a page of whose folds only the names of places are left, which is quicker to read."""

    def places(fold: re.Match[str]) -> str:
        return "".join(
            f'<span id="{name}"></span>' for name in re.findall(r'\bid="([^"]+)"', fold.group())
        )

    count = 1
    while count:
        text, count = FOLD.subn(places, text)
    return text


def lines(tag: Tag) -> tuple[int, int]:
    """Return how many lines a text has where long ones are folded, and how long the longest is."""
    texts = tag.get_text().strip("\n").splitlines() or [""]
    return sum(max(1, -(-len(text) // COLUMNS)) for text in texts), max(map(len, texts))


def words(tags: Iterable[Tag | str]) -> int:
    """Return how many words a reader sees."""
    texts = (tag if isinstance(tag, str) else tag.get_text() for tag in tags)
    return sum(len(text.split()) for text in texts)


def title_of(section: Tag) -> Tag | None:
    """Return the heading of a section that has one."""
    return section.find(["h2", "h3"], recursive=False)


def homes(chapter: Tag) -> dict[str, str]:
    """Return for each anchor of a page the section in which it stands."""
    found = {}
    for tag in chapter.find_all(id=True):
        section = tag if tag.name == "section" else tag.find_parent("section")
        while section is not None and section is not chapter and title_of(section) is None:
            section = section.find_parent("section")
        found[tag["id"]] = section["id"] if section is not None else ""
    return found


def named(chapter: Tag, title: str) -> Tag | None:
    """Return a section of a page by its heading."""
    for section in chapter.find_all("section", recursive=False):
        heading = title_of(section)
        if heading is not None and heading.get_text(strip=True) == title:
            return section
    return None


class Page:
    """A chapter as it stands in the site."""

    def __init__(self, name: str, text: str) -> None:
        start, end = text.find("<article"), text.rfind("</article>")
        article = unfolded(text[start:end]) if start >= 0 else ""
        chapter = BeautifulSoup(article, "html.parser").section
        if chapter is None or chapter.h1 is None:
            raise LookupError(f"{name} is no chapter")
        self.name, self.chapter = name, chapter
        self.home = homes(chapter)
        for tag in chapter.select(LEFT_OUT):
            tag.decompose()
        number = chapter.h1.select_one(".section-number")
        self.number = number.extract().get_text(strip=True) if number else ""
        self.title = " ".join(chapter.h1.get_text().split())
        self.mathjax = mathjax(text)
        short, summary = named(chapter, "In short"), named(chapter, "Summary")
        self.summary = summary
        self.question = self.asked(short)
        links = [a for part in (short, summary) if part for a in part.select("a[href]")]
        self.linked = {a["href"].removeprefix("#") for a in links}
        self.claims = self.claimed()

    def asked(self, short: Tag | None) -> str:
        """Return the question in bold with which the chapter starts."""
        bold = short.find("strong") if short else None
        asked = bold is not None and bold.get_text(strip=True).endswith("?")
        return " ".join(self.inside(bold).split()) if asked else ""

    # -- HTML for a folder beside that of the page ---------------------------------------------

    def moved(self, address: str) -> str:
        """Return what an address of the page is called in the folder of the slides."""
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            return address
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.name), parts.path))
        path = self.name if not parts.path else path
        return posixpath.relpath(path, FOLDER) + (f"#{parts.fragment}" if parts.fragment else "")

    def cleaned(self, tag: Tag) -> Tag:
        """Return a copy without names of places, whose links lead where they did."""
        tag = copy.copy(tag)
        for each in [tag, *tag.find_all(True)]:
            del each["id"], each["title"]
            for name in ("href", "src"):
                if each.get(name):
                    each[name] = self.moved(each[name])
        return tag

    def inside(self, tag: Tag) -> str:
        """Return what a tag holds."""
        return self.cleaned(tag).decode_contents()

    def joined(self, nodes: Iterable[Tag | str]) -> str:
        """Return words and tags as they follow each other."""
        return "".join(
            str(self.cleaned(node)) if isinstance(node, Tag) else html.escape(node, quote=False)
            for node in nodes
        ).strip()

    # -- what is claimed -----------------------------------------------------------------------

    def claimed(self) -> dict[str, str]:
        """Return what the summary says of each section that it leads to.

        A long bullet is cut into sentences. One without a link goes with those around it, if there is
        room.
        """
        found: dict[str, str] = {}
        room: dict[str, int] = {}
        for bullet in self.summary.select("ul > li") if self.summary else ():
            parts = sentences(bullet.p or bullet)
            linked = [self.owner(part) for part in parts]
            current = next(filter(None, linked), "")
            short = words([bullet]) <= BULLET
            owners = []
            for owner in linked:
                current = current if short else owner or current
                owners.append(current)
            for owner in dict.fromkeys(filter(None, owners)):
                whole = [k for k, each in enumerate(owners) if each == owner]
                first = next(k for k in whole if linked[k])
                for chosen in (whole, whole[whole.index(first) :], [first]):
                    nodes = [node for k in chosen for node in (*parts[k], " ")]
                    if words(nodes) <= room.get(owner, CLAIM):
                        found[owner] = f"{found.get(owner, '')} {self.joined(nodes)}".strip()
                        room[owner] = room.get(owner, CLAIM) - words(nodes)
                        break
        return found

    def owner(self, part: list[Tag | str]) -> str:
        """Return the section that a sentence leads to first."""
        for tag in part:
            for a in [tag, *tag.find_all("a")] if isinstance(tag, Tag) else ():
                if str(a.get("href", "")).startswith("#"):
                    return self.home.get(a["href"][1:], "")
        return ""

    # -- sections ------------------------------------------------------------------------------

    def sections(self) -> Iterator[Section]:
        """Yield the sections of which something is shown."""
        for title in NO_SLIDES - {"Summary"}:
            left_out = named(self.chapter, title)
            if left_out is not None:
                left_out.decompose()
        for tag in self.chapter.find_all("section"):
            heading = title_of(tag)
            if heading is not None and tag is not self.summary:
                section = self.section(tag, heading)
                if section is not None:
                    yield section

    def section(self, tag: Tag, heading: Tag) -> Section | None:
        """Return what may be shown of a section, without its own sections."""
        parts = tag.find_all(True, recursive=False)
        blocks = [each for each in parts if each.name not in ("section", "h2", "h3")]
        names, claim = self.notes(tag)
        if "none" in names:
            return None
        formulas = [each for each in blocks if each.name == "div" and "math" in each.get("class", ())]
        pictures = [
            picture
            for each in blocks
            for picture in (
                [each] if each.name == "figure" else each.select("figure, .lecturecode-player")
            )
        ]
        if names:
            known = {each.get("id", "").removeprefix("equation-"): each for each in formulas + pictures}
            missing = [name for name in names if name not in known]
            if missing:
                where = f"{self.name}#{tag['id']}"
                raise ValueError(f"{where}: slides: the section has no formula or figure {missing[0]}")
            formulas = [known[name] for name in names if known[name] in formulas]
            pictures = [known[name] for name in names if known[name] in pictures]
        else:
            told = [each for each in formulas if each.get("id") in self.linked][:2]
            formulas = told or [each for each in formulas if each.get("id")][:1] or formulas[:1]
        codes = [code for code in map(code_of, blocks) if code is not None and code.fits()]
        claim = claim or self.claims.get(tag["id"]) or self.in_bold(blocks)
        return Section(tag["id"], heading, formulas, pictures, codes, claim)

    def notes(self, section: Tag) -> tuple[list[str], str]:
        """Return what the comments of a section choose, and the paragraph that they mark."""
        names: list[str] = []
        claim = ""
        for note in section.find_all(string=lambda text: isinstance(text, Comment), recursive=False):
            said = note.strip()
            if not said.startswith("slides:"):
                continue
            asked = said.removeprefix("slides:").split()
            if asked == ["say"]:
                claim = self.inside(note.find_next_sibling("p"))
            else:
                names += asked
        return names, claim

    def in_bold(self, blocks: list[Tag]) -> str:
        """Return the first sentence that a section has in bold."""
        for paragraph in (each for each in blocks if each.name == "p"):
            for bold in paragraph.find_all("strong"):
                if len(bold.get_text().split()) >= 7:
                    return self.inside(bold)
        return ""


def sentences(paragraph: Tag) -> list[list[Tag | str]]:
    """Cut a paragraph into sentences, each a list of tags and words."""
    found: list[list[Tag | str]] = [[]]
    ended = False  # by a formula, which has its full stop with it
    for node in list(paragraph.children):
        if isinstance(node, NavigableString):
            text = str(node)
            if ended and re.match(r"\s+[A-Z]", text):
                found.append([])
            first, *rest = SENTENCE.split(text)
            found[-1].append(first)
            found += [[each] for each in rest]
            ended = False
        else:
            found[-1].append(node)
            closed = node.get_text().endswith((".", "?", "!"))
            ended = closed and "keep-together" in node.get("class", ())
    return [part for part in found if any(not isinstance(n, str) or n.strip() for n in part)]


def code_of(block: Tag) -> Code | None:
    """Return a listing, or a cell that shows its code and defines or says something."""
    classes = block.get("class", ())
    if "cell" in classes:
        source = block.select_one(".cell_input .highlight")
        said = block.select(".cell_output .output")
        shown = source is not None and (said or DEFINES.search(source.get_text()))
        return Code(source, said) if shown else None
    if any(PYTHON.match(name) for name in classes):
        source = block.select_one(".highlight")
        return Code(source, []) if source is not None else None
    return None


# -- slides ----------------------------------------------------------------------------------


class Writer:
    """Puts a page's sections on slides."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def deck(self) -> Deck:
        """Return the slides of the page."""
        page = self.page
        slides = [self.first()]
        for section in page.sections():
            slides += self.of_section(section)
        slides += self.of_summary()
        return Deck(Path(page.name).name, page.number, page.title, page.question, slides, page.mathjax)

    def first(self) -> Slide:
        """Return the slide with the title and the question."""
        number = f'<p class="number">{self.page.number}</p>' if self.page.number else ""
        title = f"<h1>{html.escape(self.page.title)}</h1>"
        asked = f'<p class="question">{self.page.question}</p>' if self.page.question else ""
        return Slide("", "title", f"{number}{title}{asked}")

    def of_section(self, section: Section) -> list[Slide]:
        """Return what a section shows: formula and picture, code, further pictures."""
        title = f"<h2>{self.page.inside(section.title)}</h2>"
        claim = f'<p class="claim">{section.claim}</p>' if section.claim else ""
        formulas = "".join(map(self.formula, section.formulas))
        told = f'<div class="words">{formulas}{claim}</div>' if formulas or claim else ""
        first, *others = section.pictures or [None]
        codes = packed(section.codes)
        slides = []
        if first is not None:
            kind = "beside" if told else "picture-only"
            slides.append((kind, told + self.picture(first, section.anchor)))
            told = ""
        elif told and codes and rows(codes[0]) <= ROWS_BELOW:
            slides.append(("code", told + self.code(codes.pop(0))))
            told = ""
        elif formulas:
            slides.append(("formula-only", told))
            told = ""
        for code in codes[:2]:
            if told and rows(code) > ROWS - 4:
                slides.append(("formula-only", told))
                told = ""
            slides.append(("code", told + self.code(code)))
            told = ""
        slides += [("picture-only", self.picture(each, section.anchor)) for each in others]
        return [
            Slide(section.anchor, kind, f'{title}<div class="body">{content}</div>')
            for kind, content in slides
        ]

    def formula(self, tag: Tag) -> str:
        """Return a formula with its number."""
        tag = self.page.cleaned(tag)
        tag["class"] = [*tag.get("class", ()), "formula"]
        return str(tag)

    def picture(self, figure: Tag, anchor: str) -> str:
        """Return a picture with its caption; of an animation the last one."""
        image = self.page.cleaned(figure.img)
        said = self.page.inside(figure.figcaption) if figure.figcaption else ""
        if figure.name != "figure":
            said = f'<p><a href="{self.page.moved("#" + anchor)}">In the book it moves.</a></p>'
        return f'<figure><div class="picture">{image}</div><figcaption>{said}</figcaption></figure>'

    def code(self, codes: list[Code]) -> str:
        """Return code, and below it what it said."""
        parts = []
        for code in codes:
            parts.append(f'<div class="source">{self.page.cleaned(code.source)}</div>')
            parts += [f'<div class="said">{self.page.inside(tag)}</div>' for tag in code.said]
        return f'<div class="codes">{"".join(parts)}</div>'

    def of_summary(self) -> list[Slide]:
        """Return the bullets of the summary, and its tables, as many on a slide as are well read."""
        summary = self.page.summary
        if summary is None:
            return []
        contents: list[str] = []
        lead = ""
        for block in summary.find_all(True, recursive=False):
            if block.name == "p":
                lead = str(self.page.cleaned(block))
            elif block.name == "ul":
                bullets = block.find_all("li", recursive=False)
                contents += [
                    f"<ul>{''.join(str(self.page.cleaned(each)) for each in group)}</ul>"
                    for group in grouped(bullets)
                ]
            elif block.name == "table" or block.table is not None:
                table = block if block.name == "table" else block.table
                contents.append(f"{lead}{self.page.cleaned(table)}")
        title = f"<h2>{self.page.inside(title_of(summary))}</h2>"
        return [
            Slide(summary["id"], "summary", f'{title}<div class="body">{content}</div>')
            for content in contents
        ]


def rows(codes: list[Code]) -> int:
    """Return how many lines of a slide some code takes."""
    return sum(code.rows() + 1 for code in codes)


def packed(codes: list[Code]) -> list[list[Code]]:
    """Put the listings and the first run of a section on slides, in their order."""
    chosen, ran = [], False
    for code in codes:
        if code.said and ran:
            continue
        ran = ran or bool(code.said)
        chosen.append(code)
    found: list[list[Code]] = []
    for code in chosen:
        if found and rows([*found[-1], code]) <= ROWS:
            found[-1].append(code)
        else:
            found.append([code])
    return found


def grouped(bullets: list[Tag]) -> list[list[Tag]]:
    """Put bullets on slides, about as many words on each."""
    slides = max(1, round(words(bullets) / SUMMARY))
    share, found, total = words(bullets) / slides, [[]], 0
    for bullet in bullets:
        if found[-1] and total + words([bullet]) / 2 > share * len(found):
            found.append([])
        found[-1].append(bullet)
        total += words([bullet])
    return found


# -- files -----------------------------------------------------------------------------------

HEAD = """<!DOCTYPE html>
<html lang="en" class="{state}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="../_static/logo.svg">
{styles}
<script>{theme}</script>
"""
THEME = """{
  const wish = localStorage.getItem("theme");
  const asked = wish ?? "auto", system = matchMedia("(prefers-color-scheme: dark)").matches;
  const dark = asked === "dark" || (asked === "auto" && system);
  const paper = /print-pdf/.test(location.search);
  document.documentElement.dataset.theme = dark && !paper ? "dark" : "light";
}"""
DECK = """{mathjax}
<script defer src="../_static/reveal/reveal.js"></script>
<script defer src="../_static/slides.js"></script>
</head>
<body>
<div class="reveal"><div class="slides tex2jax_ignore mathjax_ignore">
{slides}
</div></div>
</body>
</html>
"""
INDEX = """{mathjax}
</head>
<body class="decks">
<main class="tex2jax_ignore mathjax_ignore">
<p><a href="../index.html">{book}</a></p>
<h1>Slides</h1>
<p>A deck for each chapter, with the figures, formulas and numbers of the book, which were computed
when it was built. A slide leads to its section by the link at its foot. To go with them: the
<a href="../lecture_map.html">lecture map</a>, which says where the book treats each slide of the
lecture, and the <a href="../errata.html">errata</a>, a page to hand out.</p>
<p><kbd>Space</kbd> goes on, <kbd>O</kbd> shows all slides, <kbd>F</kbd> fills the screen,
<kbd>D</kbd> changes between light and dark, <kbd>?</kbd> lists the other keys. For a PDF, open
&ldquo;for printing&rdquo; in Chromium and print it, with backgrounds.</p>
<ol>
{rows}
</ol>
</main>
</body>
</html>
"""
ROW = (
    '<li><p class="title"><a href="{name}">{number} {title}</a></p><p class="question">{question}</p>'
    '<p class="about">{count} slides, <a href="{name}?print-pdf">for printing</a>, '
    '<a href="../chapters/{name}">the chapter</a></p></li>'
)


def head(title: str, state: str, styles: Iterable[str]) -> str:
    """Return how a page begins."""
    links = "\n".join(f'<link rel="stylesheet" href="../_static/{name}">' for name in styles)
    return HEAD.format(title=html.escape(title), state=state, styles=links, theme=THEME)


def slide_html(slide: Slide, deck: Deck, number: int, place: str) -> str:
    """Return a slide with its foot."""
    chapter = f"../chapters/{deck.name}"
    where = f"{chapter}#{slide.anchor}" if slide.anchor else chapter
    foot = f'<a href="{where}">In the book: {deck.number} {html.escape(deck.title)}</a>'
    foot += f"<span>{number} / {len(deck.slides)}</span>"
    inner = f'<div class="slide {slide.kind}">{slide.content}<footer>{foot}</footer></div>'
    return f'<section id="{place}">{inner}</section>'


def deck_html(deck: Deck, book: str) -> str:
    """Return the page of a deck."""
    names: dict[str, int] = {}
    slides = []
    for number, slide in enumerate(deck.slides, 1):
        name = slide.anchor or "title"
        names[name] = names.get(name, 0) + 1
        place = name if names[name] == 1 else f"{name}-{names[name]}"
        slides.append(slide_html(slide, deck, number, place))
    title = f"{deck.number} {deck.title}, slides \N{EM DASH} {book}".strip()
    styles = ("reveal/reveal.css", "pygments.css", "slides.css")
    page = DECK.format(mathjax=deck.mathjax, slides="\n".join(slides))
    return head(title, "laying-out", styles) + page


def row_html(deck: Deck) -> str:
    """Return the line that leads to a deck."""
    told = {"name": deck.name, "number": deck.number, "title": html.escape(deck.title)}
    return ROW.format(question=deck.question, count=len(deck.slides), **told)


def index_html(rows: Iterable[str], book: str, formulas: str) -> str:
    """Return the page that leads to all decks."""
    page = INDEX.format(rows="\n".join(rows), book=html.escape(book), mathjax=formulas)
    return head(f"Slides \N{EM DASH} {book}", "", ("slides.css",)) + page


def book_title(site: Path) -> str:
    """Return what the book is called, by its front page."""
    front = (site / "index.html").read_text(encoding="utf-8")
    found = re.search(r"<title>(.*?)</title>", front, re.DOTALL)
    return html.unescape(found[1]).rpartition("\N{EM DASH}")[2].strip() if found else "Fitting a model"


def rows_of(index: Path) -> dict[str, str]:
    """Return the lines of the page that leads to all decks, by the name of the deck."""
    text = index.read_text(encoding="utf-8") if index.is_file() else ""
    rows = re.findall(r"<li>.*?</li>", text)
    return {re.search(r'href="([^"]*)"', row)[1]: row for row in rows}


def newer(deck: Path, page: Path) -> bool:
    """Tell whether a deck is as new as its page, and as what makes it."""
    changed = max(path.stat().st_mtime for path in (page, Path(__file__)))
    return deck.is_file() and deck.stat().st_mtime >= changed


def make(site: Path = SITE) -> list[str]:
    """Write the decks that are older than their pages, and remove what has no chapter.

    Raises
    ------
    ValueError
        If a comment in a chapter asks for a formula or a figure that its section does not have.
    """
    folder = site / FOLDER
    pages = sorted((site / "chapters").glob("*.html"))
    if not pages:
        return []
    folder.mkdir(exist_ok=True)
    index, book, made = folder / "index.html", book_title(site), []
    before = rows_of(index)
    rows = {}
    for page in pages:
        path = folder / page.name
        if page.name in before and newer(path, page):
            rows[page.name] = before[page.name]
            continue
        try:
            read = Page(f"chapters/{page.name}", page.read_text(encoding="utf-8"))
        except LookupError:  # it says where a chapter has moved to
            continue
        deck = Writer(read).deck()
        path.write_text(deck_html(deck, book), encoding="utf-8")
        rows[page.name] = row_html(deck)
        made.append(page.name)
    for path in folder.glob("*.html"):
        if path.name not in rows and path != index:
            path.unlink()
    if made or rows != before:
        formulas = next(filter(None, (mathjax(page.read_text(encoding="utf-8")) for page in pages)), "")
        index.write_text(index_html(rows.values(), book, formulas), encoding="utf-8")
    return made


def main() -> int:
    """Make the slides of the site that was built."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, default=SITE)
    site = parser.parse_args().site.resolve()
    if not (site / "index.html").is_file():
        print(f"There is no built site at {site}: make docs", file=sys.stderr)
        return 1
    make(site)
    index = site / FOLDER / "index.html"
    print(f"The slides are here: {index}\n  {index.as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
