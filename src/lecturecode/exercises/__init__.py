"""Check an answer to an exercise: the verdict names the property that fails, never the answer.

There is one module per chapter; importing it registers the chapter's judges.
"""

from importlib import import_module

from lecturecode.exercises.judges import Verdict, check, exercise_names

__all__ = ["Verdict", "check", "exercise_names"]

CHAPTERS = (
    "background",
    "model_fitting",
    "search",
    "populations",
    "zeros_of_the_gradient",
    "alternated_minimization",
    "gradient_descent",
    "five_families_compared",
    "feedforward_networks",
    "backpropagation",
    "stochastic_gradient_descent",
    "momentum_and_adam",
    "local_minima",
    "differentiable_programming",
    "pytorch_framework",
    "gpus_and_many_machines",
)
"""The modules, in the order of the book."""

for chapter in CHAPTERS:
    import_module(f"lecturecode.exercises.{chapter}")
