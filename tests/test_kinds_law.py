"""Laws on what a number is: kinds of input, tails of activations, steps and domains at all sizes.

Every public callable of the table of hostile calls is called with the same numbers in another kind of
array. The answer is that of plain float64, or a refusal in the package's own words; for kinds that hold
the same numbers to the last digit, it is the answer.
"""

import dataclasses
import math
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("MPLBACKEND", "agg")

import matplotlib.pyplot as plt
import mpmath
import numpy as np
import pytest
import torch
from hostile_calls import in_our_words
from hostile_table import TABLE, missing
from hypothesis import given, settings
from hypothesis import strategies as st

import lecturecode as lc
from lecturecode import domains, graph
from lecturecode.activations import ACTIVATIONS
from lecturecode.domains.coordinates import Coordinates
from lecturecode.pytorch.modules import LAYERS

pytestmark = pytest.mark.numeric

# --- 1. kinds of input ----------------------------------------------------------------------------


class Sub(np.ndarray):
    """An array of a class of one's own, as of units or of a file."""


def strided(array: np.ndarray) -> np.ndarray:
    """The same numbers, every second place of a larger array, and backwards."""
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), 7, array.dtype)
    wide[..., ::-2] = array
    return wide[..., ::-2]


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def masked(array: np.ndarray) -> np.ma.MaskedArray:
    mask = np.zeros(array.shape, bool)
    mask.flat[0] = True
    return np.ma.array(array, mask=mask)


Variant = Callable[[np.ndarray], Any]

EQUAL: dict[str, Variant] = {  # the same numbers, to the last digit
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "read-only": read_only,
    "strided": strided,
    "Fortran order": np.asfortranarray,
    "subclass": lambda a: a.view(Sub),
    "nothing masked": np.ma.array,
    "list": np.ndarray.tolist,
}
OTHER: dict[str, Variant] = {  # the same numbers, in a kind that a function may refuse
    "float16": lambda a: a.astype(np.float16),
    "long double": lambda a: a.astype(np.longdouble),
    "integers": lambda a: a.astype(np.int64),
    "big-endian integers": lambda a: a.astype(">i4"),
    "bytes": lambda a: a.astype(np.int8),
}
TENSORS: dict[str, Variant] = {
    "requires grad": lambda a: torch.tensor(a, requires_grad=True),
    "strided tensor": lambda a: torch.tensor(np.repeat(a, 2, -1))[..., ::2],
    "float16 tensor": lambda a: torch.tensor(a).half(),
    "bfloat16": lambda a: torch.tensor(a).bfloat16(),
    "integer tensor": lambda a: torch.tensor(a).long(),
}
HALF = ("float16", "float16 tensor", "bfloat16")


def is_data(value: Any) -> bool:
    """Whether an argument is an array of floats, be it written as a list."""
    if isinstance(value, torch.Tensor):
        return value.is_floating_point()
    if isinstance(value, list) and value and isinstance(value[0], float | list):
        return np.asarray(value).dtype == np.float64
    return isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype == np.float64


def plain(value: Any) -> np.ndarray:
    return np.array(value.numpy() if isinstance(value, torch.Tensor) else value, dtype=np.float64)


def found_in(answer: Any) -> Iterator[np.ndarray]:
    """All numbers of an answer, as arrays of float64."""
    if isinstance(answer, lc.Trace):
        yield from found_in([answer.theta, answer.value, answer.thetas, answer.values])
    elif isinstance(answer, graph.Node):
        yield from found_in(answer.value)
    elif isinstance(answer, torch.nn.Module):
        yield from found_in(list(answer.parameters()))
    elif isinstance(answer, dict):
        yield from found_in(list(answer.values()))
    elif isinstance(answer, list | tuple):
        for part in answer:
            yield from found_in(part)
    elif isinstance(answer, torch.Tensor):
        yield answer.detach().double().numpy()
    elif (
        isinstance(answer, np.ndarray | np.generic | float | int)
        and np.asarray(answer).dtype.kind in "fiub"
    ):
        yield np.asarray(answer, dtype=np.float64)
    elif dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        yield from found_in([getattr(answer, part.name) for part in dataclasses.fields(answer)])


def outcome(item: Any, arguments: dict[str, Any]) -> list[np.ndarray] | str:
    """The numbers of an answer, or what was refused; what comes from the depths is raised."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = item.call(**arguments)
            if callable(answer) and item.name == "pointwise":
                answer = answer(np.ones((2, 2)))
            return list(found_in(answer))
    except (TypeError, ValueError) as error:
        if not in_our_words(error):
            raise
        return str(error)
    finally:
        if item.family == "plots":
            tidy()


def tidy() -> None:
    """Close what was drawn, but for the two figures that the table draws on."""
    for figure in plt.get_fignums()[2:]:
        plt.close(figure)
    for figure in plt.get_fignums():
        for ax in plt.figure(figure).axes:
            ax.clear()


def data_of(item: Any) -> list[str]:
    return [name for name, value in item.good().items() if is_data(value)]


WITH_DATA = [name for name, item in TABLE.items() if data_of(item)]
PLOTS = [name for name in WITH_DATA if TABLE[name].family == "plots"]
"""They take time, and bring all data to one kind at one place: three kinds are enough."""


def test_every_public_callable_is_in_the_table():
    assert missing() == []
    assert len(WITH_DATA) > 90


def changed(item: Any, names: list[str], variant: Variant, torch_kind: bool = False) -> dict[str, Any]:
    """The good arguments with their data as float64, or as tensors, and some in another kind."""
    good = item.good()
    for name in data_of(item):
        values = plain(good[name])
        good[name] = torch.tensor(values) if torch_kind else values
        if name in names:
            good[name] = variant(values)
    if torch_kind:
        for name, value in good.items():
            if isinstance(value, np.ndarray) and value.dtype.kind == "i":
                good[name] = torch.tensor(value)
    return good


def close(one: list[np.ndarray], other: list[np.ndarray], rtol: float) -> bool:
    if len(one) != len(other):
        return False
    scale = max([float(np.abs(a[np.isfinite(a)]).max(initial=0)) for a in other], default=0.0)
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=rtol, atol=rtol * scale, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )


def whole_numbers(item: Any, names: list[str]) -> bool:
    values = [plain(item.good()[name]) for name in names]
    return all((v == np.round(v)).all() and abs(v).max(initial=0) < 100 for v in values)


@pytest.mark.parametrize("name", WITH_DATA)
def test_the_same_numbers_in_another_kind_of_array(name):
    item, names = TABLE[name], data_of(TABLE[name])
    right = outcome(item, changed(item, [], np.asarray))
    if isinstance(right, str):
        assert "must be a tensor" in right or "is a PyTorch tensor" in right, right
        return
    each = [names] if name in PLOTS else [names, *([n] for n in names if len(names) > 1)]
    for some in each:
        for kind, variant in EQUAL.items():
            if name in PLOTS and kind not in ("big-endian", "strided"):
                continue
            got = outcome(item, changed(item, some, variant))
            said = f"{name}: {', '.join(some)} as {kind}"
            assert not isinstance(got, str), f"{said}: {got}"
            assert close(got, right, 1e-9), said  # other strides are summed in another order
        got = outcome(item, changed(item, some, masked))
        assert isinstance(got, str), f"{name}: {', '.join(some)} masked is answered"
        assert "masked" in got
        for kind, variant in OTHER.items():
            if name not in PLOTS and fits(kind, item, some):
                compare(item, changed(item, some, variant), right, kind)


@pytest.mark.parametrize("name", [name for name in WITH_DATA if name not in PLOTS])
def test_the_same_numbers_in_another_kind_of_tensor(name):
    item, names = TABLE[name], data_of(TABLE[name])
    right = outcome(item, changed(item, [], np.asarray, torch_kind=True))
    if isinstance(right, str):
        assert "tensor" in right, right
        return
    for kind, variant in TENSORS.items():
        if fits(kind, item, names):
            compare(item, changed(item, names, variant, torch_kind=True), right, kind)


def fits(kind: str, item: Any, names: list[str]) -> bool:
    """Whether the good arguments can be written in a kind without another meaning."""
    return ("integer" not in kind and kind != "bytes") or whole_numbers(item, names)


def compare(item: Any, arguments: dict[str, Any], right: list[np.ndarray], kind: str) -> None:
    got = outcome(item, arguments)
    if isinstance(got, str):
        assert kind not in ("requires grad", "strided tensor"), f"{item.name} as {kind}: {got}"
        return
    if kind in HALF and "rng" in item.good():
        return  # where draws decide, a rounding may decide otherwise
    rtol = 0.1 if kind in HALF else 1e-5 if kind == "integer tensor" else 1e-9  # they become float32
    assert close(got, right, rtol), f"{item.name} as {kind}"


SEVERAL = [name for name in WITH_DATA if len(data_of(TABLE[name])) > 1 and name not in PLOTS]


@pytest.mark.parametrize("name", SEVERAL)
def test_integers_keep_their_digits_beside_float32(name):
    """Days written as 20240101 and ids beyond 2^24 become even numbers in float32."""
    item, names = TABLE[name], data_of(TABLE[name])
    for tensors in (False, True):
        for one in names:
            arguments = {"long": item.good(), "float64": item.good()}
            for other in names:
                values = plain(item.good()[other])
                large = np.round(values).astype(np.int64) + 2**24 + 1
                parts = {
                    "long": large if other == one else values.astype(np.float32),
                    "float64": large.astype(float)
                    if other == one
                    else values.astype(np.float32).astype(float),
                }
                for kind, part in parts.items():
                    arguments[kind][other] = torch.tensor(part) if tensors else part
            if tensors:
                for given in arguments.values():
                    for key, value in given.items():
                        if isinstance(value, np.ndarray):
                            given[key] = torch.tensor(value)
            try:
                right = outcome(item, arguments["float64"])
            except Exception:
                continue  # such numbers are none for this function
            got = outcome(item, arguments["long"])
            if not isinstance(got, str) and not isinstance(right, str):
                assert close(got, right, 1e-6), f"{name}: {one} of 2^24 and more beside float32"


def test_integer_tensors_keep_their_digits_alone():
    x, y = torch.tensor([20240101, 20240102, 20240103]), torch.tensor([1, 2, 3])
    assert lc.fit_affine(x, y)[0] == pytest.approx(1)
    assert lc.fit_affine(y, 2 * y).dtype == torch.get_default_dtype()


def test_integers_that_theta_cannot_hold_are_refused():
    network, x = lc.Network((1, 1)), [[2**24 + 1]]
    for theta, given_x in (
        (np.ones(2, np.float32), x),
        (np.ones(2, np.float32), np.array(x)),
        (torch.ones(2), x),
        (torch.ones(2), torch.tensor(x)),
    ):
        with pytest.raises(ValueError, match=r"x has integers of more digits than .*float32 holds"):
            network.predict(theta, given_x)
    assert float(network.predict(np.ones(2), x)[0, 0]) == 2**24 + 2
    assert float(network.predict(np.ones(2, np.float32), [[2**24]])[0, 0]) == 2**24


# --- 2. activations -------------------------------------------------------------------------------

mpmath.mp.dps = 60
TAILS = np.concatenate([
    np.linspace(-12, 12, 193), np.geomspace(1e-30, 700, 150), -np.geomspace(1e-30, 700, 150),
    [0.0, np.inf, -np.inf],
])  # fmt: skip


def sigma_of(name: str, a: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    """sigma(a) and sigma'(a) to sixty digits."""
    if math.isinf(a):
        top = {"sigmoid": 1, "tanh": 1}.get(name, mpmath.inf)
        low = {"tanh": -1, "leaky relu": -mpmath.inf, "identity": -mpmath.inf}.get(name, 0)
        slopes = {
            "sigmoid": (0, 0),
            "tanh": (0, 0),
            "relu": (0, 1),
            "softplus": (0, 1),
            "identity": (1, 1),
        }
        slope = slopes.get(name, (mpmath.mpf(0.01), 1))[a > 0]
        return mpmath.mpf(top if a > 0 else low), mpmath.mpf(slope)
    x = mpmath.mpf(a)
    e = mpmath.exp(x)
    return {
        "sigmoid": lambda: (e / (1 + e), e / (1 + e) ** 2),
        "tanh": lambda: (mpmath.tanh(x), mpmath.sech(x) ** 2),
        "relu": lambda: (max(x, 0), mpmath.mpf(a > 0)),
        "leaky relu": lambda: (x if a > 0 else x / 100, mpmath.mpf(1) if a > 0 else mpmath.mpf(1) / 100),
        "softplus": lambda: (mpmath.log1p(e), e / (1 + e)),
        "identity": lambda: (x, mpmath.mpf(1)),
    }[name]()


INNER = {  # |x d sigma' / dx| for x = sigma(a): what a rounding of x does to the slope
    "sigmoid": lambda x: abs(x * (1 - 2 * x)),
    "tanh": lambda x: 2 * x * x,
    "softplus": lambda x: x * mpmath.exp(-x) if x < mpmath.inf else 0,
}


def check_sigma(name: str, a: np.ndarray, x: np.ndarray, slope: np.ndarray, roundings: int = 8) -> None:
    """Compare with sixty digits: x to a few roundings of itself, the slope to those of x and its own.

    What is smaller than the least normal number may be 0.
    """
    info = np.finfo(a.dtype)
    u, tiny = mpmath.mpf(float(info.eps)), mpmath.mpf(float(info.smallest_normal))
    for i, at in enumerate(a.tolist()):
        value, derivative = sigma_of(name, at)
        inner = INNER.get(name, lambda x: 0)(value)
        for got, right, allowed in (
            (x[i], value, abs(value)),
            (slope[i], derivative, abs(derivative) + inner),
        ):
            if right == got:  # infinite ones, too
                continue
            assert abs(mpmath.mpf(float(got)) - right) <= roundings * u * allowed + 2 * tiny, (name, at)


each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
each_sigma = pytest.mark.parametrize("name", ACTIVATIONS)


def test_there_is_a_reference_for_each_activation():
    assert (
        set(ACTIVATIONS)
        == set(LAYERS)
        == {"sigmoid", "tanh", "relu", "leaky relu", "softplus", "identity"}
    )
    assert set(graph.ACTIVATIONS) <= set(ACTIVATIONS)


@each_dtype
@each_sigma
def test_activations_of_arrays_and_tensors(name, dtype):
    a, sigma = TAILS.astype(dtype), ACTIVATIONS[name]
    with np.errstate(invalid="raise", divide="raise", over="raise"):
        for x in (
            sigma.function(a),
            sigma.function(a.copy(), out=a.copy() if name == "identity" else None),
        ):
            check_sigma(name, a, x, sigma.derivative(x) * np.ones_like(a))
        over = a.copy()
        x = sigma.function(over, out=over)
    assert x is over
    check_sigma(name, a, x, sigma.derivative(x) * np.ones_like(a))
    t = torch.tensor(a, requires_grad=True)
    y = sigma.function(t)
    check_sigma(name, a, y.detach().numpy(), (sigma.derivative(y) * torch.ones_like(t)).detach().numpy())
    finite = torch.tensor(a[np.isfinite(a)], requires_grad=True)
    y = sigma.function(finite)
    (slope,) = torch.autograd.grad(y.sum(), finite)
    check_sigma(name, finite.detach().numpy(), y.detach().numpy(), slope.numpy())


@each_dtype
@each_sigma
def test_activations_of_modules(name, dtype):
    a = TAILS.astype(dtype)
    t = torch.tensor(a, requires_grad=True)
    y = LAYERS[name]()(t)
    (slope,) = torch.autograd.grad(y.sum(), t)
    check_sigma(name, a, y.detach().numpy(), slope.numpy())


@each_dtype
@pytest.mark.parametrize("name", graph.ACTIVATIONS)
def test_activations_of_a_graph(name, dtype):
    a = TAILS.astype(dtype)
    node = graph.Node(a)
    y = graph.ACTIVATIONS[name](node)
    with np.errstate(invalid="ignore"):  # the sum of both infinities is not looked at
        graph.backward(y.sum())
    check_sigma(name, a, y.value, node.grad)


@each_sigma
def test_not_a_number_stays_one(name):
    for a in (np.array([np.nan, 1.0]), torch.tensor([np.nan, 1.0])):
        with np.errstate(invalid="ignore"):
            assert math.isnan(ACTIVATIONS[name].function(a)[0])


def test_the_log_of_a_sigmoid_has_its_value_and_slope_in_the_tail():
    for a in (-5.0, -40.0, -100.0, -700.0):
        node = graph.Node(a)
        loss = -graph.log(graph.sigmoid(node))
        graph.backward(loss)
        e = mpmath.exp(a)
        assert float(loss.value) == pytest.approx(float(mpmath.log1p(e) - a), rel=1e-14)
        assert float(node.grad) == pytest.approx(float(-1 / (1 + e)), rel=1e-14)


@pytest.mark.parametrize("G", [1.0, np.inf])
def test_infinite_numbers_are_chosen_and_not_computed_with(G):
    a, b = graph.Node([np.inf, -np.inf, np.inf, 1.0]), graph.Node([np.inf, -np.inf, 1.0, 2.0])
    y = graph.maximum(a, b)
    assert y.value.tolist() == [np.inf, -np.inf, np.inf, 2.0]
    assert graph.maximum.backward[0](np.full(4, G), y.value, a.value, b.value).tolist() == [
        G / 2,
        G / 2,
        G,
        0,
    ]
    assert graph.maximum.backward[1](np.full(4, G), y.value, a.value, b.value).tolist() == [
        G / 2,
        G / 2,
        0,
        G,
    ]
    assert graph.relu.backward[0](np.full(2, G), None, np.array([-1.0, 1.0])).tolist() == [0, G]


def logits(dtype: type) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = [rng.standard_normal(5) * s for s in (1e-3, 1, 5, 20, 60, 600)]
    rows += [np.array([s, 0, 0, -s, -2 * s]) for s in (20.0, 40.0, 80.0)] + [np.zeros(5)]
    return np.array(rows, dtype)


@each_dtype
def test_cross_entropy_keeps_its_digits(dtype):
    """The reference has sixty digits; p_y - 1 is asked for to the last of its own."""
    a, u = logits(dtype), float(np.finfo(dtype).eps)
    tiny = float(np.finfo(dtype).smallest_normal)
    for y in range(5):
        labels = np.full(len(a), y)
        values, gradients = lc.CrossEntropy().with_gradient(a, labels)
        called = lc.CrossEntropy()(a, labels)
        leaf = graph.Node(a)
        nodes = -graph.log_softmax(leaf)[np.arange(len(a)), labels]
        graph.backward(nodes.sum())
        tensor = torch.tensor(a)
        tensors, slopes = lc.CrossEntropy().with_gradient(tensor, torch.tensor(labels))
        for t, row in enumerate(a.astype(float).tolist()):
            e = [mpmath.exp(mpmath.mpf(x) - max(row)) for x in row]
            right = mpmath.log(sum(e) / e[y])
            p = [x / sum(e) for x in e]
            p[y] = -(sum(e) - e[y]) / sum(e)
            spread = 1 + max(abs(x - max(row)) for x in row)  # a difference of outputs is rounded once
            for value in (values[t], called[t], nodes.value[t], tensors[t].item()):
                error = abs(mpmath.mpf(float(value)) - right)
                assert error <= 8 * u * spread * right + 2 * tiny, (row, y)
            for gradient in (gradients[t], leaf.grad[t], slopes[t].numpy()):
                for got, exact in zip(gradient.tolist(), p, strict=True):
                    assert abs(mpmath.mpf(got) - exact) <= 16 * u * spread * abs(exact) + 2 * tiny, (
                        row,
                        y,
                    )


def test_an_infinite_output_decides():
    a = np.array([[np.inf, 0.0, -np.inf], [0.0, -np.inf, 1.0]])
    for outputs in (a, torch.tensor(a)):
        y = np.array([0, 0]) if outputs is a else torch.tensor([0, 0])
        value, gradient = lc.CrossEntropy().with_gradient(outputs, y)
        assert float(value[0]) == 0
        assert gradient[0].tolist() == [0, 0, 0]
        assert np.isfinite(np.asarray(gradient)).all()
    assert graph.log_softmax(graph.Node(a)).value[0].tolist() == [0, -np.inf, -np.inf]


def test_a_far_sample_belongs_to_the_nearest_component():
    one = np.eye(2)
    mixture = lc.Mixture(np.array([0.5, 0.5]), np.array([[0.0, 0.0], [5.0, 5.0]]), np.stack([one, one]))
    x = np.array([[1e200, 1e200], [-1e200, 3.0], [2.5, 2.5]])
    assert mixture.responsibilities(x)[:2].tolist() == [[0, 1], [1, 0]]
    np.testing.assert_allclose(mixture.responsibilities(x)[2], [0.5, 0.5], rtol=1e-13)
    assert mixture.log_density(x)[:2].tolist() == [-np.inf, -np.inf]
    wide = lc.Mixture(mixture.weights, mixture.means, np.stack([one, 9 * one]))
    assert wide.responsibilities([[-1e180, 0.0]]).tolist() == [[0, 1]]


# --- 3. steps -------------------------------------------------------------------------------------


def exact_path(rule: Any, gradients: list[float]) -> mpmath.mpf:
    """Theta after some steps from 0, by the formula in sixty digits."""
    theta = v = m = s = mpmath.mpf(0)
    for i, number in enumerate(gradients, 1):
        g = mpmath.mpf(number)
        if isinstance(rule, lc.Adam):
            m = rule.beta1 * m + (1 - mpmath.mpf(rule.beta1)) * g
            s = rule.beta2 * s + (1 - mpmath.mpf(rule.beta2)) * g * g
            size = mpmath.sqrt(s / (1 - mpmath.mpf(rule.beta2) ** i)) + rule.eps
            theta -= rule.learning_rate * m / (1 - mpmath.mpf(rule.beta1) ** i) / size
        else:
            v = getattr(rule, "momentum", 0) * v - rule.learning_rate * g
            theta += v
    return theta


RULES = (
    lc.GradientDescent(0.01), lc.Momentum(0.01, 0.9), lc.Adam(0.01), lc.Adam(0.01, 0.0, 0.0),
    lc.Adam(0.01, 0.99, 0.5), lc.Adam(0.01, 0.5, 0.9999, 1e-4),
)  # fmt: skip
KINDS = {
    "float32": lambda x: np.array(x, np.float32),
    "float64": lambda x: np.array(x, np.float64),
    "tensor": lambda x: torch.tensor(x, dtype=torch.float32),
}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    rule=st.sampled_from(RULES),
    kind=st.sampled_from(list(KINDS)),
    exponent=st.floats(-1, 1),
    signs=st.lists(st.sampled_from([-1.0, 1.0, 0.5, 0.0]), min_size=1, max_size=6),
    in_place=st.booleans(),
)
def test_a_step_is_its_formula_at_every_size(rule, kind, exponent, signs, in_place):
    """From the least to the largest gradient of the dtype; for Adam, whose square is a number."""
    info = np.finfo(np.float64 if kind == "float64" else np.float32)
    adam = isinstance(rule, lc.Adam)
    decades = math.log10(float(info.max)) / (2 if adam and exponent > 0 else 1)
    size = 10 ** (exponent * 0.98 * decades)
    make, theta = KINDS[kind], KINDS[kind]([0.0])
    state, given_numbers = rule.init(theta), [float(make([sign * size])[0]) for sign in signs]
    for number in given_numbers:
        if in_place:
            state = rule.step_in_place(theta, make([number]), state)
        else:
            theta, state = rule.step(theta, make([number]), state)
    right = exact_path(rule, given_numbers)
    terms = rule.learning_rate * (len(signs) if adam else 10 * max(map(abs, given_numbers)))
    u = float(info.eps)
    if adam:  # the corrections 1 - beta^i are numbers of float64, and rounded as the formula is written
        u += float(np.finfo(float).eps) * (1 / (1 - rule.beta1) + 1 / (1 - rule.beta2)) / 64
    small = 1e3 * float(info.smallest_normal)  # products below it are rounded to fewer digits
    small = mpmath.mpf(small) / (mpmath.mpf(rule.eps) if adam else 1)
    assert abs(mpmath.mpf(float(theta[0])) - right) <= 64 * u * terms + small


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_half_precision_steps_are_the_formula_rounded(rule, kind):
    """A zero gradient moves nothing, and squares neither overflow at 256 nor vanish."""
    for size in (0.0, 1e-3, 1.0, 20.0, 300.0, 3e4):
        for in_place in (False, True):
            theta = torch.zeros(1, dtype=getattr(torch, kind))
            theta = theta.numpy() if kind == "float16" else theta
            state = rule.init(theta)
            for _ in range(3):
                gradient = theta * 0 + size
                if in_place:
                    state = rule.step_in_place(theta, gradient, state)
                else:
                    theta, state = rule.step(theta, gradient, state)
            right = float(exact_path(rule, [float((theta * 0 + size)[0])] * 3))
            assert float(theta[0]) == pytest.approx(right, rel=0.02, abs=2e-6), (size, in_place)
            assert str(theta.dtype).removeprefix("torch.") == kind


def test_eps_is_a_number_of_the_dtype():
    for theta in (np.zeros(2, np.float32), torch.zeros(2)):
        with pytest.raises(ValueError, match=r"eps = 1e-50 may be 0 in .*float32.*take at least"):
            lc.Adam(eps=1e-50).init(theta)
    assert lc.Adam(eps=1e-50).init(np.zeros(2))[2] == 0


def test_eps_is_a_number_of_a_module_of_16_bits():
    module, x = lc.pytorch.MLP((2, 2)).half(), torch.zeros(4, 2).half()
    run = {"epochs": 1, "batch_size": 2, "rng": 0}
    with pytest.raises(ValueError, match=r"eps = 1e-08 is 0 in torch\.float16.*take at least 6e-05"):
        lc.pytorch.train(module, lc.SquaredError(), x, x, lc.Adam(), **run)
    trace = lc.pytorch.train(module, lc.SquaredError(), x, x, lc.Adam(eps=1e-3), **run)
    assert bool(torch.isfinite(trace.last).all())


def test_schedules_keep_their_digits_at_both_ends():
    for steps in (1, 7, 10**3, 10**9, 10**20):
        for i in {0, 1, steps // 2, steps - 1, steps}:
            angle = mpmath.pi * mpmath.mpf(i) / steps
            right = float((1 + mpmath.cos(angle)) / 20)
            assert lc.schedules.cosine(0.1, steps)(i) == pytest.approx(right, rel=1e-13, abs=1e-300)
    for half in (1e-300, 1.0, 1e300):
        right = float(mpmath.mpf(0.1) / (1 + 10**6 / mpmath.mpf(half)))
        assert lc.schedules.inverse_time(0.1, half)(10**6) == pytest.approx(right, rel=1e-14, abs=1e-300)


# --- 4. domains -----------------------------------------------------------------------------------

MOST, SINGLE = np.finfo(np.float64).max, float(np.finfo(np.float32).max)
WIDEST = (
    domains.Interval(-MOST, MOST), domains.Interval(-SINGLE, SINGLE), domains.Interval(0, MOST),
    domains.Interval(MOST / 2, MOST), domains.Interval(0, 5e-324), domains.Interval(0, 1e-44),
    domains.LogInterval(2.3e-308, MOST), domains.LogInterval(1.2e-38, SINGLE),
    domains.LogInterval(SINGLE / 2, SINGLE), domains.Real(MOST), domains.Real(SINGLE),
    domains.Real(1e-300), domains.Positive(MOST), domains.Positive(SINGLE), domains.Positive(1e200),
    domains.Positive(1e-320),
    domains.Integers(-(2**53), 2**53), domains.Integers(0, 2**24), domains.Choice(range(2**25)),
    domains.Choice("ab"),
)  # fmt: skip
LIKES = {
    "float64": np.empty(0), "float32": np.empty(0, np.float32), "float16": np.empty(0, np.float16),
    "tensor": torch.empty(0), "tensor64": torch.empty(0, dtype=torch.float64),
}  # fmt: skip


def named(domain: domains.Domain) -> str:
    return "Choice" if isinstance(domain, domains.Choice) else repr(domain)


@pytest.mark.parametrize("like", LIKES)
@pytest.mark.parametrize("domain", WIDEST, ids=named)
def test_domains_are_whole_at_their_widest(domain, like):
    """Points are finite, inside, and spread over the domain; or the dtype is said to be too narrow."""
    array = LIKES[like]
    far = np.array([[-np.inf], [np.inf], [0.0], [1.0], [-1e300], [1e300]])
    with np.errstate(over="ignore"):
        far = torch.tensor(far, dtype=array.dtype) if "tensor" in like else far.astype(array.dtype)
    rng = np.random.default_rng(0)

    def coordinates() -> Any:
        space = Coordinates(domain, array)
        with np.errstate(over="ignore"):  # as in every method
            return space.theta(space.inside(space.draw(300, rng)))

    makers = {
        "sample": lambda: domain.sample(300, rng=0, like=array),
        "project": lambda: domain.project(far),
        "coordinates": coordinates,
    }
    refused: list[tuple[str, str]] = []
    for what, make in makers.items():
        try:
            points = make()
        except ValueError as error:
            refused.append((what, str(error)))
            continue
        assert bool(domain.contains(points).all()), what
        numbers = plain(points)
        assert np.isfinite(numbers).all(), what
        if (
            isinstance(domain, domains.Interval)
            and what != "project"
            and domain.b > 1e-300
            and numbers.any()
        ):
            share = numbers / 2 / domain.b - domain.a / 2 / domain.b  # 0..1, or 0..1/2 from 0 on
            width = 0.5 - domain.a / 2 / domain.b
            assert abs(np.mean(share < width / 2) - 0.5) < 0.15, what
    assert all("does not hold to all digits" in said for _, said in refused)
    assert not refused or "64" not in like


@pytest.mark.parametrize("domain", [d for d in WIDEST if not isinstance(d, domains.Choice)], ids=named)
def test_grids_are_whole_at_their_widest(domain):
    (axis,) = domain.axes(9)
    assert np.isfinite(axis).all()
    assert (np.diff(axis) >= 0).all()
    assert bool(domain.contains(axis[:, None]).all())
    if isinstance(domain, domains.Interval) and domain.b > 1e-300:
        assert (axis[0], axis[-1]) == (domain.a, domain.b)
        np.testing.assert_allclose(np.diff(axis / 8), (domain.b / 8 - domain.a / 8) / 8, rtol=1e-12)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    a=st.floats(-MOST, MOST, allow_subnormal=False),
    b=st.floats(-MOST, MOST, allow_subnormal=False),
    points=st.integers(2, 20),
)
def test_an_interval_anywhere_is_divided_and_drawn_from(a, b, points):
    a, b = min(a, b), max(a, b)
    if not a < b:
        return
    domain = domains.Interval(a, b)
    (axis,) = domain.axes(points)
    drawn = domain.sample(20, rng=0)[:, 0]
    assert (axis[0], axis[-1]) == (a, b)
    for numbers in (axis, drawn):
        assert np.isfinite(numbers).all()
        assert (a <= numbers).all()
        assert (numbers <= b).all()
    if math.isfinite(b - a):
        assert axis.tolist() == np.linspace(a, b, points).tolist()
        draws = np.random.default_rng(0).random((20, 1))[:, 0]
        assert drawn.tolist() == (a + (b - a) * draws).clip(a, b).tolist()


def test_a_grid_is_counted_before_it_is_made():
    def g(theta):
        return (theta**2).sum(-1)

    for call in (
        lambda: lc.grid_search(g, domains.Interval(0, 1), 10**15, max_points=100),
        lambda: lc.grid_search(g, domains.Choice(range(10**15)), 1, max_points=100),
        lambda: lc.brute_force(g, domains.Choice(range(10**15))),
    ):
        with pytest.raises(
            ValueError, match=r"the grid has 1000000000000000 = 1e.15 points, more than max_points"
        ):
            call()


# --- numbers that are none ------------------------------------------------------------------------


def test_a_label_of_minus_one_is_no_class():
    x, y = np.ones((2, 3)), np.array([0, -1])
    for call in (
        lambda: lc.CrossEntropy()(x, y),
        lambda: lc.CrossEntropy().with_gradient(x, y),
        lambda: lc.CrossEntropy().targets(y, 3, x),
        lambda: graph.cross_entropy(graph.Node(x), y),
        lambda: lc.pytorch.cross_entropy(torch.tensor(x), torch.tensor(y)),
        lambda: lc.alternating.inertia(x, x, y),
    ):
        with pytest.raises(ValueError, match=r"must hold.*got -1"):
            call()
    with pytest.raises(ValueError, match=r"from 0 to 2.*got 0\.\.3"):
        lc.pytorch.cross_entropy(torch.tensor(x), torch.tensor([0, 3]))


@pytest.mark.parametrize(
    ("weights", "covariances", "says"),
    [
        ([1.0, 2.0], [np.eye(2), np.eye(2)], "weights.* must have the sum 1"),
        ([1.5, -0.5], [np.eye(2), np.eye(2)], "weights.* must not be negative"),
        ([0.5, 0.5], [np.eye(2), [[1, 0.5], [0, 1]]], "must be symmetric"),
        ([0.5, 0.5], [np.eye(2), [[1, 2.0], [2, 1]]], "must be positive definite"),
    ],
)
def test_a_mixture_is_a_density(weights, covariances, says):
    mixture = lc.Mixture(np.array(weights), np.zeros((2, 2)), np.array(covariances, float))
    x = np.random.default_rng(0).standard_normal((9, 2))
    for call in (
        lambda: mixture.log_joint(x),
        lambda: mixture.log_density(x),
        lambda: mixture.responsibilities(x),
        *([lambda: lc.gaussian_mixture(x, 2, start=mixture)] if "weights" in says else []),
    ):
        with pytest.raises(ValueError, match=says):
            call()


def test_a_loss_without_a_way_back_has_no_gradient():
    x = torch.ones(4, 2)

    def loss(outputs, y):
        return ((outputs.detach() - y) ** 2).mean()

    at = lc.pytorch.value_and_gradient(lc.pytorch.MLP((2, 2)), loss, x, x)
    with pytest.raises(ValueError, match="has no connection to theta that autograd knows"):
        at(torch.zeros(6))
    constant = lc.pytorch.objective(lambda theta: (theta.detach() ** 2).sum())
    assert constant([1.0, 2.0]) == 5
    for derivative in (constant.gradient, constant.hessian, constant.value_and_gradient):
        with pytest.raises(ValueError, match="g returns has no connection to theta"):
            derivative([1.0, 2.0])
