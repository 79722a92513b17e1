"""Theta: membership, the nearest point, draws and grids, for every kind and for mixtures."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lecturecode
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

MIXED = Choice(["tanh", "relu", "sigmoid"]) * Real(1.0) ** 3 * Interval(-1, 0.5) * Positive(2.0)
DOMAINS = {
    "choice": Choice(["a", "b", "c"]),
    "one option": Choice([None]),
    "integers": Integers(-2, 5),
    "two integers": Integers(0, 1),
    "log interval": LogInterval(1e-4, 10.0),
    "narrow log interval": LogInterval(0.1, 0.1 + 1e-6),
    "interval": Interval(-0.3, 0.7),
    "narrow interval": Interval(0.1, 0.1 + 1e-6),
    "real": Real(2.0),
    "positive": Positive(0.5),
    "box": Interval(-5, 5) ** 2,
    "mixed": MIXED,
    "all kinds": MIXED * Integers(3, 40) * LogInterval(1e-3, 7.0),
}
every_domain = pytest.mark.parametrize("name", DOMAINS)
LIKES = pytest.mark.parametrize(
    "like",
    [None, np.empty(0, np.float32), torch.empty(0), torch.empty(0, dtype=torch.float64)],
    ids=["default", "float32", "torch32", "torch64"],
)


@every_domain
@LIKES
def test_samples_lie_in_the_domain_and_are_of_the_kind_asked_for(name, like):
    domain = DOMAINS[name]
    draws = domain.sample(500, rng=0, like=like)
    assert tuple(draws.shape) == (500, domain.size)
    assert bool(domain.contains(draws).all())
    expected = np.empty(0) if like is None else like
    assert type(draws) is type(expected)
    assert draws.dtype == expected.dtype


@every_domain
@LIKES
def test_the_same_seed_draws_the_same(name, like):
    domain = DOMAINS[name]
    first = np.asarray(domain.sample(20, rng=3, like=like))
    np.testing.assert_array_equal(first, np.asarray(domain.sample(20, rng=3, like=like)))
    generator = np.random.default_rng(3)
    np.testing.assert_array_equal(first, np.asarray(domain.sample(20, rng=generator, like=like)))
    if name != "one option":
        again = np.asarray(domain.sample(20, rng=generator, like=like))
        assert not np.array_equal(first, again), "a generator moves on"


@every_domain
def test_arrays_and_tensors_draw_the_same_numbers_from_one_seed(name):
    domain = DOMAINS[name]
    ours = domain.sample(20, rng=5)
    theirs = domain.sample(20, rng=5, like=torch.empty(0, dtype=torch.float64))
    np.testing.assert_allclose(theirs.numpy(), ours, rtol=1e-14)


@every_domain
def test_a_torch_generator_draws_tensors(name):
    domain, like = DOMAINS[name], torch.empty(0, dtype=torch.float64)
    first = domain.sample(50, rng=torch.Generator().manual_seed(1), like=like)
    second = domain.sample(50, rng=torch.Generator().manual_seed(1), like=like)
    assert torch.equal(first, second)
    assert first.dtype == torch.float64
    assert bool(domain.contains(first).all())


def test_coordinates_of_a_product_are_drawn_independently():
    draws = (Interval(0, 1) ** 3).sample(20_000, rng=0)
    correlation = np.corrcoef(draws.T)
    assert np.abs(correlation - np.eye(3)).max() < 4 / math.sqrt(20_000)


def test_statistics_of_the_draws():
    """Means within four standard errors of what the documentation states."""
    n = 40_000
    draws = (Choice("abcd") * Interval(2, 6) * Real(3.0) * Positive(0.5)).sample(n, rng=0)
    counts = np.bincount(draws[:, 0].astype(int), minlength=4)
    assert np.abs(counts / n - 0.25).max() < 4 * math.sqrt(0.25 * 0.75 / n)
    assert abs(draws[:, 1].mean() - 4) < 4 * 4 / math.sqrt(12 * n)
    assert draws[:, 1].var() == pytest.approx(16 / 12, rel=0.03)
    assert abs(draws[:, 2].mean()) < 4 * 3 / math.sqrt(n)
    assert draws[:, 2].std() == pytest.approx(3.0, rel=0.02)
    decades = np.log10(LogInterval(0.01, 100).sample(n, rng=1)[:, 0])
    assert abs(decades.mean()) < 4 * 4 / math.sqrt(12 * n)
    assert decades.var() == pytest.approx(16 / 12, rel=0.03)
    counts = np.bincount(Integers(0, 3).sample(n, rng=2)[:, 0].astype(int), minlength=4)
    assert np.abs(counts / n - 0.25).max() < 4 * math.sqrt(0.25 * 0.75 / n)
    decades = np.log10(draws[:, 3])
    assert abs(decades.mean() - math.log10(0.5)) < 4 / math.sqrt(n)
    assert decades.std() == pytest.approx(1.0, rel=0.02)


# --- contains and project -------------------------------------------------------------------------

MEMBERS = [
    (Choice("ab"), [0.0, 1.0], [-1.0, 2.0, 0.5, np.nan, np.inf]),
    (Interval(-1, 2), [-1.0, 0.0, 2.0], [-1.0001, 2.0001, np.nan, np.inf]),
    (Real(), [-1e30, 0.0, 5.0], [np.nan, np.inf, -np.inf]),
    (Positive(), [0.0, 1e-30, 1e30], [-1e-30, np.nan, np.inf]),
    (Integers(-1, 2), [-1.0, 0.0, 2.0], [-2.0, 3.0, 0.5, np.nan, np.inf, -np.inf]),
    (LogInterval(0.5, 8), [0.5, 1.0, 8.0], [0.0, -1.0, 0.4999, 8.0001, np.nan, np.inf]),
]


@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor, list], ids=["numpy", "torch", "list"])
@pytest.mark.parametrize(("domain", "inside", "outside"), MEMBERS)
def test_contains_tells_members_from_others(domain, inside, outside, library):
    for values, verdict in ((inside, True), (outside, False)):
        for value in values:
            assert bool(domain.contains(library([value]))) is verdict


def test_the_ends_of_an_interval_belong_to_it_in_float32_too():
    domain = Interval(0.1, 0.3)
    ends = np.array([[0.1], [0.3]], np.float32)
    assert domain.contains(ends).all()
    assert bool(domain.contains(torch.from_numpy(ends)).all())


def test_a_point_of_a_product_must_lie_in_every_factor():
    good = np.array([2.0, 5.0, -5.0, 0.0, 0.5, 3.0])
    assert MIXED.contains(good)
    for p, bad in [(0, 0.5), (0, 3.0), (1, np.nan), (4, 0.6), (5, -0.1)]:
        theta = good.copy()
        theta[p] = bad
        assert not MIXED.contains(theta)


@every_domain
@pytest.mark.parametrize("lead", [(), (4,), (2, 3), (0,)])
def test_batches_of_points_are_answered_one_by_one(name, lead):
    domain = DOMAINS[name]
    theta = np.random.default_rng(0).uniform(-2, 4, (*lead, domain.size))
    inside, moved = domain.contains(theta), domain.project(theta)
    assert inside.shape == lead
    assert moved.shape == theta.shape
    for index in np.ndindex(*lead):
        assert inside[index] == domain.contains(theta[index])
        np.testing.assert_array_equal(moved[index], domain.project(theta[index]))


@pytest.mark.parametrize(
    ("domain", "theta", "nearest"),
    [
        (Choice("abc"), 1.4, 1.0), (Choice("abc"), 1.6, 2.0), (Choice("abc"), -3.0, 0.0),
        (Choice("abc"), 2.9, 2.0), (Interval(-1, 2), 5.0, 2.0), (Interval(-1, 2), -5.0, -1.0),
        (Interval(-1, 2), 0.25, 0.25), (Real(), -7.5, -7.5),
        (Positive(), -2.0, 0.0), (Positive(), 3.0, 3.0),
        (Integers(-1, 3), 1.4, 1.0), (Integers(-1, 3), 1.6, 2.0), (Integers(-1, 3), -9.0, -1.0),
        (Integers(-1, 3), 9.0, 3.0), (LogInterval(0.5, 8), 0.1, 0.5), (LogInterval(0.5, 8), 9.0, 8.0),
        (LogInterval(0.5, 8), 3.0, 3.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_project_moves_to_the_nearest_point(domain, theta, nearest, library):
    assert domain.project(library([theta])).tolist() == [nearest]


@pytest.mark.parametrize("domain", [Choice("ab"), Integers(0, 2), Interval(0, 1), Real(), Positive()])
@pytest.mark.parametrize("theta", [0.5, [], np.ones(2), np.empty((3, 0))], ids=str)
def test_project_refuses_what_are_no_points(domain, theta):
    with pytest.raises(ValueError, match=r"one coordinate; theta must have shape \(\.\.\., 1\), got \("):
        domain.project(theta)


def test_project_takes_numbers_in_any_byte_order():
    for domain in (Integers(0, 2), Interval(0, 1), LogInterval(0.5, 1), Positive(), Choice("ab")):
        given_theta = np.array([[9.0], [0.7]])
        expected = domain.project(given_theta)
        np.testing.assert_array_equal(domain.project(given_theta.astype(">f8")), expected)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=6, max_size=6), st.integers(0, 10**6))
def test_a_projection_is_inside_stays_and_beats_every_other_member(values, seed):
    theta = np.array(values)
    moved = MIXED.project(theta)
    assert MIXED.contains(moved)
    np.testing.assert_array_equal(MIXED.project(moved), moved)
    others = MIXED.sample(50, rng=seed)
    assert np.linalg.norm(moved - theta) <= np.linalg.norm(others - theta, axis=1).min() + 1e-9


@every_domain
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_project_keeps_library_dtype_and_argument(name, dtype):
    domain = DOMAINS[name]
    theta = np.full((3, domain.size), 9.0, dtype)
    for library in (np.asarray, torch.from_numpy):
        given_theta = library(theta)
        moved = domain.project(given_theta)
        assert type(moved) is type(given_theta)
        assert moved.dtype == given_theta.dtype
        assert (np.asarray(given_theta) == 9.0).all()


def test_ends_that_are_numpy_scalars_leave_float32_alone():
    domain = Interval(np.float64(0.1), np.float64(0.9)) ** 2
    assert domain.project(np.ones((3, 2), np.float32)).dtype == np.float32
    assert domain.sample(3, rng=0, like=np.empty(0, np.float32)).dtype == np.float32


# --- grids, bounds, decoding ----------------------------------------------------------------------


@every_domain
@pytest.mark.parametrize("points", [1, 2, 5])
def test_grid_values_lie_in_the_domain(name, points):
    domain = DOMAINS[name]
    axes = domain.axes(points)
    assert len(axes) == domain.size
    grid = np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=-1)
    assert domain.contains(grid).all()


def test_grids_of_each_kind():
    assert Choice("abc").axes(99)[0].tolist() == [0.0, 1.0, 2.0]
    assert Interval(-1, 1).axes(5)[0].tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert Real(2.0).axes(3)[0].tolist() == [-2.0, 0.0, 2.0]
    np.testing.assert_allclose(Positive(3.0).axes(3)[0], [0.03, 3.0, 300.0])
    np.testing.assert_allclose(LogInterval(0.1, 10).axes(5)[0], 10 ** np.linspace(-1, 1, 5), rtol=1e-15)
    assert Integers(0, 8).axes(5)[0].tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert Integers(-1, 2).axes(99)[0].tolist() == [-1.0, 0.0, 1.0, 2.0]


@given(st.integers(-(10**6), 10**6), st.integers(0, 500), st.integers(1, 40))
def test_the_grid_of_integers_is_even_and_has_no_number_twice(low, width, points):
    axis = Integers(low, low + width).axes(points)[0]
    assert len(axis) == min(points, width + 1)
    assert axis[0] == low
    steps = np.diff(axis)
    if len(steps):
        assert axis[-1] == low + width
        assert (steps >= 1).all()
        assert steps.max() - steps.min() <= 1


@every_domain
def test_bounds_enclose_the_draws(name):
    domain = DOMAINS[name]
    draws = domain.sample(300, rng=0)
    assert domain.low.shape == domain.high.shape == (domain.size,)
    assert (domain.low <= draws).all()
    assert (draws <= domain.high).all()


def test_integers_and_logarithmic_intervals_say_their_ends():
    assert repr(Integers(-1, 3)) == "Integers(-1, 3)"
    assert (Integers(-1, 3).low.tolist(), Integers(-1, 3).high.tolist()) == ([-1.0], [3.0])
    assert (LogInterval(1, 2).low.tolist(), LogInterval(1, 2).high.tolist()) == ([1.0], [2.0])
    assert Integers(1, 3) == Integers(1, 3) != Integers(1, 4)


def test_bounds_of_each_kind():
    assert MIXED.low.tolist() == [0.0, -np.inf, -np.inf, -np.inf, -1.0, 0.0]
    assert MIXED.high.tolist() == [2.0, np.inf, np.inf, np.inf, 0.5, np.inf]


@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor, list], ids=["numpy", "torch", "list"])
def test_decode_reads_a_point_as_values(library):
    theta = library([1.0, 0.5, -2.0, 3.0, 0.25, 4.0])
    assert MIXED.decode(theta) == ("relu", 0.5, -2.0, 3.0, 0.25, 4.0)
    assert all(type(value) in (str, float) for value in MIXED.decode(theta))


def test_decode_gives_back_the_very_options():
    options = [None, ("a", 1), np.sin]
    for number, option in enumerate(options):
        assert Choice(options).decode([float(number)])[0] is option


@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor, list], ids=["numpy", "torch", "list"])
def test_decode_reads_integers_as_ints(library):
    count, rate = (Integers(-3, 9) * LogInterval(0.1, 1)).decode(library([-2.0, 0.5]))
    assert (type(count), count) == (int, -2)
    assert (type(rate), rate) == (float, 0.5)


@every_domain
@LIKES
def test_encode_is_the_inverse_of_decode(name, like):
    domain = DOMAINS[name]
    for theta in domain.sample(30, rng=4, like=like):
        again = domain.encode(domain.decode(theta), like=like)
        assert type(again) is type(theta)
        assert again.dtype == theta.dtype
        np.testing.assert_array_equal(np.asarray(again), np.asarray(theta))


EVERY_KIND = Choice([None, "a", 7]) * Integers(-5, 5) * Interval(-1, 2) * LogInterval(0.1, 9) * Real()


@given(
    st.tuples(
        st.sampled_from([None, "a", 7]),
        st.integers(-5, 5),
        st.floats(-1, 2),
        st.floats(0.1, 9),
        st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_decode_is_the_inverse_of_encode(values):
    theta = EVERY_KIND.encode(values)
    assert EVERY_KIND.contains(theta)
    assert EVERY_KIND.decode(theta) == values


def test_encode_takes_the_numbers_of_every_library():
    domain = Integers(0, 9) * Interval(0, 1)
    for whole, real in ((np.int8(3), np.float32(0.5)), (torch.tensor(3), torch.tensor(0.5))):
        assert domain.encode([whole, real]).tolist() == [3.0, 0.5]


def test_encode_finds_the_very_option_before_an_equal_one():
    assert Choice([1, True, 1.0]).encode((True,)).tolist() == [1.0]
    rows = [np.zeros(2), np.ones(2)]
    assert Choice(rows).encode((rows[1],)).tolist() == [1.0]
    assert Choice(rows).encode((np.ones(2),)).tolist() == [1.0]
    assert Choice(np.arange(3)).encode((2,)).tolist() == [2.0]


@pytest.mark.parametrize(
    ("domain", "values", "error", "says"),
    [
        (Choice("ab"), ("c",), ValueError, r"values\[0\] must be one of the options 'ab'; got 'c'"),
        (Choice("ab"), "a", ValueError, r"values must be a tuple .* 1 coordinate\(s\), as decode"),
        (Integers(1, 4), (5,), ValueError, r"values\[0\] must be an integer from 1 to 4; got 5"),
        (Integers(1, 4), (2.0,), ValueError, r"values\[0\] must be an integer from 1 to 4; got 2\.0"),
        (Interval(0, 1) ** 2, (0.5, 3), ValueError, r"values\[1\] must lie in Interval\(a=0\.0, b=1"),
        (LogInterval(1, 2), (0.0,), ValueError, r"values\[0\] must lie in LogInterval\(a=1\.0, b"),
        (Real(), (np.nan,), ValueError, r"values\[0\] must be finite; got nan"),
        (Positive(), ("1",), TypeError, r"values\[0\] must be a number; got str"),
        (Interval(0, 1) ** 2, (0.5,), ValueError, r"each of 2 coordinate\(s\).*got \(0\.5,\)"),
        (Interval(0, 1), 0.5, ValueError, "values must be a tuple with one entry"),
    ],
)  # fmt: skip
def test_encode_refuses_what_is_not_in_the_domain(domain, values, error, says):
    with pytest.raises(error, match=says):
        domain.encode(values)


def test_encode_cannot_write_where_there_are_no_numbers():
    with pytest.raises(ValueError, match="like is on the meta device"):
        Interval(0, 1).encode((0.5,), like=torch.empty(0, device="meta"))


@pytest.mark.parametrize("number", [0.0, 5.0, 2.5, np.nan, np.inf])
def test_decode_refuses_numbers_that_are_none_of_the_integers(number):
    with pytest.raises(ValueError, match=r"is none of the whole numbers from 1 to 4\. project\(theta\)"):
        Integers(1, 4).decode([number])


@pytest.mark.parametrize(
    ("domain", "theta", "says"),
    [
        (Interval(0, 1), [np.nan], "theta must be finite, so that it can be read; got nan"),
        (Real() ** 2, [0.0, -np.inf], "theta must be finite.*got -inf"),
        (
            Real() ** 2,
            [0.0, 1.0, 2.0],
            r"one point of shape \(2,\) to be decoded; got \(3,\)",
        ),
        (Real(), np.zeros((4, 1)), r"one point of shape \(1,\) to be decoded; got \(4, 1\)"),
        (Real(), 0.0, r"one point of shape \(1,\) to be decoded; got \(\)"),
    ],
)
def test_decode_refuses_what_is_no_point(domain, theta, says):
    with pytest.raises(ValueError, match=says):
        domain.decode(theta)


@pytest.mark.parametrize("number", [-1.0, 2.0, 0.5, np.nan])
def test_decode_refuses_numbers_that_belong_to_no_option(number):
    with pytest.raises(ValueError, match=r"no option .*numbered 0 to 1.*project\(theta\)"):
        Choice("ab").decode([number])


def test_domains_can_be_had_at_the_top():
    for name in ("Choice", "Integers", "Interval", "LogInterval", "Positive", "Product", "Real"):
        assert getattr(lecturecode, name) is getattr(lecturecode.domains, name)
        assert name in lecturecode.__all__


# --- products -------------------------------------------------------------------------------------


def test_products_are_flattened_and_powers_are_products():
    domain = (Interval(0, 1) * Real()) * (Positive() * Choice("ab")) ** 2
    kinds = [type(factor) for factor in domain.factors]
    assert kinds == [Interval, Real, Positive, Choice, Positive, Choice]
    assert domain.size == 6
    assert Interval(0, 1) ** 2 == Product(Interval(0, 1), Interval(0, 1))
    assert isinstance(Interval(0, 1) ** 1, Domain)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: Choice([]), ValueError, "at least one option"),
        (lambda: Interval(1, 0), ValueError, r"a < b; got a=1, b=0"),
        (lambda: Interval(1, 1), ValueError, "a < b"),
        (lambda: Interval(0, np.inf), ValueError, "b must be finite; got inf. Real is for an unb"),
        (lambda: Interval(np.nan, 1), ValueError, "a must be finite; got nan"),
        (lambda: Real(0.0), ValueError, r"scale must be positive and finite; got 0\.0\. It may"),
        (lambda: Positive(-1.0), ValueError, "scale must be positive"),
        (lambda: Real(np.nan), ValueError, "scale must be positive"),
        (lambda: Product(), ValueError, "at least one domain"),
        (lambda: Interval(0, 1) * 3, TypeError, r"be a Domain, such as Interval\(0, 1\); got int"),
        (lambda: Interval(0, 1) ** 0, ValueError, "copies must be an integer of at least 1; got 0"),
        (lambda: Real().sample(3, rng=0), ValueError, r"Real\(\) is unbounded.*Real\(scale=1\.0\)"),
        (lambda: Positive().axes(3), ValueError, r"Positive\(\) is unbounded.*Positive\(scale=1\.0\)"),
        (lambda: Interval(0, 1).sample(0, rng=0), ValueError, "at least 1; got 0"),
        (lambda: Interval(0, 1).axes(0), ValueError, "at least 1; got 0"),
        (lambda: Interval(0, 1).contains(np.ones(2)), ValueError, r"one coordinate.*\(2,\)"),
        (lambda: (Interval(0, 1) ** 2).contains(np.ones(3)), ValueError, r"shape \(3,\).*2 coordinates"),
        (lambda: (Interval(0, 1) ** 2).project(np.ones((5, 1))), ValueError, r"shape \(5, 1\).*2 long"),
        (lambda: Choice({1, 2}), TypeError, r"options must be a sequence, such.*got set\. list\("),
        (lambda: Choice(3), TypeError, "options must be a sequence, such as a list; got int"),
        (lambda: Choice("ab").axes(0), ValueError, "points must be an integer of at least 1; got 0"),
        (lambda: Interval("0", 1), TypeError, "a must be a number; got str"),
        (lambda: Integers(3, 1), ValueError, "low <= high; got low=3, high=1. Swap them"),
        (lambda: Integers(0, 1.0), ValueError, r"high must be an integer from -\d+ to 9007199254740992"),
        (lambda: Integers(0, 2**53 + 1), ValueError, "high must be an integer from"),
        (lambda: LogInterval(0, 1), ValueError, r"a must be positive and finite; got 0\.0\. Interval"),
        (lambda: LogInterval(1, np.inf), ValueError, "b must be positive and finite; got inf"),
        (lambda: LogInterval(2, 1), ValueError, "LogInterval needs ends a < b; got a=2, b=1. Swap"),
        (lambda: Interval(0, 1) * Real, TypeError, r"a factor is the class Real; make one: Real\(\)"),
        (lambda: Interval(0, 1).sample(2, rng=-1), ValueError, "rng must be an integer of at least 0"),
        (lambda: Interval(0, 1).sample(2, like="tensor"), TypeError, "like must hold real numbers"),
        (lambda: Interval(0, 1).sample(2, rng=torch.Generator()), TypeError, "draws tensors.*NumPy"),
    ],
)  # fmt: skip
def test_domains_refuse_what_makes_no_sense(make, error, says):
    with pytest.raises(error, match=says):
        make()
