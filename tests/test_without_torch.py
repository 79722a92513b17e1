"""The NumPy part imports and runs where torch is absent; where torch is needed, a sentence says so."""

import ast
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lecturecode as lc

TESTS = Path(__file__).parent
RUNS = TESTS / "without_torch_runs.py"
# what an installation has and the Python of a page has not
HIDE = """
import runpy
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "cloudpickle", "loky", "scipy", "sklearn", "IPython"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def told_without_torch():
    """Return what the runs tell where those packages are hidden."""
    env = os.environ | {"PYTHONPATH": str(Path(lc.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", HIDE, str(RUNS)], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.partition("told ")[2])


@pytest.fixture(scope="module")
def told():
    return told_without_torch()


def test_every_module_but_pytorch_is_imported(told):
    package = Path(lc.__file__).parent
    files = [path.relative_to(package.parent).with_suffix("") for path in package.rglob("*.py")]
    names = {".".join(file.parts).removesuffix(".__init__") for file in files} - {"lecturecode"}
    assert set(told["modules"]) == {n for n in names if not n.startswith("lecturecode.pytorch")}


def test_every_method_runs(told):
    tree = ast.parse(RUNS.read_text(encoding="utf-8"))
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    functions = {name: getattr(lc, name) for name in lc.__all__ if inspect.isfunction(getattr(lc, name))}
    methods = {
        name for name, call in functions.items() if inspect.signature(call).return_annotation is lc.Trace
    }
    assert len(methods) > 15
    assert methods <= called
    assert told["runs"]["gradient_descent"] == pytest.approx([1.0, -2.0], abs=1e-6)
    assert told["runs"]["judged"] == [False, True]


def test_what_linear_algebra_cannot_answer_is_refused(told):
    refusals = told["refusals"]
    assert "singular" in refusals["normal_equations_of_equal_columns"]
    assert "singular" in refusals["normal_equations_of_too_few_rows"]
    assert "positive definite" in refusals["mixture_of_an_indefinite_covariance"]
    assert "positive definite" in refusals["triangle_of_an_indefinite_covariance"]
    assert "lost in rounding" in refusals["lasso_whose_rho_is_lost"]
    assert all(said.startswith("ValueError: ") for name, said in refusals.items() if name != "pytorch")


def test_a_sentence_says_what_is_missing(told):
    sentence = "lecturecode.pytorch needs torch: pip install torch"
    assert told["refusals"]["pytorch"] == f"ModuleNotFoundError: {sentence}"
    judge = "to judge this answer needs torch: pip install torch"
    assert told["refusals"]["judge_that_needs_torch"] == f"ValueError: {judge}"


def test_a_torch_that_lacks_something_itself_is_not_called_absent(tmp_path):
    (tmp_path / "torch.py").write_text("import something_that_torch_needs\n")
    env = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(lc.__file__).parents[1]}"}
    command = [sys.executable, "-c", "import lecturecode.pytorch"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert "No module named 'something_that_torch_needs'" in done.stderr
    assert "pip install torch" not in done.stderr


def test_a_browser_is_told_that_it_starts_no_processes(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    with pytest.raises(RuntimeError, match="leave workers out"):
        lc.pointwise(sum, workers=2)
