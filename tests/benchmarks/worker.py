"""One library in one process: wait for "run", time it, answer with seconds per unit; see run.py."""

import sys
import time

import numpy as np
from cases import CASES

case = CASES[sys.argv[1]]
contestant, answer_file = sys.argv[2], sys.argv[3]
run = case.contestants[contestant](case.problem())
repeats = case.repeats.get(contestant, 1)
run()  # first calls load code and fill caches: not counted
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "answer":
        answer, units = run()
        np.save(answer_file, np.asarray(answer))
        print(units, flush=True)
        continue
    started = time.perf_counter()
    for _ in range(repeats):
        _, units = run()
    print((time.perf_counter() - started) / (repeats * units), flush=True)
