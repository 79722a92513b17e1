"""What may come in: one vocabulary for the arguments of all functions, and for refusing wrong ones.

A check names the argument and says what came, what was expected and, where it is known, what to do:

>>> real(2, "attraction", "(2, inf)", hint="The swarm does not settle otherwise")
Traceback (most recent call last):
ValueError: attraction must be above 2 and finite; got 2.0. The swarm does not settle otherwise

Checks are made once, where a call comes in; what they return is a plain Python number, or arrays of one
kind. Nothing inside the package has to look again. In all of them `value` is what came, `name` what the
message calls it, and `hint` a last sentence of the message, without its full stop.
"""

import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from inspect import signature
from numbers import Integral, Real
from typing import Any, TypeVar, cast, overload
from warnings import warn

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import (
    Array,
    check_finite,
    check_there,
    entries,
    namespace,
    real_arrays,
    same_kind,
)

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
WORDS = "numpy.unique({}, return_inverse=True)[1] numbers the classes"
"""What to do with words where integers are asked for."""


# --- numbers --------------------------------------------------------------------------------------


def whole(value: object, name: str, least: int = 1, most: int | None = None, hint: str = "") -> int:
    """Return a whole number as a Python int, once it is known to lie from `least` to `most`, if given.

    Raises
    ------
    ValueError
        If it is anything else.

    Examples
    --------
    >>> whole(np.int8(3), "steps")
    3
    """
    number = _scalar(value)
    if type(number) is int or (isinstance(number, Integral) and not isinstance(number, bool)):
        count = int(number)
        if count >= least and (most is None or count <= most):
            return count
    limits = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise ValueError(_said(f"{name} must be an integer {limits}; got {came(value)}", hint))


def real(value: object, name: str, within: str = "(-inf, inf)", hint: str = "") -> float:
    """Return a real number as a Python float, once it is known to lie in an interval.

    The interval `within` is written as in mathematics: "(0, inf)" holds the positive and finite numbers,
    "[0, inf]" infinity and 0 too. NaN lies in none.

    Raises
    ------
    TypeError
        If it is not a real number.
    ValueError
        If it does not lie in the interval.

    Examples
    --------
    >>> real(np.float32(0.5), "momentum", "[0, 1)")
    0.5
    """
    x = value if type(value) is float else _float(value, name, hint)
    low, high = _ends(within)
    above = x >= low if within[0] == "[" else x > low
    below = x <= high if within[-1] == "]" else x < high
    if not (above and below):
        raise ValueError(_said(f"{name} must be {_words(within)}; got {x}", hint))
    return x


def flag(value: object, name: str) -> bool:
    """Return True or False as Python's own.

    Raises
    ------
    TypeError
        If it is anything else; 0 and 1 are numbers.
    """
    if value is True or value is False:
        return value  # by far the most, at once
    answer = _scalar(value)
    if not isinstance(answer, bool):
        raise TypeError(f"{name} must be True or False; got {came(value)}")
    return answer


def choice(value: object, name: str, options: Sequence[str]) -> str:
    """Return one of several words.

    Raises
    ------
    ValueError
        If it is none of them; the message lists them all, and names one that is spelt alike.
    """
    if isinstance(value, str) and value in options:
        return str(value)
    from difflib import get_close_matches  # not at the top: for a message only

    alike = get_close_matches(value, options, 1) if isinstance(value, str) else []
    hint = f"Did you mean {alike[0]!r}?" if alike else ""
    words = ", ".join(options)
    raise ValueError(_said(f"{name} must be one of {words}; got {came(value)}", hint))


def text(value: object, name: str) -> str:
    """Return a text: a name or a title.

    Raises
    ------
    TypeError
        If it is anything else; bytes are none.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text; got {came(value)}")
    return value


# --- arrays ---------------------------------------------------------------------------------------


def arrays(
    shapes: Mapping[str, str], hints: Mapping[str, str] | None = None, /, **named: Any
) -> tuple[Any, ...]:
    """Return arrays of one kind, once they are known to have shapes that go together.

    Parameters
    ----------
    shapes : mapping
        Of each name, the shape in letters: ``{"W": "T P", "y": "T"}``. Equal letters stand for equal
        lengths, a number for itself, ``...`` for any leading axes, and ``|`` for "or".
    hints : mapping, optional
        Of some names, a last sentence of the message, without its full stop. What can be seen from the
        shapes themselves needs none: a missing axis, an axis of length 1, a matrix to be transposed.
    **named
        The arguments, in the order in which they are looked at, as for
        :func:`lecturecode.arrays.real_arrays`.

    Returns
    -------
    tuple
        ``(xp, *arrays)``: the array namespace, then the arrays in the order given.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or if two are of different libraries or dtypes.
    ValueError
        If a shape does not fit, if an array is empty or on another device, or has NaN or infinity in it.

    Examples
    --------
    >>> arrays({"W": "T P", "y": "T | T K"}, W=[[1.0], [2.0]], y=[1.0, 2.0, 3.0])
    Traceback (most recent call last):
    ValueError: y must have shape (T,) or (T, K), and T is 2 in W; got (3,)
    """
    xp, *found = real_arrays(**named)
    sizes = {name: tuple(array.shape) for name, array in zip(named, found, strict=True)}
    lengths: dict[str, tuple[int, str]] = {}
    for name, size in sizes.items():
        wrong = _misfit(name, size, shapes[name], lengths)
        if wrong:
            hint = (hints or {}).get(name) or _advice(name, shapes[name], sizes)
            raise ValueError(_said(wrong, hint))
    return (xp, *found)


def integers(
    value: Any,
    name: str,
    least: int = 0,
    most: int | None = None,
    what: str = "integers",
    hint: str = "",
) -> Array:
    """Return an array of integers that lie from `least` to `most`, if given: the order of a tour.

    They are of 64 bits: as an index, a tensor of bytes would be a mask. The message calls them `what`.

    Raises
    ------
    TypeError
        If its entries are not integers; True and False are not, nor is 2.0.
    ValueError
        If one of them is out of range, or if there are none, as on PyTorch's meta device.
    """
    array = entries(value, name)
    limits = f"of at least {least}" if most is None else f"from {least} to {most}"
    if not _holds_integers(array):
        hint = hint or (WORDS.format(name) if _holds_words(array) else "")
        raise TypeError(_said(f"{name} must hold {what} {limits}; got dtype {array.dtype}", hint))
    if 0 in array.shape:
        raise ValueError(f"{name} is empty (shape {tuple(array.shape)}); give at least one value")
    check_there(array, name)
    low, high = int(array.min()), int(array.max())
    if low < least or high > (2**63 - 1 if most is None else most):
        raise ValueError(_said(f"{name} must hold {what} {limits}; got {low}..{high}", hint))
    xp = namespace(array)
    return xp.astype(array, xp.int64, copy=False)


def labels(value: Any, name: str, classes: int, like: Array, hint: str = "") -> Array:
    """Return the class numbers of T samples as integers, an array or tensor on the device of `like`.

    Raises
    ------
    TypeError
        If they are not integers, as words are not, or an array where `like` is a tensor, or the reverse.
    ValueError
        If the shape is not (T,), as that of one-hot rows is not, or a number not in 0..classes - 1.
    """
    given = entries(value, name)
    if given.ndim != 1:
        one_hot = given.ndim == 2 and given.shape[1] == classes
        if one_hot:
            hint = f"One-hot rows become labels by {name}.argmax(-1)"
        elif given.ndim == 2 and given.shape[1] == 1:
            hint = f"Take its only column, {name}[:, 0]"
        else:
            hint = ""
        wrong = f"{name} must hold labels of shape (T,), one class number per sample"
        raise ValueError(_said(f"{wrong}; got {tuple(given.shape)}", hint))
    if not _holds_integers(given):
        if compat.is_torch_array(given) or given.dtype.kind == "f":
            check_finite(given, name)
        cast = "long()" if compat.is_torch_array(given) else "astype(int)"
        words = _holds_words(given)
        hint = WORDS.format(name) if words else f"Convert them, for instance by {name}.{cast}"
    elif 0 not in given.shape:
        check_there(given, name)
        if int(given.min()) == 1 and int(given.max()) == classes:
            hint = f"{hint}. Classes are numbered from 0: {name} - 1".removeprefix(". ")
    given = integers(given, name, 0, classes - 1, "class numbers, integers", hint)
    arrays = isinstance(value, np.ndarray), isinstance(like, np.ndarray)
    if compat.is_torch_array(value) or arrays == (True, False):
        same_kind(value, like, name, "x")  # library and device, not dtype
    xp = namespace(like)
    return xp.asarray(given, dtype=xp.int64, device=compat.device(like))


# --- functions and objects ------------------------------------------------------------------------


def function(value: F, name: str, of: str = "theta", hint: str = "") -> F:
    """Return a function of what the message calls `of`; a class is none.

    Raises
    ------
    TypeError
        If it cannot be called, or is a class, whose instances may be what is meant.
    """
    if isinstance(value, type):
        raise TypeError(_said(_class_given(value, name), hint))
    if not callable(value):
        hint = hint or "Give the function itself, not the value that it returns"
        raise TypeError(_said(f"{name} must be a function of {of}; got {_kind(value)}", hint))
    return value


@overload
def callback(value: None) -> None: ...
@overload
def callback(value: F) -> F: ...
def callback(value: Any) -> Any:
    """Return a function to be told of the run, or None.

    Raises
    ------
    TypeError
        If it is neither.
    """
    hint = "Give the function itself; where it returns True, the run stops"
    return None if value is None else function(value, "callback", "the trace so far", hint)


def instance(value: object, name: str, kind: type[T], such_as: str, hint: str = "") -> T:
    """Return an object of the class `kind`; the message says how one is made, `such_as`.

    Raises
    ------
    TypeError
        If it is of another class, or is itself a class.
    """
    if isinstance(value, kind):
        return value
    if isinstance(value, type) and issubclass(value, kind):
        raise TypeError(_class_given(value, name))
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    wanted = f"{name} must be {article} {kind.__name__}, such as {such_as}"
    raise TypeError(_said(f"{wanted}; got {_kind(value)}", hint))


def protocol(value: T, name: str, parts: Sequence[str], such_as: str) -> T:
    """Return an object of any class that has the methods `parts`: an optimizer, a loss, an objective.

    Raises
    ------
    TypeError
        If a method is missing, or if it is the class instead of an object of it.
    """
    for part in parts:
        if not callable(getattr(value, part, None)):
            wanted = " and ".join(parts)
            raise TypeError(f"{name} must have {wanted}; got {_kind(value)}. For instance {such_as}")
    if isinstance(value, type):
        raise TypeError(_class_given(value, name))
    return value


def renamed(**names: str) -> Callable[[F], F]:
    """Let a function be called by the names that its arguments once had, with a DeprecationWarning.

    Each old name is given its new one: ``@renamed(centers="start")``.

    Raises
    ------
    TypeError
        If a call gives both.
    """

    def decorate(f: F) -> F:
        @wraps(f)
        def by_either_name(*args: Any, **named: Any) -> Any:
            for old in names.keys() & named.keys():
                new = names[old]
                if new in named:
                    raise TypeError(f"{f.__name__}() got {new} and {old}, which is its old name")
                warn(f"{old} of {f.__name__} is now {new}", DeprecationWarning, stacklevel=2)
                named[new] = named.pop(old)
            return f(*args, **named)

        return cast(F, by_either_name)

    return decorate


# --- words ----------------------------------------------------------------------------------------


def came(value: object) -> str:
    """Say what came: an array by its shape, anything else as Python writes it, cut short."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and (shape or isinstance(value, np.ma.MaskedArray)):
        return f"{_kind(value)} of shape {tuple(shape)}"
    try:
        return reprlib.repr(_scalar(value))
    except ValueError:  # Python does not write integers of more than 4300 digits
        return f"{_kind(value)} of thousands of digits"


def _kind(value: object) -> str:
    return type(value).__name__


def _said(message: str, hint: str) -> str:
    return f"{message}. {hint}" if hint else message


def _scalar(value: Any) -> Any:
    """Return what an array or tensor of shape () holds; anything else as it is."""
    if type(value) in (int, float):
        return value  # by far the most, at once
    numpy = isinstance(value, np.ndarray | np.generic) and not isinstance(value, np.ma.MaskedArray)
    torch = compat.is_torch_array(value) and value.device.type != "meta"
    return value.item() if (numpy or torch) and value.shape == () else value


def _holds_integers(array: Array) -> bool:
    if compat.is_torch_array(array):
        return not (array.is_floating_point() or array.is_complex() or "bool" in str(array.dtype))
    return array.dtype.kind in "iu"


def _holds_words(array: Array) -> bool:
    return not compat.is_torch_array(array) and array.ndim > 0 and array.dtype.kind in "USTO"


def _class_given(kind: type, name: str) -> str:
    try:
        free = all(p.default is not p.empty for p in signature(kind).parameters.values())
    except (TypeError, ValueError):  # classes written in C do not say what they take
        free = False
    return f"{name} is the class {kind.__name__}; make one: {kind.__name__}({'' if free else '...'})"


def _float(value: object, name: str, hint: str) -> float:
    number = _scalar(value)
    if isinstance(number, bool) or not isinstance(number, Real):
        raise TypeError(_said(f"{name} must be a number; got {_kind(value)}", hint))
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf  # type: ignore[operator]


@cache
def _ends(within: str) -> tuple[float, float]:
    low, high = within[1:-1].split(",")
    return float(low), float(high)


def _words(within: str) -> str:
    """Say an interval in words: "(0, inf)" is "positive and finite"."""
    low, high = _ends(within)
    from_zero = low == 0 and high == math.inf
    if from_zero:
        lower = "0 or positive" if within[0] == "[" else "positive"
    else:
        lower = "" if low == -math.inf else f"{'at least' if within[0] == '[' else 'above'} {low:g}"
    if high == math.inf:
        upper = "" if within[-1] == "]" else "finite"
    else:
        upper = f"{'at most' if within[-1] == ']' else 'below'} {high:g}"
    both = ", and " if " or " in lower else " and "
    return both.join(part for part in (lower, upper) if part) or "a number"


def _misfit(name: str, shape: tuple[int, ...], spec: str, lengths: dict[str, tuple[int, str]]) -> str:
    """Say how a shape differs from its letters; remember the lengths that they stand for."""
    letters = _letters(spec, len(shape))
    if letters is None:
        return f"{name} must have shape {_written(spec)}; got {shape}"
    for letter, length in zip(letters, shape[len(shape) - len(letters) :], strict=True):
        stated = (int(letter), name) if letter.isdigit() else (length, name)
        known, owner = lengths.setdefault(letter, stated)
        if length != known:
            where = "" if owner == name or letter.isdigit() else f", and {letter} is {known} in {owner}"
            return f"{name} must have shape {_written(spec)}{where}; got {shape}"
    return ""


@cache
def _letters(spec: str, axes: int) -> tuple[str, ...] | None:
    """Return the letters of the alternative that has so many axes, without its leading dots."""
    for option in spec.split("|"):
        letters = tuple(option.split())
        dots = letters[:1] == ("...",)
        if len(letters) == axes or (dots and axes >= len(letters) - 1):
            return letters[1:] if dots else letters
    return None


def _written(spec: str) -> str:
    """Write shapes as Python does: "T | T K" is "(T,) or (T, K)"."""
    options = [option.split() for option in spec.split("|")]
    return " or ".join(f"({', '.join(o)}{',' if len(o) == 1 else ''})" for o in options)


def _advice(name: str, spec: str, shapes: dict[str, tuple[int, ...]]) -> str:
    """Say what can be seen from shapes that do not fit: an axis that is missing, or one too many."""
    shape = shapes[name]
    wanted = {len(option.split()) for option in spec.split("|")}
    if len(shape) == 0 and wanted == {1}:
        return f"A single number is written [{name}]"
    if len(shape) == 1 and wanted == {2}:
        return f"A single row is {name}[None, :], a single column {name}[:, None]"
    if len(shape) == 2 and wanted == {1} and shape[1] == 1:
        return f"Take its only column, {name}[:, 0]"
    others = [n for n, s in shapes.items() if n != name and len(s) == 2 and s[1:] == shape]
    if others:
        return f"If the columns of {others[0]} are the samples, transpose it: {others[0]}.T"
    return ""
