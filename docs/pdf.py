"""Print the built book as one PDF, with an outline, page numbers and links; `make pdf` calls it.

Chromium prints each page of the site, as a reader would, and pypdf puts the parts together: links from
one page to another become links within the book. The gallery and the reference stay on the site.
"""

import argparse
import html
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import editions

DOCS = Path(__file__).parent.resolve()
SITE = DOCS / "_build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]
NOT_PRINTED = ("auto_gallery/", "api/", "benchmarks", "build_page", "genindex", "search")
SIZE = {"prefer_css_page_size": True, "print_background": True, "outline": True, "tagged": True}
READY = (
    "!document.querySelector('.math') || (window.MathJax && MathJax.startup && "
    "MathJax.startup.promise && MathJax.startup.promise.then(() => true))"
)
# Chromium keeps the place of a heading or a formula only if something on the same page leads there.
PREPARE = """async ([first, names]) => {
    document.documentElement.classList.add('as-book');
    document.documentElement.style.counterReset = `page ${first}`;
    const leads = document.createElement('div');
    leads.style.cssText = 'font-size: 1px; line-height: 1px; color: transparent';
    for (const name of names) {
        if (!document.getElementById(name)) continue;
        const lead = document.createElement('a');
        lead.href = `#${name}`;
        lead.textContent = '.';
        lead.style.cssText = 'text-decoration: none; color: transparent';
        leads.append(lead);
    }
    document.querySelector('.bd-article').append(leads);
    const images = [...document.querySelectorAll('.bd-article img')];
    for (const image of images) image.loading = 'eager';
    await Promise.all(images.map(image => image.decode().catch(() => {})));
}"""
LINKS = "[...document.querySelectorAll('.bd-article a[href]')].map(a => a.href)"
TITLE = "Fitting a model"
CONTENTS = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>
@page {{ size: A4; margin: 22mm 20mm; }} body {{ font: 10.5pt/1.5 "DejaVu Sans", sans-serif; }}
h1 {{ font-size: 30pt; font-weight: 500; margin: 70mm 0 4mm; }} .about {{ color: #444; }}
h2 {{ break-before: page; font-weight: 500; }} ol {{ list-style: none; padding: 0; margin: 0; }}
li {{ display: flex; gap: 1em; margin: 0.15em 0; }}
li a {{ flex: 1; color: #000; text-decoration: none; }}
</style><h1>{title}</h1><p class="about">{about}</p><h2>Contents</h2><ol>{rows}</ol></html>"""


class Part(NamedTuple):
    """A page of the site, printed."""

    page: str
    title: str
    pdf: Any


def browser_path() -> str | None:
    """Return where a Chromium is."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def pages_of(page: Any, site: Path) -> list[str]:
    """Return the pages of the book in the order of its contents list."""
    page.goto((site / "index.html").as_uri())
    links = page.locator(".bd-links li.toctree-l1 > a").all()
    found = [(link.get_attribute("href") or "").partition("#")[0] for link in links]
    wanted = [href for href in found if href and not href.startswith(NOT_PRINTED) and ":" not in href]
    return [href for href in dict.fromkeys(wanted) if href != "index.html" and (site / href).is_file()]


def split(uri: str, site: Path) -> tuple[str, str] | None:
    """Return the page and the place on it that a link within the site leads to."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return None
    try:
        page = Path(unquote(parts.path)).relative_to(site).as_posix()
    except ValueError:
        return None
    return page, unquote(parts.fragment)


def opened(page: Any, address: str) -> None:
    """Open a page and wait for its formulas."""
    page.goto(address, wait_until="load")
    page.wait_for_function(READY)


def printed(browser: Any, site: Path, names: list[str], folder: Path) -> Iterator[Part]:
    """Print the pages one after the other, with page numbers that run on."""
    from pypdf import PdfReader

    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page.set_default_timeout(300_000)
    wanted: dict[str, set[str]] = {name: set() for name in names}
    for name in names:
        page.goto((site / name).as_uri(), wait_until="domcontentloaded")
        for uri in page.evaluate(LINKS):
            place = split(uri, site)
            if place and place[0] in wanted:
                wanted[place[0]].add(place[1])
    first = 0
    for k, name in enumerate(names):
        opened(page, (site / name).as_uri())
        page.evaluate(PREPARE, [first, sorted(wanted[name] - {""})])
        title = page.evaluate("document.title").rpartition(" \N{EM DASH} ")[0].strip()
        path = folder / f"{k:02d}.pdf"
        page.pdf(path=path, **SIZE)
        part = Part(name, title, PdfReader(path))
        first += len(part.pdf.pages)
        print(f"  {k + 1} of {len(names)}: {title}, {len(part.pdf.pages)} pages", flush=True)
        yield part
    page.close()


def front(browser: Any, parts: list[Part], told: dict[str, str], path: Path) -> Any:
    """Print the title and the contents; their pages are not counted."""
    from pypdf import PdfReader

    rows, first = [], 1
    for k, part in enumerate(parts):
        title = html.escape(part.title)
        rows.append(f'<li><a href="https://part.invalid/{k}">{title}</a><span>{first}</span></li>')
        first += len(part.pdf.pages)
    page = browser.new_page()
    page.set_content(CONTENTS.format(rows="".join(rows), **told))
    page.pdf(path=path, prefer_css_page_size=True, tagged=True)
    page.close()
    return PdfReader(path)


def places_of(pdf: Any) -> dict[str, tuple[int, float]]:
    """Return where on which page the named places of a printed page are."""
    return {
        unquote(name.lstrip("/")): (pdf.get_destination_page_number(place), float(place.top or 0))
        for name, place in pdf.named_destinations.items()
    }


class Book:
    """The parts on their way into one file."""

    def __init__(self, site: Path, contents: Any, parts: list[Part]) -> None:
        from pypdf import PdfWriter

        self.site, self.contents, self.parts = site, contents, parts
        self.writer = PdfWriter()
        self.starts, self.places = [], []
        for pdf in (contents, *(part.pdf for part in parts)):
            self.starts.append(len(self.writer.pages))
            self.writer.append(pdf, import_outline=False)
        self.starts = self.starts[1:]
        self.places = [places_of(part.pdf) for part in parts]
        self.numbers = {part.page: k for k, part in enumerate(parts)}

    def write(self, path: Path, title: str, author: str) -> None:
        """Join everything, and write it."""
        from pypdf.generic import NameObject

        count = len(self.contents.pages)
        self.link(range(count), None)
        for k, part in enumerate(self.parts):
            self.link(range(self.starts[k], self.starts[k] + len(part.pdf.pages)), k)
            self.outline(part.pdf.outline, k)
        root = self.writer.root_object
        for name in ("/Dests", "/StructTreeRoot", "/MarkInfo"):  # of the first part only
            if name in root:
                del root[NameObject(name)]
        self.writer.set_page_label(0, count - 1, style="/r")
        self.writer.set_page_label(count, len(self.writer.pages) - 1, style="/D", start=1)
        self.writer.page_mode = "/UseOutlines"
        self.writer.add_metadata({"/Title": title, "/Author": author})
        self.writer.compress_identical_objects(remove_duplicates=True, remove_unreferenced=True)
        self.writer.write(path)

    def outline(self, entries: list[Any], part: int, parent: Any = None) -> None:
        """Take over the headings of a part."""
        from pypdf.generic import Fit

        last = parent
        for entry in entries:
            if isinstance(entry, list):
                self.outline(entry, part, last)
                continue
            pdf = self.parts[part].pdf
            number = self.starts[part] + pdf.get_destination_page_number(entry)
            fit = Fit.xyz(left=0, top=float(entry.top or 0))
            last = self.writer.add_outline_item(
                title=entry.title.strip(), page_number=number, parent=parent, is_open=False, fit=fit
            )

    def link(self, numbers: range, part: int | None) -> None:
        """Let the links on some pages lead to their places in this file."""
        from pypdf.generic import ArrayObject, NameObject

        for number in numbers:
            page = self.writer.pages[number]
            kept = ArrayObject()
            for reference in page.get("/Annots") or ():
                note = reference.get_object()
                target = self.target(note, part)
                rect = [float(edge) for edge in note["/Rect"]]
                if target is None or abs(rect[3] - rect[1]) < 2:  # what PREPARE has added
                    continue
                if isinstance(target, tuple):
                    note.pop("/A", None)
                    note[NameObject("/Dest")] = self.destination(*target)
                kept.append(reference)
            if "/Annots" in page:
                page[NameObject("/Annots")] = kept

    def target(self, note: Any, part: int | None) -> tuple[int, float] | str | None:
        """Return where a link leads: a page of this file and a height, an address, or nowhere."""
        action = note.get("/A", {})
        uri = str(action.get("/URI", ""))
        if uri.startswith("https://part.invalid/"):
            return self.starts[int(uri.rpartition("/")[2])], 850
        name = note.get("/Dest") or action.get("/D")
        if name is not None and part is not None:
            return self.place(part, unquote(str(name).lstrip("/"))) if isinstance(name, str) else None
        found = split(uri, self.site)
        if found is None:
            return uri if uri.startswith(("http:", "https:", "mailto:")) else None
        return self.place(self.numbers[found[0]], found[1]) if found[0] in self.numbers else None

    def place(self, part: int, name: str) -> tuple[int, float]:
        """Return where a place of a part is; one that is not known is its first line."""
        page, top = self.places[part].get(name, (0, 850))
        return self.starts[part] + page, top

    def destination(self, number: int, top: float) -> Any:
        """Return a place as PDF names it."""
        from pypdf.generic import ArrayObject, FloatObject, NameObject, NullObject

        page = self.writer.pages[number].indirect_reference
        return ArrayObject([page, NameObject("/XYZ"), NullObject(), FloatObject(top), NullObject()])


def make(site: Path, path: Path, names: list[str] | None = None) -> int:
    """Print the book, or some of its pages; return how many pages the file has."""
    from playwright.sync_api import sync_playwright

    site = site.resolve()
    folder = path.parent / f"{path.stem}.parts"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
            start = browser.new_page()
            names = names or pages_of(start, site)
            start.close()
            parts = list(printed(browser, site, names, folder))
            about = (
                "The chapters, the appendices and the tables of the book, as printed from its site. "
                "The code was run when the site was built; gallery and reference are on the site."
            )
            told = {"title": TITLE, "about": about}
            contents = front(browser, parts, told, folder / "front.pdf")
            browser.close()
        Book(site, contents, parts).write(path, TITLE, "the lecturecode authors")
    finally:
        shutil.rmtree(folder)
    return len(contents.pages) + sum(len(part.pdf.pages) for part in parts)


def missing(site: Path) -> str:
    """Return what is not there, and how to have it."""
    if not (site / "index.html").is_file():
        return f"There is no built site at {site}: make docs"
    try:
        import playwright  # noqa: F401
        import pypdf  # noqa: F401
    except ImportError as error:
        return f"{error.name} is not installed: make pdf installs it, or: pip install '.[pdf]'"
    if browser_path() is None:
        return (
            "Chromium prints the book, and none is installed. On Debian or Ubuntu: apt install chromium"
        )
    return ""


def main() -> int:
    """Print the book that was built."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, default=SITE)
    parser.add_argument("--out", type=Path, help="a file; otherwise one among the site's downloads")
    options = parser.parse_args()
    wrong = missing(options.site)
    if wrong:
        print(wrong, file=sys.stderr)
        return 1
    print("Printing the book page by page, which takes some minutes.", flush=True)
    path = options.out or options.site / "_downloads" / "fitting-a-model.pdf"
    count = make(options.site, path)
    editions.place(options.site)
    print(f"The book has {count} pages: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
