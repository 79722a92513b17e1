"""Bad input: each case says what came, what was expected, and what to do about it."""

import numpy as np
import pytest
import torch

from lecturecode import (
    Adam,
    Backprop,
    CrossEntropy,
    GradientDescent,
    Mixture,
    Network,
    RankDeficientWarning,
    SquaredError,
    TotalLoss,
    Trace,
    affine_error,
    alternate,
    backprop,
    backprop_by_hand,
    check_gradient,
    classify,
    coordinate_descent,
    design_matrix,
    factorize,
    find_stationary_point,
    fit_affine,
    flip_neuron,
    gaussian_mixture,
    gradient_descent,
    kkt_violation,
    kmeans,
    kmeans_start,
    largest_penalty,
    lasso,
    least_squares,
    minibatches,
    minimize,
    nonnegative_least_squares,
    normal_equations,
    pointwise,
    reorder_neurons,
    rescale_neuron,
    sample_gradients,
    train,
)
from lecturecode.alternating import assign, inertia, soft_threshold
from lecturecode.evaluation import evaluate
from lecturecode.exercises import check, exercise_names
from lecturecode.objectives import Function, Himmelblau, MeanSquaredError, Quadratic, Rosenbrock

META = torch.device("meta")  # a second device that every machine has

SOLVERS = {
    "least_squares": least_squares,
    "normal_equations": normal_equations,
    "MeanSquaredError": MeanSquaredError,
}
FITS = {"fit_affine": fit_affine, "affine_error": affine_error}
solvers = pytest.mark.parametrize("take", SOLVERS.values(), ids=SOLVERS)
fits = pytest.mark.parametrize("take", FITS.values(), ids=FITS)
takers = pytest.mark.parametrize("take", [*SOLVERS.values(), *FITS.values()], ids=[*SOLVERS, *FITS])


def inputs(take, samples=3):
    """x for the fits of a line, W for those that take a design matrix."""
    x = np.arange(float(samples))
    return x if take in FITS.values() else np.column_stack([x, x**2 + 1])


@takers
def test_empty_data(take):
    with pytest.raises(ValueError, match=r"is empty \(shape \(0,\)\); give at least one value"):
        take(inputs(take), [])
    with pytest.raises(ValueError, match=r"is empty \(shape .*0.*\); give at least one value"):
        take(inputs(take)[:0], [1.0, 2.0, 3.0])


def test_empty_theta():
    for method in (
        lambda theta: gradient_descent(Quadratic([1.0]), theta, 0.1, steps=3),
        lambda theta: check_gradient(Himmelblau(), Himmelblau().gradient, theta),
        lambda theta: find_stationary_point(Himmelblau().gradient, Himmelblau().hessian, theta),
    ):
        with pytest.raises(ValueError, match=r"theta must have shape \(P,\) with P >= 1; got \(0,\)"):
            method([])


@takers
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_or_infinity_in_data(take, bad):
    x, y = inputs(take), np.array([1.0, bad, 3.0])
    with pytest.raises(ValueError, match=r"y has 1 value\(s\) .*NaN or infinite.*index \(1,\); remove"):
        take(x, y)
    x = x.copy()
    x[2] = bad
    with pytest.raises(ValueError, match=r"[xW] has \d value\(s\) .*NaN or infinite.*index \(2.*remove"):
        take(x, np.ones(3))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_or_infinity_in_the_start(bad):
    with pytest.raises(ValueError, match=r"theta has 1 value\(s\) that are NaN or infinite.*\(1,\)"):
        gradient_descent(Himmelblau(), [1.0, bad], 0.1, steps=3)


def test_nan_in_a_hessian():
    with pytest.raises(ValueError, match=r"hessian has 1 value\(s\) that are NaN"):
        classify([[1.0, 0.0], [0.0, np.nan]])


@solvers
def test_shapes_of_matrix_and_targets_do_not_match(take):
    with pytest.raises(ValueError, match=r"y must have shape \(T,\).*, and T is 3 in W; got \(4,\)"):
        take(np.ones((3, 2)), np.ones(4))
    with pytest.raises(
        ValueError, match=r"y must .*, and T is 2 in W; got \(3,\)\. .*transpose it: W\.T"
    ):
        take(np.ones((2, 3)), np.ones(3))
    with pytest.raises(
        ValueError, match=r"W must have shape \(T, P\); got \(3,\)\. design_matrix\(x\) makes one"
    ):
        take(np.ones(3), np.ones(3))


@fits
def test_numbers_of_inputs_and_targets_do_not_match(take):
    with pytest.raises(ValueError, match=r"y must have shape \(T,\), and T is 3 in x; got \(2,\)"):
        take([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"x must have shape \(T,\) or \(T, D\); got \(\)"):
        take(1.0, [1.0])


@fits
def test_targets_with_two_axes(take):
    with pytest.raises(ValueError, match=r"y must have shape \(T,\); got \(3, 1\)"):
        take([1.0, 2.0, 3.0], np.ones((3, 1)))


def test_inputs_with_three_axes():
    with pytest.raises(ValueError, match=r"x must have shape \(T,\) or \(T, D\); got \(2, 2, 2\)"):
        design_matrix(np.ones((2, 2, 2)))


def test_a_theta_that_does_not_fit_g():
    for g in (Quadratic([1.0, 2.0]), affine_error([1.0, 2.0], [3.0, 5.0]), Rosenbrock()):
        with pytest.raises(ValueError, match=r"this g has 2 coordinates; theta has shape \(3,\)"):
            gradient_descent(g, [1.0, 2.0, 3.0], 0.1, steps=3)


def test_a_theta_that_is_a_number():
    with pytest.raises(
        ValueError, match=r"shape \(P,\).*got \(\)\. A single parameter is written \[3\.0\]"
    ):
        gradient_descent(Quadratic([1.0]), 3.0, 0.1, steps=3)


def test_a_theta_of_three_axes():
    with pytest.raises(ValueError, match=r"shape \(P,\) or \(M, P\); got \(2, 2, 2\)"):
        gradient_descent(Himmelblau(), np.ones((2, 2, 2)), 0.1, steps=3)


def test_a_single_point_for_a_line():
    with pytest.warns(
        RankDeficientWarning, match=r"a single point.*2 parameters \(rank 1\).*least norm"
    ) as w:
        theta = fit_affine([2.0], [5.0])
    np.testing.assert_allclose(theta, [2.0, 1.0], rtol=1e-14)
    assert len(w) == 1
    assert w[0].filename == __file__, "the warning points at the caller's line"


def test_all_x_equal():
    with pytest.warns(RankDeficientWarning, match="all 4 values of x are equal.*least norm.*other x"):
        theta = fit_affine([3.0, 3.0, 3.0, 3.0], [1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(theta, [0.75, 0.25], rtol=1e-13)


def test_x_equal_to_rounding_is_not_called_equal():
    with pytest.warns(RankDeficientWarning, match="are equal, to rounding: they cannot"):
        fit_affine([1e16, 1e16 + 2], [1.0, 2.0])


@pytest.mark.parametrize(
    "take",
    [
        lambda g: evaluate(g, [1.0]),
        pointwise,
        lambda g: gradient_descent(g, [1.0], 0.1, steps=3),
        lambda g: check_gradient(g, abs, [1.0]),
    ],
    ids=["evaluate", "pointwise", "gradient_descent", "check_gradient"],
)
@pytest.mark.parametrize("g", [3.0, None, "g"])
def test_a_non_callable_g(take, g):
    with pytest.raises(TypeError, match=f"g must be a function of theta; got {type(g).__name__}. Give"):
        take(g)


def test_a_non_callable_value_and_gradient():
    with pytest.raises(TypeError, match="value_and_gradient must be a function of theta; got tuple"):
        minimize((1.0, 2.0), [1.0], GradientDescent(0.1), steps=3)


@pytest.mark.parametrize("g", [np.sum, Function(np.sum)], ids=["function", "Function"])
def test_a_g_without_gradient(g):
    with pytest.raises(TypeError, match=r"g has no gradient.*objectives\.Function\(value=g, gradient="):
        gradient_descent(g, [1.0], 0.1, steps=3)


@pytest.mark.parametrize(
    ("gradient", "got"),
    [(lambda t: t[:1], r"has shape \(1,\)"), (lambda t: t[None], r"has shape \(1, 2\)"),
     (lambda t: t.sum(), r"has shape \(\)"), (lambda t: [1.0, 2.0], "is a list"),
     (lambda t: None, "is a NoneType")],
)  # fmt: skip
def test_a_gradient_of_the_wrong_shape(gradient, got):
    says = rf"the gradient {got} and theta has shape \(2,\); they must be equal"
    with pytest.raises(ValueError, match=says):
        gradient_descent(Function(np.sum, gradient=gradient), [1.0, 2.0], 0.1, steps=3)
    with pytest.raises(ValueError, match=says):
        check_gradient(np.sum, gradient, [1.0, 2.0])


def test_a_value_of_the_wrong_shape():
    g = Function(lambda t: t, gradient=lambda t: t)
    with pytest.raises(
        ValueError, match=r"g returned shape \(2,\) for theta of shape \(2,\).*return \(\)"
    ):
        gradient_descent(g, [1.0, 2.0], 0.1, steps=3)


def test_a_gradient_that_is_wrong():
    with pytest.raises(
        ValueError, match="wrong in coordinate 1: it says 10, central differences say -10"
    ):
        check_gradient(lambda t: t[0] - 10 * t[1], lambda t: np.array([1.0, 10.0]), [0.5, 0.5])


@pytest.mark.parametrize(
    "answer", [lambda t: t.sum(), lambda t: [t.sum()], lambda t: None, lambda t: (1.0, t, t)]
)
def test_a_value_and_gradient_that_is_no_pair(answer):
    with pytest.raises(
        TypeError, match=r"must return the pair \(g\(theta\), gradient\); got .*g\.gradient"
    ):
        minimize(answer, [1.0, 2.0], GradientDescent(0.1), steps=3)


@pytest.mark.parametrize("start", [[1.0, 2.0], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [1.0]])
def test_a_pair_that_came_swapped(start):
    def swapped(theta):
        return 2 * theta, (theta**2).sum(-1)

    with pytest.raises(ValueError, match=r"^the pair is \(value, gradient\); they came swapped$"):
        minimize(swapped, start, GradientDescent(0.1), steps=3)


def test_a_value_that_is_a_number_of_python_may_come_swapped_too():
    with pytest.raises(ValueError, match="they came swapped"):
        minimize(lambda t: (t, 1.0), [1.0, 2.0], GradientDescent(0.1), steps=3)
    with pytest.raises(ValueError, match="the gradient is a float and theta has shape"):
        minimize(lambda t: (2.0, 1.0), [1.0, 2.0], GradientDescent(0.1), steps=3)


def test_an_optimizer_that_is_none():
    with pytest.raises(
        TypeError, match=r"optimizer must have init and step; got float.*GradientDescent"
    ):
        minimize(lambda t: (t.sum(), t), [1.0], 0.1, steps=3)
    with pytest.raises(TypeError, match="optimizer must have init and step; got type"):
        minimize(lambda t: (t.sum(), t), [1.0], type, steps=3)


@pytest.mark.parametrize("steps", [0, -1, 2.5, True, None])
def test_steps_below_one(steps):
    g = Himmelblau()
    for method in (
        lambda: gradient_descent(g, [1.0, 1.0], 0.1, steps=steps),
        lambda: find_stationary_point(g.gradient, g.hessian, [1.0, 1.0], steps=steps),
    ):
        with pytest.raises(ValueError, match=f"steps must be an integer of at least 1; got {steps}"):
            method()


@pytest.mark.parametrize("rate", [0.0, -0.1, float("nan"), float("inf")])
def test_a_learning_rate_that_is_not_positive(rate):
    with pytest.raises(
        ValueError, match=f"learning_rate must be positive and finite; got {rate}. Try 0.1"
    ):
        gradient_descent(Quadratic([1.0]), [1.0], rate, steps=3)


@takers
def test_tensors_on_two_devices(take):
    x = torch.from_numpy(inputs(take))
    with pytest.raises(
        ValueError, match=r"is on device cpu and y on meta; move one.*y\.to\(.\.device\)"
    ):
        take(x, torch.ones(3, dtype=x.dtype, device=META))


def test_theta_and_data_on_two_devices():
    g = Quadratic(torch.tensor([1.0, 2.0]))
    with pytest.raises(
        ValueError, match=r"data that g holds is on device cpu and theta on meta; move one"
    ):
        g(torch.ones(2, device=META))
    with pytest.raises(ValueError, match=r"theta is on device cpu and the gradient on meta"):
        minimize(lambda t: (t.sum(), t.to(META)), torch.ones(2), GradientDescent(0.1), steps=3)


@takers
@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_mixed_dtypes(take, library):
    x = inputs(take)
    with pytest.raises(TypeError, match=r"has dtype .*float64 and y has dtype .*float32; convert one"):
        take(library(x), library(np.ones(3, np.float32)))


@takers
def test_arrays_beside_tensors(take):
    x = inputs(take)
    with pytest.raises(
        TypeError, match=r"is a NumPy array and y is a PyTorch tensor; convert one.*from_numpy"
    ):
        take(x, torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_theta_and_data_of_mixed_dtypes(library):
    theta = library(np.ones(2, np.float32))
    for g in (
        Quadratic(library(np.ones(2))),
        MeanSquaredError(library(np.ones((3, 2))), library(np.ones(3))),
    ):
        for method in (g, g.gradient, g.hessian):
            with pytest.raises(
                TypeError, match=r"data that g holds has dtype .*64 and theta has dtype .*32"
            ):
                method(theta)


def test_theta_a_tensor_and_data_arrays():
    with pytest.raises(
        TypeError, match="data that g holds is a NumPy array and theta is a PyTorch tensor"
    ):
        gradient_descent(Quadratic([1.0, 2.0]), torch.ones(2), 0.1, steps=3)


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_a_gradient_of_another_dtype(library):
    def value_and_gradient(theta):
        return theta.sum(), library(np.ones(2))

    with pytest.raises(
        TypeError, match=r"theta has dtype .*32 and the gradient has dtype .*64; convert"
    ):
        minimize(value_and_gradient, library(np.ones(2, np.float32)), GradientDescent(0.1), steps=3)


@pytest.mark.parametrize("kinds", [(np.asarray, torch.as_tensor), (torch.as_tensor, np.asarray)])
def test_a_gradient_of_another_library(kinds):
    theta, other = kinds[0](np.ones(2)), kinds[1](np.ones(2))
    with pytest.raises(TypeError, match=r"theta is a .* and the gradient is a .*; convert one"):
        minimize(lambda t: (t.sum(), other), theta, GradientDescent(0.1), steps=3)


@takers
@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy, list], ids=["numpy", "torch", "list"])
def test_complex_data(take, library):
    with pytest.raises(TypeError, match=r"y is complex; g is a function of real parameters.*real part"):
        take(inputs(take), library(np.ones(3) * 1j))


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy, list], ids=["numpy", "torch", "list"])
def test_complex_theta(library):
    with pytest.raises(TypeError, match="theta is complex"):
        gradient_descent(Himmelblau(), library(np.ones(2) * 1j), 0.1, steps=3)


def test_a_complex_value_of_g():
    with pytest.raises(TypeError, match=r"g\(theta\) is complex"):
        minimize(lambda t: (1j, t), [1.0, 2.0], GradientDescent(0.1), steps=3)
    with pytest.raises(TypeError, match=r"g\(theta\) is complex"):
        evaluate(lambda t: 1j * t.sum(-1), [1.0, 2.0])


def test_a_g_that_returns_nothing():
    with pytest.raises(TypeError, match=r"g\(theta\) must hold real numbers; got NoneType"):
        minimize(lambda t: (None, t), [1.0, 2.0], GradientDescent(0.1), steps=3)


@takers
def test_words_in_data(take):
    with pytest.raises(TypeError, match="y must hold real numbers; got list of dtype"):
        take(inputs(take), ["1", "2", "three"])


def test_masked_data():
    with pytest.raises(TypeError, match=r"x has masked entries; leave them out.*x\.compressed\(\)"):
        fit_affine(np.ma.array([1.0, 2.0, 900.0], mask=[0, 0, 1]), [1.0, 2.0, 3.0])


def test_a_learning_rate_that_diverges():
    """Rosenbrock's canyon at ten times the largest stable step."""
    trace = gradient_descent(Rosenbrock(), [-1.2, 1.0], 0.02, steps=1000)
    assert not trace.converged
    assert 2 <= trace.steps < 1000
    assert (
        trace.message == f"diverged at step {trace.steps}: g is not finite; try a smaller learning_rate"
    )
    assert np.isfinite(trace.theta).all()
    assert np.isfinite(trace.value)
    assert trace.value == np.nanmin(trace.values) <= 24.2
    np.testing.assert_allclose(Rosenbrock()(trace.theta), trace.value)


def test_an_exception_inside_g():
    def g(theta):
        raise RuntimeError("sensor unplugged")

    for run in (
        lambda: evaluate(g, [1.0, 2.0]),
        lambda: pointwise(g)([1.0, 2.0]),
        lambda: gradient_descent(Function(g, gradient=np.sin), [1.0, 2.0], 0.1, steps=3),
        lambda: check_gradient(g, np.cos, [1.0, 2.0]),
        lambda: find_stationary_point(g, g, [1.0, 2.0]),
    ):
        with pytest.raises(RuntimeError, match="sensor unplugged") as caught:
            run()
        assert caught.value.theta.tolist() == [1.0, 2.0]
        assert "theta = [1. 2.]" in caught.value.__notes__[0]


@pytest.mark.parametrize("name", ["descent/largest-stable-stepp", "", None, 3, "Descent", [], {}])
def test_an_unknown_exercise_name(name):
    with pytest.raises(ValueError, match="name must be one of") as caught:
        check(name, 1.0)
    assert f"got {name!r}" in str(caught.value)
    for known in exercise_names():
        assert known in str(caught.value)


def test_a_misspelt_exercise_name_gets_a_suggestion():
    with pytest.raises(ValueError, match="Did you mean 'descent/largest-stable-step'"):
        check("descent/largest-stable-stp", 0.5)


# --- alternated minimization ----------------------------------------------------------------------

TWO_COLUMNS = {  # name: a call on a matrix of two columns
    "kmeans": lambda x: kmeans(x, 1, rng=0),
    "kmeans_start": lambda x: kmeans_start(x, 1, rng=0),
    "assign": lambda x: assign(x, [[0.0, 0.0]]),
    "inertia": lambda x: inertia(x, [[0.0, 0.0]], [0] * len(x)),
    "gaussian_mixture": lambda x: gaussian_mixture(x, 1, rng=0),
    "factorize": lambda x: factorize(x, 1, rng=0),
    "lasso": lambda x: lasso(x, [1.0] * len(x), 0.1),
    "largest_penalty": lambda x: largest_penalty(x, [1.0] * len(x)),
    "nonnegative_least_squares": lambda x: nonnegative_least_squares(x, [1.0] * len(x)),
    "kkt_violation": lambda x: kkt_violation(x, [1.0] * len(x), [0.0, 0.0]),
}
two_columns = pytest.mark.parametrize("take", TWO_COLUMNS.values(), ids=TWO_COLUMNS)


@two_columns
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_or_infinity_in_samples_to_alternate_on(take, bad):
    x = np.arange(6.0).reshape(3, 2)
    x[1, 0] = bad
    with pytest.raises(ValueError, match=r"has 1 value\(s\) that are NaN or inf.*\(1, 0\); remove or"):
        take(x)


@two_columns
def test_samples_to_alternate_on_that_are_no_numbers(take):
    with pytest.raises(TypeError, match="must hold real numbers"):
        take([["3.5", "male"], ["4.0", "female"]])
    with pytest.raises(TypeError, match="is complex"):
        take(np.ones((3, 2)) * 1j)
    with pytest.raises(TypeError, match="has masked entries"):
        take(np.ma.masked_less(np.arange(6.0).reshape(3, 2), 2))
    with pytest.raises(ValueError, match="is empty"):
        take(np.empty((0, 2)))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("take", [lasso, nonnegative_least_squares, largest_penalty])
def test_nan_or_infinity_in_the_targets_of_a_regression(take, bad):
    more = (0.1,) if take is lasso else ()
    with pytest.raises(ValueError, match=r"y has 1 value\(s\) that are NaN or infinite.*\(2,\); remove"):
        take(np.ones((3, 2)), [1.0, 2.0, bad], *more)


@pytest.mark.parametrize("take", [lasso, nonnegative_least_squares, largest_penalty])
@pytest.mark.parametrize(
    ("W", "y", "hint"),
    [
        ((3,), (3,), r"W .* \(T, P\); got \(3,\)\. A single row is .*, a single column W\[:, None\]"),
        ((3, 2), (3, 1), r"y .* \(T,\); got \(3, 1\)\. Take its only column, y\[:, 0\]"),
        ((2, 3), (3,), r"y .* T is 2 in W; got \(3,\)\. If the columns of W .*, transpose it: W\.T"),
        ((3, 2), (4,), r"y .* T is 3 in W; got \(4,\)$"),
    ],
)
def test_matrices_and_targets_of_a_regression_that_do_not_match(take, W, y, hint):
    more = (0.1,) if take is lasso else ()
    with pytest.raises(ValueError, match=hint):
        take(np.ones(W), np.ones(y), *more)


def test_nan_in_what_is_not_data():
    with pytest.raises(ValueError, match="theta has 1 value"):
        kkt_violation(np.ones((3, 2)), np.ones(3), [0.0, np.nan])
    with pytest.raises(ValueError, match="threshold has 1 value"):
        soft_threshold([1.0, 2.0], [1.0, np.nan])
    with pytest.raises(ValueError, match="centers has 1 value"):
        assign([[1.0]], [[np.nan]])


def test_one_sample_for_a_regression_or_a_factorization():
    """|w|^2 = 5 for the only row w = (1, 2), and y = 3: the larger column takes all."""
    trace = lasso([[1.0, 2.0]], [3.0], 0.4)
    np.testing.assert_allclose(trace.theta, [0, 1.5 - 0.4 / 8], rtol=1e-9)
    trace = nonnegative_least_squares([[1.0, 2.0]], [3.0])
    assert trace.converged
    assert trace.value < 1e-30
    assert nonnegative_least_squares([[1.0, 2.0]], [-3.0]).theta.tolist() == [0, 0]
    trace = factorize([[1.0, 2.0]], 1, rng=0)
    assert (trace.converged, trace.value < 1e-28) == (True, True)


def test_constant_columns_in_a_regression_or_a_factorization():
    """Two equal constant columns: only their sum is determined, by the mean of y."""
    y = np.arange(5.0)
    for penalty in (0.0, 0.5):  # (s - 2)^2 + 2 + penalty s is least at 2 - penalty / 2
        trace = lasso(np.ones((5, 2)), y, penalty)
        assert trace.converged
        assert trace.theta.sum() == pytest.approx(2 - penalty / 2, rel=1e-7)
    trace = nonnegative_least_squares(np.ones((5, 2)), y)
    assert trace.converged
    assert trace.theta.sum() == pytest.approx(2, rel=1e-12)
    trace = factorize(np.ones((5, 3)), 2, rng=0)
    assert (trace.converged, trace.value < 1e-27) == (True, True)


def test_what_alternate_takes_for_a_start():
    for method in (
        lambda theta: alternate(np.sum, [np.min], theta, sweeps=1),
        lambda theta: coordinate_descent(np.sum, theta, sweeps=1),
    ):
        with pytest.raises(ValueError, match=r"theta must have shape \(P,\) with P >= 1; got \(\)"):
            method(3.0)
        with pytest.raises(ValueError, match="theta has 1 value"):
            method([np.inf])
        with pytest.raises(TypeError, match="theta is complex"):
            method([1j])


@two_columns
@pytest.mark.filterwarnings("error")
def test_samples_that_carry_a_graph_of_autograd_leave_it_at_the_door(take):
    x = torch.arange(6.0, dtype=torch.float64).reshape(3, 2) ** 2
    result = take(x.clone().requires_grad_(True))
    same = take(x)
    pairs = [(result, same)]
    if isinstance(result, Trace):
        names = ("thetas", "values", "theta", "last")
        pairs = [(getattr(result, name), getattr(same, name)) for name in names]
    for found, expected in pairs:
        assert not getattr(found, "requires_grad", False)
        np.testing.assert_array_equal(found, expected)


def test_starts_and_targets_that_carry_a_graph_of_autograd_leave_it_too():
    x, y = torch.arange(8.0).reshape(4, 2) ** 2, torch.arange(4.0, requires_grad=True)
    shares, means = torch.ones(1), torch.zeros((1, 2), requires_grad=True)
    start = Mixture(shares, means, torch.eye(2).reshape(1, 2, 2))
    for trace in (
        gaussian_mixture(x, 1, start=start),
        lasso(x, y, 0.1),
        nonnegative_least_squares(x, y),
    ):
        assert not trace.thetas.requires_grad
        assert not trace.values.requires_grad


NET = Network((2, 3, 2))
SAMPLES, TARGETS, CLASSES = np.arange(8.0).reshape(4, 2), np.ones((4, 2)), np.array([0, 1, 1, 0])


def fit(x=SAMPLES, y=TARGETS, loss=None, network=NET, **more):
    given = {"optimizer": Adam(), "epochs": 2, "batch_size": 2, "rng": 0} | more
    return train(network, loss or SquaredError(), x, y, **given)


LEARNERS = {
    "backprop": lambda x, y, loss: backprop(NET, loss, NET.init(0, like=x), x, y),
    "sample_gradients": lambda x, y, loss: sample_gradients(NET, loss, NET.init(0, like=x), x, y),
    "TotalLoss": lambda x, y, loss: TotalLoss(NET, loss, x, y),
    "train": lambda x, y, loss: fit(x, y, loss),
    "train, validation": lambda x, y, loss: fit(
        np.ones((4, 2)), CLASSES if loss == CrossEntropy() else TARGETS, loss, validation=(x, y)
    ),
}
learners = pytest.mark.parametrize("take", LEARNERS.values(), ids=LEARNERS)


def test_widths_that_are_no_widths():
    for widths in ((2,), ()):
        with pytest.raises(ValueError, match=r"at least the inputs and the outputs, such as .*; got \("):
            Network(widths)
    for widths in ((2, 0, 1), (2, -3), (2, 3.0), (2, True), ["a", 1]):
        with pytest.raises(ValueError, match=r"widths\[[01]\] must be an integer of at least 1; got"):
            Network(widths)
    for widths in (3, "23", None, {2, 3}, np.array(3)):
        with pytest.raises(
            TypeError, match=r"widths must be a tuple of integers, such as \(2, 16, 1\); got"
        ):
            Network(widths)


@pytest.mark.parametrize("name", ["Relu", "swish", None, ["relu"], np.tanh], ids=repr)
def test_an_unknown_activation_lists_the_known_ones(name):
    there = "must be one of sigmoid, tanh, relu, leaky relu, softplus, identity; got "
    with pytest.raises(ValueError, match=f"activation {there}"):
        Network((1, 2, 1), name)
    with pytest.raises(ValueError, match=f"output {there}"):
        Network((1, 2, 1), output=name)


@learners
def test_widths_that_do_not_fit_the_data(take):
    match = r"x must have shape \(T, 2\), one row per sample, for a network of widths \(2, 3, 2\); got"
    with pytest.raises(ValueError, match=match + r" \(4, 3\)$"):
        take(np.ones((4, 3)), TARGETS, SquaredError())
    with pytest.raises(ValueError, match=match + r" \(2,\)\. A single sample is x\[None, :\]"):
        take(np.ones(2), TARGETS, SquaredError())
    with pytest.raises(ValueError, match=r"needs targets of shape \(T, 2\), one row .*got \(4, 3\)$"):
        take(SAMPLES, np.ones((4, 3)), SquaredError())
    with pytest.raises(ValueError, match="same number of samples, at least 1; got 4 and 3"):
        take(SAMPLES, TARGETS[:3], SquaredError())
    with pytest.raises(ValueError, match="same number of samples, at least 1; got 0 and 0"):
        take(SAMPLES[:0], TARGETS[:0], SquaredError())


def test_losses_and_networks_that_are_none():
    theta, four = np.zeros(17), Network((2, 2, 2, 2, 2))
    takers = (
        lambda network, loss: backprop(network, loss, theta, SAMPLES, TARGETS),
        lambda network, loss: sample_gradients(network, loss, theta, SAMPLES, TARGETS),
        lambda network, loss: backprop_by_hand(network, loss, four.init(0), SAMPLES[0], TARGETS[0]),
        lambda network, loss: TotalLoss(network, loss, SAMPLES, TARGETS),
        Backprop,
    )
    for take in takers:
        with pytest.raises(
            TypeError, match=r"loss is the class CrossEntropy; make one: CrossEntropy\(\)"
        ):
            take(NET, CrossEntropy)
        for loss in ("cross entropy", None, np.square, SAMPLES):
            with pytest.raises(
                TypeError, match=r"loss must have .* CrossEntropy\(\) for .*SquaredError\(\)"
            ):
                take(NET, loss)
        with pytest.raises(TypeError, match="network is the class Network; make one"):
            take(Network, SquaredError())
        for network in ((2, 3, 2), "network", SquaredError(), torch.nn.Linear(2, 2)):
            with pytest.raises(TypeError, match=r"network must be a Network, such as Network\(\(2, 16"):
                take(network, SquaredError())


def test_class_numbers_for_the_squared_error():
    with pytest.raises(ValueError, match=r"shape \(T, 2\).*got \(4,\); class numbers are for CrossEnt"):
        backprop(NET, SquaredError(), np.zeros(17), SAMPLES, CLASSES)


def test_targets_without_their_axis():
    with pytest.raises(ValueError, match=r"shape \(T, 1\).*got \(4,\); add an axis: y\[:, None\]"):
        fit(y=np.ones(4), network=Network((2, 1)))


@learners
def test_labels_out_of_range_or_no_integers(take):
    for bad in ([0, 1, 2, 0], [0, -1, 1, 0]):
        with pytest.raises(
            ValueError, match=r"y must hold class .*from 0 to 1; got .*The network has 2 outputs"
        ):
            take(SAMPLES, bad, CrossEntropy())
    for bad in (CLASSES.astype(float), CLASSES == 1, CLASSES * 1j):
        with pytest.raises(
            TypeError, match=r"class numbers, integers from 0 to 1; got dtype .*astype\(int\)"
        ):
            take(SAMPLES, bad, CrossEntropy())
    for words in (["cat", "dog", "cat", "dog"], np.array(["cat", "dog", "cat", "dog"], object)):
        with pytest.raises(
            TypeError, match=r"class numbers, .*; got dtype .*numpy\.unique\(y, return_i"
        ):
            take(SAMPLES, words, CrossEntropy())
    with pytest.raises(ValueError, match=r"labels of shape \(T,\).*got \(4, 2\).*y\.argmax\(-1\)"):
        take(SAMPLES, np.eye(2, dtype=int)[CLASSES], CrossEntropy())
    with pytest.raises(TypeError, match="integers from 0 to 1; got dtype torch"):
        CrossEntropy().targets(torch.ones(4), 2, torch.ones(1))


@learners
def test_arrays_beside_tensors_in_a_network(take):
    for y, loss in ((TARGETS, SquaredError()), (CLASSES, CrossEntropy())):
        with pytest.raises(TypeError, match="is a NumPy array and y is a PyTorch tensor; convert one"):
            take(SAMPLES, torch.as_tensor(y), loss)
    with pytest.raises(TypeError, match="has dtype float64 and y has dtype float32; convert one"):
        take(SAMPLES, TARGETS.astype("f4"), SquaredError())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_or_infinity_in_the_data_of_a_network(bad):
    spoilt = SAMPLES.copy()
    spoilt[2, 1] = bad
    says = r" has 1 value\(s\) that are NaN or infinite, the first at index "
    for take in (lambda x, y: fit(x, y), lambda x, y: TotalLoss(NET, SquaredError(), x, y)):
        with pytest.raises(ValueError, match="x" + says + r"\(2, 1\); remove"):
            take(spoilt, TARGETS)
        with pytest.raises(ValueError, match="y" + says + r"\(2, 1\); remove"):
            take(SAMPLES, spoilt)
    with pytest.raises(ValueError, match="validation x" + says):
        fit(validation=(spoilt, TARGETS))
    with pytest.raises(ValueError, match="validation y" + says):
        fit(validation=(SAMPLES, spoilt))
    with pytest.raises(ValueError, match="start" + says):
        fit(start=[bad, *[0.0] * 16])


def test_batches_and_epochs_out_of_range():
    for take in (lambda size: fit(batch_size=size), lambda size: minibatches(4, size)):
        with pytest.raises(
            ValueError, match="batch_size must be at most the number of samples, 4; got 5"
        ):
            take(5)
        for size in (0, -1, 2.0, True):
            with pytest.raises(ValueError, match="batch_size must be an integer of at least 1; got"):
                take(size)
    for epochs in (0, -2, 1.5):
        with pytest.raises(ValueError, match="epochs must be an integer of at least 1; got"):
            fit(epochs=epochs)
    with pytest.raises(ValueError, match="samples must be an integer of at least 1; got 0"):
        minibatches(0, 1)


def test_a_theta_that_does_not_fit_a_network():
    says = (
        r"theta must have 17 entries along its last axis for widths \(2, 3, 2\): 3 \(2 \+ 1\) \+ 2 \(3 "
    )
    for theta in (np.zeros(16), np.zeros((17, 3)), np.array(1.0)):
        for take in (
            lambda theta: NET.predict(theta, SAMPLES),
            lambda theta: NET.unpack(theta),
            lambda theta: backprop(NET, SquaredError(), theta, SAMPLES, TARGETS),
            lambda theta: TotalLoss(NET, SquaredError(), SAMPLES, TARGETS)(theta),
            lambda theta: TotalLoss(NET, SquaredError(), SAMPLES, TARGETS).gradient(theta),
            lambda theta: fit(start=theta),
            lambda theta: reorder_neurons(NET, theta, 1, [0, 1, 2]),
        ):
            with pytest.raises(
                ValueError, match=says + r"\+ 1\) = 17, each layer's biases .*; got shape \("
            ):
                take(theta)
    with pytest.raises(ValueError, match=r"start must have shape \(17,\); got \(2, 17\)"):
        fit(start=np.zeros((2, 17)))
    with pytest.raises(ValueError, match=r"theta must have shape \(P,\); got \(2, 17\)"):
        sample_gradients(NET, SquaredError(), np.zeros((2, 17)), SAMPLES, TARGETS)


def test_a_theta_of_another_kind_than_the_data_of_a_network():
    g = TotalLoss(NET, SquaredError(), SAMPLES, TARGETS)
    for take in (g, g.gradient, g.hessian):
        with pytest.raises(
            TypeError, match="the data that g holds is a NumPy array and theta is a PyTorch"
        ):
            take(torch.zeros(17))
        with pytest.raises(TypeError, match="g holds has dtype float64 and theta has dtype float32"):
            take(np.zeros(17, "f4"))
    with pytest.raises(ValueError, match="g holds is on device cpu and theta on meta; move"):
        TotalLoss(NET, SquaredError(), torch.ones((4, 2)), torch.ones((4, 2))).gradient(
            torch.zeros(17, device=META)
        )
    with pytest.raises(TypeError, match="x is a NumPy array and start is a PyTorch tensor"):
        fit(start=torch.zeros(17))


def test_backpropagation_by_hand_of_what_the_slides_do_not_show():
    four = Network((2, 2, 2, 2, 2))
    with pytest.raises(ValueError, match="the network of the lecture has 4 layers; this one has 2"):
        backprop_by_hand(NET, SquaredError(), np.zeros(17), [1.0, 2.0], [0.0, 0.0])
    for theta, x in ((np.zeros((3, 24)), np.ones(2)), (np.zeros(24), np.ones((3, 2)))):
        with pytest.raises(ValueError, match=r"one theta and one sample .*\(24,\) and \(2,\); got"):
            backprop_by_hand(four, SquaredError(), theta, x, [0.0, 0.0])


def test_what_train_takes_besides_data():
    with pytest.raises(TypeError, match="optimizer must have init and step; got str"):
        fit(optimizer="adam")
    with pytest.raises(TypeError, match="optimizer is the class Adam; make one"):
        fit(optimizer=Adam)
    with pytest.raises(ValueError, match=r"patience needs validation=\(x, y\)"):
        fit(patience=3)
    with pytest.raises(ValueError, match="patience must be an integer of at least 1; got 0"):
        fit(patience=0, validation=(SAMPLES, TARGETS))
    with pytest.raises(TypeError, match=r"validation must be the pair \(x, y\); got ndarray"):
        fit(validation=SAMPLES)
    with pytest.raises(ValueError, match="record_every must be an integer of at least 0; got -1"):
        fit(record_every=-1)
    with pytest.raises(ValueError, match=r"schedule\(0\) must be 0 or positive, and finite; got -1\.0"):
        fit(schedule=lambda i: -1)

    class Rule:
        def init(self, theta):
            return ()

        def step(self, theta, gradient, state):
            return theta - gradient, state

    with pytest.raises(TypeError, match="a schedule needs an optimizer that is a dataclass with"):
        fit(optimizer=Rule(), schedule=lambda i: 0.1)


def test_neurons_and_layers_that_are_not_there():
    theta = np.zeros(17)
    for take in (
        lambda layer: reorder_neurons(NET, theta, layer, [0, 1, 2]),
        lambda layer: flip_neuron(NET, theta, layer, 0),
        lambda layer: rescale_neuron(Network((2, 3, 2), "relu"), theta, layer, 0, 2.0),
    ):
        for layer in (0, 2, -1, 1.0, True):
            with pytest.raises(
                ValueError, match=r"layer must be an integer from 1 to 1; got .*number of a hidden layer"
            ):
                take(layer)
    for neuron in (3, -1, 0.0, False):
        with pytest.raises(
            ValueError, match=r"neuron must be an integer from 0 to 2; got .*Layer 1 has 3 n"
        ):
            flip_neuron(NET, theta, 1, neuron)
    for order in ([0, 1], [0, 1, 1], [[0, 1, 2]]):
        with pytest.raises(ValueError, match="order must hold the numbers 0 to 2 once each, for the"):
            reorder_neurons(NET, theta, 1, order)
    for error, order in (
        (ValueError, [1, 2, 3]),
        (ValueError, [-1, 0, 1]),
        (TypeError, [0.0, 1.0, 2.0]),
        (TypeError, [True, False, True]),
    ):
        with pytest.raises(error, match=r"order must hold integers from 0 to 2; got .*Layer 1 has 3 n"):
            reorder_neurons(NET, theta, 1, order)
    with pytest.raises(ValueError, match=r"a network of widths \(2, 2\) has no hidden layer"):
        flip_neuron(Network((2, 2)), np.zeros(6), 1, 0)
    with pytest.raises(TypeError, match="beta must be a number; got str"):
        rescale_neuron(Network((1, 2, 1), "relu"), np.zeros(7), 1, 0, "2")
