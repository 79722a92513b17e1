"""Every method is a stream of steps; one loop collects them into a trace."""

from typing import Any


def progress_bar(total: int, unit: str, initial: int = 0) -> Any:
    """Return a progress bar that counts `total` units, of which `initial` are done."""
    from tqdm.auto import tqdm  # not at the top: it takes long to import

    return tqdm(total=total, initial=initial, unit=unit)
