r"""
Among many valleys blind draws beat a single descent
====================================================

A star pulsates; which frequency fits its brightness? The error has one deep valley
among twenty shallow ones. Look at the bars: how often does each method end in the deep
one, for the same price of 5000 at most? A single descent rarely does. Draws find the
valley but not its floor; a descent from the best of 500 draws, called both, does both.
See :ref:`families-second`.
"""

import matplotlib.pyplot as plt
import numpy as np

import lecturecode as lc
from lecturecode import plots
from lecturecode.domains import Interval
from lecturecode.objectives import Function

campaigns = 20

rng = np.random.default_rng(0)
turn = 2 * np.pi * rng.uniform(-15, 15, 60) / 100  # 60 nights of a month
clean = 0.9 * np.sin(23.7 * turn) + 0.5 * np.cos(23.7 * turn)
light = clean + 0.3 * rng.normal(size=60)


def residual_and_slopes(theta):
    nu, a, b = np.split(theta, 3, axis=-1)
    sin = np.sin(nu * turn)
    cos = np.cos(nu * turn)
    residual = a * sin + b * cos - light  # (..., 60)
    slopes = np.stack([turn * (a * cos - b * sin), sin, cos], axis=-1)
    return residual, slopes


def error(theta):
    residual, _ = residual_and_slopes(theta)
    return (residual**2).mean(axis=-1)


def gradient(theta):
    residual, slopes = residual_and_slopes(theta)
    return 2 * (residual[..., None] * slopes).mean(axis=-2)


g = Function(error, gradient)
sky = Interval(2, 100) * Interval(-2, 2) ** 2  # frequency and two amplitudes
found = {"one descent": [], "both": [], "random draws": [], "swarm": []}
for seed in range(campaigns):
    blind = sky.sample(1, rng=seed)[0]
    best_of_500 = lc.random_search(g, sky, 500, rng=seed).theta
    runs = {
        "one descent": lc.gradient_descent(g, blind, 0.6, steps=100),
        "both": lc.gradient_descent(g, best_of_500, 0.6, steps=100),
        "random draws": lc.random_search(g, sky, 5000, rng=seed),
        "swarm": lc.particle_swarm(
            g, sky, population=50, steps=99, scouts=0.05, rng=seed
        ),
    }
    for name, run in runs.items():
        found[name].append(run.value)

deep = {name: sum(value < 0.2 for value in values) for name, values in found.items()}

plots.use_style()
figure, ax = plt.subplots(figsize=(6.4, 3.6))
colours = [
    plots.COLOURS["gradient descent"],
    plots.COLOURS["data"],
    plots.COLOURS["random search"],
    plots.COLOURS["particle swarm"],
]
ax.barh(list(deep.keys()), list(deep.values()), color=colours)
ax.set_xlabel(f"campaigns of {campaigns} that end in the deep valley")
ax.set_xlim(0, campaigns)
ax.set_xticks(range(0, campaigns + 1, 5))
plots.describe(
    figure,
    "Four bars, campaigns of 20 that end in the deep valley: few for one descent, "
    "nearly all for random draws, alone or followed by a descent, most for the swarm.",
)
plt.show()

# %%
# Nothing is wrong with the descents: each goes down, into a valley near its start.
# Ten times as many steps bring no other one into the deep valley.

starts = np.concatenate([sky.sample(1, rng=seed) for seed in range(campaigns)])
longer = lc.gradient_descent(g, starts, 0.6, steps=1000)
deep_later = sum(value < 0.2 for value in g(longer.last))
assert deep_later == deep["one descent"], (
    f"more steps should change nothing: {deep_later} instead of {deep['one descent']}"
)

assert deep["one descent"] < 5, (
    f"one descent should rarely end in the deep valley, not {deep['one descent']} times"
)
assert min(deep["both"], deep["random draws"]) > 15, (
    f"draws, alone or followed by a descent, should mostly end there: {deep}"
)
