"""Objectives: values from the literature, derivatives against autograd and central differences."""

import math

import numpy as np
import pytest
import torch

from lecturecode import GradientDescent, affine_error, classify, minimize, objectives
from lecturecode.datasets import norris
from lecturecode.domains import Domain, Interval
from lecturecode.objectives import (
    Ackley,
    DoubleWell,
    Function,
    Himmelblau,
    MeanSquaredError,
    MonkeySaddle,
    Objective,
    Quadratic,
    Rastrigin,
    Rosenbrock,
    Saddle,
)

pytestmark = pytest.mark.numeric

Q = np.linalg.qr(np.random.default_rng(7).standard_normal((3, 3)))[0]
W = np.random.default_rng(8).standard_normal((12, 3))
Y = np.random.default_rng(9).standard_normal(12)

# name: (objective, number of coordinates, half-width of the box that random points come from)
OBJECTIVES = {
    "bowl": (Quadratic([1.0, 10.0]), 2, 2.0),
    "turned hill": (Quadratic([-1.0, 3.0, 0.5], center=[1.0, -2.0, 0.5], basis=Q), 3, 2.0),
    "saddle": (Saddle(), 2, 1.5),
    "mean squared error": (MeanSquaredError(W, Y), 3, 2.0),
    "affine error": (affine_error([0.0, 1.0, 2.5], [1.0, 3.0, 5.5]), 2, 2.0),
    "rosenbrock": (Rosenbrock(), 2, 2.0),
    "rosenbrock k=5": (Rosenbrock(5.0), 2, 2.0),
    "monkey saddle": (MonkeySaddle(), 2, 1.5),
    "double well": (DoubleWell(), 2, 1.8),
    "double well 1-D": (DoubleWell(0.7, size=1), 1, 1.8),
    "double well 4-D": (DoubleWell(-0.4, size=4), 4, 1.8),
    "himmelblau": (Himmelblau(), 2, 5.0),
    "rastrigin": (Rastrigin(), 2, 5.12),
    "rastrigin 5-D": (Rastrigin(5), 5, 5.12),
    "ackley": (Ackley(), 2, 8.0),
    "ackley 3-D": (Ackley(3), 3, 8.0),
}
every_objective = pytest.mark.parametrize("name", OBJECTIVES)


def points(name, *lead, dtype=np.float64):
    _, size, width = OBJECTIVES[name]
    return np.random.default_rng(1).uniform(-width, width, (*lead, size)).astype(dtype)


def on_tensors(name):
    """The same objective; those that hold data hold tensors."""
    g, size, _ = OBJECTIVES[name]
    if isinstance(g, Quadratic):
        basis = torch.as_tensor(Q) if size == 3 else None
        return Quadratic(torch.as_tensor(g.eigenvalues), torch.as_tensor(g.center), basis)
    if isinstance(g, MeanSquaredError):
        return MeanSquaredError(torch.as_tensor(g.W), torch.as_tensor(g.y))
    return g


# --- values known from the literature, or worked out with a pencil --------------------------------

KNOWN = [
    (Rosenbrock(), [-1.2, 1.0], 24.2),  # the classical start, Rosenbrock (1960)
    (Rosenbrock(), [1.0, 1.0], 0.0),
    (Rosenbrock(), [0.0, 0.0], 1.0),
    (Rosenbrock(5.0), [2.0, 3.0], 1.0 + 5.0),
    (Himmelblau(), [0.0, 0.0], 170.0),  # 11**2 + 7**2
    (Himmelblau(), [3.0, 2.0], 0.0),
    (Himmelblau(), [-0.270844590667, -0.923038522053], 181.616521523),  # its one maximum
    (Rastrigin(), [0.0, 0.0], 0.0),
    (Rastrigin(), [0.5, 0.5], 40.5),  # each coordinate: 1/4 + 10 + 10
    (Rastrigin(3), [1.0, -2.0, 3.0], 14.0),  # at integers only the bowl is left
    (Ackley(), [0.0, 0.0], 0.0),
    (Ackley(), [1.0, 1.0], 20.0 * (1.0 - math.exp(-0.2))),  # the ripple vanishes at integers
    (Ackley(), [0.5, 0.5], 20.0 * (1.0 - math.exp(-0.1)) + math.e - 1.0 / math.e),
    (MonkeySaddle(), [2.0, 1.0], 8.0 - 6.0),
    (Saddle(), [3.0, 2.0], 5.0),
    (DoubleWell(0.3), [-1.0, 2.0], -0.3 + 2.0),
    (DoubleWell(0.3), [1.0, 0.0], 0.3),
    (Quadratic([1.0, 10.0]), [2.0, 1.0], 2.0 + 5.0),
    (Quadratic([2.0], center=[1.0]), [4.0], 9.0),
]


@pytest.mark.parametrize(("g", "theta", "value"), KNOWN)
def test_value_at_known_points(g, theta, value):
    assert float(g(theta)) == pytest.approx(value, rel=1e-11, abs=1e-13)


def test_known_values_cover_every_family():
    families = {type(g) for g, _, _ in KNOWN} | {MeanSquaredError}
    assert families == {type(g) for g, _, _ in OBJECTIVES.values()}


def test_mean_squared_error_is_the_mean_of_the_squared_residuals():
    theta = np.array([0.3, -1.0, 2.0])
    by_hand = sum(
        (sum(w * t for w, t in zip(row, theta, strict=True)) - y) ** 2
        for row, y in zip(W, Y, strict=True)
    )
    assert float(MeanSquaredError(W, Y)(theta)) == pytest.approx(by_hand / 12, rel=1e-13)


def test_gradient_of_the_mean_squared_error_keeps_the_one_over_t():
    """The slide drops the 1/T; doubling every sample shows it, since the mean does not change."""
    theta = np.array([0.3, -1.0, 2.0])
    once, twice = MeanSquaredError(W, Y), MeanSquaredError(np.tile(W, (2, 1)), np.tile(Y, 2))
    np.testing.assert_allclose(once.gradient(theta), (2 / 12) * W.T @ (W @ theta - Y), rtol=1e-13)
    np.testing.assert_allclose(twice.gradient(theta), once.gradient(theta), rtol=1e-12)
    np.testing.assert_allclose(twice.hessian(theta), once.hessian(theta), rtol=1e-12)


def test_affine_error_on_norris_at_the_certified_line_is_the_certified_residual():
    data = norris()
    certified = data.certified
    g = affine_error(data.x, data.y)
    value = float(g([certified.slope, certified.intercept]))
    assert math.sqrt(value * 36 / 34) == pytest.approx(certified.residual_deviation, rel=1e-11)


# --- derivatives ----------------------------------------------------------------------------------


@every_objective
def test_gradient_is_that_of_autograd(name):
    g = on_tensors(name)
    theta = torch.from_numpy(points(name, 20)).requires_grad_(True)
    (expected,) = torch.autograd.grad(g(theta).sum(), theta)
    torch.testing.assert_close(g.gradient(theta.detach()), expected, rtol=1e-11, atol=1e-11)


@every_objective
@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")  # inside torch.func
def test_hessian_is_that_of_autograd(name):
    g = on_tensors(name)
    for theta in torch.from_numpy(points(name, 6)):
        expected = torch.func.hessian(g)(theta)
        torch.testing.assert_close(g.hessian(theta), expected, rtol=1e-10, atol=1e-10)


@every_objective
def test_gradient_agrees_with_central_differences(name):
    g, size, _ = OBJECTIVES[name]
    theta, h = points(name, 10), 1e-5
    for p, e in enumerate(np.eye(size)):
        measured = (g(theta + h * e) - g(theta - h * e)) / (2 * h)
        np.testing.assert_allclose(g.gradient(theta)[:, p], measured, rtol=1e-6, atol=1e-6)


@every_objective
def test_hessian_agrees_with_central_differences_of_the_gradient(name):
    g, size, _ = OBJECTIVES[name]
    theta, h = points(name, 10), 1e-5
    for p, e in enumerate(np.eye(size)):
        measured = (g.gradient(theta + h * e) - g.gradient(theta - h * e)) / (2 * h)
        np.testing.assert_allclose(g.hessian(theta)[:, p], measured, rtol=1e-6, atol=1e-5)


@every_objective
def test_hessian_is_symmetric(name):
    H = OBJECTIVES[name][0].hessian(points(name, 10))
    np.testing.assert_allclose(H, np.swapaxes(H, -1, -2), rtol=1e-14, atol=1e-14)


@every_objective
@pytest.mark.parametrize("lead", [(), (5,), (2, 3), (0,)])
@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_value_and_gradient_are_g_and_its_gradient(name, lead, library):
    g = OBJECTIVES[name][0] if library is np.asarray else on_tensors(name)
    theta = library(points(name, *lead))
    value, gradient = g.value_and_gradient(theta)
    assert type(gradient) is type(theta)
    np.testing.assert_array_equal(np.asarray(value), np.asarray(g(theta)))
    np.testing.assert_array_equal(np.asarray(gradient), np.asarray(g.gradient(theta)))
    assert tuple(value.shape) == lead
    assert tuple(gradient.shape) == tuple(theta.shape)


def test_every_objective_of_the_package_is_one_and_can_be_minimized():
    for g, size, _ in OBJECTIVES.values():
        assert isinstance(g, Objective)
        trace = minimize(g.value_and_gradient, np.full(size, 0.1), GradientDescent(1e-3), steps=3)
        assert trace.values[-1] < trace.values[0]


# --- shapes, dtypes, libraries --------------------------------------------------------------------


@every_objective
@pytest.mark.parametrize("lead", [(), (5,), (3, 4), (2, 1, 3), (0,)])
def test_batches_equal_the_points_one_by_one(name, lead):
    g, size, _ = OBJECTIVES[name]
    theta = points(name, *lead)
    value, gradient, hessian = g(theta), g.gradient(theta), g.hessian(theta)
    assert value.shape == lead
    assert gradient.shape == (*lead, size)
    assert hessian.shape == (*lead, size, size)
    for index in np.ndindex(*lead):
        np.testing.assert_allclose(value[index], g(theta[index]), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(gradient[index], g.gradient(theta[index]), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(hessian[index], g.hessian(theta[index]), rtol=1e-12, atol=1e-12)


@every_objective
def test_tensors_in_tensors_out_with_the_values_of_arrays(name):
    g, theta = OBJECTIVES[name][0], points(name, 4, 3)
    for method in ("__call__", "gradient", "hessian"):
        expected = getattr(g, method)(theta)
        got = getattr(on_tensors(name), method)(torch.from_numpy(theta))
        assert isinstance(got, torch.Tensor)
        assert got.dtype == torch.float64
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12, atol=1e-11)


FREE = [
    name for name, (g, _, _) in OBJECTIVES.items() if not isinstance(g, Quadratic | MeanSquaredError)
]


@pytest.mark.parametrize("name", FREE)
def test_float32_stays_float32(name):
    g, theta = OBJECTIVES[name][0], points(name, 4, dtype=np.float32)
    for method in ("__call__", "gradient", "hessian"):
        assert getattr(g, method)(theta).dtype == np.float32
        assert getattr(g, method)(torch.from_numpy(theta)).dtype == torch.float32
        np.testing.assert_allclose(
            getattr(g, method)(theta), getattr(g, method)(theta.astype(float)), rtol=1e-3, atol=2e-3
        )


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
@pytest.mark.parametrize("family", ["quadratic", "mean squared error"])
def test_float32_data_give_float32_values(family, library):
    W32, y32 = library(W.astype(np.float32)), library(Y.astype(np.float32))
    g = Quadratic(y32[:3], basis=Q.tolist()) if family == "quadratic" else MeanSquaredError(W32, y32)
    theta = library(np.ones((4, 3), np.float32))
    assert g(theta).dtype == g.gradient(theta).dtype == g.hessian(theta).dtype == y32.dtype
    assert g([1, 2, 3]).dtype == y32.dtype, "lists adopt the kind of the data"


def test_hyper_parameters_that_are_numpy_scalars_leave_float32_alone():
    theta = np.ones(2, np.float32)
    for g in (Rosenbrock(np.float64(5.0)), DoubleWell(np.float64(0.3))):
        assert g(theta).dtype == g.gradient(theta).dtype == g.hessian(theta).dtype == np.float32


@every_objective
def test_theta_is_not_changed(name):
    g, theta = OBJECTIVES[name][0], points(name, 3)
    before = theta.copy()
    g(theta), g.gradient(theta), g.hessian(theta)
    np.testing.assert_array_equal(theta, before)


ANY_SIZE = Rastrigin | Ackley | DoubleWell  # formulas for any number of coordinates


@pytest.mark.parametrize(
    "name", [n for n, (g, _, _) in OBJECTIVES.items() if not isinstance(g, ANY_SIZE)]
)
def test_a_theta_of_another_size_is_refused_where_the_size_is_fixed(name):
    g, size, _ = OBJECTIVES[name]
    for wrong in ([1.0], [1.0] * (size + 1)):
        for method in (g, g.gradient, g.hessian):
            with pytest.raises(ValueError, match=rf"{size} coordinates.*\({len(wrong)},\)"):
                method(wrong)


# --- minima and domains ---------------------------------------------------------------------------


@every_objective
def test_known_minima_are_stationary_minima_inside_the_domain(name):
    g, size, _ = OBJECTIVES[name]
    minima = g.minima
    assert minima.ndim == 2
    assert minima.shape[1] == g.domain.size == size
    np.testing.assert_allclose(g.gradient(minima), 0, atol=1e-12)
    assert g.domain.contains(minima).all()
    assert np.all(np.diff(g(minima)) >= -1e-12), "the global ones stand first"
    if not isinstance(g, Ackley) and len(minima):
        assert set(classify(g.hessian(minima))) == {"minimum"}


@pytest.mark.parametrize("name", [n for n, (g, _, _) in OBJECTIVES.items() if len(g.minima)])
def test_nothing_in_the_domain_lies_below_the_first_minimum(name):
    g, _, _ = OBJECTIVES[name]
    draws = g.domain.sample(20_000, rng=0)
    assert g(draws).min() >= g(g.minima[0]) - 1e-12


@pytest.mark.parametrize(
    ("g", "count"),
    [(Himmelblau(), 4), (DoubleWell(), 2), (DoubleWell(1.6), 1), (Saddle(), 0), (MonkeySaddle(), 0),
     (Quadratic([1.0, -1.0]), 0), (Quadratic([1.0, 0.0]), 0), (Rosenbrock(), 1)],
)  # fmt: skip
def test_number_of_known_minima(g, count):
    assert g.minima.shape == (count, 2)


def test_minima_belong_to_the_caller():
    for g in (Himmelblau(), Rosenbrock(), Rastrigin(), Quadratic([1.0, 2.0])):
        before = g.minima.copy()
        g.minima[0] += 1.0
        np.testing.assert_array_equal(g.minima, before)


def test_double_well_has_a_spurious_minimum_up_to_the_stated_tilt():
    edge = 8 / (3 * math.sqrt(3))
    assert len(DoubleWell(0.999 * edge).minima) == 2
    assert len(DoubleWell(1.001 * edge).minima) == 1
    left, right = DoubleWell().minima
    assert left[0] < 0 < right[0]
    assert DoubleWell()(left) < DoubleWell()(right)


def test_rosenbrock_has_the_stated_eigenvalues_at_its_minimum():
    lam = np.linalg.eigvalsh(Rosenbrock().hessian([1.0, 1.0]))
    # trace 1002, determinant 400
    np.testing.assert_allclose(lam, 501 + np.array([-1, 1]) * math.sqrt(501**2 - 400), rtol=1e-9)
    assert lam.round(1).tolist() == [0.4, 1001.6]


def test_rastrigin_has_eleven_minima_per_coordinate():
    x = np.linspace(-5.12, 5.12, 200_001)
    slope = Rastrigin(1).gradient(x[:, None])[:, 0]
    assert np.sum((slope[:-1] < 0) & (slope[1:] >= 0)) == 11


def test_ackley_has_a_kink_at_its_minimum():
    g, h = Ackley(), 1e-9
    right = (g([h, 0.0]) - g([0.0, 0.0])) / h
    left = (g([0.0, 0.0]) - g([-h, 0.0])) / h
    assert right == pytest.approx(4 / math.sqrt(2), rel=1e-4)
    assert left == pytest.approx(-4 / math.sqrt(2), rel=1e-4)
    assert g.gradient([0.0, 0.0]).tolist() == [0.0, 0.0]
    assert np.isnan(g.hessian([0.0, 0.0])).all()


# --- Quadratic and Function -----------------------------------------------------------------------


def test_quadratic_has_the_given_eigenvalues_and_eigenvectors():
    lam = np.array([0.5, 3.0, -1.0])
    H = Quadratic(lam, basis=Q).hessian([0.0, 0.0, 0.0])
    np.testing.assert_allclose(H @ Q, Q * lam, atol=1e-13)
    np.testing.assert_allclose(np.linalg.eigvalsh(H), np.sort(lam), atol=1e-13)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"eigenvalues": [[1.0]]}, r"eigenvalues must have shape \(P,\); got \(1, 1\)"),
        (
            {"eigenvalues": [1.0, 2.0], "center": [0.0]},
            r"center must have shape \(P,\), and P is 2 in eig",
        ),
        ({"eigenvalues": [1.0, 2.0], "basis": [[1.0, 1.0], [0.0, 1.0]]}, "basis must be orthogonal"),
        ({"eigenvalues": [1.0, 2.0], "center": [np.nan, 0.0]}, "center has 1 value"),
        ({"eigenvalues": [1.0, np.inf]}, "eigenvalues has 1 value"),
        ({"eigenvalues": []}, "eigenvalues is empty"),
    ],
)
def test_quadratic_refuses_parts_that_do_not_fit(arguments, says):
    with pytest.raises(ValueError, match=says):
        Quadratic(**arguments)


@pytest.mark.parametrize("family", [Rastrigin, Ackley, DoubleWell])
def test_no_coordinates_are_refused(family):
    with pytest.raises(ValueError, match="at least 1; got 0"):
        family(size=0)


def test_function_makes_an_objective_of_ones_own():
    parts = {"gradient": lambda t: 4 * t**3, "hessian": lambda t: np.diag(12 * t**2)}
    g = Function(lambda t: (t**4).sum(-1), **parts, domain=Interval(-1, 1))
    assert isinstance(g, Objective)
    assert isinstance(g.domain, Domain)
    assert float(g(np.array([1.0, 2.0]))) == 17.0
    assert g.gradient(np.array([1.0, 2.0])).tolist() == [4.0, 32.0]


@pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
def test_value_and_gradient_of_ones_own_functions(lead):
    g = Function(lambda t: (t**4).sum(-1), gradient=lambda t: 4 * t**3)
    theta = np.random.default_rng(0).standard_normal((*lead, 2))
    value, gradient = g.value_and_gradient(theta)
    np.testing.assert_array_equal(value, (theta**4).sum(-1))
    np.testing.assert_array_equal(gradient, 4 * theta**3)


def test_a_function_without_gradient_cannot_give_it():
    g = Function(lambda t: (t**4).sum(-1))
    with pytest.raises(TypeError, match=r"g has no gradient; make one by Function\(value, gradient="):
        g.value_and_gradient(np.ones(2))


@pytest.mark.parametrize(
    ("parts", "error", "says"),
    [
        ({"gradient": Rosenbrock}, TypeError, r"gradient is the class Rosenbrock; make one: Ros.*\(\)"),
        ({"domain": [(-1, 1)]}, TypeError, r"domain must be a Domain, such as .*; got list"),
        ({"domain": Interval}, TypeError, r"domain is the class Interval; make one: Interval\(\.\.\.\)"),
        ({"minima": [1.0, 2.0]}, ValueError, r"minima must have shape \(K, P\).*\(2,\)\. A single one"),
        ({"minima": [[np.nan]]}, ValueError, "minima has 1 value"),
        ({"minima": "none"}, TypeError, "minima must hold real numbers; got str"),
    ],
)
def test_function_refuses_what_it_could_not_use(parts, error, says):
    with pytest.raises(error, match=says):
        Function(abs, **parts)


def test_a_function_may_have_no_minima():
    assert Function(abs, minima=np.empty((0, 2))).minima.shape == (0, 2)
    assert Function(abs, minima=[[1, 2]]).minima.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: Rosenbrock("5"), TypeError, "k must be a number; got str"),
        (lambda: Rosenbrock(math.nan), ValueError, "k must be finite; got nan"),
        (lambda: DoubleWell(math.inf), ValueError, "tilt must be finite; got inf"),
        (lambda: DoubleWell(0.3, 2.0), ValueError, r"size must be an integer of at least 1; got 2\.0"),
        (lambda: Rastrigin(True), ValueError, "size must be an integer of at least 1; got True"),
        (lambda: Quadratic(None), TypeError, "eigenvalues must hold real numbers; got NoneType"),
    ],
)
def test_parameters_that_make_no_sense(make, error, says):
    with pytest.raises(error, match=says):
        make()


@pytest.mark.parametrize("g", [Rastrigin(), Ackley(), DoubleWell()], ids=repr)
@pytest.mark.parametrize("theta", [2.0, [], np.empty((3, 0))], ids=repr)
def test_a_theta_without_coordinates_is_refused(g, theta):
    for take in (g, g.gradient, g.hessian):
        with pytest.raises(ValueError, match=r"g has one coordinate or more; theta has shape \("):
            take(theta)


@pytest.mark.parametrize("part", ["value", "gradient", "hessian"])
def test_function_refuses_parts_that_are_not_functions(part):
    parts = {"value": abs} | {part: 3.0}
    with pytest.raises(TypeError, match=f"{part} must be a function of theta; got float"):
        Function(**parts)


def test_a_function_of_your_own_with_arrays_among_its_parts_can_be_compared_and_hashed():
    g = objectives.Function(lambda t: (t**2).sum(-1), minima=[[0.0, 0.0]])
    same_parts = objectives.Function(g.value, minima=g.minima)
    assert g in [g]
    assert g != same_parts
    assert {g: "found"}[g] == "found"
