"""What the build says of cells that fail, and of numbers that a sentence tells wrongly."""

import importlib
import sys
from pathlib import Path

import pytest
from docutils import nodes

EXTENSIONS = Path(__file__).parents[1] / "docs" / "_ext"


@pytest.fixture
def failures(monkeypatch):
    monkeypatch.syspath_prepend(EXTENSIONS)
    yield importlib.import_module("failures")
    sys.modules.pop("failures")


@pytest.mark.parametrize("told", ["np.int64(100)", "np.float64(0.5)", "array([1, 2])", "tensor(1.)"])
def test_a_number_with_its_type_is_no_word_of_a_sentence(failures, told):
    pasted = nodes.inline("", told, classes=["pasted-text"])
    code = nodes.literal("", told)
    sentence = nodes.paragraph("", "", nodes.Text("There are "), pasted, nodes.Text(" of "), code)
    assert failures.told_with_type(sentence) == [told]
    pasted.replace_self(nodes.inline("", "100", classes=["pasted-text"]))
    assert failures.told_with_type(sentence) == []
