"""Chance comes from one argument, in the library, dtype and device asked for."""

import numpy as np
import pytest
import torch
from scipy import stats

from lecturecode.randomness import generator, normal, uniform

LIKES = [np.empty(0), np.empty(0, np.float32), torch.empty(0), torch.empty(0, dtype=torch.float64)]
likes = pytest.mark.parametrize("like", LIKES, ids=["f64", "f32", "torch32", "torch64"])
draws = pytest.mark.parametrize("draw", [uniform, normal])


@likes
@draws
def test_draws_have_shape_library_and_dtype_asked_for(draw, like):
    values = draw(0, (3, 4), like)
    assert tuple(values.shape) == (3, 4)
    assert type(values) is type(like)
    assert values.dtype == like.dtype


@draws
def test_one_seed_means_the_same_numbers_in_every_library(draw):
    first = draw(7, (50,), LIKES[0])
    for like in LIKES[1:]:
        np.testing.assert_allclose(np.asarray(draw(7, (50,), like)), first, rtol=1e-6)


@draws
def test_different_seeds_and_no_seed_differ(draw):
    like = np.empty(0)
    assert not np.array_equal(draw(0, (5,), like), draw(1, (5,), like))
    assert not np.array_equal(draw(None, (5,), like), draw(None, (5,), like))


@draws
def test_a_generator_moves_on_and_stays_the_callers(draw):
    rng = np.random.default_rng(0)
    assert generator(rng) is rng
    first, second = draw(rng, (5,), np.empty(0)), draw(rng, (5,), np.empty(0))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, draw(0, (5,), np.empty(0)))


@draws
def test_global_random_state_is_neither_read_nor_changed(draw):
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
    before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    draw(None, (5,), np.empty(0))
    draw(torch.Generator().manual_seed(0), (5,), torch.empty(0))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)


@pytest.mark.parametrize(
    "rng", [lambda: 0, lambda: torch.Generator().manual_seed(0)], ids=["numpy", "torch"]
)
def test_draws_follow_their_distributions(rng):
    like = torch.empty(0, dtype=torch.float64)
    assert stats.kstest(uniform(rng(), (5000,), like).numpy(), "uniform").pvalue > 1e-3
    assert stats.kstest(normal(rng(), (5000,), like).numpy(), "norm").pvalue > 1e-3


@pytest.mark.parametrize("rng", [np.random.RandomState(0), 1.5, "0", True])
def test_anything_else_is_refused(rng):
    with pytest.raises(TypeError, match=r"rng must be None, an int.*got .*default_rng\(0\)"):
        generator(rng)


@pytest.mark.parametrize("rng", [-1, np.int64(-3)])
def test_a_seed_is_not_negative(rng):
    with pytest.raises(ValueError, match=rf"rng must be an integer of at least 0; got {rng}\. Any such"):
        generator(rng)


@draws
def test_a_torch_generator_cannot_fill_numpy_arrays(draw):
    with pytest.raises(TypeError, match=r"torch\.Generator draws tensors.*like=torch\.empty\(0\)"):
        draw(torch.Generator(), (3,), np.empty(0))
