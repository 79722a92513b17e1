"""One library in one process: wait for "run", time it, answer with seconds per unit; see run.py."""

import sys
import time

import numpy as np
from cases import CASES

case = CASES[sys.argv[1]]
contestant, answer_file = sys.argv[2], sys.argv[3]
run = case.contestants[contestant](case.problem())
repeats = case.repeats.get(contestant, 1)
run(0) if case.seeds else run()  # first calls load code and fill caches: not counted
print("ready", flush=True)
turn = 0
for line in sys.stdin:
    if line.strip() == "answer":
        answer, units = ([run(seed) for seed in range(case.seeds)], 1) if case.seeds else run()
        np.save(answer_file, np.asarray(answer))
        print(units, flush=True)
        continue
    units = 1
    started = time.perf_counter()
    for _ in range(repeats):
        if case.seeds:
            run(turn % case.seeds)
            turn += 1
        else:
            _, units = run()
    print((time.perf_counter() - started) / (repeats * units), flush=True)
