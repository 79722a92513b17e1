"""Exercises: a right answer passes, a wrong one hears which property fails, never the answer."""

import math
import re
from itertools import pairwise

import numpy as np
import pytest
import torch

from lecturecode import least_squares, rescale_neuron
from lecturecode.exercises import Verdict, check, exercise_names
from lecturecode.graph import Box


def test_names_are_chapter_slash_name_and_differ():
    names = exercise_names()
    assert len(set(names)) == len(names) >= 1
    for name in names:
        chapter, _, rest = name.partition("/")
        assert chapter
        assert rest
        assert name == name.lower()
        assert " " not in name


@pytest.mark.parametrize("name", exercise_names())
@pytest.mark.parametrize(
    "answer",
    [None, "an answer", object(), [], np.nan, lambda *a: 1 / 0, {}, torch.ones(9, device="meta")],
)
def test_no_answer_is_ever_an_exception_or_right_by_accident(name, answer):
    verdict = check(name, answer)
    assert not verdict
    assert verdict.message
    assert repr(verdict).startswith("not yet: ")


def test_a_verdict_is_true_when_right():
    assert Verdict(True, "x")
    assert not Verdict(False, "x")
    assert repr(Verdict(True, "the line")) == "correct: the line"


def test_a_broken_answer_hears_what_was_asked_for():
    said = check("descent/largest-stable-step", "half").message
    assert said.startswith("the answer must be a number; got str (asked for: the learning rate")
    said = check("descent/iterates", 0.5).message
    assert said.startswith("the answer must be a function of what the exercise gives; got float.")
    said = check("feedforward/xor", "nine").message
    assert said.startswith("the answer must hold real numbers; got str")
    said = check("descent/iterates", lambda *given: 1 / 0).message
    assert said.startswith("the answer raised ZeroDivisionError: division by zero (asked for:")


# descent/largest-stable-step


@pytest.mark.parametrize("answer", [0.5, 1 / 2, np.float64(0.5), np.array(0.5)])
def test_largest_stable_step_is_right(answer):
    assert check("descent/largest-stable-step", answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [(0.4, "but so does one with a larger rate"), (2.0, "diverges along one"),
     (-0.5, "is positive"), (0, "is positive")],
)  # fmt: skip
def test_largest_stable_step_is_wrong(answer, says):
    verdict = check("descent/largest-stable-step", answer)
    assert not verdict
    assert says in verdict.message
    assert "0.5" not in verdict.message


def kind_from_determinant_and_trace(H):
    determinant, trace = np.linalg.det(H), np.trace(H)
    if abs(determinant) < 1e-12:
        return "inconclusive"
    return "saddle" if determinant < 0 else "minimum" if trace > 0 else "maximum"


def kind_without_saddles(H):
    return "minimum" if np.trace(H) > 0 else "maximum"


def kind_without_zeros(H):
    return "saddle" if np.linalg.det(H) < 0 else "minimum" if np.trace(H) >= 0 else "maximum"


def kind_upside_down(H):
    kind = kind_from_determinant_and_trace(H)
    return {"minimum": "maximum", "maximum": "minimum"}.get(kind, kind)


def test_the_kind_of_a_2x2_hessian_is_judged():
    assert check("zeros/kind-of-2x2", kind_from_determinant_and_trace)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (kind_without_saddles, "eigenvalues of both signs was named"),
        (kind_without_zeros, "a zero eigenvalue was named"),
        (kind_upside_down, "two (positive|negative) eigenvalues was named"),
        (lambda H: "pass", "which is none of"),
        (lambda H: H[2, 2], "raised IndexError"),
    ],
)
def test_a_wrong_kind_of_a_2x2_hessian_is_told_which_property_fails(answer, says):
    verdict = check("zeros/kind-of-2x2", answer)
    assert not verdict
    assert re.search(says, verdict.message)


def weighted(W, y, q):
    root = np.sqrt(q)
    return least_squares(root[:, None] * W, root * y)


def test_weighted_least_squares_is_judged():
    assert check("zeros/weighted-least-squares", weighted)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda W, y, q: least_squares(W, y), "weight 0"),
        (lambda W, y, q: weighted(W, y, q**2), "weight 2"),
        (lambda W, y, q: np.linalg.solve((W.T * q) @ W, W.T @ (q * y)), "do not form"),
        (lambda W, y, q: -weighted(W, y, q), "weights equal to 1"),
        (lambda W, y, q: weighted(W, y, q)[:, None], "must be"),
    ],
)
def test_wrong_weighted_least_squares_are_told_which_property_fails(answer, says):
    verdict = check("zeros/weighted-least-squares", answer)
    assert not verdict
    assert says in verdict.message


# descent/iterates


def descend(gradient, theta, learning_rate, steps):
    thetas = [np.asarray(theta, dtype=float)]
    for _ in range(steps):
        thetas.append(thetas[-1] - learning_rate * gradient(thetas[-1]))
    return np.stack(thetas)


def descend_in_place(gradient, theta, learning_rate, steps):
    thetas = [theta]
    for _ in range(steps):
        theta -= learning_rate * gradient(theta)
        thetas.append(theta)
    return np.stack(thetas)


def descend_in_one_copy(gradient, theta, learning_rate, steps):
    return descend_in_place(gradient, theta.copy(), learning_rate, steps)


def descend_along_the_first_gradient(gradient, theta, learning_rate, steps):
    return theta - learning_rate * np.arange(steps + 1)[:, None] * gradient(theta)


def test_a_descent_is_judged():
    assert check("descent/iterates", descend)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda gradient, *rest: descend(lambda theta: -gradient(theta), *rest), "downhill"),
        (lambda gradient, *rest: descend(lambda theta: 2 * gradient(theta), *rest), "the length"),
        (lambda *all_of_it: descend(*all_of_it)[1:], "count the start"),
        (lambda *all_of_it: descend(*all_of_it)[::-1], "first row is not the start"),
        (descend_in_place, "has been changed"),
        (descend_in_one_copy, "first row is not the start"),
        (descend_along_the_first_gradient, "a later step"),
    ],
)
def test_a_wrong_descent_is_told_which_property_fails(answer, says):
    verdict = check("descent/iterates", answer)
    assert not verdict
    assert says in verdict.message


def penalized_gradient(W, y, mu, theta):
    return 2 / len(y) * W.T @ (W @ theta - y) + 2 * mu * theta


def absolute_error(theta, x, y):
    return abs(theta[..., :1] * x + theta[..., 1:] - y).mean(-1)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("background/penalized-gradient", penalized_gradient),
        ("model-fitting/absolute-error", absolute_error),
    ],
)
def test_a_right_function_passes(name, answer):
    verdict = check(name, answer)
    assert verdict
    assert repr(verdict).startswith("correct")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda W, y, mu, theta: penalized_gradient(W, y, mu, theta)[None], "shape (1, 3)"),
        (lambda W, y, mu, theta: 2 * W.T @ (W @ theta - y) + 2 * mu * theta, "every sample twice"),
        (lambda W, y, mu, theta: -penalized_gradient(W, y, mu, theta), "without penalty"),
        (lambda W, y, mu, theta: penalized_gradient(W, y, 0, theta), "does not depend on mu"),
        (lambda W, y, mu, theta: penalized_gradient(W, y, mu / 2, theta), "part of the penalty"),
        (lambda W, y, mu, theta: penalized_gradient(W, y, 2 * mu**2, theta), "part of the penalty"),
        (lambda W, y: W.T @ y, "TypeError"),
    ],
)
def test_a_wrong_gradient_of_the_penalized_loss_is_told_what_fails(answer, says):
    verdict = check("background/penalized-gradient", answer)
    assert not verdict
    assert says in verdict.message


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda theta, x, y: abs(theta[..., :1] * x + theta[..., 1:] - y), "shape (9,)"),
        (lambda theta, x, y: abs(theta[..., 1:] * x + theta[..., :1] - y).mean(-1), "through all"),
        (lambda theta, x, y: (theta[..., :1] * x + theta[..., 1:] - y).mean(-1), "cancel"),
        (lambda theta, x, y: abs(theta[..., :1] * x + theta[..., 1:] - y).sum(-1), "every sample twice"),
        (lambda theta, x, y: ((theta[..., :1] * x + theta[..., 1:] - y) ** 2).mean(-1), "missed by 3"),
        (lambda theta, x, y: (theta[..., :1] * x + theta[..., 1:] - y).std(-1), "missed by 3"),
        (lambda theta, x, y: np.median(abs(theta[..., :1] * x + theta[..., 1:] - y), -1), "missed by 3"),
        (lambda theta, x, y: abs(theta[..., 0] * x + theta[..., 1] - y).mean(), "ValueError"),
        (lambda theta, x, y: abs(theta.reshape(-1, 2)[0] @ [x, x**0] - y).mean(), "(4, 5, 2)"),
    ],
)
def test_a_wrong_absolute_error_is_told_what_fails(answer, says):
    verdict = check("model-fitting/absolute-error", answer)
    assert not verdict
    assert says in verdict.message


# populations


def tournament(M, k):
    rank = np.arange(M)
    return ((M - rank) ** k - (M - rank - 1) ** k) / M**k


def without_the_middle(M, k):
    wins = tournament(M, k)
    if M > 6:
        wins[2:4] += np.array([-1, 1]) * (wins[2] - wins[3]) / 4
    return wins


def test_tournament_is_judged():
    assert check("populations/tournament", tournament)
    draws = np.random.default_rng(0).integers(6, size=(200_000, 3)).min(axis=1)
    np.testing.assert_allclose(np.bincount(draws) / 200_000, tournament(6, 3), atol=4e-3)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda M, k: np.full(M, 1 / M), "a better rank wins more often"),
        (lambda M, k: tournament(M, k)[::-1], "a better rank wins more often"),
        (lambda M, k: tournament(M, k)[0], "probabilities, of shape"),
        (lambda M, k: tournament(M, k) * 2, "sum to 1"),
        (lambda M, k: tournament(M, k + 1), "blind draw"),
        (lambda M, k: tournament(M, 2 * k - 1), "meets nobody but itself"),
        (without_the_middle, "rank in the middle"),
    ],
)
def test_a_wrong_tournament_is_told_which_property_fails(answer, says):
    verdict = check("populations/tournament", answer)
    assert not verdict
    assert says in verdict.message


def swarm_step(theta, v, own, leader, r1, r2, chi, c, *, old=False, sign=1, both=True, twice=False):
    new = v + c * r1 * (own - theta) + sign * c * (r2 if both else r1) * (leader - theta)
    new = chi * new if not twice else chi * v + new - v
    return theta + (v if old else new), new


def swarm_step_in_place(theta, v, *rest):
    theta[:], v[:] = swarm_step(theta, v, *rest)
    return theta, v


def swarm_step_that_spoils_its_draws(theta, v, own, leader, r1, r2, chi, c):
    r1 *= c
    r2 *= c
    return swarm_step(theta, v, own, leader, r1, r2, chi, 1.0)


def swarm_step_with_a_product(theta, v, own, leader, r1, r2, chi, c):
    new = swarm_step(theta, v, own, leader, r1, r2, chi, c)[1] + r1 * r2
    return theta + new, new


def test_swarm_step_is_judged():
    assert check("populations/swarm-step", swarm_step)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda *a: swarm_step(*a, old=True), "they move by the one that they get"),
        (lambda *a: swarm_step(*a, sign=-1), "the leader drives away"),
        (lambda *a: swarm_step(*a, both=False), "r2 is zero the leader does not matter"),
        (lambda *a: swarm_step(*a, twice=True), "own best place has the wrong strength"),
        (lambda *a: swarm_step(*a[:-2], 1.0, a[-1]), "constricted velocity remains"),
        (lambda *a: (a[0], swarm_step(*a)[1]), "did not move by their new velocity"),
        (swarm_step_in_place, "has been changed"),
        (swarm_step_that_spoils_its_draws, "has been changed"),
        (swarm_step_with_a_product, "do not add up"),
        (lambda *a: (swarm_step(*a)[0][0], swarm_step(*a)[1]), "5 particles in the plane"),
    ],
)
def test_a_wrong_swarm_step_is_told_which_property_fails(answer, says):
    verdict = check("populations/swarm-step", answer)
    assert not verdict
    assert says in verdict.message


# search


def draws_needed(q, confidence):
    return 1 if q == 1 else math.ceil(math.log1p(-confidence) / math.log1p(-q))


def all_combinations(axes):
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


@pytest.mark.parametrize(
    ("name", "answer"),
    [("search/draws-needed", draws_needed), ("search/grid-points", all_combinations)],
)
def test_a_right_answer_on_search_passes(name, answer):
    assert check(name, answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda q, c: draws_needed(q, c) + 1, "fewer draws would have been enough"),
        (lambda q, c: max(1, draws_needed(q, c) - 1), "may miss the set"),
        (lambda q, c: draws_needed(q, 1 - c), "may miss the set"),
        (lambda q, c: math.log1p(-c) / math.log1p(-q), "an int"),
        (lambda q, c: draws_needed(q, c) - 1 if q == 1 else draws_needed(q, c), "without a draw"),
        (lambda q, c: math.ceil(math.log(1 - c) / math.log(1 - q)), "raised ValueError"),
        (lambda q, c: math.ceil(math.log(1 - c) / math.log(1 - q)) if q < 1 else 1, "ZeroDivisionError"),
        (lambda q, c: math.ceil(1.1 * draws_needed(q, c)) if q < 1e-6 else draws_needed(q, c), "fewer"),
    ],
)
def test_a_wrong_number_of_draws_is_told_which_property_fails(answer, says):
    verdict = check("search/draws-needed", answer)
    assert not verdict
    assert says in verdict.message
    assert "59" not in verdict.message


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda axes: np.stack(np.meshgrid(*axes), -1).reshape(-1, len(axes)), "move fastest"),
        (lambda axes: all_combinations(axes)[::-1], "move fastest"),
        (lambda axes: all_combinations(axes)[:, ::-1], "not on its own axis"),
        (lambda axes: all_combinations(axes).T, "this is (1, 4)"),
        (lambda axes: np.repeat(all_combinations(axes)[:1], len(all_combinations(axes)), 0), "twice"),
        (lambda axes: np.stack(axes, -1), "2 x 2 values ask for (4, 2)"),
    ],
)
def test_wrong_points_of_a_grid_are_told_which_property_fails(answer, says):
    verdict = check("search/grid-points", answer)
    assert not verdict
    assert says in verdict.message


# alternated minimization


def nonnegative_sweep(W, y, theta, *, least=0.0, together=False, factor=1.0):
    theta, old = theta.copy(), theta.copy()
    for p, w in enumerate(W.T):
        r = W @ (old if together else theta) - y
        theta[p] = max(least, theta[p] - factor * (w @ r) / (w @ w))
    return theta


def nonnegative_sweep_in_place(W, y, theta):
    theta[:] = nonnegative_sweep(W, y, theta)
    return theta


def medians_sweep(x, centers, *, middle=np.median, power=1, again=False):
    def nearest(c):
        return (np.abs(x[:, None, :] - c) ** power).sum(-1).argmin(1)

    labels = nearest(centers)
    centers = np.stack([middle(x[labels == k], axis=0) for k in range(len(centers))])
    return (nearest(centers) if again else labels), centers


@pytest.mark.parametrize(
    ("name", "answer"),
    [("alternated/nonnegative-sweep", nonnegative_sweep), ("alternated/medians-sweep", medians_sweep)],
)
def test_a_right_answer_on_alternated_minimization_passes(name, answer):
    assert check(name, answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (nonnegative_sweep_in_place, "has been changed"),
        (lambda W, y, t: nonnegative_sweep(W, y, t, least=-np.inf), "is negative"),
        (lambda W, y, t: nonnegative_sweep(W, y, t, together=True), "coordinate 1 does not end"),
        (lambda W, y, t: nonnegative_sweep(W, y, t, factor=0.5), "coordinate 0 does not end"),
        (lambda W, y, t: np.clip(least_squares(W, y), 0, None), "coordinate 0 does not end"),
        (lambda W, y, t: nonnegative_sweep(W, y, t, least=0.1), "coordinate 0 does not end"),
        (lambda W, y, t: nonnegative_sweep(W[:, ::-1], y, t[::-1])[::-1], "coordinate 0 does not end"),
        (lambda W, y, t: nonnegative_sweep(W, y, t)[:2], "this has (2,)"),
        (lambda W, y, t: np.full(4, np.nan), "not a number"),
    ],
)
def test_a_wrong_nonnegative_sweep_is_told_which_property_fails(answer, says):
    verdict = check("alternated/nonnegative-sweep", answer)
    assert not verdict
    assert says in verdict.message


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x, c: medians_sweep(x, c, middle=np.mean), "could be moved to one of its samples"),
        (lambda x, c: medians_sweep(x, c, power=2), "another center nearer"),
        (lambda x, c: medians_sweep(x, c, again=True), "another center nearer"),
        (lambda x, c: (medians_sweep(x, c)[0], c), "could be moved"),
        (lambda x, c: (medians_sweep(x, c)[0], np.nan * c), "not a number"),
        (lambda x, c: medians_sweep(x, c)[::-1], "asked for shapes"),
        (lambda x, c: (medians_sweep(x, c)[0] + 1, medians_sweep(x, c)[1]), "from 0 to 2"),
    ],
)
def test_a_wrong_sweep_of_medians_is_told_which_property_fails(answer, says):
    verdict = check("alternated/medians-sweep", answer)
    assert not verdict
    assert says in verdict.message
    assert "median" not in verdict.message


# the five families compared


def zoom(g, low, high, points, rounds, reach=1.0, corner=0.0):
    for _ in range(rounds):
        axes = np.linspace(low + corner, high - corner, points).T
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        theta = grid[g(grid).argmin()]
        spacing = reach * (high - low) / (points - 1)
        low, high = theta - spacing, theta + spacing
    return theta


def zoom_that_asks_again(g, *rest):
    theta = zoom(g, *rest)
    g(theta)
    return theta


def zoom_along_the_diagonal(g, low, high, points, rounds):
    line = np.linspace(low, high, points)
    grid = np.repeat(line, points ** (len(low) - 1), axis=0)
    for _ in range(rounds):
        theta = grid[g(grid).argmin()]
    return theta


def zoom_that_returns_a_corner(g, low, high, points, rounds):
    theta = zoom(g, low, high, points, rounds)
    return theta + (high - low) / 100


def test_a_right_zoom_passes():
    assert check("families/zoom", zoom)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda *a: zoom(*a, reach=0.5), "one spacing on each side"),
        (lambda *a: zoom(*a, corner=0.1), "does not reach exactly as far as the box"),
        (lambda g, a, b, k, n: zoom(g, a, b, k, n - 1), "evaluations"),
        (zoom_that_asks_again, "evaluations"),
        (zoom_along_the_diagonal, "reach exactly"),
        (zoom_that_returns_a_corner, "not the best point"),
        (lambda *a: zoom(*a)[None], "needs shape (1,)"),
        (lambda g, a, b, k, n: zoom(lambda t: -g(t), a, b, k, n), "one spacing on each side"),
    ],
)
def test_a_wrong_zoom_is_told_which_property_fails(answer, says):
    verdict = check("families/zoom", answer)
    assert not verdict
    assert says in verdict.message


# feedforward/size, feedforward/xor, feedforward/forward


def count(widths):
    return sum(n * (m + 1) for m, n in pairwise(widths))


def test_size_is_right():
    assert check("feedforward/size", count)


@pytest.mark.parametrize(
    ("answer", "says"),
    [(lambda w: sum(n * m for m, n in pairwise(w)), "a bias beside its weights"),
     (lambda w: count(w) + w[0], "the inputs are no neurons"),
     (lambda w: 17, "a single neuron"),
     (lambda w: w[0] + 1 + (w[1] - 1) * 3, "five times the parameters"),
     (lambda w: w[1] * (w[0] + 1), "the parameters of its layers"),
     (lambda w: 4 * sum(w[1:]), "one more weight")],
)  # fmt: skip
def test_size_is_wrong(answer, says):
    verdict = check("feedforward/size", answer)
    assert not verdict
    assert says in verdict.message


XOR = [0, -1, 1, 1, 1, 1, 0, 1, -2]


@pytest.mark.parametrize("theta", [XOR, np.array(XOR), [0, 0, 1, -1, -1, 1, 0, 1, 1]])
def test_xor_is_right(theta):
    assert check("feedforward/xor", theta)


@pytest.mark.parametrize(
    ("theta", "says"),
    [(XOR[:-1], "have nine parameters"), ([*XOR[:6], 1, 1, -2], "(0, 0) is 1"),
     ([0, 0, 1, 1, 1, 1, 0, 0.5, 0.5], "(1, 1) is 2"), ([0] * 9, "(0, 1) is 0"),
     ([0, 0, -1, 1, 0, 0, 0, 1, 0], "(1, 0) is 0"), ([np.inf] * 9, "not finite")],
)  # fmt: skip
def test_xor_is_wrong(theta, says):
    with np.errstate(invalid="ignore"):
        verdict = check("feedforward/xor", theta)
    assert not verdict
    assert says in verdict.message


def forward(theta, x, widths, *, last=False, columns=False, bias_last=False, hidden=np.tanh, bad=False):
    if bad:
        x *= 1.5
        x /= 3
    end = 0
    for i, (m, n) in enumerate(pairwise(widths), start=1):
        part = theta[end : end + n * (m + 1)]
        b, W = (part[n * m :], part[: n * m]) if bias_last else (part[:n], part[n:])
        W = W.reshape(m, n).T if columns else W.reshape(n, m)
        x = x @ W.T + b
        x = hidden(x) if last or i < len(widths) - 1 else x
        end += n * (m + 1)
    return x


def test_forward_is_right():
    assert check("feedforward/forward", forward)


@pytest.mark.parametrize(
    ("variant", "says"),
    [({"bad": True}, "has been changed"), ({"last": True}, "the last layer is affine"),
     ({"columns": True}, "here a column does"), ({"bias_last": True}, "nothing but the biases"),
     ({"hidden": lambda a: np.maximum(a, 0)}, "with hidden layers")],
)  # fmt: skip
def test_forward_is_wrong(variant, says):
    verdict = check("feedforward/forward", lambda *given: forward(*given, **variant))
    assert not verdict
    assert says in verdict.message


def test_forward_of_the_wrong_shape_or_order():
    assert "(7, 2)" in check("feedforward/forward", lambda *given: forward(*given).T).message
    backwards = check("feedforward/forward", lambda theta, x, widths: forward(theta, -x, widths))
    assert "one layer is the affine map" in backwards.message


# backpropagation


def softmax_slope(a, y):
    p = np.exp(a - a.max())
    p = p / p.sum()
    p[y] -= 1
    return p


def careless_slope(a, y):
    p = np.exp(a) / np.exp(a).sum()
    p[y] -= 1
    return p


def tanh_backward(x, b, W, G):
    """The way through the tanh alone."""
    G_a = (1 - np.tanh(W @ x + b) ** 2) * G
    return W.T @ G_a, G_a, G_a[:, None] * x[None, :]


def residual_backward(x, b, W, G):
    G_x, G_b, G_W = tanh_backward(x, b, W, G)
    return G + G_x, G_b, G_W


def residual_backward_in_place(x, b, W, G):
    G_x, G_b, G_W = tanh_backward(x, b, W, G)
    G += G_x
    return G.copy(), G_b, G_W


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("backpropagation/softmax-gradient", softmax_slope),
        ("backpropagation/residual-layer", residual_backward),
    ],
)
def test_a_right_answer_on_backpropagation_passes(name, answer):
    assert check(name, answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda a, y: -softmax_slope(a, y), "the sign is wrong"),
        (lambda a, y: softmax_slope(a, y) + np.eye(len(a))[y], "along it there is a slope"),
        (lambda a, y: 2 * softmax_slope(a, y), "output of the right class"),
        (lambda a, y: np.roll(softmax_slope(a, y), 1), "output of the right class"),
        (
            lambda a, y: (
                np.where(np.arange(len(a)) == y, softmax_slope(a, y), -softmax_slope(a, y)[y])
                / np.where(np.arange(len(a)) == y, 1, len(a) - 1)
            ),
            "output of a wrong class",
        ),
        (lambda a, y: softmax_slope(a, y)[:, None], "for 3 outputs"),
        (careless_slope, "not finite"),
        (lambda a, y: np.nan_to_num(careless_slope(a, y)), "finite, but not right"),
    ],
)
def test_a_wrong_softmax_gradient_is_told_which_property_fails(answer, says):
    verdict = check("backpropagation/softmax-gradient", answer)
    assert not verdict
    assert says in verdict.message


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (tanh_backward, "only what flows through the tanh"),
        (lambda x, b, W, G: (G, *tanh_backward(x, b, W, G)[1:]), "only what flows around the tanh"),
        (lambda x, b, W, G: (W @ G, *tanh_backward(x, b, W, G)[1:]), "slopes along x"),
        (lambda *a: (*residual_backward(*a)[:2], residual_backward(*a)[2].T), "transposed"),
        (lambda *a: (*residual_backward(*a)[:2], np.ones((4, 4))), "slopes along W"),
        (lambda *a: (residual_backward(*a)[0], a[3], residual_backward(*a)[2]), "slopes along b"),
        (
            lambda *a: (residual_backward(*a)[0], residual_backward(*a)[1] + a[3], a[2]),
            "not on the way around",
        ),
        (
            lambda *a: (*residual_backward(*a)[:2], residual_backward(*a)[2][0]),
            "shape of what it belongs",
        ),
        (lambda *a: residual_backward(*a)[:2], "three gradients"),
        (residual_backward_in_place, "has been changed"),
    ],
)
def test_a_wrong_residual_layer_is_told_which_property_fails(answer, says):
    verdict = check("backpropagation/residual-layer", answer)
    assert not verdict
    assert says in verdict.message


# sgd/minibatch-variance, sgd/nesterov-step


@pytest.mark.parametrize("answer", [0.162, np.float64(0.162), 4 / 20 * 81 / 100])
def test_minibatch_variance_is_judged(answer):
    assert check("sgd/minibatch-variance", answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [(-0.1, "is positive"), (0.162**0.5, "a standard deviation"), (0.2, "with replacement"),
     (0.5, "noisier than"), (4 / 20 * 81 / 101, "a minibatch of one sample would vary less"),
     (0.1, "not the variance of all")],
)  # fmt: skip
def test_a_wrong_minibatch_variance_is_told_which_property_fails(answer, says):
    verdict = check("sgd/minibatch-variance", answer)
    assert not verdict
    assert says in verdict.message
    assert "0.16" not in verdict.message


def nesterov(gradient, theta, v, learning_rate, momentum):
    v = momentum * v - learning_rate * gradient(theta + momentum * v)
    return theta + v, v


def in_place(gradient, theta, v, learning_rate, momentum):
    theta += 0.0
    v *= momentum
    v -= learning_rate * gradient(theta + v)
    return theta + v, v


def old_velocity(gradient, theta, v, learning_rate, momentum):
    return theta + v, momentum * v - learning_rate * gradient(theta + momentum * v)


def heavy_ball(gradient, theta, v, learning_rate, momentum):
    v = momentum * v - learning_rate * gradient(theta)
    return theta + v, v


def too_far(gradient, theta, v, learning_rate, momentum):
    v = momentum * v - learning_rate * gradient(theta + v)
    return theta + v, v


def uphill(gradient, theta, v, learning_rate, momentum):
    v = momentum * v + learning_rate * gradient(theta + momentum * v)
    return theta + v, v


def standing(gradient, theta, v, learning_rate, momentum):
    return theta, nesterov(gradient, theta, v, learning_rate, momentum)[1]


def twice(gradient, theta, v, learning_rate, momentum):
    gradient(theta)
    return nesterov(gradient, theta, v, learning_rate, momentum)


def test_nesterov_step_is_judged():
    assert check("sgd/nesterov-step", nesterov)


@pytest.mark.parametrize(
    ("answer", "says"),
    [(in_place, "has been changed"), (old_velocity, "by the velocity of the step before"),
     (heavy_ball, "as in plain momentum"), (too_far, "decayed velocity does not lead"),
     (uphill, "minus the step against the gradient"), (standing, "did not move by the new"),
     (twice, "asked for 2 times"), (lambda *a: a[1], "two things"),
     (lambda *a: (a[1][:1], a[2]), "have the shape (2,)")],
)  # fmt: skip
def test_a_wrong_nesterov_step_is_told_which_property_fails(answer, says):
    verdict = check("sgd/nesterov-step", answer)
    assert not verdict
    assert says in verdict.message


# sgd/mean-of-parts


def test_the_mean_of_parts_is_judged():
    assert check("sgd/mean-of-parts", lambda gradients, sizes: sizes @ gradients / sizes.sum())


def weigh_in_place(gradients, sizes):
    gradients *= sizes[:, None] / sizes.sum()
    return gradients.sum(0)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda gradients, sizes: gradients.sum(0), "added up"),
        (lambda gradients, sizes: gradients.mean(0), "a small part counts as much"),
        (lambda gradients, sizes: sizes @ gradients, "not the mean gradient"),
        (lambda gradients, sizes: gradients, "has the shape (P,)"),
        (weigh_in_place, "has been changed"),
    ],
)
def test_a_wrong_mean_of_parts_is_told_which_property_fails(answer, says):
    verdict = check("sgd/mean-of-parts", answer)
    assert not verdict
    assert says in verdict.message


# momentum/terminal-velocity


def test_the_steps_to_the_terminal_velocity_are_judged():
    assert check("momentum/terminal-velocity", 22)


@pytest.mark.parametrize(
    ("answer", "says"),
    [(21.85, "whole numbers"), (0, "starts at rest"), (10, "still below"), (21, "still below"),
     (23, "one step earlier")],
)  # fmt: skip
def test_a_wrong_terminal_velocity_is_told_which_property_fails(answer, says):
    verdict = check("momentum/terminal-velocity", answer)
    assert not verdict
    assert says in verdict.message
    assert "22" not in verdict.message


# minima/twins


def twins(hidden):
    return math.prod(2**n * math.factorial(n) for n in hidden)


def test_the_number_of_equivalent_thetas_is_judged():
    assert check("minima/twins", twins)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda hidden: math.prod(map(math.factorial, hidden)), "can be flipped"),
        (lambda hidden: math.prod(math.factorial(n) + (n == 1) for n in hidden), "and not the signs"),
        (lambda hidden: math.prod(n**n + (n == 1) for n in hidden), "one layer of 4"),
        (lambda hidden: sum(twins([n]) for n in hidden), "independently"),
        (lambda hidden: twins(hidden[:1]), "hidden widths [3, 2]"),
        (lambda hidden: twins(hidden[:2]), "hidden widths [2, 2, 2]"),
        (lambda hidden: float(twins(hidden)), "exact integer"),
    ],
)
def test_a_wrong_number_of_equivalent_thetas_is_told_which_property_fails(answer, says):
    verdict = check("minima/twins", answer)
    assert not verdict
    assert says in verdict.message
    assert "384" not in verdict.message


# minima/balance


def balance(network, theta, power=0.5, bias=True):
    (b, W), (_, V) = network.unpack(theta)
    p, q = np.sqrt(bias * b**2 + (W**2).sum(1)), np.sqrt((V**2).sum(0))
    for k, beta in enumerate((q / p) ** power):
        theta = rescale_neuron(network, theta, 1, k, beta)
    return theta


def balance_in_place(network, theta):
    theta[:] = balance(network, theta)
    return theta


def incoming_only(network, theta):
    theta = theta.copy()
    (_, W), _ = network.unpack(theta)
    W *= 2
    return theta


def test_the_shortest_of_equivalent_thetas_is_judged():
    assert check("minima/balance", balance)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (balance_in_place, "must not change"),
        (lambda network, theta: theta[:-1], "shape (3,)"),
        (incoming_only, "what it computed before"),
        (lambda network, theta: balance(network, theta, bias=False), "bias is rescaled too"),
        (lambda network, theta: balance(network, theta, power=1.0), "still make theta shorter"),
        (lambda network, theta: theta.copy(), "still make theta shorter"),
    ],
)
def test_a_theta_that_is_not_the_shortest_is_told_which_property_fails(answer, says):
    verdict = check("minima/balance", answer)
    assert not verdict
    assert says in verdict.message


# differentiable programming


def softplus_box(forward=lambda a: np.logaddexp(0, a), slope=lambda y, a: -np.expm1(-y)):
    return Box("softplus", forward, lambda G, y, a: G * slope(y, a))


def plain_slope(y, a):
    return np.exp(a) / (1 + np.exp(a))


def backward_in_place(G, y, a):
    G *= -np.expm1(-y)
    return G.copy()


class Dual:
    def __init__(self, value, slope=0.0):
        self.value, self.slope = value, slope

    def lifted(self, b):
        return b if isinstance(b, Dual) else type(self)(b)

    def __add__(self, b):
        b = self.lifted(b)
        return type(self)(self.value + b.value, self.slope + b.slope)

    def __mul__(self, b):
        b = self.lifted(b)
        return type(self)(self.value * b.value, self.slope * b.value + self.value * b.slope)

    def __truediv__(self, b):
        b = self.lifted(b)
        y = self.value / b.value
        return type(self)(y, (self.slope - y * b.slope) / b.value)

    def __rtruediv__(self, a):
        return type(self)(a) / self

    __radd__, __rmul__ = __add__, __mul__


def dual_with(**methods):
    return type("Changed", (Dual,), methods)


@pytest.mark.parametrize(
    "box", [softplus_box(), softplus_box(slope=lambda y, a: 0.5 + np.tanh(a / 2) / 2)]
)
def test_a_right_softplus_box_passes(box):
    assert check("differentiable-programming/softplus-box", box)


@pytest.mark.parametrize(
    ("box", "says"),
    [
        (np.logaddexp, "not a Box"),
        (Box("softplus", lambda a: np.logaddexp(0, a)), "one backward function; this box has 0"),
        (softplus_box(np.exp), "are not ln(1 + e^a)"),
        (softplus_box(lambda a: np.logaddexp(0, a).sum()), "are not ln(1 + e^a)"),
        (Box("softplus", lambda a: np.logaddexp(0, a), backward_in_place), "has changed the gradient"),
        (Box("softplus", lambda a: np.logaddexp(0, a), lambda G, y, a: G.sum()), "has that shape"),
        (
            Box("softplus", lambda a: np.logaddexp(0, a), lambda G, y, a: plain_slope(y, a)),
            "slope alone",
        ),
        (softplus_box(slope=lambda y, a: y), "what differences of the values say"),
        (softplus_box(lambda a: np.log(1 + np.exp(a))), "the value is not right"),
        (softplus_box(slope=plain_slope), "the value is right, but the gradient is not"),
    ],
)
def test_a_wrong_softplus_box_is_told_which_property_fails(box, says):
    verdict = check("differentiable-programming/softplus-box", box)
    assert not verdict
    assert says in verdict.message


def test_dual_numbers_pass():
    assert check("differentiable-programming/dual-numbers", Dual)


def add_in_place(a, b):
    a.value, a.slope = a.value + a.lifted(b).value, a.slope + a.lifted(b).slope
    return a


@pytest.mark.parametrize(
    ("dual", "says"),
    [
        (dual_with(__radd__=None), "a number plus a dual number is refused"),
        (dual_with(__rtruediv__=lambda a, b: a / b), "a number over a dual number has the wrong value"),
        (
            dual_with(__mul__=lambda a, b: Dual(a.value * b.value, a.slope * b.slope)),
            "a product of two dual numbers has the right value and the wrong slope",
        ),
        (
            dual_with(__truediv__=lambda a, b: type(a)(a.value / b.value, a.slope / b.value)),
            "a quotient of two has the right value and the wrong slope",
        ),
        (dual_with(__add__=add_in_place), "has changed one of the two"),
        (3.0, "this is a float, not a class"),
    ],
)
def test_wrong_dual_numbers_are_told_which_property_fails(dual, says):
    verdict = check("differentiable-programming/dual-numbers", dual)
    assert not verdict
    assert says in verdict.message


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (0.729, "with zero_grad"),
        (0.71, "another number of steps"),
        (0.1431, "another number of steps"),
        (0.81, "lead further"),
        (0.3, "sum of all gradients"),
    ],
)
def test_a_wrong_theta_without_zero_grad_is_told_which_property_fails(answer, says):
    assert check("pytorch/forgotten-zero-grad", 0.449)
    verdict = check("pytorch/forgotten-zero-grad", answer)
    assert not verdict
    assert says in verdict.message


def training_loop(*, zero="each", record=torch.Tensor.item, after=False, factor=1.0, drop=0):
    """Return a training loop that is right, or wrong in one respect."""

    def fit(module, criterion, x, y, learning_rate, steps):
        optimizer = torch.optim.SGD(module.parameters(), lr=factor * learning_rate)
        losses = []
        if zero == "once":
            optimizer.zero_grad()
        for _ in range(steps):
            loss = criterion(module(x), y)
            if zero == "each":
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if zero == "late":
                optimizer.zero_grad()
            losses.append(record(criterion(module(x), y) if after else loss))
        return losses[drop:]

    return fit


def test_the_five_lines_of_training_are_judged():
    assert check("pytorch/training-loop", training_loop())


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (training_loop(zero="late"), "before the first step"),
        (training_loop(zero="once"), "of earlier steps"),
        (training_loop(zero="never"), "no step forgets"),
        (training_loop(factor=0.5), "with this learning rate"),
        (training_loop(record=lambda loss: loss), "with its graph"),
        (training_loop(after=True), "before each step"),
        (training_loop(drop=1), "a list of 4 losses"),
        (lambda *arguments: [0.0] * 4, "has not changed"),
    ],
)
def test_a_training_loop_that_is_wrong_is_told_which_property_fails(answer, says):
    verdict = check("pytorch/training-loop", answer)
    assert not verdict
    assert says in verdict.message


# gpus/ring-sum


def ring_sum(arrays, send, extra=0, add=True, rounds=None):
    n = len(arrays)
    parts = [[part.copy() for part in np.split(a, n)] for a in arrays]
    for r in range(2 * (n - 1) if rounds is None else rounds):
        got = [send(k, parts[k][(k - r) % n]) for k in range(n)]
        for k in range(n):
            here, which = (k + 1) % n, (k - r) % n
            parts[here][which] = got[k] + (parts[here][which] if add and r < n - 1 else 0)
    for _ in range(extra):
        send(0, arrays[0])
    return [np.concatenate(p) for p in parts]


def all_the_way_round(arrays, send):
    n, sums, passed = len(arrays), [a.copy() for a in arrays], list(arrays)
    for _ in range(n - 1):
        got = [send(k, passed[k]) for k in range(n)]
        passed = [got[k - 1] for k in range(n)]
        sums = [a + b for a, b in zip(sums, passed, strict=True)]
    return sums


def ring_sum_in_place(arrays, send):
    arrays[0][:] = (sums := ring_sum(arrays, send))[0]
    return sums


def reads_what_it_should_be_sent(arrays, send):
    send(0, arrays[0][:1])
    return [sum(arrays) for _ in arrays]


def test_a_sum_around_a_ring_is_judged():
    assert check("gpus/ring-sum", ring_sum)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (ring_sum_in_place, "has been changed"),
        (lambda arrays, send: ring_sum(arrays, send)[:1], "2 processes are to have the sum"),
        (lambda arrays, send: [sum(arrays) for _ in arrays], "nothing was sent"),
        (lambda arrays, send: [a[:1] for a in ring_sum(arrays, send)], "shape (1,)"),
        (lambda arrays, send: ring_sum(arrays, send, add=False), "process 0 of 2 does not have the sum"),
        (lambda arrays, send: ring_sum(arrays, send, rounds=len(arrays) - 1), "does not have the sum"),
        (lambda arrays, send: ring_sum(arrays, send, extra=1), "of 2 processes"),
        (all_the_way_round, "of 3 processes with 6 numbers each, one sent 12 numbers; 8 are enough"),
        (reads_what_it_should_be_sent, "read without sending"),
    ],
)
def test_a_sum_around_a_ring_that_is_none_is_told_which_property_fails(answer, says):
    verdict = check("gpus/ring-sum", answer)
    assert not verdict
    assert says in verdict.message


def nan_like(*arguments, **options):
    """Answer every call with NaN in the shape of the first array."""
    arrays = [a for a in arguments if isinstance(a, np.ndarray)]
    return np.full(arrays[0].shape, np.nan) if arrays else math.nan


NANS = [
    math.nan,
    (math.nan, math.nan),
    *(np.full(shape, np.nan) for shape in [(), (1,), (2,), (3,), (5,), (10,), (2, 2), (4, 2)]),
    nan_like,
    lambda *arguments, **options: math.nan,
    lambda *arguments, **options: (nan_like(*arguments), nan_like(*arguments)),
    lambda theta, *others, **options: np.full(np.shape(theta)[:-1], np.nan),
]


@pytest.mark.parametrize("name", exercise_names())
def test_no_judge_takes_nan_for_an_answer(name):
    with np.errstate(all="ignore"):
        assert not any(check(name, answer) for answer in NANS)
