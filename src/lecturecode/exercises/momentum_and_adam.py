"""Exercises of the chapter on momentum and Adam."""

from lecturecode.exercises.judges import a_number, judge


@judge(
    "momentum/terminal-velocity",
    "after how many steps a velocity has nine tenths of its final value, at momentum 0.9",
    a_number,
)
def _terminal_velocity(steps: float) -> str | None:
    if steps != int(steps):
        return "steps are counted in whole numbers"
    if steps < 1:
        return "the velocity starts at rest; without a step it stays there"
    if 1 - 0.9**steps < 0.9:
        return f"after {int(steps)} steps the velocity is still below nine tenths"
    if 1 - 0.9 ** (steps - 1) >= 0.9:
        return "the velocity is there, but it was so one step earlier, too"
    return None
