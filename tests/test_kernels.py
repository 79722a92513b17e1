"""Whoever asks for a kernel gets it: what `make test-kernels` relies on."""

import os
import re
import sys

import kernels
import numpy as np
import pytest
import threadpoolctl


@pytest.mark.numeric
def test_the_kernel_and_the_threads_that_were_asked_for_are_those_that_run():
    asked = os.environ.get("OPENBLAS_CORETYPE", "")
    if asked not in kernels.KERNELS:
        pytest.skip("no kernel was asked for by OPENBLAS_CORETYPE")
    assert np.linalg.det(np.eye(3)) == 1, "OpenBLAS is loaded with NumPy"
    found = [one for one in threadpoolctl.threadpool_info() if one["internal_api"] == "openblas"]
    assert found, "a kernel was asked for, and there is no OpenBLAS"
    affinity = getattr(os, "sched_getaffinity", None)  # macOS and Windows have none
    processors = len(affinity(0)) if affinity else os.cpu_count()
    for one in found:
        assert one["architecture"] in kernels.KERNELS[asked], one["filepath"]
        threads = int(os.environ.get("OPENBLAS_NUM_THREADS", one["num_threads"]))
        assert one["num_threads"] == min(threads, processors)


def test_the_makefile_names_kernels_that_there_are():
    files = [kernels.ROOT / "Makefile", kernels.ROOT / ".ci" / "run"]
    for file in files:
        named = re.findall(r"KERNELS=([\w,:]+)", file.read_text())
        assert named, file
        assert all(set(kernels.listed(text)) <= set(kernels.KERNELS) for text in named)
    assert set(kernels.BOOK) <= set(kernels.KERNELS)


def test_a_kernel_is_run_once_left_out_where_it_cannot_run_and_wrong_where_it_is_another(
    monkeypatch, capsys
):
    answers = {
        "Prescott": "Katmai",
        "Sandybridge": "Haswell",
        "Haswell": "Haswell",
        "Zen": "Haswell",
        "SkylakeX": None,
    }
    monkeypatch.setattr(kernels, "kernel_of_numpy", answers.get)
    assert kernels.runnable(list(answers)) == (["Prescott", "Haswell"], ["Sandybridge"])
    assert capsys.readouterr().out.splitlines() == [
        "Sandybridge: asked for, but NumPy's OpenBLAS runs Haswell: FAILED",
        "Zen: NumPy's OpenBLAS takes Haswell's for it, which runs already",
        "SkylakeX: this processor cannot run it",
    ]


def test_one_run_that_fails_fails_the_whole_and_its_output_is_shown(capsys):
    good = ("", 1, [sys.executable, "-c", "print('2 passed')"])
    bad = ("Haswell", 2, [sys.executable, "-c", "print('why'); print('1 failed'); raise SystemExit(1)"])
    assert kernels.run_all([good])
    assert capsys.readouterr().out.splitlines()[-1].startswith("  passed  as it is, 1 thread: ")
    assert not kernels.run_all([bad, good])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["[1 of 2] Haswell, 2 threads ...", "why", "1 failed"]
    assert lines[-2].startswith("  FAILED  Haswell, 2 threads: ")
    assert lines[-2].endswith("1 failed")


def test_runs_stand_side_by_side_and_are_summed_up_in_order(tmp_path, capsys):
    wait = "import pathlib, sys, time\nmine, other = map(pathlib.Path, sys.argv[1:])\nmine.touch()\n"
    wait += "while not other.exists(): time.sleep(0.01)\nprint('met')"
    paths = [str(tmp_path / name) for name in ("one", "two")]
    command = [sys.executable, "-c", wait]
    jobs = [("Haswell", 2, [*command, *paths]), ("Prescott", 1, [*command, *paths[::-1]])]
    assert kernels.run_all(jobs, at_a_time=2)
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r"\d+ s", "_ s", line) for line in lines[-2:]] == [
        "  passed  Haswell, 2 threads: _ s, met",
        "  passed  Prescott, 1 thread: _ s, met",
    ]


def test_a_kernel_may_have_a_number_of_threads_of_its_own(monkeypatch):
    jobs = []
    asked = ["kernels.py", "--kernels", "Haswell:2,Prescott,Haswell:4", "--threads", "1,3"]
    monkeypatch.setattr(sys, "argv", asked)
    monkeypatch.setattr(kernels, "can_be_chosen", lambda: "")
    monkeypatch.setattr(kernels, "kernel_of_numpy", lambda asked: asked)
    monkeypatch.setattr(kernels, "run_all", lambda found, at_a_time: jobs.extend(found) or True)
    assert kernels.main() == 0
    assert [job[:2] for job in jobs] == [
        ("Haswell", 2), ("Haswell", 4), ("Prescott", 1), ("Prescott", 3),
    ]  # fmt: skip


def test_an_unknown_kernel_is_refused_with_the_list(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["kernels.py", "--kernels", "Haswell,Foo"])
    with pytest.raises(SystemExit) as end:
        kernels.main()
    assert end.value.code == 2
    assert "no kernel 'Foo'; there are Prescott, Sandybridge, Haswell" in capsys.readouterr().err


def test_without_openblas_everything_runs_once_as_it_is(monkeypatch, capsys):
    jobs = []
    monkeypatch.setattr(sys, "argv", ["kernels.py"])
    monkeypatch.setattr(kernels, "kernel_of_numpy", lambda asked="": "")
    monkeypatch.setattr(kernels, "run_all", lambda found, at_a_time: jobs.extend(found) or True)
    assert kernels.main() == 0
    assert [job[:2] for job in jobs] == [("", 1)]
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "everything runs once, as it is" in said
