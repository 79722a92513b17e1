"""The site as a zip, and links on the front page to what was made, and only to that."""

import os
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))
import editions

INDEX = "<body><article>Front</article></body>"


@pytest.fixture
def site(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "_downloads").mkdir()
    for name in ("index.html", "chapters/06_x.html"):
        (tmp_path / name).write_text(INDEX)
        os.utime(tmp_path / name, (1e9, 1e9))
    return tmp_path


def front(site):
    return (site / "index.html").read_text()


def test_the_front_page_names_what_was_made(site):
    editions.place(site)
    assert front(site) == INDEX
    made = site / "_downloads" / "fitting-a-model.pdf"
    made.write_bytes(b"x" * 2_000_000)
    editions.place(site)
    editions.place(site)
    assert front(site).count("fitting-a-model.pdf") == 1
    assert "(2 MB)" in front(site)
    assert "fitting-a-model.zip" not in front(site)
    made.unlink()
    editions.place(site)
    assert front(site) == INDEX


def test_an_edition_older_than_a_page_is_removed(site, capsys):
    made = site / "_downloads" / "fitting-a-model.pdf"
    made.write_bytes(b"x")
    os.utime(site / "chapters/06_x.html", (made.stat().st_mtime + 10,) * 2)
    editions.place(site)
    assert not made.exists()
    assert "make pdf" in capsys.readouterr().out
    assert front(site) == INDEX


def test_the_zip_holds_the_site_and_not_itself(site, tmp_path_factory):
    path = editions.pack(site)
    assert editions.pack(site) == path
    assert "fitting-a-model.zip" in front(site)
    with zipfile.ZipFile(path) as packed:
        names = packed.namelist()
        assert sorted(names) == ["fitting-a-model/chapters/06_x.html", "fitting-a-model/index.html"]
        assert "fitting-a-model.zip" not in packed.read("fitting-a-model/index.html").decode()
    assert not list(site.rglob("*.part"))
