"""Ours and the references agree to what mathematics allows, and the site shows these very cases."""

import json
import re
import sys
from pathlib import Path

import pytest
from peers import CASES, DETAILS, RECORD, RECORDED, ROOT, difference, line_of, line_of_ours, package_of

import lecturecode
from lecturecode.population.cmaes import constants

pytestmark = pytest.mark.numeric
HERE = [each for each in CASES if each.library not in RECORDED]
THERE = [each for each in CASES if each.library in RECORDED]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_ours_and_the_reference_differ_by_no_more_than_they_may(case):
    pytest.importorskip({"scikit-learn": "sklearn"}.get(case.library, case.library))
    found, bound = case.measured()
    assert found <= bound


@pytest.mark.parametrize("case", HERE, ids=lambda case: case.key)
def test_a_bound_is_tight_enough_to_tell_right_from_wrong(case):
    """One wrong digit in the sixth place would be seen."""
    assert case.measured()[1] < 1e-6


def test_the_measure_sees_a_wrong_entry():
    assert difference([[1.0, 2.0]], [[1.0, 2.0]]) == difference([0.0], [0.0]) == 0.0
    assert difference([1.0, 2.0, 4.5], [1.0, 2.0, 4.0]) == 0.125
    with pytest.raises(ValueError, match="shapes"):
        difference([1.0], [1.0, 1.0])


def test_the_record_has_the_cases_and_the_lines_of_today():
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert list(record["cases"]) == [case.key for case in THERE]
    assert all(row["difference"] <= row["bound"] < 1e-6 for row in record["cases"].values())
    assert set(record["lines"]) == {
        f"{d['theirs']}: {d['their_line']}" for d in DETAILS if d["theirs"].startswith("cma/")
    }
    pinned = re.findall(r"^cma==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned == [record["versions"]["cma"]]


@pytest.mark.parametrize("detail", DETAILS, ids=lambda d: f"{d['method']}: {d['what'][:40]}")
def test_the_lines_of_a_detail_stand_where_the_page_says(detail):
    assert hasattr(lecturecode, detail["method"])
    assert line_of_ours(detail) > 0
    file, text = detail["theirs"], detail["their_line"]
    package = package_of(file)
    if package is None:
        assert file.partition("/")[0] in RECORDED
    else:
        assert line_of(package.parent / file, text) > 0


def test_a_line_that_is_gone_is_an_error(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\ny = 2\n")
    assert line_of(tmp_path / "a.py", "y = 2") == 2
    with pytest.raises(LookupError, match=r"a\.py has no line with 'z'"):
        line_of(tmp_path / "a.py", "z")


def test_pycmas_memory_of_the_path_is_the_one_that_the_page_tells():
    cma = pytest.importorskip("cma")
    peer = cma.CMAEvolutionStrategy([0.0] * 5, 1.0, {"popsize": 8, "verbose": -9})
    ours, mu = constants(5, 8), peer.sp.weights.mueff
    peer.ask()
    assert ours.c_sigma == pytest.approx((mu + 2) / (5 + mu + 5), rel=1e-14)
    assert peer.adapt_sigma.cs == pytest.approx((mu + 2) / (5 + mu + 3), rel=1e-14)
    assert peer.adapt_sigma.damps - peer.adapt_sigma.cs == pytest.approx(ours.d_sigma - ours.c_sigma)


# --- the page --------------------------------------------------------------------------------------


@pytest.fixture
def beside(monkeypatch):
    pytest.importorskip("sphinx", reason="building the book needs the extra docs")
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    import beside

    yield beside
    sys.modules.pop("beside")


def test_a_row_shows_what_was_measured_and_complains_beyond_the_bound(beside):
    case = next(each for each in HERE if each.ours == "backprop")
    assert beside.short(0.0) == "0"
    assert beside.short(3.4e-15) == "3e\N{NON-BREAKING HYPHEN}15"
    row, wrong = beside.row(case, 0.0, 0.0)
    assert [" ".join(node.astext() for node in cell) for cell in row][3:] == [
        "0", "0: whole numbers are not rounded"
    ]  # fmt: skip
    assert wrong == ""
    assert "more than" in beside.row(case, 1e-16, 0.0)[1]


def test_the_page_has_every_method_with_details():
    page = (ROOT / "docs" / "peers.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```\{peer-details\} (\w+)$", page, re.MULTILINE)
    assert shown == list(dict.fromkeys(detail["method"] for detail in DETAILS))
    assert "```{peers}" in page


def test_the_search_finds_the_page():
    words = (Path(ROOT) / "docs" / "peers.md").read_text(encoding="utf-8").lower()
    assert all(name in words for name in ("reference", "scikit-learn", "pycma", "scipy", "pytorch"))
