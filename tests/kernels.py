"""Run the tests that hang on rounding under every OpenBLAS kernel that this processor can run.

NumPy's wheels carry one OpenBLAS with a kernel for each kind of processor, and take the newest that
runs. Each rounds in its own way, so what passes here need not pass on the next machine. But
``OPENBLAS_CORETYPE`` names an older one, and so one machine stands for many.

    python tests/kernels.py [--kernels Haswell,Prescott] [--threads 1,2]
    python tests/kernels.py --kernels Haswell:2,Prescott:1
    python tests/kernels.py --book [--kernels Haswell]

The second line gives each kernel a number of threads of its own. The tests run side by side, one run
for each core. With ``--book`` it is the asserts of chapters and gallery that run, by a whole build for
each kernel, in a folder of its own that starts empty, so that no cached run stands in for this one.

What belongs to the marker ``numeric``: a test whose outcome hangs on how a product of matrices or a
solver rounds, because it compares such a result with a bound, a formula, another library, or itself in
another unit, order or dtype. A file about a method that consists of these is marked as a whole. Its
bounds come from the mathematics, as condition times precision times a small factor that the test
states, and never from a run. All together take at most a minute for one kernel; so tests that train
networks or draw many samples stay outside, and leave room for more than rounding.
"""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

ROOT = Path(__file__).resolve().parents[1]
BUILDS = ROOT / "docs" / "_build" / "kernels"

# A kernel, and what OpenBLAS may call what it then runs: a build that leaves a kernel out takes another
# that the processor can run, and NumPy's names the oldest after the core before.
KERNELS = {
    "Prescott": ("Prescott", "Katmai"),
    "Sandybridge": ("Sandybridge",),
    "Haswell": ("Haswell",),
    "Zen": ("Zen", "Haswell"),
    "SkylakeX": ("SkylakeX",),
    "Cooperlake": ("Cooperlake", "SkylakeX"),
}
BOOK = ("Prescott", "Haswell", "SkylakeX")
THREADS = (1, 2)

# A product and a factorization reach the instructions that an older processor does not have.
PROBE = """
import numpy as np
import threadpoolctl
W = np.random.default_rng(0).standard_normal((100, 60))
np.linalg.svd(W), np.linalg.svd(W.astype(np.float32)), W.T @ W
libraries = threadpoolctl.threadpool_info()
print(*[one["architecture"] for one in libraries if one["internal_api"] == "openblas"])
"""

Job = tuple[str, int, list[str]]  # kernel, threads, command


def environment(kernel: str, threads: int) -> dict[str, str]:
    """Return this process's environment with a kernel, if any, and a number of threads."""
    forced = {"OPENBLAS_CORETYPE": kernel} if kernel else {}
    limits = {f"{library}_NUM_THREADS": str(threads) for library in ("OPENBLAS", "OMP", "MKL")}
    return {**os.environ, **forced, **limits}


def kernel_of_numpy(asked: str = "") -> str | None:
    """Ask NumPy in a fresh process for its kernel: "" without OpenBLAS, None where it cannot run.

    Raises
    ------
    RuntimeError
        If the process fails otherwise than by an instruction that the processor does not have.
    """
    probe = subprocess.run(
        [sys.executable, "-c", PROBE], env=environment(asked, 1), capture_output=True, text=True
    )
    if probe.returncode == -signal.SIGILL:
        return None
    if probe.returncode:
        raise RuntimeError(f"the probe of kernel {asked or 'by default'} failed:\n{probe.stderr}")
    return probe.stdout.strip()


def can_be_chosen() -> str:
    """Return why there are no kernels to choose on this machine, or "" if there are."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return f"This processor is {platform.machine()}, and the kernels are those of x86-64"
    if not kernel_of_numpy():
        import numpy as np

        built_on = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
        return f"NumPy is built on {built_on} here, not on OpenBLAS"
    return ""


def runnable(asked: list[str]) -> tuple[list[str], list[str]]:
    """Return the kernels that run here, each once, and those whose name and kernel disagree."""
    found: dict[str, str] = {}  # what OpenBLAS says, and the kernel that was asked for
    wrong = []
    for kernel in asked:
        really = kernel_of_numpy(kernel)
        if really is None:
            print(f"{kernel}: this processor cannot run it")
        elif really not in KERNELS[kernel]:
            wrong.append(kernel)
            print(f"{kernel}: asked for, but NumPy's OpenBLAS runs {really}: FAILED")
        elif really in found:
            print(f"{kernel}: NumPy's OpenBLAS takes {found[really]}'s for it, which runs already")
        else:
            found[really] = kernel
    return list(found.values()), wrong


def run_all(jobs: list[Job], at_a_time: int = 1) -> bool:
    """Run the commands, some at a time, say how each ends, and return whether all went well."""
    printing = Lock()

    def run_one(k: int, job: Job) -> str:
        kernel, threads, command = job
        name = f"{kernel or 'as it is'}, {threads} thread{'s' if threads > 1 else ''}"
        with printing:
            print(f"[{k} of {len(jobs)}] {name} ...", flush=True)
        start = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(kernel, threads),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        seconds = time.perf_counter() - start
        lines = done.stdout.strip().splitlines() or ["it printed nothing"]
        end = f"{'FAILED' if done.returncode else 'passed'}  {name}: {seconds:.0f} s, {lines[-1]}"
        with printing:
            if done.returncode:
                print(*lines, sep="\n")
            print(f"[{k} of {len(jobs)}] {end}", flush=True)
        return end

    with ThreadPoolExecutor(at_a_time) as pool:
        ends = list(pool.map(run_one, range(1, len(jobs) + 1), jobs))
    print("\nsummary", *ends, sep="\n  ")
    return all(end.startswith("passed") for end in ends)


def tests(kernel: str) -> list[str]:
    """Return the command that runs the numeric tests; to collect all the others would take longer."""
    files = [file for file in (ROOT / "tests").glob("test_*.py") if "mark.numeric" in file.read_text()]
    return [sys.executable, "-m", "pytest", "-q", "-m", "numeric", *map(str, sorted(files))]


def book(kernel: str) -> list[str]:
    """Return the command that builds the book in an empty folder of this kernel."""
    folder = BUILDS / (kernel or "default")
    shutil.rmtree(folder, ignore_errors=True)
    return [sys.executable, "docs/build.py", "--build-dir", str(folder)]


def listed(text: str) -> dict[str, list[int]]:
    """Split a list with commas, of kernels, each with its number of threads or none.

    Raises
    ------
    argparse.ArgumentTypeError
        If a kernel is unknown.
    """
    asked: dict[str, list[int]] = {}
    for part in text.split(","):
        kernel, _, threads = part.strip().partition(":")
        if kernel not in KERNELS:
            raise argparse.ArgumentTypeError(f"no kernel {kernel!r}; there are {', '.join(KERNELS)}")
        asked.setdefault(kernel, []).extend(counts(threads) if threads else [])
    return asked


def counts(text: str) -> list[int]:
    """Split a list with commas, of numbers of threads."""
    return [int(number) for number in text.split(",")]


def main() -> int:
    """Read the options, find the kernels, run; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kernels", type=listed, help=f"some of {','.join(KERNELS)}; Haswell:2")
    parser.add_argument("--threads", type=counts, help="1,2 by default")
    parser.add_argument("--book", action="store_true", help="the asserts of the book, not the tests")
    options = parser.parse_args()

    command: Callable[[str], list[str]] = book if options.book else tests
    threads = options.threads or (THREADS[:1] if options.book else THREADS)
    asked = options.kernels or {kernel: [] for kernel in (BOOK if options.book else KERNELS)}
    why = can_be_chosen()
    if why:
        print(f"{why}; everything runs once, as it is.")
        kernels, wrong, asked = [""], [], {"": [threads[0]]}
    else:
        kernels, wrong = runnable(list(asked))
    jobs = [(kernel, count, command(kernel)) for kernel in kernels for count in asked[kernel] or threads]
    passed = run_all(jobs, 1 if options.book else os.cpu_count() or 1)
    return 0 if passed and kernels and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
