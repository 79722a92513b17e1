"""The door: what counts as an array, what goes together, and what is said when it does not."""

import numpy as np
import pytest
import scipy.sparse
import torch

from lecturecode.arrays import (
    as_array,
    check_finite,
    entries,
    on_host,
    real_arrays,
    same_kind,
)


@pytest.mark.parametrize(
    "value", [[1, 2], (1.0, 2.0), np.array([1, 2], np.uint8), [True, False], 3, 2.5]
)
def test_numbers_and_lists_become_float64(value):
    array = as_array(value)
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, np.asarray(value))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floating_point_arrays_and_tensors_pass_as_they_are(dtype):
    array = np.ones(3, dtype)
    tensor = torch.from_numpy(array)
    assert as_array(array) is array
    assert as_array(tensor) is tensor


def test_integer_tensors_get_pytorchs_default_dtype():
    assert as_array(torch.tensor([1, 2])).dtype == torch.get_default_dtype()


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("abc", "y must hold real numbers; got str"),
        (["a", "b"], "y must hold real numbers; got list"),
        ([[1.0], [1.0, 2.0]], "got list of dtype object.*equal lengths"),
        (None, "y must hold real numbers; got NoneType"),
        (np.array([1 + 2j]), "y is complex.*give its real part"),
        (torch.tensor([1j]), "y is complex"),
        (np.ma.array([1.0, 2.0], mask=[False, True]), r"y has masked entries.*y\.compressed\(\)"),
        (torch.eye(2).to_sparse(), r"y is a sparse_coo tensor; give a dense one, as by y\.to_dense\(\)"),
        (torch.tensor([1, 0]).to_sparse(), "y is a sparse_coo tensor"),
        (scipy.sparse.csr_array(np.eye(2)), r"got csr_array.*a NumPy array, as by y\.toarray\(\)"),
        (np.array([{}, None]), "got ndarray of dtype object"),
        (np.array(["2026-01-01"], "M8[D]"), r"got ndarray of dtype datetime64\[D\]"),
    ],
)
def test_what_is_not_real_numbers_is_refused_by_name(value, says):
    with pytest.raises(TypeError, match=says):
        as_array(value, "y")


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_a_quantized_tensor_is_refused_by_name():
    quantized = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
    for take in (as_array, entries):
        with pytest.raises(TypeError, match=r"y is a quantized tensor; give its .* y\.dequantize\(\)"):
            take(quantized, "y")


def test_entries_are_of_any_dtype_and_tensors_themselves():
    tensor = torch.tensor([True, False])
    assert entries(tensor, "y") is tensor
    assert entries(["a", "b"], "y").tolist() == ["a", "b"]
    with pytest.raises(TypeError, match="y is a sparse_coo tensor"):
        entries(tensor.to_sparse(), "y")


def test_where_there_are_shapes_only_numbers_cannot_be_looked_at():
    shapes = torch.ones(2, device="meta")
    assert as_array(shapes) is shapes, "a shape may be all that is asked for"
    for look in (lambda: real_arrays(y=shapes), lambda: check_finite(shapes, "y")):
        with pytest.raises(ValueError, match="y is on the meta device, which holds shapes and no num"):
            look()
    with pytest.raises(ValueError, match="a tensor is on the meta device"):
        on_host(shapes)


def test_a_masked_array_that_hides_nothing_is_an_array():
    assert as_array(np.ma.array([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_lists_adopt_the_library_and_dtype_of_the_array_beside_them():
    x = torch.ones(2, dtype=torch.float32)
    xp, a, b, c = real_arrays(a=[1, 2], b=x, c=3.0)
    assert {type(a), type(b), type(c)} == {torch.Tensor}
    assert {a.dtype, b.dtype, c.dtype} == {torch.float32}
    assert b is x
    assert xp.ones(1).dtype == torch.float32


@pytest.mark.parametrize("order", [("x", "y"), ("y", "x")])
def test_integer_arrays_adopt_the_dtype_whatever_the_order(order):
    parts = {"x": np.ones(2, np.float32), "y": np.array([1, 2])}
    _, a, b = real_arrays(**{name: parts[name] for name in order})
    assert a.dtype == b.dtype == np.float32


@pytest.mark.parametrize(
    ("x", "y", "error", "says"),
    [
        (np.ones(2), torch.ones(2), TypeError, "x is a NumPy array and y is a PyTorch tensor.*convert"),
        (torch.ones(2), np.array([1, 2]), TypeError, "x is a PyTorch tensor and y is a NumPy array"),
        (np.ones(2), np.ones(2, np.float32), TypeError, r"float64.*float32.*y\.astype\(x\.dtype\)"),
        (torch.ones(2), torch.ones(2).double(), TypeError, r"float32.*float64.*y\.to\(x\.dtype\)"),
        (
            torch.ones(2),
            torch.ones(2, device="meta"),
            ValueError,
            r"device cpu.*meta.*y\.to\(x\.device\)",
        ),
        (np.ones(2), [], ValueError, r"y is empty \(shape \(0,\)\)"),
        (np.ones((0, 3)), [1.0], ValueError, r"x is empty \(shape \(0, 3\)\)"),
        (np.ones(2), [1.0, np.nan], ValueError, r"y has 1 value\(s\).*first at index \(1,\)"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(x, y, error, says):
    with pytest.raises(error, match=says):
        real_arrays(x=x, y=y)


def test_check_finite_counts_and_points():
    array = np.ones((3, 2))
    array[1, 1], array[2, 0] = np.nan, -np.inf
    for value in (array, torch.from_numpy(array), torch.from_numpy(array).requires_grad_()):
        with pytest.raises(ValueError, match=r"W has 2 value\(s\).*first at index \(1, 1\).*remove"):
            check_finite(value, "W")
    check_finite(np.ones(3), "W")


def test_same_kind_gives_back_what_is_right_already():
    for like in (np.ones(2), torch.ones(2)):
        assert same_kind(like, like) is like


def test_same_kind_converts_lists_and_integers():
    for like in (np.ones(2, np.float32), torch.ones(2, dtype=torch.float64)):
        for theta in (
            [1, 2],
            3.0,
            np.array([1, 2]) if isinstance(like, np.ndarray) else torch.tensor([1, 2]),
        ):
            got = same_kind(theta, like)
            assert type(got) is type(like)
            assert got.dtype == like.dtype


@pytest.mark.parametrize(
    ("theta", "like", "error", "says"),
    [
        (
            np.ones(2),
            torch.ones(2),
            TypeError,
            "data that g holds is a PyTorch tensor and theta is a NumPy",
        ),
        (np.ones(2, np.float32), np.ones(2), TypeError, "dtype float64 and theta has dtype float32"),
        (torch.ones(2), torch.ones(2).double(), TypeError, r"theta has dtype torch\.float32"),
        (torch.ones(2, device="meta"), torch.ones(2), ValueError, "device cpu and theta on meta"),
        (np.ones(2) * 1j, np.ones(2), TypeError, "theta is complex"),
    ],
)
def test_same_kind_refuses_another_kind(theta, like, error, says):
    with pytest.raises(error, match=says):
        same_kind(theta, like)


def test_on_host_reads_tensors_with_a_graph():
    tensor = torch.ones(2, requires_grad=True) * 2
    assert on_host(tensor).tolist() == [2.0, 2.0]
