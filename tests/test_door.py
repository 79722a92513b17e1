"""The door: what each check takes, and what it says of everything else."""

import fractions
import math
import re

import numpy as np
import pytest
import torch

from lecturecode import Adam, CrossEntropy, Network, door

ROW = np.ones(3)


def says(kind, message):
    """The whole message, to the letter."""
    return pytest.raises(kind, match=rf"^{re.escape(message)}$")


# --- whole numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [3, np.int8(3), np.uint64(3), np.array(3), torch.tensor(3), np.array(3, ">i4")], ids=repr
)
def test_whole_numbers_of_every_library_become_ints(value):
    found = door.whole(value, "steps")
    assert (type(found), found) == (int, 3)


@pytest.mark.parametrize(
    ("value", "came"),
    [
        (0, "0"),
        (True, "True"),
        (np.True_, "True"),
        (2.0, "2.0"),
        (np.float64(2), "2.0"),
        (torch.tensor(True), "True"),
        (torch.tensor(2.0), "2.0"),
        (None, "None"),
        ("3", "'3'"),
        (b"3", "b'3'"),
        (1j, "1j"),
        (math.nan, "nan"),
        ([3], "[3]"),
        (np.array([3]), "ndarray of shape (1,)"),
        (torch.tensor([3]), "Tensor of shape (1,)"),
        (np.ma.masked, "MaskedConstant of shape ()"),
        (int, "the class int"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, ...]"),
    ],
)
def test_what_is_no_whole_number(value, came):
    with says(ValueError, f"steps must be an integer of at least 1; got {came}"):
        door.whole(value, "steps")


def test_the_limits_of_whole_numbers():
    with says(ValueError, "steps must be an integer of at least 1; got int of thousands of digits"):
        door.whole(-(10**5000), "steps")
    assert door.whole(0, "restarts", 0) == 0
    assert door.whole(10**400, "steps") == 10**400
    assert [door.whole(k, "layer", 1, 2) for k in (1, 2)] == [1, 2]
    for k in (0, 3):
        with says(ValueError, f"layer must be an integer from 1 to 2; got {k}. Count from 1"):
            door.whole(k, "layer", 1, 2, hint="Count from 1")
    with says(ValueError, "restarts must be an integer of at least 0; got -1"):
        door.whole(-1, "restarts", 0)


# --- real numbers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        np.float32(0.5),
        np.float16(0.5),
        np.longdouble(0.5),
        np.array(0.5),
        np.array(0.5, ">f8"),
        torch.tensor(0.5),
        torch.tensor(0.5, requires_grad=True),
        fractions.Fraction(1, 2),
    ],
    ids=repr,
)
def test_real_numbers_of_every_library_become_floats(value):
    found = door.real(value, "momentum", "[0, 1)")
    assert (type(found), found) == (float, 0.5)


def test_whole_numbers_are_real():
    assert [door.real(k, "rho") for k in (1, np.int8(1), torch.tensor(1))] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "bool"),
        (np.False_, "bool"),
        (torch.tensor(True), "Tensor"),
        (None, "NoneType"),
        ("0.5", "str"),
        (b"1", "bytes"),
        (1j, "complex"),
        (np.complex64(1), "complex64"),
        (torch.tensor(1j), "Tensor"),
        ([0.5], "list"),
        (np.array([0.5]), "ndarray"),
        (torch.tensor([0.5]), "Tensor"),
        (torch.ones((), device="meta"), "Tensor"),
        (np.ma.masked, "MaskedConstant"),
        (np.datetime64("2026-01-01"), "datetime64"),
        (float, "type"),
    ],
    ids=repr,
)
def test_what_is_no_number(value, kind):
    with says(TypeError, f"rho must be a number; got {kind}. Try 1"):
        door.real(value, "rho", hint="Try 1")


@pytest.mark.parametrize(
    ("within", "words", "inside", "outside"),
    [
        ("(-inf, inf)", "finite", [0, -1e308], [math.inf, -math.inf, math.nan]),
        ("[-inf, inf]", "a number", [math.inf, -math.inf, 0], [math.nan]),
        ("(0, inf)", "positive and finite", [5e-324, 1e308], [0.0, -0.0, -1.0, math.inf]),
        ("(0, inf]", "positive", [math.inf], [0.0, -1.0]),
        ("[0, inf)", "0 or positive, and finite", [0, 1e308], [-5e-324, math.inf, math.nan]),
        ("[0, inf]", "0 or positive", [0, math.inf], [-1.0, math.nan]),
        ("[0, 1)", "at least 0 and below 1", [0, 0.999], [1.0, -1e-9, math.nan]),
        ("(0, 1]", "above 0 and at most 1", [1, 1e-9], [0.0, 1.001]),
        ("(2, inf)", "above 2 and finite", [2.05], [2.0, math.inf]),
        ("[-1.5, 2)", "at least -1.5 and below 2", [-1.5], [2.0, -1.6]),
    ],
)
def test_intervals(within, words, inside, outside):
    for x in inside:
        assert door.real(x, "x", within) == x
    for x in outside:
        with says(ValueError, f"x must be {words}; got {x}"):
            door.real(x, "x", within)


def test_integers_that_no_float_can_hold_count_as_infinite():
    assert door.real(10**400, "x", "[0, inf]") == math.inf
    assert door.real(-(10**400), "x", "[-inf, inf]") == -math.inf
    with says(ValueError, "x must be positive and finite; got inf"):
        door.real(10**400, "x", "(0, inf)")


def test_a_float32_is_compared_as_what_it_is():
    assert door.real(np.float32(2.1), "attraction", "(2, inf)") == float(np.float32(2.1))
    with says(ValueError, "attraction must be above 2 and finite; got 2.0. The swarm must settle"):
        door.real(np.float32(2), "attraction", "(2, inf)", "The swarm must settle")


# --- flags and words ------------------------------------------------------------------------------


def test_flags():
    for value in (True, np.True_, np.array(True), torch.tensor(True)):
        assert door.flag(value, "progress") is True
    assert door.flag(np.False_, "progress") is False
    for value, came in ((1, "1"), (0, "0"), (None, "None"), ("yes", "'yes'"), (1.0, "1.0"), ([], "[]")):
        with says(TypeError, f"progress must be True or False; got {came}"):
            door.flag(value, "progress")


def test_words():
    options = ("full", "diagonal", "spherical")
    found = door.choice(np.str_("full"), "covariance", options)
    assert (type(found), found) == (str, "full")
    says_all = "covariance must be one of full, diagonal, spherical; got "
    with says(ValueError, says_all + "'Diagonal'. Did you mean 'diagonal'?"):
        door.choice("Diagonal", "covariance", options)
    for value, came in (
        ("", "''"),
        (None, "None"),
        (["full"], "['full']"),
        (ROW, "ndarray of shape (3,)"),
    ):
        with says(ValueError, says_all + came):
            door.choice(value, "covariance", options)


def test_texts():
    assert door.text("", "name") == ""
    for value, came in ((3, "3"), (b"a", "b'a'"), (None, "None"), (str, "the class str")):
        with says(TypeError, f"name must be text; got {came}"):
            door.text(value, "name")


# --- arrays ---------------------------------------------------------------------------------------

LINE = {"W": "T P", "y": "T | T K"}


def test_arrays_whose_shapes_go_together():
    xp, W, y = door.arrays(LINE, W=[[1, 2], [3, 4]], y=np.ones(2, np.float32))
    assert xp.asarray(1).shape == ()
    assert (W.dtype, W.tolist()) == (np.float32, [[1, 2], [3, 4]])
    assert y.tolist() == [1, 1]
    x = torch.ones(2, 3)
    assert door.arrays(LINE, W=x, y=torch.ones(2, 1))[1] is x
    assert door.arrays({"H": "... P P"}, H=np.ones((5, 4, 2, 2)))[1].shape == (5, 4, 2, 2)
    assert door.arrays({"H": "... P P"}, H=np.ones((2, 2)))[1].shape == (2, 2)
    assert door.arrays({"x": "T D", "c": " | D"}, x=np.ones((5, 3)), c=2.0)[2].shape == ()
    assert door.arrays({"theta": "... 3", "x": "T 3"}, theta=ROW, x=np.ones((7, 3)))[1].shape == (3,)


@pytest.mark.parametrize(
    ("shapes", "sizes", "message"),
    [
        (LINE, [(2, 2), (3,)], "y must have shape (T,) or (T, K), and T is 2 in W; got (3,)"),
        (
            {"W": "T P", "y": "T"},
            [(2, 3), (3,)],
            "y must have shape (T,), and T is 2 in W; got (3,). "
            "If the columns of W are the samples, transpose it: W.T",
        ),
        (
            LINE,
            [(3,), (3,)],
            "W must have shape (T, P); got (3,). A single row is W[None, :], a single column W[:, None]",
        ),
        (
            {"W": "T P", "y": "T"},
            [(3, 2), (3, 1)],
            "y must have shape (T,); got (3, 1). Take its only column, y[:, 0]",
        ),
        ({"W": "T P", "y": "T"}, [(3, 2), (3, 2)], "y must have shape (T,); got (3, 2)"),
        ({"theta": "P"}, [()], "theta must have shape (P,); got (). A single number is written [theta]"),
        ({"theta": "P | M P"}, [(1, 2, 3)], "theta must have shape (P,) or (M, P); got (1, 2, 3)"),
        ({"H": "... P P"}, [(4, 3, 2)], "H must have shape (..., P, P); got (4, 3, 2)"),
        ({"H": "... P P"}, [(2,)], "H must have shape (..., P, P); got (2,)"),
        ({"x": "T 2"}, [(4, 3)], "x must have shape (T, 2); got (4, 3)"),
        (
            {"x": "T D", "c": "K D"},
            [(5, 3), (3, 2)],
            "c must have shape (K, D), and D is 3 in x; got (3, 2)",
        ),
        (
            {"x": "T D", "c": " | D"},
            [(5, 3), (2,)],
            "c must have shape () or (D,), and D is 3 in x; got (2,)",
        ),
    ],
)
def test_arrays_whose_shapes_do_not_fit(shapes, sizes, message):
    with says(ValueError, message):
        door.arrays(shapes, **{name: np.ones(size) for name, size in zip(shapes, sizes, strict=True)})


def test_a_hint_of_ones_own_takes_the_place_of_the_general_one():
    hints = {"W": "design_matrix(x) makes one from x"}
    with says(ValueError, "W must have shape (T, P); got (3,). design_matrix(x) makes one from x"):
        door.arrays(LINE, hints, W=ROW, y=ROW)
    with says(ValueError, "y must have shape (T,) or (T, K), and T is 3 in W; got (4,)"):
        door.arrays(LINE, hints, W=np.ones((3, 2)), y=np.ones(4))


class Closed:
    """An array of a library that gives nothing away."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("not on this device")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "must hold real numbers; got NoneType of dtype object"),
        ("a", "must hold real numbers; got str of dtype <U1"),
        (b"", "must hold real numbers; got bytes of dtype |S1"),
        ([[1.0], [1.0, 2.0]], "must hold real numbers; got list of dtype object"),
        (Closed(), "must hold real numbers; got Closed of dtype object"),
        ([1j], "is complex"),
        (np.ma.masked_less(ROW, 2), "has masked entries"),
        (np.array([{}]), "must hold real numbers; got ndarray of dtype object"),
    ],
)
def test_arrays_that_hold_no_real_numbers(value, message):
    with pytest.raises(TypeError, match=f"^x {re.escape(message)}"):
        door.arrays({"x": "T"}, x=value)


def test_arrays_of_two_kinds_or_without_numbers():
    with pytest.raises(TypeError, match="W is a NumPy array and y is a PyTorch tensor; convert one"):
        door.arrays(LINE, W=np.ones((2, 2)), y=torch.ones(2))
    with pytest.raises(TypeError, match="W has dtype float64 and y has dtype float32; convert one"):
        door.arrays(LINE, W=np.ones((2, 2)), y=np.ones(2, "f4"))
    with pytest.raises(ValueError, match="y has 1 value"):
        door.arrays(LINE, W=np.ones((2, 2)), y=[1, np.nan])
    with pytest.raises(ValueError, match=r"y is empty \(shape \(0,\)\)"):
        door.arrays(LINE, W=np.ones((2, 2)), y=[])


# --- integers in arrays ---------------------------------------------------------------------------


def test_integers_and_labels():
    numbers = np.array([0, 2])
    assert door.integers(numbers, "order") is numbers
    assert door.integers(np.array([0, 2], ">i2"), "order").tolist() == [0, 2]
    tensor = torch.tensor([1, 1])
    assert door.integers(tensor, "order") is tensor
    found = door.labels([0, 2], "y", 3, torch.ones(1))
    assert (found.dtype, found.tolist()) == (torch.int64, [0, 2])
    assert door.labels(np.array([0, 2], np.uint8), "y", 3, ROW).dtype == np.int64


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([0.0, 1.0], "float64"),
        ([True], "bool"),
        ([[1], [1, 2]], "object"),
        (torch.ones(2), "torch.float32"),
        (torch.ones(2) > 0, "torch.bool"),
    ],
)
def test_what_are_no_integers(value, dtype):
    with says(TypeError, f"order must hold integers from 0 to 2; got dtype {dtype}. Count them"):
        door.integers(value, "order", 0, 2, hint="Count them")


@pytest.mark.parametrize(("value", "came"), [([0, 3], "0..3"), ([-1, 2], "-1..2")])
def test_integers_out_of_range(value, came):
    with says(ValueError, f"order must hold integers from 0 to 2; got {came}. Count them"):
        door.integers(value, "order", 0, 2, hint="Count them")


def test_integers_that_are_not_there():
    with says(ValueError, "order is empty (shape (0,)); give at least one value"):
        door.integers(np.empty(0, int), "order")
    with says(TypeError, "order has masked entries; leave them out, as by order.compressed()"):
        door.integers(np.ma.masked_less([1, 2], 2), "order")


def test_integers_in_a_tensor_that_does_not_give_them_away():
    with pytest.raises(TypeError, match="tours is a sparse_coo tensor; give a dense one"):
        door.integers(torch.tensor([0, 1]).to_sparse(), "tours")
    with pytest.raises(ValueError, match="tours is on the meta device"):
        door.integers(torch.ones(2, dtype=torch.int64, device="meta"), "tours")


def test_integers_without_a_largest():
    assert door.integers([5], "order", 5).tolist() == [5]
    with says(ValueError, "order must hold integers of at least 5; got 4..6"):
        door.integers([4, 6], "order", 5)


NUMBERED = "numpy.unique(y, return_inverse=True)[1] numbers the classes"
CONVERTED = "Convert them, for instance by y.astype(int)"


@pytest.mark.parametrize(
    ("value", "dtype", "hint"),
    [
        ([0.0, 1.0], "float64", CONVERTED),
        ([True, False], "bool", CONVERTED),
        (torch.ones(2), "torch.float32", CONVERTED.replace("astype(int)", "long()")),
        (["a", "b"], "<U1", NUMBERED),
        ([b"a", b"b"], "|S1", NUMBERED),
        ([None, "b"], "object", NUMBERED),
    ],
)
def test_labels_that_are_no_class_numbers(value, dtype, hint):
    says_what = f"y must hold class numbers, integers from 0 to 1; got dtype {dtype}. {hint}"
    with says(TypeError, says_what):
        door.labels(value, "y", 2, ROW, "There are 2 outputs")


def test_labels_out_of_range():
    says_what = "y must hold class numbers, integers from 0 to 1; got 0..2. There are 2 outputs"
    with says(ValueError, says_what):
        door.labels([0, 2], "y", 2, ROW, "There are 2 outputs")


@pytest.mark.parametrize(
    ("value", "came"),
    [
        (np.eye(2), "(2, 2). One-hot rows become labels by y.argmax(-1)"),
        ([[0], [1]], "(2, 1). Take its only column, y[:, 0]"),
        (1, "()"),
    ],
)
def test_labels_of_another_shape(value, came):
    says_what = "y must hold labels of shape (T,), one class number per sample; got "
    with says(ValueError, says_what + came):
        door.labels(value, "y", 2, ROW, "There are 2 outputs")


def test_integers_and_labels_without_numbers():
    meta, sparse = torch.ones(2, dtype=torch.int64, device="meta"), torch.eye(2).to_sparse()
    for take in (lambda v: door.integers(v, "y"), lambda v: door.labels(v, "y", 2, torch.ones(1))):
        with pytest.raises(
            ValueError, match="y is on the meta device, which holds shapes and no numbers"
        ):
            take(meta)
        with pytest.raises(TypeError, match="y is a sparse_coo tensor; give a dense one"):
            take(sparse)


def test_labels_of_the_other_library():
    with pytest.raises(TypeError, match="x is a NumPy array and y is a PyTorch tensor; convert one"):
        door.labels(torch.tensor([0, 1]), "y", 2, ROW)
    with pytest.raises(TypeError, match="x is a PyTorch tensor and y is a NumPy array; convert one"):
        door.labels(np.array([0, 1]), "y", 2, torch.ones(1))


# --- functions and objects ------------------------------------------------------------------------


def test_functions():
    assert door.function(len, "g") is len
    hint = "Give the function itself, not the value that it returns"
    with says(TypeError, f"g must be a function of theta; got float. {hint}"):
        door.function(3.0, "g")
    with says(TypeError, "schedule must be a function of the step; got NoneType. Try constant(0.1)"):
        door.function(None, "schedule", "the step", "Try constant(0.1)")
    with says(TypeError, "g is the class CrossEntropy; make one: CrossEntropy()"):
        door.function(CrossEntropy, "g")
    with says(TypeError, "g is the class Network; make one: Network(...)"):
        door.function(Network, "g")
    with says(TypeError, "g is the class dict; make one: dict(...)"):
        door.function(dict, "g")  # a class that does not say what it takes


def test_callbacks():
    assert door.callback(None) is None
    assert door.callback(print) is print
    hint = "Give the function itself; where it returns True, the run stops"
    with says(TypeError, f"callback must be a function of the trace so far; got int. {hint}"):
        door.callback(3)
    with says(TypeError, f"callback is the class Adam; make one: Adam(). {hint}"):
        door.callback(Adam)


def test_instances():
    network = Network((2, 1))
    assert door.instance(network, "network", Network, "Network((2, 8, 1))") is network
    with says(TypeError, "network must be a Network, such as Network((2, 8, 1)); got str"):
        door.instance("a", "network", Network, "Network((2, 8, 1))")
    with says(TypeError, "network is the class Network; make one: Network(...)"):
        door.instance(Network, "network", Network, "Network((2, 8, 1))")
    with says(TypeError, "network must be an Adam, such as Adam(); got type"):
        door.instance(Network, "network", Adam, "Adam()")


def test_protocols():
    optimizer = Adam()
    assert door.protocol(optimizer, "optimizer", ("init", "step"), "Adam()") is optimizer
    says_what = "optimizer must have init and step; got "
    with says(TypeError, says_what + "float. For instance Adam()"):
        door.protocol(0.1, "optimizer", ("init", "step"), "Adam()")
    with says(TypeError, says_what + "type. For instance Adam()"):
        door.protocol(type, "optimizer", ("init", "step"), "Adam()")
    with says(TypeError, "optimizer is the class Adam; make one: Adam()"):
        door.protocol(Adam, "optimizer", ("init", "step"), "Adam()")

    class Half:
        step = None

        def init(self):
            return ()

    with says(TypeError, says_what + "Half. For instance Adam()"):
        door.protocol(Half(), "optimizer", ("init", "step"), "Adam()")
