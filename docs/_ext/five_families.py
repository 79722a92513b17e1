"""Five families on one function: the moving picture of the front page, as the methods draw it.

Himmelblau's function has four minima of the same value, with a hill between them. The three methods
that need a start get the same one, near the top. All that moves comes out of runs of the package;
what the captions say of them is asserted here. ``python docs/_ext/five_families.py`` prints the
picture, which is part of a page: look.css says how it looks, front.js when it plays.
"""

from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
from contourpy import FillType, contour_generator

import lecturecode as lc
from lecturecode.objectives import Himmelblau

g = Himmelblau()
START = np.zeros(2)
LEVELS = (2, 8, 20, 40, 70, 110, 160, 220, 300, 400)
SIZE = 200  # of a map, in its own units
SECONDS = 7.0  # each method takes its steps in the same time


@dataclass(frozen=True)
class Run:
    """What one family did: its generations of points, one point each for four of the five."""

    key: str
    title: str
    page: str
    said: str
    seen: str
    thetas: np.ndarray  # (steps, M, 2)
    end: np.ndarray  # (2,)
    joined: bool
    kind: str = "minimum"


def place(theta: np.ndarray) -> np.ndarray:
    """Return where points of the domain lie on the map, whose y axis points down."""
    low, high = -5.0, 5.0
    share = (np.asarray(theta) - low) / (high - low)
    return SIZE * np.stack([share[..., 0], 1 - share[..., 1]], axis=-1)


def nearest(theta: np.ndarray) -> int:
    """Return which of the four minima is the nearest."""
    return int(np.linalg.norm(g.minima - theta, axis=-1).argmin())


def runs() -> list[Run]:
    """Let each family run, and check what is said of it."""
    search = lc.random_search(g, g.domain, 60, rng=10)
    crowd = lc.evolution_strategy(g, g.domain, population=12, steps=14, rng=12)
    newton = lc.find_stationary_point(g.gradient, g.hessian, START)
    stairs = lc.coordinate_descent(g, START, sweeps=3)
    descent = lc.gradient_descent(g, START, 0.01, steps=30)

    assert lc.classify(g.hessian(newton.theta)) == "maximum"
    assert g(newton.theta) > g(START) > 50 * search.value
    assert max(crowd.value, stairs.value, descent.value) < 0.01 < search.value
    ends = [search.theta, crowd.theta, stairs.theta, descent.theta]
    assert sorted(map(nearest, ends)) == [0, 1, 2, 3]  # with the hill, five different ends

    def value(trace: lc.Trace) -> str:
        found = f"g = {trace.value:.1f}" if trace.value >= 0.01 else "g < 0.01"
        return found.replace(" ", "\N{NO-BREAK SPACE}")

    return [
        Run(
            "search",
            "Search",
            "chapters/02_search",
            f"{len(search.thetas)} random draws, the best: {value(search)}",
            "Points scattered over the whole map; the best lies near a valley's floor.",
            search.thetas[:, None],
            search.theta,
            joined=False,
        ),
        Run(
            "crowd",
            "Populations",
            "chapters/03_populations",
            f"{len(crowd.thetas) - 1} generations of 12: {value(crowd)}",
            "A cloud of points that moves into one valley and contracts around its floor.",
            crowd.thetas,
            crowd.theta,
            joined=False,
        ),
        Run(
            "newton",
            "Zeros of the gradient",
            "chapters/04_zeros_of_the_gradient",
            f"{newton.steps} steps, to the top of a hill",
            "A few jumps from the start to the top of the hill beside it.",
            newton.thetas[:, None],
            newton.last,
            joined=True,
            kind="maximum",
        ),
        Run(
            "stairs",
            "Alternated minimization",
            "chapters/05_alternated_minimization",
            f"{len(stairs.thetas) - 1} moves along the axes: {value(stairs)}",
            "A staircase along the two axes down into another valley.",
            stairs.thetas[:, None],
            stairs.theta,
            joined=True,
        ),
        Run(
            "descent",
            "Gradient descent",
            "chapters/06_gradient_descent",
            f"{descent.steps} steps down the slope: {value(descent)}",
            "A curved path of short steps down into a third valley.",
            descent.thetas[:, None],
            descent.theta,
            joined=True,
        ),
    ]


def number(value: float) -> str:
    """Return a coordinate with one decimal, without a zero behind the point."""
    return f"{value:.1f}".removesuffix(".0")


def land() -> str:
    """Return the ground: for each level what lies above it, so that heights add up to dark."""
    side = np.linspace(-5, 5, 81)
    points = np.stack(np.meshgrid(side, side), axis=-1)
    x, y = np.moveaxis(place(points), -1, 0)
    heights = contour_generator(x, y, g(points), fill_type=FillType.OuterOffset)
    shapes = []
    for level in LEVELS:
        data = ""
        polygons, offsets = heights.filled(level, np.inf)
        for polygon, rings in zip(polygons, offsets, strict=True):
            for first, last in pairwise(rings):
                ring = polygon[first : last - 1]  # closed by Z
                data += "M" + "L".join(f"{number(a)} {number(b)}" for a, b in ring) + "Z"
        shapes.append(f'<path d="{data}"/>')
    return f'<g id="families-land" fill-rule="evenodd">{"".join(shapes)}</g>'


def shown(run: Run) -> str:
    """Return the marks of one family, each with the second at which it appears."""
    steps, marks = len(run.thetas), []
    spots = place(run.thetas)
    for k, generation in enumerate(spots):
        second = f"--t:{SECONDS * k / max(1, steps - 1):.2f}"
        if run.joined and k:
            (a, b), (c, d) = spots[k - 1, 0], generation[0]
            line = f"M{number(a)} {number(b)}L{number(c)} {number(d)}"
            marks.append(f'<path class="way" pathLength="1" style="{second}" d="{line}"/>')
        kept = "old" if len(generation) > 1 and k < steps - 1 else "dot"
        for a, b in generation:
            marks.append(
                f'<circle class="{kept}" style="{second}" cx="{number(a)}" cy="{number(b)}" r="2"/>'
            )
    if run.joined:
        a, b = spots[0, 0]
        marks.append(f'<circle class="start" cx="{number(a)}" cy="{number(b)}" r="4.5"/>')
    (a, b), tip = place(run.end), 1 if run.kind == "minimum" else -1
    points = " ".join(f"{number(a + u)},{number(b + tip * v)}" for u, v in ((-7, -5), (7, -5), (0, 7)))
    marks.append(f'<polygon class="end {run.kind}" style="--t:{SECONDS}" points="{points}"/>')
    return "".join(marks)


def picture(address: dict[str, str]) -> str:
    """Return the picture; `address` has the links to the chapters, by their pages."""
    box = f'viewBox="0 0 {SIZE} {SIZE}"'
    ground = (
        f'<svg class="families-ground" width="0" height="0" aria-hidden="true"><defs>{land()}</defs>'
    )
    parts = [f"{ground}</svg>"]
    for run in runs():
        href = f' href="{escape(address[run.page])}"' if run.page in address else ""
        parts.append(
            f'<a class="family {run.key}"{href}><svg {box} role="img" aria-label="{escape(run.seen)}">'
            f'<use href="#families-land"/>{shown(run)}</svg>'
            f"<strong>{run.title}</strong> <span>{escape(run.said)}</span></a>"
        )
    parts.append('<p class="families-play"><button type="button" hidden="hidden">Play</button></p>')
    return f'<div class="families">{"".join(parts)}</div>'


if __name__ == "__main__":
    print(picture({}))
