"""How Matplotlib draws in a page: into memory, and ``plt.show`` into what the cell shows."""

from matplotlib.backend_bases import FigureManagerBase as FigureManager
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas
from show import show_figures as show

__all__ = ["FigureCanvas", "FigureManager", "show"]
