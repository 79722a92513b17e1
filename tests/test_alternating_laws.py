"""Laws of alternated minimization: what moving, turning, scaling and reordering the data may change.

And oracles that share no line with the package: all subsets of coordinates, derivatives by autograd, the
singular value decomposition, and each method written once more as a plain alternation of two blocks.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lecturecode import (
    Mixture,
    alternate,
    coordinate_descent,
    factorize,
    gaussian_mixture,
    kmeans,
    largest_penalty,
    lasso,
    nonnegative_least_squares,
)
from lecturecode.alternating import factors, soft_threshold

seeds = st.integers(0, 10_000)
factor = st.floats(-6, 6).map(lambda power: 10.0**power)


def samples(seed, T=40, D=2, K=3):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((T, D)) + 4 * rng.standard_normal((K, D))[rng.integers(0, K, T)]


def turn(seed, D):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((D, D)))[0]


def regression(seed, T=15, P=6):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((T, P)), rng.standard_normal(T)


# --- k-means --------------------------------------------------------------------------------------


@given(seeds, factor, st.floats(-1e3, 1e3))
@settings(max_examples=40, deadline=None)
def test_clusters_move_turn_and_grow_with_the_samples(seed, size, move):
    x, Q = samples(seed), turn(seed, 2)
    one = kmeans(x, 3, start=x[:3])
    y = size * (x @ Q + move)
    two = kmeans(y, 3, start=y[:3])
    assert two.steps == one.steps
    np.testing.assert_array_equal(two.extras["labels"], one.extras["labels"])
    np.testing.assert_allclose(two.values, size**2 * one.values, rtol=1e-7)
    centers = size * (one.theta.reshape(3, 2) @ Q + move)
    np.testing.assert_allclose(two.theta.reshape(3, 2), centers, rtol=1e-9, atol=1e-9 * size)


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_reordered_samples_and_centers_reorder_the_labels(seed):
    x, rng = samples(seed), np.random.default_rng(seed)
    order, names = rng.permutation(len(x)), rng.permutation(3)
    one = kmeans(x, 3, start=x[:3])
    two = kmeans(x[order], 3, start=x[:3][names])
    np.testing.assert_array_equal(names[two.extras["labels"][-1]], one.extras["labels"][-1][order])
    np.testing.assert_allclose(two.theta.reshape(3, 2), one.theta.reshape(3, 2)[names], rtol=1e-10)
    assert two.value == pytest.approx(one.value, rel=1e-10)


def test_samples_that_come_twice_count_twice():
    x = samples(0)
    one, two = (kmeans(y, 3, start=x[:3]) for y in (x, np.concatenate([x, x])))
    np.testing.assert_allclose(two.values, 2 * one.values, rtol=1e-12)
    np.testing.assert_allclose(two.thetas, one.thetas, rtol=1e-12)


def test_kmeans_is_the_alternation_of_labels_and_centers():
    x = samples(3, T=30)
    labels, centers = slice(0, 30), slice(30, 36)

    def g(theta):
        return ((x - theta[centers].reshape(3, 2)[theta[labels].astype(int)]) ** 2).sum()

    def means(theta):
        return np.concatenate([x[theta[labels] == k].mean(0) for k in range(3)])

    def nearest(theta):
        return ((x[:, None] - theta[centers].reshape(3, 2)) ** 2).sum(2).argmin(1)

    start = np.concatenate([((x[:, None] - x[:3]) ** 2).sum(2).argmin(1), x[:3].ravel()])
    theirs = alternate(g, [means, nearest], start, sweeps=50, blocks=[centers, labels], tol=0)
    ours = kmeans(x, 3, start=x[:3])
    assert ours.steps >= 4
    np.testing.assert_allclose(ours.values, theirs.values[: len(ours)], rtol=1e-12)
    np.testing.assert_allclose(ours.thetas, theirs.thetas[: len(ours), centers], rtol=1e-10)
    np.testing.assert_array_equal(ours.extras["labels"], theirs.thetas[: len(ours), labels])


# --- mixtures -------------------------------------------------------------------------------------


def start_of(x, K=2):
    D = x.shape[1]
    return Mixture(np.full(K, 1 / K), x[:K].copy(), np.tile(np.cov(x.T).reshape(D, D), (K, 1, 1)))


def shared(one, two):
    """Number of steps that both took, and the mixtures there; rounding decides which stalls first."""
    n = min(len(one), len(two))
    names = ("weights", "means", "covariances")
    return n, *(Mixture(*(trace.extras[name][n - 1] for name in names)) for trace in (one, two))


@given(seeds, st.floats(-1e3, 1e3))
@settings(max_examples=25, deadline=None)
def test_em_with_full_covariances_takes_the_same_path_in_any_affine_coordinates(seed, move):
    x, rng = samples(seed, T=80), np.random.default_rng(seed)
    A = turn(seed, 2) @ np.diag(10 ** rng.uniform(-1, 1, 2)) @ turn(seed + 1, 2)
    start = start_of(x)
    there = Mixture(start.weights, start.means @ A + move, A.T @ start.covariances @ A)
    one = gaussian_mixture(x, 2, start=start, sweeps=10, tol=0)
    two = gaussian_mixture(x @ A + move, 2, start=there, sweeps=10, tol=0)
    assume("widened" not in one.message + two.message)  # what the floor is relative to does not turn
    n, a, b = shared(one, two)
    log_volume = math.log(abs(np.linalg.det(A)))
    np.testing.assert_allclose(two.values[:n] - log_volume, one.values[:n], rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(b.weights, a.weights, rtol=1e-6)
    np.testing.assert_allclose(b.means, a.means @ A + move, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(
        b.responsibilities(x @ A + move), a.responsibilities(x), rtol=1e-5, atol=1e-6
    )


@given(seeds, factor)
@settings(max_examples=25, deadline=None)
def test_em_with_spherical_covariances_turns_and_grows_with_the_samples(seed, size):
    x, Q = samples(seed, T=80), turn(seed, 2)
    start = start_of(x)
    there = Mixture(start.weights, size * start.means @ Q, size**2 * start.covariances)
    one, two = (
        gaussian_mixture(y, 2, start=s, covariance="spherical", sweeps=10, tol=0)
        for y, s in ((x, start), (size * x @ Q, there))
    )
    n, a, b = shared(one, two)
    np.testing.assert_allclose(two.values[:n] - 2 * math.log(size), one.values[:n], rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(b.means, size * a.means @ Q, rtol=1e-6, atol=1e-6 * size)


def test_reordered_samples_and_components_change_nothing_in_em():
    x, rng = samples(0, T=100), np.random.default_rng(0)
    start, swap = start_of(x), [1, 0]
    other = Mixture(start.weights[swap], start.means[swap], start.covariances[swap])
    one = gaussian_mixture(x, 2, start=start, sweeps=15, tol=0)
    two = gaussian_mixture(x[rng.permutation(100)], 2, start=other, sweeps=15, tol=0)
    n, a, b = shared(one, two)
    assert n > 15
    np.testing.assert_allclose(two.values[:n], one.values[:n], rtol=1e-12)
    np.testing.assert_allclose(b.weights[swap], a.weights, rtol=1e-9)
    np.testing.assert_allclose(b.means[swap], a.means, rtol=1e-9)
    np.testing.assert_allclose(b.covariances[swap], a.covariances, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("covariance", ["full", "diagonal", "spherical"])
def test_where_em_ends_the_likelihood_is_flat(covariance):
    """PyTorch's own density and derivatives, over logits, means and the free entries of Sigma."""
    x = samples(1, T=300)
    fit = Mixture.unpack(gaussian_mixture(x, 3, rng=0, covariance=covariance, tol=0).theta, 3)
    logits = torch.tensor(np.log(fit.weights), requires_grad=True)
    means = torch.tensor(fit.means, requires_grad=True)
    free = {
        "full": fit.covariances,
        "diagonal": np.diagonal(fit.covariances, axis1=1, axis2=2),
        "spherical": fit.covariances[:, 0, 0],
    }[covariance]
    entries = torch.tensor(free.copy(), requires_grad=True)
    S = {
        "full": lambda e: (e + e.mT) / 2,
        "diagonal": torch.diag_embed,
        "spherical": lambda e: e[:, None, None] * torch.eye(2, dtype=e.dtype),
    }[covariance](entries)
    parts = torch.distributions.MultivariateNormal(means, S)
    density = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=logits), parts
    )
    loss = -density.log_prob(torch.tensor(x)).mean()
    slopes = torch.autograd.grad(loss, (logits, means, entries))
    assert max(float(abs(slope).max()) for slope in slopes) < 1e-6
    nudged = (
        -torch.distributions.MixtureSameFamily(
            torch.distributions.Categorical(logits=logits),
            torch.distributions.MultivariateNormal(means + 0.01, S),
        )
        .log_prob(torch.tensor(x))
        .mean()
    )
    assert nudged > loss


# --- the lasso ------------------------------------------------------------------------------------


@given(seeds, factor, factor, st.floats(0.01, 0.9))
@settings(max_examples=40, deadline=None)
def test_the_scaling_law_of_the_lasso(seed, a, b, share):
    """g(theta; a W, b y, a b lam) = b^2 g(theta a / b; W, y, lam)."""
    W, y = regression(seed)
    penalty = share * largest_penalty(W, y)
    one, two = lasso(W, y, penalty), lasso(a * W, b * y, a * b * penalty)
    assert one.converged
    assert two.converged
    assert largest_penalty(a * W, b * y) == pytest.approx(a * b * largest_penalty(W, y), rel=1e-12)
    size = abs(one.theta).max()
    np.testing.assert_allclose(two.theta * a / b, one.theta, rtol=1e-7, atol=1e-7 * size)
    assert two.value == pytest.approx(b**2 * one.value, rel=1e-8)


@given(seeds, st.floats(0.01, 0.9))
@settings(max_examples=40, deadline=None)
def test_the_lasso_follows_its_columns_and_does_not_see_how_the_samples_are_turned(seed, share):
    W, y = regression(seed)
    rng, Q = np.random.default_rng(seed), turn(seed, 15)
    order, signs = rng.permutation(6), rng.choice([-1.0, 1.0], 6)
    penalty = share * largest_penalty(W, y)
    one, two = lasso(W, y, penalty), lasso(Q @ (signs * W)[:, order], Q @ y, penalty)
    size = abs(one.theta).max()
    np.testing.assert_allclose(two.theta, (signs * one.theta)[order], atol=1e-7 * size)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_a_higher_penalty_costs_more_and_leaves_less(seed):
    W, y = regression(seed)
    penalties = np.linspace(0, 1.1, 9) * largest_penalty(W, y)
    runs = [lasso(W, y, penalty) for penalty in penalties]
    values, lengths = np.array([r.value for r in runs]), np.array([abs(r.theta).sum() for r in runs])
    assert (np.diff(values) >= -1e-12).all()
    assert (np.diff(lengths) <= 1e-9).all()
    slopes = np.diff(values) / np.diff(penalties)  # by the envelope theorem between |theta| at both ends
    assert (slopes <= lengths[:-1] + 1e-9).all()
    assert (slopes >= lengths[1:] - 1e-9).all()


@given(seeds, st.floats(0, 2))
@settings(max_examples=40, deadline=None)
def test_orthogonal_columns_are_thresholded_one_by_one(seed, penalty):
    rng = np.random.default_rng(seed)
    Q, lengths = np.linalg.qr(rng.standard_normal((12, 5)))[0], rng.uniform(0.5, 3, 5)
    y = 3 * rng.standard_normal(12)
    expected = soft_threshold(lengths * (Q.T @ y), 6 * np.full(5, penalty)) / lengths**2  # T / 2 = 6
    np.testing.assert_allclose(lasso(Q * lengths, y, penalty).theta, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_lasso_is_where_coordinate_descent_ends_too(seed):
    """|theta| has its kinks along the axes, and there coordinate descent does not stall."""
    W, y = regression(seed)
    penalty = 0.2 * largest_penalty(W, y)

    def g(theta):
        return ((W @ theta - y) ** 2).mean() + penalty * abs(theta).sum()

    theirs = coordinate_descent(g, np.zeros(6), sweeps=200, tol=1e-14)
    ours = lasso(W, y, penalty)
    assert theirs.converged
    assert ours.value <= theirs.value * (1 + 1e-12)
    np.testing.assert_allclose(theirs.theta, ours.theta, atol=1e-6)


# --- non-negative least squares -------------------------------------------------------------------


@given(seeds, st.integers(1, 12), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_it_is_the_best_of_all_sets_of_free_coordinates(seed, T, P):
    W, y = regression(seed, T, P)
    best = (y * y).mean()
    for size in range(1, P + 1):
        for free in itertools.combinations(range(P), size):
            theta = np.linalg.lstsq(W[:, free], y)[0]
            if (theta >= 0).all():
                best = min(best, ((W[:, free] @ theta - y) ** 2).mean())
    assert nonnegative_least_squares(W, y).value == pytest.approx(best, rel=1e-9, abs=1e-18)


@given(seeds, factor)
@settings(max_examples=40, deadline=None)
def test_units_and_order_of_the_columns_do_not_matter(seed, size):
    W, y = regression(seed)
    rng = np.random.default_rng(seed)
    order, units = rng.permutation(6), 10 ** rng.uniform(-4, 4, 6)
    one = nonnegative_least_squares(W, y)
    two = nonnegative_least_squares((W * units)[:, order], size * y)
    expected = (size * one.theta / units)[order]
    np.testing.assert_allclose(two.theta, expected, rtol=1e-8, atol=0)
    assert two.value == pytest.approx(size**2 * one.value, rel=1e-10)


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_the_residual_is_orthogonal_to_the_fit_and_the_fit_a_projection(seed):
    """Moreau: y = p + q with p in the cone of the columns, q in its polar, and p q = 0."""
    W, y = regression(seed)
    p = W @ nonnegative_least_squares(W, y).theta
    q = y - p
    assert abs(p @ q) <= 1e-10 * (y @ y)
    assert (W.T @ q <= 1e-10 * np.linalg.norm(W, axis=0) * np.linalg.norm(y)).all()
    np.testing.assert_allclose(W @ nonnegative_least_squares(W, p).theta, p, atol=1e-10)
    assert nonnegative_least_squares(W, q).value == pytest.approx((q @ q) / len(y), rel=1e-10)


# --- low rank -------------------------------------------------------------------------------------


@given(seeds, st.integers(1, 7), st.integers(1, 7), st.data())
@settings(max_examples=40, deadline=None)
def test_no_product_is_nearer_than_that_of_the_svd_and_ours_is_as_near(seed, m, n, data):
    M = np.random.default_rng(seed).standard_normal((m, n))
    rank = data.draw(st.integers(1, min(m, n)))
    U, s, Vt = np.linalg.svd(M, full_matrices=False)
    trace = factorize(M, rank, rng=seed)
    best, size = (s[rank:] ** 2).sum(), (M * M).sum()
    assert trace.converged
    assert trace.value >= best - 1e-12 * size
    assert trace.value <= best * (1 + 1e-6) + 1e-12 * size
    if rank == min(m, n) or s[rank] < 0.7 * s[rank - 1]:
        A, B = factors(trace.theta, M.shape)
        nearest = (U[:, :rank] * s[:rank]) @ Vt[:rank]
        np.testing.assert_allclose(A @ B.T, nearest, atol=1e-4 * s[0])


def test_factorize_is_the_alternation_of_two_least_squares():
    M = np.random.default_rng(0).standard_normal((6, 4))
    A, B = slice(0, 12), slice(12, 20)

    def g(theta):
        return ((M - theta[A].reshape(6, 2) @ theta[B].reshape(4, 2).T) ** 2).sum()

    def step_of_A(theta):
        return np.linalg.lstsq(theta[B].reshape(4, 2), M.T)[0].T.ravel()

    def step_of_B(theta):
        return np.linalg.lstsq(theta[A].reshape(6, 2), M)[0].T.ravel()

    ours = factorize(M, 2, rng=0, sweeps=10, tol=0)
    theirs = alternate(g, [step_of_A, step_of_B], ours.thetas[0], sweeps=10, tol=0, blocks=[A, B])
    np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-10)
