r"""What a step costs on n machines: computation that is divided, and a sum that is not.

With more machines each has less to compute, and as much to send as before: there is a number from which
on a further one does not help.
"""

from typing import Any

import numpy as np

from lecturecode.optimizers import positive

__all__ = ["speed_up", "step_seconds"]


def step_seconds(
    nodes: Any, *, compute: float, size: float, bandwidth: float, latency: float
) -> np.ndarray:
    r"""Estimate the time of one step of :func:`train_distributed` on n nodes.

    .. math:: t(n) = \frac{t_1}{n} + 2\,\frac{n-1}{n}\,\frac{D}{\beta} + 2\,(n-1)\,\alpha

    The last two terms are the sum of the gradients around a ring. Every array is cut into n parts, and
    in n - 1 rounds each part collects what all have to add, in n - 1 more it comes to all.

    Parameters
    ----------
    nodes : int or array of int
        How many processes n share the minibatch.
    compute : float
        Seconds :math:`t_1` that one process needs for the whole minibatch.
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
    ValueError
        If a number is not positive (latency and size may be 0), or `nodes` are not integers.

    Notes
    -----
    Sending waits for the whole backward pass, as it does there; and t_1 / n is hopeful, since a small
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
    n = np.asarray(nodes)
    if n.dtype.kind not in "iu" or (n < 1).any():
        raise ValueError(f"nodes must be integers of at least 1; got {nodes!r}")
    compute, bandwidth = positive(compute, "compute"), positive(bandwidth, "bandwidth")
    for value, name in ((size, "size"), (latency, "latency")):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name} must be 0 or positive, and finite; got {value}")
    return compute / n + 2 * (n - 1) / n * size / bandwidth + 2 * (n - 1) * latency


def speed_up(nodes: Any, *, compute: float, size: float, bandwidth: float, latency: float) -> np.ndarray:
    r"""Estimate how many times faster n nodes take a step than one: :math:`t(1) / t(n)`.

    Parameters
    ----------
    nodes, compute, size, bandwidth, latency
        As for :func:`step_seconds`.

    Returns
    -------
    array, shaped like `nodes`
        At most n; and at most :math:`t_1 \beta / 2 D`, or 1 if that is more, however many there are.

    Raises
    ------
    ValueError
        As for :func:`step_seconds`.

    Examples
    --------
    >>> speed_up([1, 2, 8, 64], compute=0.08, size=4e6, bandwidth=1e9, latency=1e-4).round(1).tolist()
    [1.0, 1.8, 4.3, 3.7]
    """
    return compute / step_seconds(
        nodes, compute=compute, size=size, bandwidth=bandwidth, latency=latency
    )
