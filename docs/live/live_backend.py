"""How Matplotlib draws in a page: into memory, and ``plt.show`` into what the cell shows."""

import functools

from matplotlib import textpath
from matplotlib.backend_bases import FigureManagerBase as FigureManager
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas
from show import show_figures as show

# each picture makes a parser of formulas, and only one that is kept remembers what it has parsed
textpath.MathTextParser = functools.cache(textpath.MathTextParser)  # type: ignore[attr-defined]

__all__ = ["FigureCanvas", "FigureManager", "show"]
