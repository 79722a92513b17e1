"""Theta: membership, the nearest point, draws and grids, for every kind and for mixtures."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lecturecode.domains import Choice, Domain, Interval, Positive, Product, Real

MIXED = Choice(["tanh", "relu", "sigmoid"]) * Real(1.0) ** 3 * Interval(-1, 0.5) * Positive(2.0)
DOMAINS = {
    "choice": Choice(["a", "b", "c"]),
    "one option": Choice([None]),
    "interval": Interval(-0.3, 0.7),
    "narrow interval": Interval(0.1, 0.1 + 1e-6),
    "real": Real(2.0),
    "positive": Positive(0.5),
    "box": Interval(-5, 5) ** 2,
    "mixed": MIXED,
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
    decades = np.log10(draws[:, 3])
    assert abs(decades.mean() - math.log10(0.5)) < 4 / math.sqrt(n)
    assert decades.std() == pytest.approx(1.0, rel=0.02)


# --- contains and project -------------------------------------------------------------------------

MEMBERS = [
    (Choice("ab"), [0.0, 1.0], [-1.0, 2.0, 0.5, np.nan, np.inf]),
    (Interval(-1, 2), [-1.0, 0.0, 2.0], [-1.0001, 2.0001, np.nan, np.inf]),
    (Real(), [-1e30, 0.0, 5.0], [np.nan, np.inf, -np.inf]),
    (Positive(), [0.0, 1e-30, 1e30], [-1e-30, np.nan, np.inf]),
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
    ],
)  # fmt: skip
@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_project_moves_to_the_nearest_point(domain, theta, nearest, library):
    assert domain.project(library([theta])).tolist() == [nearest]


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


@every_domain
def test_bounds_enclose_the_draws(name):
    domain = DOMAINS[name]
    draws = domain.sample(300, rng=0)
    assert domain.low.shape == domain.high.shape == (domain.size,)
    assert (domain.low <= draws).all()
    assert (draws <= domain.high).all()


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


@pytest.mark.parametrize("number", [-1.0, 2.0, 0.5, np.nan])
def test_decode_refuses_numbers_that_belong_to_no_option(number):
    with pytest.raises(ValueError, match=r"no option .*numbered 0 to 1.*project\(theta\)"):
        Choice("ab").decode([number])


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
        (lambda: Interval(0, np.inf), ValueError, "finite ends.*Real"),
        (lambda: Interval(np.nan, 1), ValueError, "finite ends"),
        (lambda: Real(0.0), ValueError, "scale must be positive and finite, or None; got 0"),
        (lambda: Positive(-1.0), ValueError, "scale must be positive"),
        (lambda: Real(np.nan), ValueError, "scale must be positive"),
        (lambda: Product(), ValueError, "at least one domain"),
        (lambda: Interval(0, 1) * 3, TypeError, r"made of domains such as Interval\(0, 1\); got 3"),
        (lambda: Interval(0, 1) ** 0, ValueError, "power must be >= 1"),
        (lambda: Real().sample(3, rng=0), ValueError, r"Real\(\) is unbounded.*Real\(scale=1\.0\)"),
        (lambda: Positive().axes(3), ValueError, r"Positive\(\) is unbounded.*Positive\(scale=1\.0\)"),
        (lambda: Interval(0, 1).sample(0, rng=0), ValueError, "at least 1; got 0"),
        (lambda: Interval(0, 1).axes(0), ValueError, "at least 1; got 0"),
        (lambda: Interval(0, 1).contains(np.ones(2)), ValueError, r"one coordinate.*\(2,\)"),
        (lambda: (Interval(0, 1) ** 2).contains(np.ones(3)), ValueError, r"shape \(3,\).*2 coordinates"),
        (lambda: (Interval(0, 1) ** 2).project(np.ones((5, 1))), ValueError, r"shape \(5, 1\).*2 long"),
        (lambda: Interval(0, 1).sample(2, rng=torch.Generator()), TypeError, "draws tensors.*NumPy"),
    ],
)  # fmt: skip
def test_domains_refuse_what_makes_no_sense(make, error, says):
    with pytest.raises(error, match=says):
        make()
