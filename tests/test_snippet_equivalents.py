"""PyTorch's own way to every algorithm of the book gives the answers that ours gives."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import lecturecode

SNIPPET = Path(__file__).parents[1] / "docs" / "chapters" / "snippets" / "equivalents.py"
spec = importlib.util.spec_from_file_location("equivalents", SNIPPET)
equivalents = importlib.util.module_from_spec(spec)
spec.loader.exec_module(equivalents)


@pytest.mark.parametrize("row", equivalents.ROWS, ids=lambda row: row[0])
def test_ours_and_pytorchs_answers_are_equal(row):
    algorithm, here, there, run = row
    ours, theirs = (np.asarray(side, dtype=float) for side in run())
    assert hasattr(lecturecode, here), f"{algorithm}: there is no {here}"
    assert there
    assert np.isfinite(ours).all()
    most = 1e-5 if here == "factorize" else 1e-9  # one side iterates until it hardly moves
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=most)
