"""Bad input: each case says what came, what was expected, and what to do about it."""

import numpy as np
import pytest
import torch

from lecturecode import (
    GradientDescent,
    RankDeficientWarning,
    affine_error,
    check_gradient,
    classify,
    design_matrix,
    evaluate,
    find_stationary_point,
    fit_affine,
    gradient_descent,
    least_squares,
    minimize,
    normal_equations,
    pointwise,
)
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
    with pytest.raises(ValueError, match=r"W has 3 rows and y has shape \(4,\).*one y per row of W"):
        take(np.ones((3, 2)), np.ones(4))
    with pytest.raises(ValueError, match=r"W has 2 rows and y has shape \(3,\).*transpose W"):
        take(np.ones((2, 3)), np.ones(3))
    with pytest.raises(
        ValueError, match=r"W must be a matrix of shape \(T, P\).*got \(3,\).*design_matrix"
    ):
        take(np.ones(3), np.ones(3))


@fits
def test_numbers_of_inputs_and_targets_do_not_match(take):
    with pytest.raises(
        ValueError, match=r"same number of samples; got shapes \(3,\) and \(2,\). Give one y"
    ):
        take([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="got shapes"):
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


@pytest.mark.parametrize("name", ["descent/largest-stable-stepp", "", None, 3, "Descent"])
def test_an_unknown_exercise_name(name):
    with pytest.raises(ValueError, match="there is no exercise named") as caught:
        check(name, 1.0)
    assert repr(name) in str(caught.value)
    for known in exercise_names():
        assert known in str(caught.value)


def test_a_misspelt_exercise_name_gets_a_suggestion():
    with pytest.raises(ValueError, match="Did you mean 'descent/largest-stable-step'"):
        check("descent/largest-stable-stp", 0.5)
