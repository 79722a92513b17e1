"""Laws on data that are drawn, in memory that is drawn: whose arrays they are, their dtype, the state.

Hypothesis draws the numbers and how they lie in memory, and each public method of the law of units runs
on them, in NumPy and in PyTorch, in float32 and in float64. Whatever they are,

- aliasing: the arguments stay as they were, and no part of an answer lies in their memory;
- dtype: an answer is of the library and of the dtype of the arguments;
- state: generators, modes and settings of the caller stay as they are, and change no bit of an answer.
"""

from typing import Any

import numpy as np
import pytest
import test_units_law
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_aliasing_and_state_laws import frozen, parts, settings_of_a_caller
from test_units_law import CASES, KINDS, LAWS, Kind

pytestmark = pytest.mark.numeric


def plain(array: np.ndarray) -> np.ndarray:
    return array


def by_columns(array: np.ndarray) -> np.ndarray:
    return np.asfortranarray(array)


def every_second(array: np.ndarray) -> np.ndarray:
    wider = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan, array.dtype)
    wider[..., ::2] = array
    return wider[..., ::2]


def backwards(array: np.ndarray) -> np.ndarray:
    return array[::-1].copy()[::-1]


def to_be_read(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.setflags(write=False)
    return array


LAYOUTS = {
    "numpy": [plain, by_columns, every_second, backwards, to_be_read],
    "torch": [plain, by_columns, every_second],  # it has no others
}


VIEWS = {"factors"}
"""What returns its argument in another shape, as its docstring says."""


class Drawn:
    """Makes arrays of a kind in one layout, and remembers them."""

    def __init__(self, kind: Kind, layout: Any) -> None:
        self.kind, self.layout, self.made = kind, layout, []
        self.library, self.dtype = kind

    def __call__(self, x: Any, k: int = 0) -> Any:
        laid = self.layout(np.array(Kind("numpy", self.dtype)(x, k), ndmin=1))
        array = laid if self.library == "numpy" else torch.from_numpy(laid)
        self.made.append((array, frozen(array)))
        return array


def data(seed: int) -> dict[str, np.ndarray]:
    """Other numbers for the names that the runs look at."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((12, 3))
    return {
        "X": rng.standard_normal((40, 2)) + np.repeat([[0.0, 0.0], [6.0, 1.0]], 20, axis=0),
        "W": W,
        "Y": W @ np.array([1.0, -0.5, 2.0]) + 0.1 * rng.standard_normal(12),
        "LOW_RANK": rng.standard_normal((6, 2)) @ rng.standard_normal((2, 5)) + rng.random((6, 5)) / 10,
        "THETA": rng.uniform(-2, 2, 2),
    }


def memory(array: Any) -> np.ndarray:
    return array.detach().numpy() if isinstance(array, torch.Tensor) else array


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.library}-{kind.dtype}")
@pytest.mark.parametrize(("name", "of"), CASES)
def test_whatever_the_data_and_however_they_lie_in_memory(name, of, kind):
    run = LAWS[name][of].run

    @given(st.integers(0, 10_000), st.sampled_from(LAYOUTS[kind.library]))
    @settings(max_examples=3, deadline=None, database=None)
    def on_drawn_data(seed, layout):
        with pytest.MonkeyPatch.context() as patch:
            for letter, array in data(seed).items():
                patch.setattr(test_units_law, letter, array)
            lib = Drawn(kind, layout)
            answer = {part: value for part, (value, _) in run(lib, 0).items()}
            bits = frozen(answer)
            for array, before in lib.made:
                assert frozen(array) == before
                for part, value in parts(answer):
                    if isinstance(value, np.ndarray | torch.Tensor) and name not in VIEWS:
                        assert not np.shares_memory(memory(array), memory(value)), part
            for part, value in parts(answer):
                if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                    assert (lib.library, lib.dtype) == ("numpy", str(value.dtype)), part
                elif isinstance(value, torch.Tensor) and value.is_floating_point():
                    assert f"torch.{lib.dtype}" == str(value.dtype), part
            with settings_of_a_caller(torch.no_grad):
                again = {part: value for part, (value, _) in run(Drawn(kind, layout), 0).items()}
            assert frozen(again) == bits

    on_drawn_data()
