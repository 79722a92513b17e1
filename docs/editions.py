"""Pack the built site as a zip, and name on its front page the editions that were made; `make zip`.

An edition is a file in the site's ``_downloads``: the whole site as a zip, the book as a PDF or an EPUB.
The front page has a link to each that is there and as new as the pages.
"""

import os
import re
import sys
import zipfile
from pathlib import Path

SITE = Path(__file__).parent.resolve() / "_build" / "html"
STEM = "_downloads/fitting-a-model"
EDITIONS = {
    ".pdf": "the book as a PDF",
    ".epub": "the book as an EPUB",
    ".zip": "the whole site as a zip, to be unpacked and opened without a network",
}
LINKS = re.compile(r'<p class="page-links" id="editions">.*?</p>\n', re.DOTALL)


def newest_page(site: Path) -> float:
    """Return when a page of the site was last written."""
    return max((page.stat().st_mtime for page in site.rglob("*.html")), default=0)


def current(site: Path) -> dict[str, Path]:
    """Return the editions that are as new as the site, by suffix; remove those that are older."""
    newest, found = newest_page(site), {}
    for suffix in EDITIONS:
        path = site / f"{STEM}{suffix}"
        if path.is_file() and path.stat().st_mtime >= newest:
            found[suffix] = path
        elif path.is_file():
            print(
                f"The pages are newer than {path.name}, which is gone: make {suffix[1:]} makes it again."
            )
            path.unlink()
    return found


def place(site: Path, without: str = "") -> None:
    """Write the links to the editions into the front page, whose time stays what it was."""
    index = site / "index.html"
    text, time = index.read_text(encoding="utf-8"), index.stat()
    links = [
        f'<a href="{STEM}{suffix}" download>{EDITIONS[suffix]}</a> ({path.stat().st_size / 1e6:.0f} MB)'
        for suffix, path in current(site).items()
        if suffix != without
    ]
    told = f'<p class="page-links" id="editions">Download: {", ".join(links)}</p>\n' if links else ""
    placed = LINKS.sub("", text).replace("</article>", f"{told}</article>", 1)
    if placed != text:
        index.write_text(placed, encoding="utf-8")
        os.utime(index, ns=(time.st_atime_ns, time.st_mtime_ns))


def pack(site: Path) -> Path:
    """Pack everything below the site into a zip that lies in it; the zip does not hold itself."""
    path = site / f"{STEM}.zip"
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_suffix(".part")
    place(site, without=".zip")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(site.rglob("*")):
            if file.is_file() and file not in (path, unfinished) and file.name != ".buildinfo":
                packed.write(file, Path("fitting-a-model") / file.relative_to(site))
    unfinished.replace(path)
    place(site)
    return path


def main() -> int:
    """Pack the site that was built."""
    if not (SITE / "index.html").is_file():
        print(f"There is no built site at {SITE}: make docs", file=sys.stderr)
        return 1
    path = pack(SITE)
    print(f"The site is packed, {path.stat().st_size / 1e6:.0f} MB: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
