"""What counts as an array here, and what is said at the door when something does not.

Everything in the package runs on NumPy arrays and on PyTorch tensors by the same lines. That works as
long as all arguments of one call agree in library, device and dtype, and are real and finite. The
functions of this module make sure of it, once, where a call comes in.
"""

import math
from functools import cache
from typing import Any

import array_api_compat as compat
import numpy as np

Array = Any
"""A ``numpy.ndarray`` or a ``torch.Tensor``; shapes stand in the docstrings."""


def namespace(array: Array) -> Any:
    """Return array_api_compat's namespace of `array`; for NumPy arrays, by far the most, at once."""
    return _numpy() if type(array) is np.ndarray else compat.array_namespace(array)


@cache
def _numpy() -> Any:
    return compat.array_namespace(np.empty(0))  # not at the top: it takes long to import


def as_array(value: Any, name: str = "theta") -> Array:
    """Turn one argument into a real floating-point array; leave tensors where they are.

    Parameters
    ----------
    value : array, tensor, number or nested sequence of numbers
        Integers and booleans become float64 (the default dtype of PyTorch for tensors).
    name : str
        What the message calls the argument.

    Returns
    -------
    array
        `value` itself when it already is a floating-point array.

    Raises
    ------
    TypeError
        If the entries are complex, masked, or not numbers at all, or if a tensor is sparse or quantized.

    Examples
    --------
    >>> as_array([1, 2])
    array([1., 2.])
    """
    if type(value) is np.ndarray and value.dtype.kind == "f":
        return value
    if compat.is_torch_array(value):
        if value.is_floating_point() and _dense(value.layout):
            return value
        if value.is_complex():
            raise TypeError(_complex(name))
        return entries(value, name).to(namespace(value).empty(0).dtype)
    array = entries(value, name)
    if array.dtype.kind == "c":
        raise TypeError(_complex(name))
    if array.dtype.kind not in "fiub":
        dense = f", as by {name}.toarray()" if hasattr(value, "toarray") else ""
        raise TypeError(
            f"{name} must hold real numbers; got {type(value).__name__} of dtype {array.dtype}. "
            f"Give a NumPy array{dense}, a PyTorch tensor, or a list of numbers of equal lengths"
        )
    return array if array.dtype.kind == "f" else array.astype(np.float64)


class NotNumbersError(TypeError):
    """What an object raises that is no array, and says itself what to do instead."""


def entries(value: Any, name: str) -> Array:
    """Return what an array, a tensor or a nested sequence holds, of whatever dtype; tensors themselves.

    Raises
    ------
    TypeError
        If entries are masked, or if a tensor does not hold its numbers one beside the other.
    """
    if compat.is_torch_array(value):
        if not _dense(value.layout):
            layout = str(value.layout).removeprefix("torch.")
            raise TypeError(f"{name} is a {layout} tensor; give a dense one, as by {name}.to_dense()")
        if value.is_quantized:
            raise TypeError(f"{name} is a quantized tensor; give its numbers, {name}.dequantize()")
        return value
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError(f"{name} has masked entries; leave them out, as by {name}.compressed()")
    try:
        return np.asarray(value)
    except NotNumbersError:
        raise
    except Exception:  # rows of unequal lengths, or what another library does not give away
        return np.empty(0, dtype=object)


@cache
def _dense(layout: object) -> bool:
    return str(layout) == "torch.strided"  # without importing torch


def real_arrays(**named: Any) -> tuple[Any, ...]:
    """Check that the arguments of one call go together; return their namespace and the arrays.

    Parameters
    ----------
    **named
        The arguments by the names that a message should use. Lists, Python numbers and integer arrays
        adopt the dtype (lists also the library and device) of the first floating-point array.

    Returns
    -------
    tuple
        ``(xp, *arrays)``: the array namespace, then the arrays in the order given.

    Raises
    ------
    TypeError
        If NumPy arrays and tensors are mixed, if dtypes differ, or if an argument is complex.
    ValueError
        If tensors are on different devices, if an array is empty, or if one holds NaN or infinity.

    Examples
    --------
    >>> xp, x, y = real_arrays(x=[1, 2], y=[3.0, 4.0])
    >>> x + y
    array([4., 6.])
    """
    arrays = {name: as_array(value, name) for name, value in named.items()}
    given = {n: v for n, v in named.items() if isinstance(v, np.ndarray) or compat.is_torch_array(v)}
    settled = [n for n, v in given.items() if v is arrays[n]]  # floating-point when they came
    lead = next(iter(settled or given or arrays))
    xp = compat.array_namespace(arrays[lead])
    for name, array in arrays.items():
        if name in given:
            _check_agreement(lead, arrays[lead], name, array, dtypes=name in settled)
        if name not in settled and given:
            kind = {"dtype": arrays[lead].dtype, "device": compat.device(arrays[lead])}
            arrays[name] = xp.asarray(array, **kind)
        if 0 in array.shape:
            raise ValueError(f"{name} is empty (shape {tuple(array.shape)}); give at least one value")
    for name, array in arrays.items():
        check_finite(array, name)
    return (xp, *arrays.values())


def same_kind(
    theta: Any, like: Array, name: str = "theta", lead: str = "the data that g holds"
) -> Array:
    """Return `theta` as an array of the kind of `like`; numbers, lists and integers are converted.

    Parameters
    ----------
    theta : array, tensor, number or nested sequence of numbers
        What to convert.
    like : array
        A floating-point array of the wanted library, dtype and device.
    name, lead : str
        What a message calls `theta` and `like`.

    Returns
    -------
    array
        `theta` itself when it already is of that kind.

    Raises
    ------
    TypeError
        If one is a NumPy array and the other a tensor, if both hold floating-point numbers of different
        dtypes, or if `theta` is complex or sparse.
    ValueError
        If they are tensors on different devices.
    """
    if type(theta) is type(like) and theta.dtype == like.dtype:
        if type(theta) is np.ndarray:
            return theta
        if theta.device == like.device:
            return theta
    array = as_array(theta, name)
    if isinstance(theta, np.ndarray) or compat.is_torch_array(theta):
        _check_agreement(lead, like, name, array, dtypes=array is theta)
        if array is theta:
            return theta
    xp = compat.array_namespace(like)
    return xp.asarray(array, dtype=like.dtype, device=compat.device(like))


def on_host(array: Array) -> np.ndarray:
    """Return the numbers of an array or tensor as a NumPy array, wherever they are; for messages.

    Raises
    ------
    ValueError
        If there are none, as on PyTorch's meta device.
    """
    check_there(array, "a tensor")
    if compat.is_torch_array(array):
        array = compat.to_device(array.detach(), "cpu")
    return np.asarray(array)


OF_NUMPY = (np.ndarray, np.generic)


def detached(array: Any) -> Any:
    """Return a tensor without the graph that autograd records for it; anything else as it is."""
    if isinstance(array, OF_NUMPY):  # at once, since this is asked at every step
        return array
    return array.detach() if getattr(array, "requires_grad", False) else array


def as_start(theta: Any, *, many: bool = False) -> Array:
    """Return a copy of a start of shape (P,), or also (M, P) for `many` starts side by side.

    Raises
    ------
    ValueError
        If its shape is another, or if it holds NaN or infinity.
    """
    theta = as_array(theta)
    if theta.ndim == 0 or 0 in theta.shape:
        hint = "" if theta.ndim else ". A single parameter is written [3.0]"
        raise ValueError(f"theta must have shape (P,) with P >= 1; got {tuple(theta.shape)}{hint}")
    if theta.ndim > (2 if many else 1):
        wanted = "(P,) or (M, P)" if many else "(P,)"
        raise ValueError(f"theta must have shape {wanted}; got {tuple(theta.shape)}")
    check_finite(theta, "theta")
    return compat.array_namespace(theta).asarray(detached(theta), copy=True)


def check_there(array: Array, name: str) -> None:
    """Refuse a tensor on PyTorch's meta device, which holds shapes and no numbers.

    Raises
    ------
    ValueError
        If `array` is one.
    """
    if compat.is_torch_array(array) and array.device.type == "meta":
        raise ValueError(
            f"{name} is on the meta device, which holds shapes and no numbers; make one that holds "
            "numbers, for instance by torch.zeros_like(..., device='cpu')"
        )


def check_finite(array: Array, name: str) -> None:
    """Refuse NaN and infinity, saying how many there are and where the first one stands.

    Raises
    ------
    ValueError
        If an entry of `array` is not finite, or if `array` is on the meta device.
    """
    check_there(array, name)
    xp = compat.array_namespace(array)
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(xp.sum(detached(array)))  # takes no memory, as a mask of large data would
    if math.isfinite(total):
        return
    finite = xp.isfinite(array)
    if not bool(xp.all(finite)):
        where = np.argwhere(~on_host(finite))
        raise ValueError(
            f"{name} has {len(where)} value(s) that are NaN or infinite, the first at index "
            f"{tuple(int(i) for i in where[0])}; remove or replace them"
        )


def norm(vector: Array) -> Array:
    """Return the 2-norm of a vector, shape ()."""
    return (vector * vector).sum() ** 0.5


def length(vector: Array) -> float:
    """Return the 2-norm of a vector as a Python number, without overflow or underflow."""
    square = float((vector * vector).sum())
    if 1e-24 < square < 1e30:  # nothing that matters was lost, in float32 neither
        return math.sqrt(square)
    return float(lengths(vector[None, :])[0])


def lengths(vectors: Array) -> Array:
    """Return the 2-norms of M vectors, shape (M,), without overflow or underflow."""
    xp = namespace(vectors)
    largest = xp.max(abs(vectors), axis=-1)
    unit = xp.where((largest > 0) & (largest < xp.inf), largest, xp.ones_like(largest))
    return unit * ((vectors / unit[:, None]) ** 2).sum(-1) ** 0.5


def column_norms(a: Array) -> Array:
    """Return the norms of the columns, without overflow or underflow; 1 for columns of zeros."""
    xp = namespace(a)
    largest = xp.max(xp.abs(a), axis=0)
    zero = largest == 0
    largest = xp.where(zero, xp.ones_like(largest), largest)
    return xp.where(zero, largest, largest * ((a / largest) ** 2).sum(0) ** 0.5)


def says_singular(error: Exception) -> bool:
    """Tell whether NumPy or PyTorch raised an error because a matrix is singular."""
    return type(error).__name__ in ("LinAlgError", "_LinAlgError")


def _check_agreement(lead: str, first: Array, name: str, other: Array, dtypes: bool = True) -> None:
    if compat.is_torch_array(first) != compat.is_torch_array(other):
        raise TypeError(
            f"{lead} is a {_kind(first)} and {name} is a {_kind(other)}; convert one of them, "
            "for instance with torch.from_numpy(...) or tensor.numpy()"
        )
    if compat.device(first) != compat.device(other):
        raise ValueError(
            f"{lead} is on device {compat.device(first)} and {name} on {compat.device(other)}; "
            f"move one, for instance {name}.to({lead}.device)"
        )
    if dtypes and first.dtype != other.dtype:
        cast = "to" if compat.is_torch_array(other) else "astype"
        raise TypeError(
            f"{lead} has dtype {first.dtype} and {name} has dtype {other.dtype}; "
            f"convert one, for instance {name}.{cast}({lead}.dtype)"
        )


def _kind(array: Array) -> str:
    return "PyTorch tensor" if compat.is_torch_array(array) else "NumPy array"


def _complex(name: str) -> str:
    return f"{name} is complex; g is a function of real parameters, so give its real part"
