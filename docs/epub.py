"""Make an EPUB of the built book, with its formulas as MathML; `make epub` calls it.

Chromium opens each page and hands back its article as XHTML, in which MathJax has written MathML for
each formula; Python packs them. The pages are those of the PDF.
"""

import base64
import hashlib
import html
import io
import mimetypes
import re
import sys
import time
import uuid
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import editions
import pdf
from PIL import Image

KEPT = ["id", "class", "href", "src", "alt", "colspan", "rowspan", "start", "open", "display"]
SERIALIZED = """kept => {
    const article = document.querySelector('.bd-article');
    const gone = '.headerlink, button, form, input, script, style, iframe, object, noscript, [hidden],'
        + ' .live-bar, .live-output, .live-why, .live-stale, .page-links, .sphx-glr-footer, .sd-d-none,'
        + ' .judged, .judged-here, .judged-elsewhere, .judged-count, .movable-panel, .movable-hint';
    for (const item of [...(window.MathJax?.startup?.document?.math ?? [])]) {
        const box = item.typesetRoot;
        if (!box?.isConnected) continue;
        const text = MathJax.startup.toMML(item.root);
        const math = new DOMParser().parseFromString(text, 'application/xml').documentElement;
        if (item.display) math.setAttribute('display', 'block');
        box.replaceWith(document.importNode(math, true));
    }
    for (const node of article.querySelectorAll(gone)) node.remove();
    for (const name of article.querySelectorAll('details.hide > summary')) name.textContent = 'Code';
    const names = new Set();
    for (const node of article.querySelectorAll('*')) {
        const math = node.closest('math');
        for (const {name} of [...node.attributes]) {
            const ours = math && !/^(data-|class|id|style)/.test(name) && name !== 'xmlns';
            if (!ours && !kept.includes(name)) node.removeAttribute(name);
        }
        if (node.id && (names.has(node.id) || /\\s/.test(node.id))) node.removeAttribute('id');
        if (node.id) names.add(node.id);
        if (node.tagName === 'A' && node.hasAttribute('href')) node.setAttribute('href', node.href);
        if (node.tagName === 'IMG') node.setAttribute('src', node.src);
        if (['TT', 'BIG'].includes(node.tagName)) node.replaceWith(...node.childNodes);
    }
    const written = [...article.childNodes].map(n => new XMLSerializer().serializeToString(n)).join('');
    return [written, [...names]];
}"""
PAGE = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en"><head><title>{title}</title>
<link rel="stylesheet" type="text/css" href="book.css" /></head><body>{body}</body></html>
"""
NAV = """<nav xmlns:epub="http://www.idpf.org/2007/ops" epub:type="toc">
<h1>Contents</h1><ol>{rows}</ol></nav>"""
STYLE = """pre { white-space: pre-wrap; font-size: 0.8em; background: #f3f4f5; padding: 0.5em; }
img { max-width: 100%; } table { border-collapse: collapse; }
td, th { border: 1px solid #999; padding: 0.2em; }
.eqno { float: right; } details, .admonition { border-left: 0.2em solid #999; padding-left: 0.8em; }
summary, .admonition-title { font-weight: bold; } .collapsed { display: none; }
"""
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book/book.opf" media-type="application/oebps-package+xml" /></rootfiles></container>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{name}</dc:identifier>
<dc:title>{title}</dc:title><dc:language>en</dc:language><dc:creator>the lecturecode authors</dc:creator>
<meta property="dcterms:modified">{time}</meta></metadata>
<manifest>{items}</manifest><spine>{spine}</spine></package>
"""


class Chapter(NamedTuple):
    """A page of the site as XHTML, and the places on it."""

    title: str
    body: str
    places: set[str]


class Epub:
    """The files of the book as they come together."""

    def __init__(self, site: Path, names: list[str], chapters: list[Chapter]) -> None:
        self.site, self.chapters = site, chapters
        self.numbers = {name: k for k, name in enumerate(names)}
        self.files: dict[str, bytes] = {"book.css": STYLE.encode()}
        for k, chapter in enumerate(chapters):
            body = re.sub(r'src="([^"]*)"', self.image, chapter.body)
            body = re.sub(r'<a\b([^>]*?) href="([^"]*)"', self.link, body)
            page = PAGE.format(title=html.escape(chapter.title), body=body)
            self.files[f"{k:02d}.xhtml"] = page.encode()

    def image(self, match: re.Match[str]) -> str:
        """Keep a picture, and return where it lies."""
        uri = html.unescape(match[1])
        if uri.startswith("data:"):
            kind, _, text = uri[5:].partition(";base64,")
            content = base64.b64decode(text)
            suffix = mimetypes.guess_extension(kind) or ".png"
        else:
            place = pdf.split(uri, self.site)
            content = (self.site / place[0]).read_bytes() if place else b""
            suffix = Path(uri).suffix
        if suffix == ".webp":  # which EPUB does not have: the first picture of an animation
            drawn = io.BytesIO()
            Image.open(io.BytesIO(content)).save(drawn, "PNG", optimize=True)
            content, suffix = drawn.getvalue(), ".png"
        name = f"images/{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
        self.files[name] = content
        return f'src="{name}"'

    def link(self, match: re.Match[str]) -> str:
        """Let a link lead to its place in the book, to the web, or nowhere."""
        uri = html.unescape(match[2])
        place = pdf.split(uri, self.site)
        if place and place[0] in self.numbers:
            number, anchor = self.numbers[place[0]], place[1]
            found = anchor in self.chapters[number].places
            return f'<a{match[1]} href="{number:02d}.xhtml{f"#{html.escape(anchor)}" if found else ""}"'
        if uri.startswith(("http:", "https:", "mailto:")):
            return f'<a{match[1]} href="{html.escape(uri)}"'
        return f"<a{match[1]}"

    def write(self, path: Path, title: str) -> None:
        """Pack everything."""
        rows = [
            f'<li><a href="{k:02d}.xhtml">{html.escape(chapter.title)}</a></li>'
            for k, chapter in enumerate(self.chapters)
        ]
        self.files["nav.xhtml"] = PAGE.format(title=title, body=NAV.format(rows="".join(rows))).encode()
        items, spine = [], []
        for k, (name, content) in enumerate(self.files.items()):
            kind = "application/xhtml+xml" if name.endswith(".xhtml") else mimetypes.guess_type(name)[0]
            told = ["nav"] * (name == "nav.xhtml") + ["mathml"] * (
                b"<math" in content and "xhtml" in name
            )
            properties = f' properties="{" ".join(told)}"' if told else ""
            items.append(f'<item id="f{k}" href="{name}" media-type="{kind}"{properties} />')
            if name.endswith(".xhtml") and name != "nav.xhtml":
                spine.append(f'<itemref idref="f{k}" />')
        package = PACKAGE.format(
            name=uuid.uuid5(uuid.NAMESPACE_DNS, "lecturecode"),
            title=html.escape(title),
            time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            items="\n".join(items),
            spine="".join(spine),
        )
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
            packed.writestr("META-INF/container.xml", CONTAINER)
            packed.writestr("book/book.opf", package)
            for name, content in self.files.items():
                packed.writestr(f"book/{name}", content)


def read(page: Any, site: Path, name: str) -> Chapter:
    """Return a page of the site as XHTML."""
    pdf.opened(page, (site / name).as_uri())
    page.evaluate(
        "[...document.querySelectorAll('.bd-article img')].forEach(i => { i.loading = 'eager'; })"
    )
    title = page.evaluate("document.title").rpartition(" \N{EM DASH} ")[0].strip()
    body, places = page.evaluate(SERIALIZED, KEPT)
    return Chapter(title, body, set(places))


def make(site: Path, path: Path, names: list[str] | None = None) -> int:
    """Make the EPUB of the book, or of some of its pages; return how many chapters it has."""
    from playwright.sync_api import sync_playwright

    site = site.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=pdf.browser_path(), args=pdf.FLAGS)
        page = browser.new_page(color_scheme="light")
        page.set_default_timeout(300_000)
        names = names or pdf.pages_of(page, site)
        chapters = [read(page, site, name) for name in names]
        browser.close()
    Epub(site, names, chapters).write(path, "Fitting a model")
    return len(chapters)


def main() -> int:
    """Make the EPUB of the book that was built."""
    wrong = pdf.missing(pdf.SITE)
    if wrong:
        print(wrong, file=sys.stderr)
        return 1
    path = pdf.SITE / "_downloads" / "fitting-a-model.epub"
    count = make(pdf.SITE, path)
    editions.place(pdf.SITE)
    print(f"The EPUB has {count} chapters: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
