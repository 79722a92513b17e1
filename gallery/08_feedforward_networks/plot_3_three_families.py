r"""
Adam pays the lowest price for a good fit
=========================================

The network has one hidden layer of four neurons, so that :math:`\theta` has 13 numbers,
and :math:`g` is its total loss on 40 noisy points. Random search, a swarm and Adam take
the same :math:`g`; each curve stands for the best :math:`\theta` of one of them. Search
and swarm get 8000 evaluations, Adam 1001 with gradients, which are charged three each.
More in :ref:`deep-g`.
"""

import matplotlib.pyplot as plt
import numpy as np

import lecturecode as lc
from lecturecode import plots
from lecturecode.domains import Real

neurons = 4  # try 2, 10, 100: the search and the swarm fall behind

rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, (40, 1))
y = np.sin(2 * x) + 0.3 * rng.normal(size=x.shape)
network = lc.Network((1, neurons, 1))
g = lc.TotalLoss(network, lc.SquaredError(), x, y)
box = Real(scale=2.0) ** network.size
start = network.init(rng)

search = lc.random_search(g, box, 8000, rng=rng)
swarm = lc.particle_swarm(g, box, population=40, steps=199, scouts=0.05, rng=rng)
adam = lc.minimize(g.value_and_gradient, start, lc.Adam(0.05), steps=1000)
traces = {"random search": search, "particle swarm": swarm, "Adam": adam}
prices = {
    "random search": search.evaluations,
    "particle swarm": swarm.evaluations,
    "Adam": 3 * adam.evaluations,
}
best = {}
for name, trace in traces.items():
    values = trace.values.reshape(len(trace), -1)  # one column for each member
    best[name] = np.minimum.accumulate(values.min(axis=1))

plots.use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.8))
left.plot(x, y, ".", color=plots.COLOURS["data"])
line = np.linspace(-2.1, 2.1, 200)[:, None]
for name, trace in traces.items():
    colour = plots.COLOURS[name]
    left.plot(line, network.predict(trace.theta, line), color=colour)
    right.loglog(prices[name], best[name], color=colour, label=name)
left.set(xlabel="$x$", ylabel="$y$")
right.set(xlabel="price", ylabel=r"best $g(\theta)$")
right.legend()
plots.describe(
    figure,
    "Left, noisy points along a wave and three fitted curves. Right, the best "
    "g against the price: from a few hundred on, Adam is below the others.",
)
plt.show()

# %%
# Thirteen parameters are few enough for a swarm, which ends near Adam. For a rough fit
# Adam is not ahead, at three for each step; a good fit it has at a fraction of the
# swarm's price.

good = 0.15
assert search.value > good, "random search should not find a good fit"
assert swarm.value < good, "the swarm should find a good fit"
assert adam.value < good, "Adam should find a good fit"

price_of_adam = prices["Adam"][np.argmax(best["Adam"] <= good)]
price_of_swarm = prices["particle swarm"][np.argmax(best["particle swarm"] <= good)]
assert price_of_adam < price_of_swarm / 2, (
    f"a good fit should cost Adam less than half of what the swarm pays, "
    f"not {price_of_adam} instead of {price_of_swarm}"
)
