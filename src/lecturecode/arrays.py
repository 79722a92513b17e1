"""What counts as an array here, and what is said at the door when something does not.

Everything in the package runs on NumPy arrays and on PyTorch tensors by the same lines. That works as
long as all arguments of one call agree in library, device and dtype, and are real and finite. The
functions of this module make sure of it, once, where a call comes in.
"""

import datetime
import math
import reprlib
from functools import cache
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.array_types import Array as Array
from lecturecode.array_types import ArrayLike as ArrayLike


def namespace(array: Array) -> Any:
    """Return array_api_compat's namespace of `array`; for NumPy arrays, by far the most, at once."""
    return _numpy() if type(array) is np.ndarray else compat.array_namespace(array)


@cache
def _numpy() -> Any:
    return compat.array_namespace(np.empty(0))  # not at the top: it takes long to import


def as_array(value: ArrayLike, name: str = "theta") -> Array:
    """Turn one argument into a real floating-point array; leave tensors where they are.

    Parameters
    ----------
    value : array, tensor, number or nested sequence of numbers
        Integers and booleans become float64; those of tensors PyTorch's default dtype, if it holds them.
    name : str
        What the message calls the argument.

    Returns
    -------
    array
        `value` itself when it already is a floating-point array in the machine's order of bytes.

    Raises
    ------
    TypeError
        If the entries are complex, masked, or not numbers at all, or if a tensor is sparse or quantized.

    Examples
    --------
    >>> as_array([1, 2])
    array([1., 2.])
    """
    if type(value) is np.ndarray and value.dtype.kind == "f" and value.dtype.isnative:
        return value
    if compat.is_torch_array(value):
        if value.is_floating_point() and _dense(value.layout):
            return value
        if value.is_complex():
            raise TypeError(_complex(name))
        given, xp = entries(value, name), namespace(value)
        usual = xp.empty(0).dtype
        return given.to(usual if holds(xp, usual, given) else xp.float64)
    array = entries(value, name)
    if array.dtype.kind == "c":
        raise TypeError(_complex(name))
    if array.dtype.kind not in "fiub":
        raise TypeError(no_numbers(value, array, name))
    return array.astype(
        array.dtype.newbyteorder("=") if array.dtype.kind == "f" else np.float64, copy=False
    )


def holds(xp: Any, dtype: Any, numbers: Array) -> bool:
    """Tell whether whole numbers keep all the digits in a dtype of `xp` that they have in float64."""
    numbers = xp.asarray(numbers)
    if compat.is_torch_array(numbers) and numbers.device.type == "meta":
        return True
    with np.errstate(over="ignore"):
        kept = xp.astype(xp.astype(numbers, dtype), xp.float64)
    return bool(xp.all(kept == xp.astype(numbers, xp.float64)))


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or compat.is_torch_array(value)


def _is_floating(array: Any) -> bool:
    return array.is_floating_point() if compat.is_torch_array(array) else array.dtype.kind == "f"


def _whole_numbers(value: Any, name: str) -> Array | None:
    """Return the entries of an array or a list of whole numbers; None for others, and for one number."""
    found = entries(value, name)
    return None if _is_floating(found) or found.ndim == 0 else found


class NotNumbersError(TypeError):
    """What an object raises that is no array, and says itself what to do instead."""


def entries(value: Any, name: str) -> Any:
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
        rows = f"{name}[~numpy.ma.getmaskarray({name}).any(1)]"  # the same rows of all else, too
        rest = rows if value.ndim == 2 else f"{name}.compressed()"
        raise TypeError(f"{name} has masked entries; leave them out, as by {rest}")
    try:
        return np.asarray(value)
    except NotNumbersError:
        raise
    except Exception:  # rows of unequal lengths, or what another library does not give away
        return np.empty(0, dtype=object)


def no_numbers(value: Any, array: np.ndarray, name: str) -> str:
    """Say which entry of `array`, made of `value`, is no number, and how such a thing becomes one."""
    wrong = f"{name} must hold real numbers; got {type(value).__name__} of dtype {array.dtype}"
    table = name if isinstance(value, np.ndarray) else f"numpy.array({name})"
    dates = f"Dates become days by (d - d.min()) / numpy.timedelta64(1, 'D'), where d is {table}"
    if array.dtype.names:
        columns = ", ".join(f"{name}[{field!r}]" for field in array.dtype.names[:2])
        wrong = f"{name} must hold real numbers; got a table of {len(array.dtype.names)} named columns"
        return f"{wrong}. Put those of numbers side by side: numpy.column_stack([{columns}, ...])"
    if array.dtype.kind in "mM":
        return f"{wrong}. {dates}" + ("" if array.dtype.kind == "M" else "; durations need no d.min()")
    if hasattr(value, "theta"):
        return f"{wrong}. Its attribute theta holds the parameters that were found, value what they cost"
    found = _first_word(array) if array.ndim else None
    if found is None:
        dense = f", as by {name}.toarray()" if hasattr(value, "toarray") else ""
        numbers = f", a PyTorch tensor, or a list of numbers of equal lengths{_as_float(array, table)}"
        return f"{wrong}. Give a NumPy array{dense}{numbers}"
    where, entry = found
    wrong = f"{wrong}, with {reprlib.repr(entry)} at index {where}"
    if entry is None or (isinstance(entry, str | bytes) and not entry):
        return f"{wrong}, where a value is missing. Leave out its row, or put a number there"
    if isinstance(entry, datetime.date) or _is_date(entry):
        return f"{wrong}. {dates}.astype('datetime64[D]')"
    if not isinstance(entry, str | bytes):
        return wrong
    if where[0] > 0:
        return f"{wrong}, after numbers. If it stands for a gap, leave out its row, or read it as NaN"
    column = f"{table}[:, {where[-1]}]" if array.ndim == 2 else name
    tall = f"{table}[:, {where[-1]}, None]" if array.ndim == 2 else f"{table}[:, None]"
    return (
        f"{wrong}. Words become numbers by numpy.unique({column}, return_inverse=True)[1], which suits "
        f"labels; inputs are a column of 0 and 1 for each word, {tall} == numpy.unique({column})"
    )


def _as_float(array: np.ndarray, table: str) -> str:
    return f". Its entries become numbers by {table}.astype(float)" if array.ndim and array.size else ""


def _first_word(array: np.ndarray) -> tuple[tuple[int, ...], Any] | None:
    """Return where the first entry stands that is no number, nor the text of one, and the entry."""
    for where, entry in np.ndenumerate(array):
        try:
            float(entry)
        except Exception:  # whatever an object says that is no number
            return where, entry.item() if isinstance(entry, np.generic) else entry
    return None


def _is_date(entry: Any) -> bool:
    try:
        return isinstance(entry, str) and np.datetime64(entry) is not None
    except ValueError:
        return False


@cache
def _dense(layout: object) -> bool:
    return str(layout) == "torch.strided"  # without importing torch


def real_arrays(**named: Any) -> tuple[Any, ...]:
    """Check that the arguments of one call go together; return their namespace and the arrays.

    Parameters
    ----------
    **named
        The arguments by the names that a message should use. Lists, Python numbers and integer arrays
        adopt the dtype (lists also the library and device) of the first floating-point array. Where that
        does not hold all digits of the integers, all arguments become float64.

    Returns
    -------
    tuple
        ``(xp, *arrays)``: the array namespace, then the arrays in the order given.

    Raises
    ------
    TypeError
        If NumPy arrays and tensors are mixed, if dtypes differ or are neither float32 nor float64, or if
        an argument is complex.
    ValueError
        If tensors are on different devices, if an array is empty, or if one holds NaN or infinity.

    Examples
    --------
    >>> xp, x, y = real_arrays(x=[1, 2], y=[3.0, 4.0])
    >>> x + y
    array([4., 6.])
    """
    arrays = {name: as_array(value, name) for name, value in named.items()}
    given = {name: value for name, value in named.items() if _is_array(value)}
    settled = [name for name, value in given.items() if _is_floating(value)]
    lead = next(iter(settled or given or arrays))
    xp = compat.array_namespace(arrays[lead])
    _check_precision(lead, arrays[lead])
    dtype = arrays[lead].dtype
    for name in arrays:
        if name in given:
            check_agreement(lead, arrays[lead], name, arrays[name], dtypes=name in settled)
        numbers = None if name in settled else _whole_numbers(named[name], name)
        if numbers is not None and not holds(xp, dtype, numbers):
            dtype = xp.float64
    for name, array in arrays.items():
        if array.dtype != dtype or name not in settled:
            arrays[name] = xp.asarray(array, dtype=dtype, device=compat.device(arrays[lead]))
        if 0 in array.shape:
            raise ValueError(f"{name} is empty (shape {tuple(array.shape)}); give at least one value")
    for name, array in arrays.items():
        check_finite(array, name)
    return (xp, *map(detached, arrays.values()))


def same_kind(
    theta: ArrayLike, like: Array, name: str = "theta", lead: str = "the data that g holds"
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
        If they are tensors on different devices, or if the dtype of `like` would round integers.
    """
    if type(theta) is type(like) and theta.dtype == like.dtype:
        if type(theta) is np.ndarray:
            return theta
        if theta.device == like.device:
            return theta
    array = as_array(theta, name)
    if _is_array(theta):
        check_agreement(lead, like, name, array, dtypes=_is_floating(theta))
        if _is_floating(theta):
            return array
    xp, numbers = compat.array_namespace(like), _whole_numbers(theta, name)
    if numbers is not None and not holds(xp, like.dtype, numbers):
        raise ValueError(
            f"{name} has integers of more digits than {like.dtype} holds, the dtype of {lead}; convert "
            "both to float64, or subtract what the integers have in common"
        )
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
        if array.is_floating_point() and array.dtype.itemsize < 4:
            array = array.float()  # NumPy has no bfloat16
    return np.asarray(array)


OF_NUMPY = (np.ndarray, np.generic)


def copied(array: Any) -> Any:
    """Return a copy, in the same order of memory, so that sums round alike; a tensor's has its graph."""
    return array.copy("K") if isinstance(array, OF_NUMPY) else array.clone()


def detached(array: Any) -> Any:
    """Return a tensor without the graph that autograd records for it; anything else as it is."""
    if isinstance(array, OF_NUMPY):  # at once, since this is asked at every step
        return array
    return array.detach() if getattr(array, "requires_grad", False) else array


def lent(value: Any) -> Any:
    """Return a copy of an array or a tensor for somebody who may write into it; anything else itself."""
    return copied(value) if isinstance(value, OF_NUMPY) or compat.is_torch_array(value) else value


def as_start(theta: ArrayLike, *, many: bool = False) -> Array:
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
    with np.errstate(all="ignore"):
        total = float(xp.sum(detached(array)))  # takes no memory, as a mask of large data would
    if math.isfinite(total):
        return
    finite = xp.isfinite(array)
    if not bool(xp.all(finite)):
        where = np.argwhere(~on_host(finite))
        raise ValueError(
            f"{name} has {len(where)} value(s) that are NaN or infinite, the first at index "
            f"{tuple(int(i) for i in where[0])}; remove or replace them"
            f"{_of_which_rows(array, where, name)}"
        )


def _of_which_rows(array: Array, where: np.ndarray, name: str) -> str:
    """Say in which columns and in how many rows of a table values are missing, and how to go on."""
    if array.ndim != 2 or array.shape[0] < 2 or name.endswith("theta"):
        return ""
    rows, columns = (np.unique(where[:, axis]).tolist() for axis in (0, 1))
    shown = ", ".join(str(j) for j in columns[:5]) + (", ..." if len(columns) > 5 else "")
    of = f"{len(rows)} of {array.shape[0]} rows and column{'s' if len(columns) > 1 else ''} {shown}"
    whole = [j for j in columns if bool(np.isnan(on_host(array[:, j])).all())]
    if whole:
        return (
            f". They are in {of}; column {whole[0]} has no number at all, as a constant column after a "
            "division by its standard deviation, 0: leave it out"
        )
    if len(rows) == array.shape[0]:
        return f". They are in {of}"
    x = name.split()[-1]
    torch = compat.is_torch_array(array)
    finite = f"torch.isfinite(torch.as_tensor({x}))" if torch else f"numpy.isfinite({x})"
    keep = f"keep = {finite}.all(1), then {x}[keep]"
    return f". They are in {of}. To leave these rows out: {keep}, and the same of what goes with {x}"


def norm(vector: Array) -> Array:
    """Return the 2-norm of a vector, shape ()."""
    return (vector * vector).sum() ** 0.5


def length(vector: Array) -> float:
    """Return the 2-norm of a vector as a Python number, without overflow or underflow."""
    square = float(vector.dot(vector))
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


def check_agreement(lead: str, first: Array, name: str, other: Array, dtypes: bool = True) -> None:
    """Check that two arrays are of one library, device and (if asked for) dtype.

    Raises
    ------
    TypeError
        If libraries or dtypes differ.
    ValueError
        If devices do.
    """
    if type(first) is type(other) is np.ndarray and (not dtypes or first.dtype == other.dtype):
        return  # by far the most, as in same_kind
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
        named = name.isidentifier() and lead.isidentifier()
        code = f"{name}.{cast}({lead}.dtype)" if named else f"by .{cast}({_written(first.dtype)})"
        raise TypeError(
            f"{lead} has dtype {first.dtype} and {name} has dtype {other.dtype}; "
            f"convert one, for instance {code}"
        )


def _written(dtype: Any) -> str:
    return f"'{dtype}'" if isinstance(dtype, np.dtype) else str(dtype)


def _check_precision(name: str, array: Array) -> None:
    if array.dtype.itemsize not in (4, 8):
        cast = "float()" if compat.is_torch_array(array) else "astype(numpy.float32)"
        raise TypeError(
            f"{name} has dtype {array.dtype}; this needs float32 or float64, so convert it, for "
            f"instance by {name}.{cast}"
        )


def _kind(array: Array) -> str:
    return "PyTorch tensor" if compat.is_torch_array(array) else "NumPy array"


def _complex(name: str) -> str:
    return f"{name} is complex; g is a function of real parameters, so give its real part"
