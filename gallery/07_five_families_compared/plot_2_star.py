r"""
Among many valleys blind draws beat a single descent
====================================================

A star pulsates; which frequency fits its brightness? The error has one deep valley among twenty
shallow ones. Look at the bars: how often does each method end in the deep one, for the same price
of 5000 at most? A single descent rarely does. Draws find the valley but not its floor; a descent
from the best of 500 draws, called both, does both. See :ref:`families-second`."""

import matplotlib.pyplot as plt
import numpy as np

import lecturecode as lc
from lecturecode import plots
from lecturecode.domains import Interval
from lecturecode.objectives import Function

plots.use_style()
rng = np.random.default_rng(0)
turn = 2 * np.pi * rng.uniform(-15, 15, 60) / 100  # 60 nights of a month
clean = 0.9 * np.sin(23.7 * turn) + 0.5 * np.cos(23.7 * turn)
light = clean + 0.3 * rng.normal(size=60)


def parts(theta):
    nu, a, b = np.split(theta, 3, axis=-1)
    sin, cos = np.sin(nu * turn), np.cos(nu * turn)
    slopes = [turn * (a * cos - b * sin), sin, cos]
    return a * sin + b * cos - light, np.stack(slopes, axis=-1)


def slope(theta):
    residual, slopes = parts(theta)
    return 2 * (residual[..., None] * slopes).mean(axis=-2)


g = Function(lambda theta: (parts(theta)[0] ** 2).mean(-1), slope)
sky, found = Interval(2, 100) * Interval(-2, 2) ** 2, {}
for s in range(20):
    draws = lc.random_search(g, sky, 500, rng=s).theta
    blind = sky.sample(1, rng=s)[0]
    runs = {"one descent": lc.gradient_descent(g, blind, 0.6, steps=100)}
    runs["both"] = lc.gradient_descent(g, draws, 0.6, steps=100)
    runs["random draws"] = lc.random_search(g, sky, 5000, rng=s)
    runs["swarm"] = lc.particle_swarm(g, sky, population=50, steps=99, rng=s)
    for name, run in runs.items():
        found.setdefault(name, []).append(run.value)

deep = {name: int((np.array(v) < 0.2).sum()) for name, v in found.items()}
figure, ax = plt.subplots(figsize=(6.4, 3.6))
kin = ["gradient descent", "data", "random search", "particle swarm"]
ax.barh([*deep], [*deep.values()], color=[plots.COLOURS[k] for k in kin])
ax.set(xlabel="campaigns of 20 that end in the deep valley", xlim=(0, 20))
plots.describe(figure, "Bars: a short one for one descent, three long ones.")
plt.show()

# %%
# Nothing is wrong with the descents: each ends at a minimum. It is a shallow one.

assert deep["one descent"] < 5 < 15 < min(deep["both"], deep["random draws"])
