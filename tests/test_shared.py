"""What several extensions of the site share: what is kept of pages, places that are filled later."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("sphinx", reason="building the book needs the extra docs")
from docutils import nodes

EXTENSIONS = Path(__file__).resolve().parents[1] / "docs" / "_ext"


@pytest.fixture
def shared(monkeypatch):
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    import shared

    yield shared
    sys.modules.pop("shared")


def test_what_is_kept_of_a_page_is_forgotten_with_it_and_merged_from_elsewhere(shared):
    told, env, other = shared.Kept("told"), SimpleNamespace(), SimpleNamespace()
    told.of(env)["a"], told.of(env)["b"] = 1, 2
    told.forget(None, env, "a")
    told.forget(None, env, "nowhere")
    told.of(other).update(a=3, c=4)
    told.merge(None, env, ["a"], other)
    assert told.of(env) == env.told == {"a": 3, "b": 2}
    assert shared.Kept("more").of(env) == {}


def test_a_place_is_filled_with_what_its_maker_returns(shared, monkeypatch):
    page, place = nodes.paragraph("", "before "), shared.later(kind="said")
    page += place
    made = lambda app, page, place: [nodes.Text(f"{app}, {page}"), nodes.Text(".")]  # noqa: E731
    monkeypatch.setitem(shared.MAKERS, "said", made)
    shared.fill("app", page, "index")
    assert page.astext() == "before app, index."


def test_pages_with_places_are_written_again_as_long_as_they_are_there(shared):
    env = SimpleNamespace(found_docs={"index", "map"})
    shared.FILLED.of(env).update(dict.fromkeys(["map", "gone", "index"], True))
    assert shared.filled(None, env) == ["index", "map"]


def test_json_in_a_page_ends_no_script(shared):
    data = {"code": "print('</script><!--')", "letter": "ε"}
    written = shared.as_json(data)
    assert "<" not in written
    assert "ε" in written
    assert json.loads(written) == data


def test_a_title_has_its_number_or_letter(shared):
    titles = {name: nodes.title("", name) for name in ("One", "Two")}
    env = SimpleNamespace(toc_secnumbers={"One": {"": (6,)}}, titles=titles)
    assert [shared.title(env, name) for name in titles] == ["6 One", "Two"]


def test_a_percent_sign_stands_apart_from_its_number_and_on_its_line(shared):
    (line,) = shared.words("37 % of 5% in `f(%)` and $5\\%$")
    assert line.astext() == "37\N{NO-BREAK SPACE}% of 5\N{NO-BREAK SPACE}% in f(%) and 5\\%"


def test_every_helper_is_used_by_two_extensions_or_more(shared):
    """What one extension needs stands there."""
    texts = {path.stem: path.read_text() for path in EXTENSIONS.glob("*.py") if path.stem != "shared"}
    for name in ("table", "words", "title", "link", "as_json", "load_where",
                 "Kept", "fill_later", "BOOK"):  # fmt: skip
        assert hasattr(shared, name)
        users = [stem for stem, text in texts.items() if name in imported(text)]
        assert len(users) >= 2, f"{name} is used by {users} only"


def imported(text):
    """Return the names that an extension takes from the shared ones."""
    line = next((line for line in text.splitlines() if line.startswith("from shared import")), "")
    return [name.strip() for name in line.partition(" import ")[2].split(",")]
