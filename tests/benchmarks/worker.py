"""One library in one process: wait for "run", time it, answer with seconds per unit; see run.py.

With one thread they are seconds of the processor, with several those of the clock.
"""

import sys
import time

import numpy as np
from cases import CASES

case = CASES[sys.argv[1]]
contestant, answer_file, threads = sys.argv[2:5]
seeds = int(sys.argv[5])
clock = time.process_time if threads == "1" else time.perf_counter
run = case.contestants[contestant](case.problem())
repeats = case.repeats.get(contestant, 1)
run(0) if seeds else run()  # first calls load code and fill caches: not counted
print("ready", flush=True)
turn = 0
for line in sys.stdin:
    if line.strip() == "answer":
        answer, units = ([run(seed) for seed in range(seeds)], 1) if seeds else run()
        np.save(answer_file, np.asarray(answer))
        print(units, flush=True)
        continue
    units = 1
    started = clock()
    for _ in range(repeats):
        if seeds:
            run(turn % seeds)
            turn += 1
        else:
            _, units = run()
    print((clock() - started) / (repeats * units), flush=True)
