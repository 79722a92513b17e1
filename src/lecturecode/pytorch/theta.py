r"""A module's parameters as one flat theta, and back: layer by layer, each with its biases first.

That is the order of :class:`lecturecode.Network`, so that weights move between the two as they are.
Parameters that are frozen, by ``requires_grad_(False)``, are no part of theta.
"""

from typing import Any

import torch
from torch import Tensor, nn

from lecturecode.arrays import ArrayLike, as_array, entries, no_numbers

__all__ = ["get_theta", "set_theta"]


def named_parts(module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that theta is made of, by their names and in its order.

    Parameters
    ----------
    module : torch.nn.Module
        Its layers are taken in the order in which it registered them; a shared parameter comes once.

    Returns
    -------
    dict of str to torch.nn.Parameter

    Raises
    ------
    TypeError
        If it is no module, or if its parameters differ in dtype or are not real floating-point numbers.
    ValueError
        If there is no parameter to fit, or if they are on several devices.
    """
    if not isinstance(module, nn.Module):
        kind = f"the class {module.__name__}" if isinstance(module, type) else type(module).__name__
        raise TypeError(f"module must be a torch.nn.Module, such as MLP((2, 16, 1)); got {kind}")
    layers: dict[str, dict[str, nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            layers.setdefault(name.rpartition(".")[0], {})[name] = parameter
    parts = {
        name: parameter
        for layer in layers.values()
        for name, parameter in sorted(layer.items(), key=lambda item: not item[0].endswith("bias"))
    }
    if not parts:
        frozen = " that is not frozen" if any(True for _ in module.parameters()) else ""
        raise ValueError(
            f"{type(module).__name__} has no parameter{frozen}, so there is nothing to fit; give a "
            "module with one, such as MLP((2, 16, 1))"
        )
    first = next(iter(parts.values()))
    for name, parameter in parts.items():
        if parameter.device != first.device:
            raise ValueError(
                f"the parameters must be on one device; {next(iter(parts))} is on {first.device} and "
                f"{name} on {parameter.device}. Move them all, as by module.to({str(first.device)!r})"
            )
        if parameter.dtype != first.dtype or not parameter.is_floating_point():
            raise TypeError(
                f"the parameters must be real numbers of one dtype; {next(iter(parts))} has "
                f"{first.dtype} and {name} {parameter.dtype}. Convert them all, as by module.double()"
            )
    return parts


def check_fitted(parts: dict[str, nn.Parameter]) -> None:
    """Refuse parameters that autograd cannot follow.

    Raises
    ------
    ValueError
        If one of them was made in ``torch.inference_mode``.
    """
    for name, part in parts.items():
        if part.is_inference():
            raise ValueError(
                f"{name} was made in torch.inference_mode(), where autograd records nothing for good; "
                "build the module outside of it"
            )


def get_theta(module: nn.Module) -> Tensor:
    """Return a copy of a module's parameters as one vector.

    Parameters
    ----------
    module : torch.nn.Module
        Of P parameters.

    Returns
    -------
    tensor of shape (P,)
        Of each layer the biases, then the weights row by row; on the module's device.

    Raises
    ------
    TypeError, ValueError
        If it is no module, has no parameters, or they differ in dtype or device.

    Notes
    -----
    ``torch.nn.utils.parameters_to_vector`` puts the weights of a layer before its biases.

    Examples
    --------
    >>> import torch
    >>> line = torch.nn.Linear(2, 1)
    >>> set_theta(line, [3.0, 1.0, 2.0])
    >>> line.bias.item(), line.weight.tolist(), get_theta(line).tolist()
    (3.0, [[1.0, 2.0]], [3.0, 1.0, 2.0])
    """
    return flat(list(named_parts(module).values()))


def flat(parts: list[Any]) -> Tensor:
    """Return tensors end to end, without their graph: a copy, of shape (P,)."""
    return torch.cat([part.detach().reshape(-1) for part in parts])


def set_theta(module: nn.Module, theta: ArrayLike) -> None:
    """Write a flat theta into a module's parameters.

    Parameters
    ----------
    module : torch.nn.Module
        Of P parameters, which are overwritten.
    theta : array of shape (P,)
        A list, array or tensor. Arrays and tensors of another precision or device are converted.

    Returns
    -------
    None

    Raises
    ------
    TypeError, ValueError
        As for :func:`get_theta`, or if theta has another shape.

    Examples
    --------
    >>> import torch
    >>> line = torch.nn.Linear(1, 1)
    >>> set_theta(line, [1.0, 2.0])
    >>> line(torch.tensor([[3.0]])).item()
    7.0
    """
    parts = named_parts(module)
    write(list(parts.values()), checked_theta(parts, theta))


def write(parts: list[Any], theta: Tensor) -> None:
    """Copy the entries of theta into tensors, one after the other."""
    with torch.no_grad():
        for part, entries in zip(parts, split(parts, theta), strict=True):
            part.copy_(entries)


def as_tensor(value: Any, name: str) -> Tensor:
    """Return numbers as a tensor: a tensor itself, anything else as a copy on the CPU.

    Raises
    ------
    TypeError
        If they are not real numbers, or if a tensor is sparse.
    """
    if isinstance(value, Tensor):
        if value.layout is not torch.strided:
            raise TypeError(f"{name} is a sparse tensor; give a dense one, as by {name}.to_dense()")
        return value
    array = entries(value, name)
    if array.dtype.kind not in "fiub":
        raise TypeError(no_numbers(value, array, name))
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        raise TypeError(f"PyTorch has no {array.dtype}; convert {name}, as by {name}.astype('float64')")
    return torch.tensor(array.astype(array.dtype.newbyteorder("=")))  # PyTorch knows no other order


def split(parts: list[Any], theta: Tensor) -> list[Tensor]:
    """Return the entries of theta, (P,), as views of the shapes of `parts`."""
    pieces = torch.split(theta, [part.numel() for part in parts])
    return [piece.view(part.shape) for piece, part in zip(pieces, parts, strict=True)]


def checked_theta(parts: dict[str, nn.Parameter], theta: Any, name: str = "theta") -> Tensor:
    """Return theta as a tensor like the parameters.

    Raises
    ------
    ValueError
        If it does not have one entry for each parameter, or is on the meta device.
    TypeError
        If it does not hold real numbers.
    """
    first = next(iter(parts.values()))
    theta = as_array(as_tensor(theta, name), name).detach()  # type: ignore[attr-defined]
    if theta.device.type == "meta" != first.device.type:
        raise ValueError(f"{name} is on the meta device, where there are shapes and no numbers")
    theta = theta.to(device=first.device, dtype=first.dtype)
    size = sum(part.numel() for part in parts.values())
    if theta.shape != (size,):
        shapes = ", ".join(f"{each} {tuple(part.shape)}" for each, part in parts.items())
        raise ValueError(
            f"{name} must have shape ({size},), made up of {shapes}; got {tuple(theta.shape)}"
        )
    return theta
