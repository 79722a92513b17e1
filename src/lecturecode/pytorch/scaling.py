r"""What a step costs on M machines: computation that is divided, and a sum that is not.

With more machines each has less to compute, and as much to send as before: there is a number from which
on a further one does not help.
"""

import numpy as np

from lecturecode.arrays import ArrayLike, on_host
from lecturecode.door import integers, real

__all__ = ["speed_up", "step_seconds"]


def step_seconds(
    nodes: ArrayLike, *, compute: float, size: float, bandwidth: float, latency: float
) -> np.ndarray:
    r"""Estimate the time of one step of :func:`train_distributed` on M nodes.

    .. math:: t(M) = \frac{c}{M} + 2\,\frac{M-1}{M}\,\frac{D}{\beta} + 2\,(M-1)\,\alpha

    The last two terms are the sum of the gradients around a ring. Every array is cut into M parts, and
    in M - 1 rounds each part collects what all have to add, in M - 1 more it comes to all.

    Parameters
    ----------
    nodes : int or array of int
        How many processes, M, share the minibatch.
    compute : float
        Seconds :math:`c` that one process needs for the whole minibatch.
    size : float
        Bytes :math:`D` of the gradient: 4 P in float32.
    bandwidth : float
        Bytes :math:`\beta` that a node sends in a second.
    latency : float
        Seconds :math:`\alpha` until a message is there, however short.

    Returns
    -------
    array, shaped like `nodes`
        Seconds.

    Raises
    ------
    TypeError
        If `nodes` are not integers, or something else is no number.
    ValueError
        If a number is not positive (latency and size may be 0).

    Notes
    -----
    Sending waits for the whole backward pass, as it does there; and c / M is hopeful, since a small
    share of a minibatch uses a device less well.

    References
    ----------
    Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms for clusters of workstations, *Journal
    of Parallel and Distributed Computing* 69 (2009).

    Examples
    --------
    >>> step_seconds([1, 2, 4], compute=0.08, size=4e6, bandwidth=1e9, latency=0.0).round(3).tolist()
    [0.08, 0.044, 0.026]
    """
    M = on_host(integers(nodes, "nodes", 1))
    compute = real(compute, "compute", "(0, inf)")
    bandwidth = real(bandwidth, "bandwidth", "(0, inf)")
    size, latency = real(size, "size", "[0, inf)"), real(latency, "latency", "[0, inf)")
    return compute / M + 2 * (M - 1) / M * size / bandwidth + 2 * (M - 1) * latency


def speed_up(
    nodes: ArrayLike, *, compute: float, size: float, bandwidth: float, latency: float
) -> np.ndarray:
    r"""Estimate how many times faster M nodes take a step than one: :math:`t(1) / t(M)`.

    Parameters
    ----------
    nodes, compute, size, bandwidth, latency
        As for :func:`step_seconds`.

    Returns
    -------
    array, shaped like `nodes`
        At most M; and at most :math:`c \beta / 2 D`, or 1 if that is more, however many there are.

    Raises
    ------
    TypeError, ValueError
        As for :func:`step_seconds`.

    Examples
    --------
    >>> speed_up([1, 2, 8, 64], compute=0.08, size=4e6, bandwidth=1e9, latency=1e-4).round(1).tolist()
    [1.0, 1.8, 4.3, 3.7]
    """
    return compute / step_seconds(
        nodes, compute=compute, size=size, bandwidth=bandwidth, latency=latency
    )
