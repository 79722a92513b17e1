r"""A module as a function g of one flat theta, or your own g, which everything here can minimize.

``torch.func.functional_call`` runs a module with other parameters than its own, ``grad`` and ``hessian``
differentiate that, and ``vmap`` does it for a whole population of thetas in one call.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, hessian, vmap

from lecturecode.arrays import Array, ArrayLike, as_array, same_kind
from lecturecode.door import came, function
from lecturecode.pytorch.door import checked_data
from lecturecode.pytorch.theta import as_tensor, named_parts, split

__all__ = ["Differentiated", "TotalLoss", "objective", "value_and_gradient"]


def value_and_gradient(
    module: nn.Module, loss: Any, x: ArrayLike, y: ArrayLike
) -> Callable[[Any], tuple[Tensor, Tensor]]:
    r"""Return the function that maps a flat theta to the module's loss and its gradient.

    .. math:: \theta \mapsto \bigl(g(\theta),\; \nabla g(\theta)\bigr), \qquad
        g(\theta) = \frac1T \sum_{t=1}^T l\bigl(\mathrm{dnn}_\theta(x_t), y_t\bigr)

    Parameters
    ----------
    module : torch.nn.Module
        Of P parameters; it is copied, and stays as it is.
    loss : Loss or callable
        As for :func:`lecturecode.pytorch.train`.
    x : tensor of shape (T, ...)
        The samples, on the module's device; or an array.
    y : tensor of shape (T, ...)
        Their targets.

    Returns
    -------
    callable
        Takes theta of shape (..., P), in the order of :func:`lecturecode.pytorch.get_theta`; returns the
        value, shape (...), and the gradient, (..., P). This is what :func:`lecturecode.minimize` takes.

    Raises
    ------
    TypeError, ValueError
        As for :class:`lecturecode.pytorch.TotalLoss`.

    Examples
    --------
    >>> import torch
    >>> from lecturecode import SquaredError
    >>> f = value_and_gradient(torch.nn.Linear(1, 1), SquaredError(), [[3.0]], [[5.0]])
    >>> value, gradient = f([0.0, 2.0])
    >>> value.item(), gradient.tolist()
    (1.0, [2.0, 6.0])
    """
    return TotalLoss(module, loss, x, y).value_and_gradient


def objective(g: Callable[[Tensor], Tensor]) -> "Differentiated":
    r"""Return your own function of a tensor as an objective, which knows its gradient and Hessian.

    Parameters
    ----------
    g : callable
        Takes theta of shape (P,), returns a tensor of shape (); made of what PyTorch can differentiate.

    Returns
    -------
    Differentiated
        All searches, populations and descents of the package take it.

    Raises
    ------
    TypeError
        If `g` is no function.

    Examples
    --------
    >>> import torch
    >>> from lecturecode import gradient_descent
    >>> g = objective(lambda theta: torch.exp(theta[0]) - theta[0] + theta[1] ** 2)
    >>> gradient_descent(g, [1.0, 1.0], 0.3, steps=100).theta.round(6).tolist()
    [0.0, 0.0]
    >>> g.hessian([0.0, 0.0]).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    return Differentiated(g)


@dataclass(frozen=True)
class Differentiated:
    """A function of a tensor, with its derivatives by autograd; :func:`objective` makes it.

    Tensors are answered by tensors, arrays and lists by arrays of NumPy. Leading axes of theta are a
    batch.

    Parameters
    ----------
    g : callable
        Takes theta of shape (P,), returns a tensor of shape ().

    Raises
    ------
    TypeError
        If `g` is no function; later, if it does not return a tensor.
    ValueError
        Later, if it returns another shape, or, for derivatives, a tensor that does not come from theta.

    Notes
    -----
    A step of g that ``vmap`` cannot take, such as one that looks at numbers, works for a single theta
    only. What g computes outside PyTorch, or detaches, is a constant to autograd; where all of it
    is, there is no gradient, which a ValueError says.

    Examples
    --------
    >>> g = Differentiated(lambda theta: (theta**3).sum())
    >>> g([[1.0, 2.0], [0.0, 1.0]]).tolist(), g.gradient([1.0, 2.0]).tolist()
    ([9.0, 1.0], [3.0, 12.0])
    """

    g: Callable[[Tensor], Tensor]

    def __post_init__(self) -> None:
        function(self.g, "g")

    def __call__(self, theta: ArrayLike) -> Array:
        """Return g at theta of shape (..., P): shape (...)."""
        return self._answered(self._one, theta)[0]

    def gradient(self, theta: ArrayLike) -> Array:
        """Return the gradient, shape (..., P)."""
        return self.value_and_gradient(theta)[1]

    def value_and_gradient(self, theta: ArrayLike) -> tuple[Array, Array]:
        """Return both, in one pass forward and one backward."""
        gradient, value = self._answered(grad_and_value(self._tracked), theta)
        return value, gradient

    def hessian(self, theta: ArrayLike) -> Array:
        """Return the Hessian, shape (..., P, P): the derivative, forwards, of the gradient."""
        return self._answered(hessian(self._tracked), theta)[0]

    def _tracked(self, theta: Tensor) -> Tensor:
        return _connected(self._one(theta), "what g returns")

    def _one(self, theta: Tensor) -> Tensor:
        value = self.g(theta)
        if not isinstance(value, Tensor):
            raise TypeError(f"g must return a tensor; got {came(value)}")
        if value.ndim:
            raise ValueError(
                f"g must return a tensor of shape () for theta of shape {tuple(theta.shape)}; got "
                f"{tuple(value.shape)}. One theta comes at a time, so sums need no axis"
            )
        return value

    @torch.inference_mode(False)
    def _answered(self, what: Callable[..., Any], theta: ArrayLike) -> list[Any]:
        """Return what a function of one theta says of all of them, in the library that they came in."""
        points = as_tensor(as_array(theta), "theta").detach().clone()
        if points.ndim == 0 or points.shape[-1] == 0:
            hint = "" if points.ndim else ". One parameter is written [3.0]"
            raise ValueError(
                f"theta must have shape (..., P) with P >= 1; got {tuple(points.shape)}{hint}"
            )
        answers = [answer.detach() for answer in _listed(batched(what, points))]
        return answers if isinstance(theta, Tensor) else [answer.numpy() for answer in answers]


@dataclass(frozen=True, eq=False, repr=False)
class TotalLoss:
    r"""The total loss of a module on a training set, as a function g of a flat theta.

    .. math:: g(\theta) = \frac{1}{T} \sum_{t=1}^T l\bigl(\mathrm{dnn}_\theta(x_t), y_t\bigr)

    All searches, populations and descents of the package take it, as they take
    :class:`lecturecode.TotalLoss`. Data may be large, and are not copied: do not write into x or y as
    long as g is used.

    Parameters
    ----------
    module : torch.nn.Module
        Of P parameters. A copy is kept, in evaluation mode, so that g stays the same function.
    loss : Loss or callable
        As for :func:`lecturecode.pytorch.train`.
    x : tensor of shape (T, ...)
        The samples, on the module's device; or an array.
    y : tensor of shape (T, ...)
        Their targets.

    Raises
    ------
    TypeError, ValueError
        If the module has no parameters, or it, the loss and the data do not fit each other; later, for
        derivatives, if the outputs do not come from theta in a way that autograd knows.

    Notes
    -----
    A step of the module that ``vmap`` cannot take, such as one that looks at numbers, works for a single
    theta only. A loss that is detached from the outputs has no gradient, which a ValueError says.

    Examples
    --------
    >>> import torch
    >>> from lecturecode import SquaredError
    >>> g = TotalLoss(torch.nn.Linear(1, 1), SquaredError(), [[3.0], [1.0]], [[5.0], [0.0]])
    >>> g([0.0, 2.0]).item(), g.gradient([0.0, 2.0]).tolist()
    (2.5, [3.0, 5.0])
    >>> g.hessian([[0.0, 2.0]]).tolist()
    [[[2.0, 4.0], [4.0, 10.0]]]
    """

    module: nn.Module
    loss: Any
    x: Any  # whatever becomes a tensor; then the tensor
    y: Any
    start: Tensor = field(init=False)
    """The theta of the module when g was made."""

    @torch.inference_mode(False)
    def __post_init__(self) -> None:
        parts = named_parts(self.module)
        frozen = copy.deepcopy(self.module).eval().requires_grad_(False)
        x, y, mean = checked_data(frozen, self.loss, self.x, self.y, like=next(iter(parts.values())))
        values: dict[str, Any] = {"module": frozen, "x": x, "y": y, "loss": mean.loss}
        values["start"] = torch.cat([part.detach().reshape(-1) for part in parts.values()])
        for name, value in values.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_names", list(parts))
        object.__setattr__(self, "_shapes", [frozen.get_parameter(name) for name in parts])
        object.__setattr__(self, "_mean", mean)

    def __repr__(self) -> str:
        return f"TotalLoss({type(self.module).__name__}, {self.loss}, {self.x.shape[0]} samples)"

    def __call__(self, theta: ArrayLike) -> Tensor:
        """Return g at theta of shape (..., P): shape (...)."""
        return self._batched(self._one, theta)

    def gradient(self, theta: ArrayLike) -> Tensor:
        """Return the gradient, shape (..., P), by autograd."""
        return self.value_and_gradient(theta)[1]

    def value_and_gradient(self, theta: ArrayLike) -> tuple[Tensor, Tensor]:
        """Return both, in one pass forward and one backward."""
        gradient, value = self._batched(grad_and_value(self._tracked), theta)
        return value, gradient

    def hessian(self, theta: ArrayLike) -> Tensor:
        """Return the Hessian, shape (..., P, P): the derivative, forwards, of the gradient."""
        return self._batched(hessian(self._tracked), theta)

    def _tracked(self, theta: Tensor) -> Tensor:
        return _connected(self._one(theta), "the loss of what the module returns")

    def _one(self, theta: Tensor) -> Tensor:
        own: Any = self
        parameters = dict(zip(own._names, split(own._shapes, theta), strict=True))
        outputs = functional_call(self.module, parameters, (self.x.clone(),))  # it may write there
        return own._mean(outputs, self.y.clone())

    @torch.inference_mode(False)
    def _batched(self, what: Callable[..., Any], given: Any) -> Any:
        theta: Any = same_kind(given, self.start)
        if theta.ndim == 0 or theta.shape[-1] != self.start.shape[0]:
            raise ValueError(
                f"theta must have {self.start.shape[0]} entries along its last axis, one for each "
                f"parameter of the module; got shape {tuple(theta.shape)}"
            )
        return batched(what, theta.clone())


def _connected(value: Tensor, what: str) -> Tensor:
    """Return a value, once it is known that autograd sees where it comes from."""
    if not value.requires_grad:
        raise ValueError(
            f"{what} has no connection to theta that autograd knows, so that its gradient would be 0; "
            "compute it from theta by functions of PyTorch, without detach() or item()"
        )
    return value


def batched(one: Callable[..., Any], theta: Any) -> Any:
    """Return what a function of theta, (P,), says of each in a batch of shape (..., P)."""
    if theta.ndim == 1:
        return one(theta)
    lead = theta.shape[:-1]
    answer = vmap(one)(theta.reshape(-1, theta.shape[-1]))
    shaped = [part.reshape(*lead, *part.shape[1:]) for part in _listed(answer)]
    return tuple(shaped) if isinstance(answer, tuple) else shaped[0]


def _listed(answer: Any) -> list[Tensor]:
    return list(answer) if isinstance(answer, tuple) else [answer]
