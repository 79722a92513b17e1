"""g at many theta: one call or many workers, the same order, nothing lost in an exception."""

import math
import operator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import torch

from lecturecode import pointwise
from lecturecode.evaluation import call, evaluate, number, tells_finished
from lecturecode.objectives import Himmelblau, Quadratic

# Python 3.12 and later warn that forking a process with threads may deadlock.
forks = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
THETAS = np.random.default_rng(0).standard_normal((3, 4, 2))


def hypot(theta):
    """Square root of the sum of squares, one theta at a time."""
    return math.hypot(*theta.tolist())


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
@pytest.mark.parametrize("lead", [(), (4,), (3, 4), (0,)])
def test_pointwise_equals_the_batched_call(library, lead):
    thetas = library(np.random.default_rng(0).standard_normal((*lead, 2)))
    values = pointwise(hypot)(thetas)
    assert type(values) is type(thetas)
    assert values.dtype == thetas.dtype
    np.testing.assert_allclose(np.asarray(values), np.linalg.norm(np.asarray(thetas), axis=-1))


@pytest.mark.parametrize("kind", [float, np.float32, np.asarray, torch.tensor, lambda v: np.array([v])])
def test_pointwise_takes_numbers_of_any_kind(kind):
    values = pointwise(lambda theta: kind(float(theta.sum())))(THETAS)
    np.testing.assert_allclose(values, THETAS.sum(-1), rtol=1e-6)
    assert values.dtype == np.float64


def test_pointwise_keeps_float32():
    assert pointwise(hypot)(THETAS.astype(np.float32)).dtype == np.float32


def test_two_processes_give_the_values_in_order():
    thetas = np.arange(40.0).reshape(20, 2)
    values = pointwise(operator.itemgetter(0), workers=2)(thetas)
    assert values.tolist() == thetas[:, 0].tolist()


@forks
def test_the_map_of_a_process_pool_is_a_worker():
    with ProcessPoolExecutor(2) as pool:
        values = pointwise(operator.itemgetter(1), workers=pool.map)(THETAS)
    np.testing.assert_array_equal(values, THETAS[..., 1])


def test_the_map_of_a_thread_pool_is_a_worker():
    with ThreadPoolExecutor(3) as pool:
        np.testing.assert_allclose(
            pointwise(hypot, workers=pool.map)(THETAS), np.linalg.norm(THETAS, axis=-1)
        )


def test_any_map_like_callable_is_a_worker_and_gets_every_point_once():
    seen = []

    def backwards(function, points):
        points = list(points)
        seen.extend(point.tolist() for point in points)
        return reversed([function(point) for point in reversed(points)])

    values = pointwise(hypot, workers=backwards)(THETAS)
    np.testing.assert_allclose(values, np.linalg.norm(THETAS, axis=-1))
    assert seen == THETAS.reshape(-1, 2).tolist()


def fails_at_three(theta):
    if theta[0] == 3.0:
        raise ZeroDivisionError("three is not allowed")
    return theta[0]


def test_an_exception_carries_the_theta_that_raised_it():
    thetas = np.array([[1.0, 0.0], [3.0, 7.0], [5.0, 0.0]])
    with pytest.raises(ZeroDivisionError, match="three is not allowed") as caught:
        pointwise(fails_at_three)(thetas)
    assert caught.value.theta.tolist() == [3.0, 7.0]
    assert caught.value.__notes__ == ["raised by g at theta = [3. 7.]"]


@forks
@pytest.mark.parametrize("how", ["pool", "workers=2"])
def test_an_exception_carries_theta_out_of_another_process(how):
    g, thetas = operator.itemgetter(9), np.array([[3.0, 7.0]])
    if how == "workers=2":
        with pytest.raises(IndexError) as caught:
            pointwise(g, workers=2)(thetas)
    else:
        with ProcessPoolExecutor(1) as pool, pytest.raises(IndexError) as caught:
            pointwise(g, workers=pool.map)(thetas)
    assert caught.value.theta.tolist() == [3.0, 7.0]
    assert any("theta = [3. 7.]" in note for note in caught.value.__notes__)


def test_an_exception_in_a_batch_carries_the_batch():
    def g(theta):
        raise OverflowError

    with pytest.raises(OverflowError) as caught:
        evaluate(g, THETAS)
    assert caught.value.theta is THETAS
    assert "batch of theta of shape (3, 4, 2)" in caught.value.__notes__[0]
    assert "pointwise(g)" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    "theta",
    [torch.ones(2, requires_grad=True), torch.ones(2, dtype=torch.float32)],
    ids=["graph", "f32"],
)
def test_the_note_never_hides_the_exception(theta):
    with pytest.raises(ZeroDivisionError) as caught:
        call(lambda t: 1 / 0, theta)
    assert caught.value.__notes__ == ["raised by g at theta = [1. 1.]"]


def test_evaluate_is_one_call():
    calls = []

    def g(theta):
        calls.append(theta.shape)
        return Himmelblau()(theta)

    np.testing.assert_array_equal(evaluate(g, THETAS), Himmelblau()(THETAS))
    assert calls == [(3, 4, 2)]


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_evaluate_answers_in_the_kind_of_theta(library):
    thetas = library(THETAS.astype(np.float32))
    values = evaluate(lambda t: np.asarray(t).astype(np.float64).sum(-1), thetas)
    assert type(values) is type(thetas)
    assert values.dtype == thetas.dtype


@pytest.mark.parametrize(
    ("g", "shape", "expected"),
    [(lambda t: t, (3, 4, 2), (3, 4)), (lambda t: t.sum(), (), (3, 4)),
     (lambda t: t[:1].sum(-1), (1, 4), (3, 4))],
)  # fmt: skip
def test_a_wrong_shape_is_named_with_the_right_one_and_the_remedy(g, shape, expected):
    with pytest.raises(ValueError, match="g returned shape") as caught:
        evaluate(g, THETAS)
    message = str(caught.value)
    assert f"g returned shape {shape} for theta of shape (3, 4, 2)" in message
    assert f"must return {expected}" in message
    assert "pointwise(g)" in message


def test_pointwise_wants_one_number_per_point():
    with pytest.raises(ValueError, match=r"shape \(2,\) for one theta of shape \(2,\).*one number"):
        pointwise(lambda theta: theta)(THETAS)


@pytest.mark.parametrize(("answer", "got"), [(None, "NoneType"), ("3", "str"), (2j, "complex")])
@pytest.mark.parametrize("ask", [lambda g: evaluate(g, [1.0]), lambda g: pointwise(g)([1.0])])
def test_a_g_that_returns_no_real_number_is_refused(ask, answer, got):
    with pytest.raises(TypeError, match=rf"g\(theta\).*{got}"):
        ask(lambda theta: answer)


def test_number_is_g_as_a_python_number():
    for value in (2, 2.0, np.float32(2.0), np.array([2.0]), torch.tensor(2.0, requires_grad=True)):
        got = number(lambda theta, value=value: value, np.ones(1))
        assert type(got) is float
        assert got == 2.0


@pytest.mark.parametrize("make", [pointwise, lambda g: evaluate(g, [1.0])])
def test_a_g_that_is_no_function_is_refused(make):
    with pytest.raises(TypeError, match=r"g must be a function of theta; got float.*Give the function"):
        make(3.0)


@pytest.mark.parametrize("make", [pointwise, lambda g: evaluate(g, [1.0])])
def test_a_class_is_no_g(make):
    with pytest.raises(TypeError, match=r"g is the class Himmelblau; make one: Himmelblau\(\)"):
        make(Himmelblau)


@pytest.mark.parametrize("workers", [0, -2, 1.5, "2", True, None])
def test_workers_must_be_a_number_of_processes_or_a_map(workers):
    said = rf"workers must be an integer of at least 1; got {workers!r}\. Or give a map-like callable"
    with pytest.raises(ValueError, match=said):
        pointwise(hypot, workers=workers)


def test_a_pool_that_was_not_made_is_no_map():
    with pytest.raises(TypeError, match=r"workers is the class ThreadPoolExecutor; make one"):
        pointwise(hypot, workers=ThreadPoolExecutor)


@pytest.mark.parametrize("thetas", [[], np.empty((3, 0))], ids=["none", "three"])
def test_points_without_coordinates(thetas):
    with pytest.raises(ValueError, match=r"thetas must have shape \(\.\.\., P\) with P >= 1; got \("):
        pointwise(hypot)(thetas)


def test_no_points_have_no_values():
    assert pointwise(hypot)(np.empty((0, 2))).shape == (0,)


def test_points_that_hold_no_numbers():
    shapes = torch.ones(2, device="meta")
    with pytest.raises(ValueError, match="thetas is on the meta device"):
        pointwise(hypot)(shapes)
    with pytest.raises(ValueError, match="g holds is on device cpu and theta on meta") as caught:
        evaluate(Quadratic(torch.ones(2)), shapes)
    assert "raised by g on a batch of theta of shape (2,)" in caught.value.__notes__[0]


@pytest.mark.parametrize("workers", [1, 2, map])
def test_only_a_function_of_pointwise_can_tell_what_was_finished(workers):
    g = pointwise(hypot, workers=workers)
    assert tells_finished(g)
    assert not any(map(tells_finished, (hypot, Himmelblau(), lambda theta: g(theta))))


def test_an_exception_in_one_point_of_a_batch_keeps_its_theta_through_evaluate():
    """Neither evaluate nor a function around it replaces the point by the whole batch."""
    thetas = np.array([[1.0, 0.0], [3.0, 7.0], [5.0, 0.0]])
    one = pointwise(fails_at_three)
    with pytest.raises(ZeroDivisionError) as caught:
        evaluate(lambda theta: 2 * one(theta), thetas)
    assert caught.value.theta.tolist() == [3.0, 7.0]
    assert caught.value.finished.tolist() == [True, False, False]
    np.testing.assert_array_equal(caught.value.values, [1.0, np.nan, np.nan])
    assert caught.value.__notes__ == ["raised by g at theta = [3. 7.]"]


def test_the_values_of_a_failure_are_of_the_kind_of_theta():
    thetas = torch.tensor([[1.0, 0.0], [3.0, 7.0]])
    with pytest.raises(ZeroDivisionError) as caught:
        pointwise(fails_at_three)(thetas)
    assert caught.value.values.dtype == torch.float32
    assert caught.value.values.tolist()[0] == 1.0


def test_a_single_number_is_no_theta():
    with pytest.raises(ValueError, match=r"\(\.\.\., P\); got \(\).*written \[3\.0\]"):
        pointwise(hypot)(3.0)
