"""The search coordinates of populations: every domain becomes one in which a typical draw has size 1."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lecturecode.domains import (
    Choice,
    Domain,
    Integers,
    Interval,
    LogInterval,
    Positive,
    Product,
    Real,
)
from lecturecode.domains.coordinates import Coordinates

MIXED = Choice("abc") * Interval(-3, 1) * Real(2.0) * Positive(0.01) * Choice("xy")

factors = st.one_of(
    st.integers(1, 6).map(lambda n: Choice(range(n))),
    st.tuples(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3)).map(lambda ab: Interval(ab[0], ab[0] + ab[1])),
    st.floats(1e-3, 1e3).map(Real),
    st.floats(1e-3, 1e3).map(Positive),
    st.tuples(st.integers(-100, 100), st.integers(0, 50)).map(lambda ab: Integers(ab[0], sum(ab))),
    st.tuples(st.floats(1e-9, 1e3), st.floats(1.01, 1e9)).map(
        lambda ab: LogInterval(ab[0], ab[0] * ab[1])
    ),
)
domains = st.lists(factors, min_size=1, max_size=5).map(lambda some: Product(*some))


def test_the_table_of_the_module():
    space = Coordinates(MIXED)
    low, high = np.full(5, -1.0), np.ones(5)
    np.testing.assert_allclose(space.theta(low), [0, -3, -2, 0.001, 0])
    np.testing.assert_allclose(space.theta(high), [2, 1, 2, 0.1, 1])
    np.testing.assert_allclose(space.theta(np.zeros(5))[1:4], [-1, 0, 0.01])


def test_bounds_are_those_of_the_table():
    space = Coordinates(MIXED)
    far = np.full((2, 5), 7.0) * [[1], [-1]]
    np.testing.assert_array_equal(space.inside(far), [[1, 1, 7, 7, 1], [-1, -1, -7, -7, -1]])
    np.testing.assert_array_equal(space.high, [1, 1, np.inf, np.inf, 1])
    np.testing.assert_array_equal(space.low, -space.high)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each_option_owns_an_equal_share_of_u(count):
    u = np.linspace(-1, 1, 10 * count, endpoint=False)[:, None] + 0.1 / count
    options, times = np.unique(Coordinates(Choice(range(count))).theta(u), return_counts=True)
    assert options.tolist() == list(range(count))
    assert set(times) == {10}


def test_integers_and_logarithms_in_the_table_of_the_module():
    space = Coordinates(Integers(-2, 5) * LogInterval(1e-4, 1.0) * Positive(3.0) * Interval(0, 1))
    u = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    theta = space.theta(np.repeat(u[:, None], 4, axis=1))
    assert theta[:, 0].tolist() == [-2, -0.0, 2, 4, 5]  # -2.5 + 4 (u + 1), rounded
    np.testing.assert_allclose(theta[:, 1], [1e-4, 1e-3, 1e-2, 1e-1, 1.0], rtol=1e-14)
    np.testing.assert_allclose(theta[:, 2], 3 * 10**u, rtol=1e-14)
    np.testing.assert_array_equal(space.high, [1, 1, np.inf, 1])
    np.testing.assert_allclose(space.half, [4, 2, 1, 0.5])


@pytest.mark.parametrize("low", [-3, 0, 4])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each_integer_owns_an_equal_share_of_u(low, count):
    u = np.linspace(-1, 1, 10 * count, endpoint=False)[:, None] + 0.1 / count
    numbers, times = np.unique(Coordinates(Integers(low, low + count - 1)).theta(u), return_counts=True)
    assert numbers.tolist() == list(range(low, low + count))
    assert set(times) == {10}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("decades", [1, 30])
def test_a_logarithmic_interval_is_reached_to_its_ends_and_left_nowhere(decades, dtype):
    domain = LogInterval(10.0**-decades, 10.0**decades)
    theta = Coordinates(domain, np.empty(0, dtype)).theta(np.array([[-9], [-1], [1], [9]], dtype))
    assert domain.contains(theta).all()
    np.testing.assert_allclose(np.log10(theta[:, 0]), decades * np.array([-1, -1, 1, 1]), rtol=1e-6)


@settings(max_examples=100, deadline=None)
@given(domains, st.data())
def test_theta_is_in_the_domain_wherever_u_is(domain, data):
    u = data.draw(arrays(float, (3, domain.size), elements=st.floats(-100, 100)))
    assert domain.contains(Coordinates(domain).theta(u)).all()


def test_draws_are_distributed_as_those_of_the_domain():
    space, rng = Coordinates(MIXED), np.random.default_rng(0)
    ours, theirs = space.theta(space.draw(20_000, rng)), MIXED.sample(20_000, rng=rng)
    for p in range(5):
        both = np.sort(np.concatenate([ours[:, p], theirs[:, p]]))
        steps = [np.searchsorted(np.sort(x[:, p]), both, side="right") / 20_000 for x in (ours, theirs)]
        assert np.abs(steps[0] - steps[1]).max() < 1.63 * (2 / 20_000) ** 0.5  # Kolmogorov-Smirnov, 1%


def test_a_draw_of_u_has_size_one():
    u = Coordinates(MIXED).draw(20_000, np.random.default_rng(0))
    np.testing.assert_allclose(u.std(axis=0), [3**-0.5, 3**-0.5, 1, 1, 3**-0.5], rtol=0.03)


def test_coordinates_that_are_all_alike_move_like_others():
    alike, other = Coordinates(Interval(-3, 1) ** 3), Coordinates(Interval(-3, 1) ** 3 * Real(1.0))
    u = np.linspace(-2, 2, 15).reshape(5, 3)
    wider = np.concatenate([u, u[:, :1]], axis=1)
    np.testing.assert_array_equal(alike.theta(u), other.theta(wider)[:, :3])
    np.testing.assert_array_equal(alike.inside(u), other.inside(wider)[:, :3])


@pytest.mark.parametrize("like", [np.empty(0, np.float32), torch.empty(0), torch.empty(0).double()])
def test_library_and_dtype_are_those_of_like(like):
    space = Coordinates(MIXED, like)
    u = space.draw(4, np.random.default_rng(0))
    for array in (u, space.inside(u), space.theta(u)):
        assert type(array) is type(like)
        assert array.dtype == like.dtype
        assert array.shape == (4, 5)
    expected = Coordinates(MIXED).theta(np.asarray(u, dtype=float))
    np.testing.assert_allclose(np.asarray(space.theta(u)), expected, rtol=1e-5, atol=1e-6)


def test_no_overflow_far_out():
    assert np.isfinite(Coordinates(Positive(1.0)).theta(np.array([1e6]))).all()
    small = Coordinates(Positive(1.0), np.empty(0, np.float32)).theta(np.array([1e6], np.float32))
    assert np.isfinite(small).all()


def test_what_cannot_be_searched_is_refused():
    with pytest.raises(TypeError, match=r"must be a Domain, such as .*; got list"):
        Coordinates([0, 1])
    with pytest.raises(ValueError, match=r"Real\(\) is unbounded and has no scale.*Real\(scale=1.0\)"):
        Coordinates(Interval(0, 1) * Real())
    with pytest.raises(ValueError, match=r"Positive\(scale=1.0\)"):
        Coordinates(Positive())

    class Circle(Domain):
        low = high = contains = project = sample = axes = None

    with pytest.raises(TypeError, match="got a Circle"):
        Coordinates(Circle())
