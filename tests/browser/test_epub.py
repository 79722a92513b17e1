"""The book as an EPUB: its MathML, pictures and links, and what epubcheck says where there is one."""

import base64
import io
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import SITE
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
import epub
import pdf

pytestmark = pytest.mark.browser

PAGES = ["appendices/a_test_functions.html", "chapters/06_gradient_descent.html", "glossary.html"]
XHTML, MATH = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/1998/Math/MathML}"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    if wrong := pdf.missing(SITE):
        pytest.fail(wrong)
    path = tmp_path_factory.mktemp("book") / "book.epub"
    with ThreadPoolExecutor(1) as other:  # a thread that has a browser open already cannot start one
        assert other.submit(epub.make, SITE, path, PAGES).result() == len(PAGES)
    return path


@pytest.fixture(scope="module")
def pages(path):
    with zipfile.ZipFile(path) as packed:
        assert packed.namelist()[0] == "mimetype"
        names = [name for name in packed.namelist() if name.endswith(".xhtml")]
        return {name.removeprefix("book/"): ET.fromstring(packed.read(name)) for name in names}


def test_formulas_are_mathml(pages):
    for name in ("00.xhtml", "01.xhtml"):
        assert len(pages[name].findall(f".//{MATH}math")) > 20
        text = "".join(pages[name].itertext())
        assert "\\(" not in text
        assert "\\[" not in text
    assert pages["01.xhtml"].find(f".//{MATH}math[@display='block']") is not None


def test_links_find_their_places_and_pictures_are_there(path, pages):
    with zipfile.ZipFile(path) as packed:
        names = set(packed.namelist())
    across = 0
    for name, page in pages.items():
        for picture in page.iter(f"{XHTML}img"):
            assert f"book/{picture.get('src')}" in names
            assert picture.get("alt")
        for link in page.iter(f"{XHTML}a"):
            target, _, anchor = (link.get("href") or "").partition("#")
            if ":" in target or not target:
                assert not target.startswith("file:")
                continue
            across += target != name
            assert not anchor or pages[target].find(f".//*[@id='{anchor}']") is not None
    assert across > len(PAGES)


def test_an_animation_is_a_picture_that_every_reader_of_books_knows(tmp_path):
    drawn = io.BytesIO()
    Image.new("RGB", (3, 2), "navy").save(drawn, "WEBP", lossless=True)
    data = base64.b64encode(drawn.getvalue()).decode()
    book = epub.Epub(tmp_path, [], [])
    name = book.image(re.match(r'src="([^"]*)"', f'src="data:image/webp;base64,{data}"'))[5:-1]
    assert name.endswith(".png")
    with Image.open(io.BytesIO(book.files[name])) as picture:
        assert (picture.format, picture.size, picture.getpixel((0, 0))) == ("PNG", (3, 2), (0, 0, 128))


def test_nothing_is_left_for_the_hand(pages):
    for page in pages.values():
        assert not [node.tag for tag in ("button", "input", "script") for node in page.iter(XHTML + tag)]


def test_epubcheck_finds_nothing(path):
    checker = shutil.which("epubcheck")
    if checker is None or shutil.which("java") is None:
        pytest.skip("no epubcheck here; on Debian or Ubuntu: apt install epubcheck")
    packed = zipfile.is_zipfile(checker)  # Debian's is a jar, which not every system starts
    command = ["java", "-jar", checker] if packed else [checker]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
