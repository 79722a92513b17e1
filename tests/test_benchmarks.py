"""The benchmark harness: it measures what it says, and refuses a fast wrong answer."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HARNESS = Path(__file__).parent / "benchmarks"


@pytest.fixture
def harness(monkeypatch):
    monkeypatch.syspath_prepend(str(HARNESS))
    import run

    yield run
    cases = (
        "alternating_cases",
        "ant_cases",
        "graph_cases",
        "network_cases",
        "population_cases",
        "torch_cases",
    )
    for name in ("run", "cases", "contest", *cases):
        sys.modules.pop(name)


@pytest.mark.slow
def test_a_short_run_writes_a_complete_record(tmp_path):
    out = tmp_path / "record.json"
    options = ["--rounds", "1", "--threads", "1", "--case", "gradient_descent", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, str(HARNESS / "run.py"), *options], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(out.read_text())
    assert {"cpu", "system", "python", "packages"} <= set(record["machine"])
    (case,) = record["cases"]
    assert case["runs"]["1"]["rounds"] == 1
    assert case["runs"]["1"]["others"] is None or 0 <= case["runs"]["1"]["others"] <= 1
    ours, *theirs = case["rows"]
    assert ours["ratios"] == {"1": [1.0, 1.0, 1.0]}
    assert len(theirs) == 2
    assert all(row["ratios"]["1"][0] > 0 and row["digits"] >= 8 for row in case["rows"])
    assert "gradient_descent" in done.stdout


def test_a_wrong_answer_is_an_error(harness):
    case = harness.CASES["contour_grid"]
    right = np.ones((2, 2))
    assert harness.compare(case, {"ours": right, "theirs": right}) == {"ours": 0.0, "theirs": 0.0}
    with pytest.raises(ValueError, match="theirs is off by"):
        harness.compare(case, {"ours": right, "theirs": right + 1e-3})
    with pytest.raises(ValueError, match="theirs is off by"):
        harness.compare(case, {"ours": right, "theirs": right * np.nan})


def test_the_reference_of_the_tall_problem_is_more_exact_than_double(harness):
    case = harness.CASES["least_squares"]
    problem = case.problem()
    problem = {"W": problem["W"][:500, :20], "y": problem["y"][:500]}
    theta = case.reference(problem)
    W, y = (problem[key].astype(np.longdouble) for key in ("W", "y"))
    slope = np.abs(W.T @ (y - W @ theta)).max()
    theirs = np.linalg.lstsq(problem["W"], problem["y"])[0].astype(np.longdouble)
    assert slope < 1e-2 * np.abs(W.T @ (y - W @ theirs)).max()


def test_a_result_better_than_the_best_there_is_is_an_error(harness):
    from contest import Case

    case = Case("t", "run", dict, {}, "g", seeds=3, best=lambda problem: 2.0)
    found = harness.results(case, {"ours": np.array([2.0, 5.0, 3.0])})
    assert found == {"ours": 0.5}
    with pytest.raises(ValueError, match=r"theirs found 1\.9"):
        harness.results(case, {"theirs": np.array([1.9, 2.0, 2.0])})
    with pytest.raises(ValueError, match="theirs found nan"):
        harness.results(case, {"theirs": np.array([np.nan, 2.0, 2.0])})


def case_of(key, threads, *ratios):
    rows = [{"name": name, "ratios": {threads: list(ratios)}} for name in ("ours", "theirs")]
    return {"key": key, "runs": {threads: {"rounds": 3}}, "rows": rows}


def test_new_cases_take_the_place_of_old_ones_of_the_same_machine_only(harness, tmp_path):
    file, machine = tmp_path / "record.json", {"cpu": "a"}
    grid, tall = case_of("contour_grid", "1", 1.0), case_of("least_squares", "1", 1.0)
    file.write_text(json.dumps({"machine": machine, "cases": [grid, tall]}))
    new = {"machine": machine, "cases": [case_of("contour_grid", "1", 2.0)]}
    assert harness.merge(file, new)["cases"] == [tall, new["cases"][0]]
    elsewhere = {"machine": {"cpu": "b"}, "cases": new["cases"]}
    assert harness.merge(file, elsewhere) == elsewhere


def test_a_case_keeps_what_was_measured_with_another_number_of_threads(harness, tmp_path):
    file, machine = tmp_path / "record.json", {"cpu": "a"}
    file.write_text(json.dumps({"machine": machine, "cases": [case_of("contour_grid", "1", 1.0)]}))
    new = {"machine": machine, "cases": [case_of("contour_grid", "2", 2.0)]}
    (merged,) = harness.merge(file, new)["cases"]
    assert list(merged["runs"]) == ["1", "2"]
    assert [row["ratios"] for row in merged["rows"]] == [{"1": [1.0], "2": [2.0]}] * 2
    other = case_of("contour_grid", "2", 2.0)
    other["rows"].pop()  # other peers: what was measured before is of no use
    assert harness.merge(file, {"machine": machine, "cases": [other]})["cases"] == [other]


def test_a_row_is_the_median_of_the_ratios_of_rounds_with_its_quartiles(harness):
    ours, theirs = [1.0, 2.0, 30.0, 4.0, 5.0], [1.0, 1.0, 10.0, 1.0, 1.0]
    assert harness.spread(ours, theirs) == [2.0, 3.0, 4.0]  # of the ratios 1, 2, 3, 4, 5
    assert harness.answered([0.2, 0.3, 0.4], 0.4) == "met"
    assert harness.answered([0.2, 0.3, 0.5], 0.4) == "OPEN"
    assert harness.answered([0.4, 0.5, 0.6], 0.4) == "OPEN"
    assert harness.answered([0.5, 0.5, 0.6], 0.4) == "MISSED"


def test_the_share_of_others_counts_what_the_machine_did_and_not_what_we_did(harness, monkeypatch):
    moments = iter([(10.0, 100.0, 4.0), (22.0, 120.0, 7.0)])  # busy, whole, own
    monkeypatch.setattr(harness.Others, "_moment", staticmethod(lambda: next(moments)))
    assert harness.Others().share() == (12 - 3) / 20


def test_the_page_says_where_quartiles_hide_who_is_faster(monkeypatch):
    monkeypatch.syspath_prepend(str(HARNESS.parents[1] / "docs" / "_ext"))
    import benchmarks

    assert [benchmarks.compared(q) for q in ([0.8, 0.9, 0.99], [0.8, 0.9, 1.0], [1.1, 1.2, 1.3])] == [
        "faster", "undecided", "slower",
    ]  # fmt: skip
    row = {"ratios": {"1": [0.914, 1.02, 1.131]}}
    assert benchmarks.ratio(row, "1") == "1.02 (0.91 to 1.13), undecided"
    assert benchmarks.ratio(row, "2") == "not measured"
    assert benchmarks.ratio({"ratios": {"2": [None, 0.7, None]}}, "2") == "0.70, spread not kept"

    def record(others):
        return {"cases": [{"runs": {"1": {"others": others}}}]}

    assert benchmarks.load(record(0.02)) == benchmarks.load(record(None)) == ""
    assert "other programs took up to 80% of it" in benchmarks.load(record(0.8))
    assert "For 1 of 1 cases it was too busy" in benchmarks.load(record(0.8))


def on_cuda(*options):
    return subprocess.run(
        [sys.executable, str(HARNESS / "on_cuda.py"), *options],
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_the_benchmark_of_the_device_runs_on_the_cpu_and_writes_a_complete_record(tmp_path):
    out = tmp_path / "record.json"
    done = on_cuda("--device", "cpu", "--out", str(out))
    assert done.returncode == 0, done.stderr
    record = json.loads(out.read_text())
    assert {"device", "cuda", "torch", "numpy", "python", "date", "tf32"} <= set(record["machine"])
    assert [row["batch"] for row in record["training"]] == [1, 16, 64]
    for row in record["training"]:
        assert min(row[way] for way in ("plain", "train", "fast")) > 0
        assert max(row["train distance"], row["fast distance"]) < 1e-4
    assert {row["method"] for row in record["methods"]} == {"kmeans", "particle_swarm", "backprop"}


@pytest.mark.slow
def test_without_a_device_nothing_is_measured_and_no_record_is_touched(tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    out = tmp_path / "record.json"
    out.write_text("kept")
    done = on_cuda("--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "nothing was measured, and record.json is as it was: cuda was asked for" in done.stdout
    assert out.read_text() == "kept"
    assert on_cuda("--device", "cpu").returncode != 0
