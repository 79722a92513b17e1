"""Two processes fit as one does, step for step; one that dies ends the run, which can go on."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import distributed_runs as runs
import numpy as np
import pytest
import torch

from lecturecode.pytorch import speed_up, step_seconds, train, train_distributed
from lecturecode.pytorch.ranks import NEEDED, RankError, _by_loopback, join, share

SCRIPT = Path(runs.__file__)
PROCESSES = 2


def torchrun(folder, name, *more, restarts=0, processes=PROCESSES, script=SCRIPT):
    """Start the script in some processes, and return its exit status and what it wrote."""
    folder.mkdir(exist_ok=True)
    words = [name, str(folder), *map(str, more)] if name else []
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}",
         f"--max-restarts={restarts}", str(script), *words],
        env={k: v for k, v in os.environ.items() if k not in NEEDED} | {"OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def found_by(folder, rank):
    with np.load(folder / f"{rank}.npz", allow_pickle=False) as parts:
        return {name: parts[name] for name in parts.files}


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """What both ranks found in the one start that all tests of whole runs share."""
    folder = tmp_path_factory.mktemp("everything")
    code, said = torchrun(folder, "everything")
    assert code == 0, said
    return [found_by(folder, rank) for rank in range(PROCESSES)]


@pytest.fixture
def alone(monkeypatch):
    """The environment that torchrun makes for one process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    for name, value in names.items():
        monkeypatch.setenv(name, value)


# --- the same as one process ----------------------------------------------------------------------


@pytest.mark.parametrize("case", runs.CASES)
@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(everything, case):
    one = runs.parts_of(runs.fit(train, runs.module_from(0), case))
    two = {name.removeprefix(f"{case}: "): part for name, part in everything[0].items()}
    assert str(two["message"]) == one["message"]
    for name in ("thetas", "values", "theta", "last", "value", "evaluations", "loss", "end"):
        scale = np.abs(one[name]).max() if case != "NaN" else 1.0
        np.testing.assert_allclose(
            two[name], one[name], rtol=1e-12 if case != "NaN" else 1e-6, atol=1e-12 * scale, err_msg=name
        )
    if "validation" in one:
        np.testing.assert_allclose(two["validation"], one["validation"], rtol=1e-12)


@pytest.mark.slow
def test_all_ranks_end_with_the_same_bits_and_the_module_at_theta(everything):
    for name, part in everything[0].items():
        if name not in ("seen", "stopped: calls") and not name.startswith("refused"):
            np.testing.assert_array_equal(part, everything[1][name], err_msg=name)
    for case in runs.CASES:
        for found in everything:
            np.testing.assert_array_equal(found[f"{case}: module"], found[f"{case}: theta"])


@pytest.mark.slow
def test_the_cases_are_such_as_their_names_say(everything):
    found = everything[0]
    assert "diverged at step" in str(found["NaN: message"])
    for case in ("patience", "patience after a fall"):
        assert "has not fallen" in str(found[f"{case}: message"])
    seen = found["patience after a fall: validation"]
    assert len(seen) == np.argmin(seen) + 2 > 3
    assert np.isfinite(found["NaN: values"][:-1]).all()
    assert not np.isfinite(found["NaN: values"][-1])
    assert 3 < len(found["NaN: values"]) < 60 * 6


@pytest.mark.slow
def test_an_epoch_passes_every_sample_through_one_process_and_none_through_two(everything):
    first, second = (list(found["seen"]) for found in everything)
    assert len(first) == 4 * 5  # of four minibatches of nine, five each
    assert len(second) == 4 * 4
    assert len({*first, *second}) == 36
    assert {*first, *second} < set(runs.GIVEN[:, 0])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("samples", [0, 1, 2, 6, 7, 64, 65])
def test_shares_cover_all_samples_once_and_differ_by_one_at_most(samples, size):
    shares = [list(range(samples))[share(samples, rank, size)] for rank in range(size)]
    assert [sample for part in shares for sample in part] == list(range(samples))
    lengths = [len(part) for part in shares]
    assert max(lengths) - min(lengths) <= 1


def test_one_process_takes_the_steps_of_train_bit_for_bit(alone, tmp_path):
    for case in (*runs.CASES, *runs.SINGLE):
        dtype = torch.float32 if case in runs.SINGLE else torch.float64
        there, here = (
            runs.parts_of(runs.fit(which, runs.module_from(0, dtype), case))
            for which in (train_distributed, train)
        )
        for name in ("thetas", "last"):
            np.testing.assert_array_equal(there[name], here[name], err_msg=f"{case}, {name}")
        np.testing.assert_array_equal(there["values"][:-1], here["values"][:-1], err_msg=case)
        rounding = 4 * torch.finfo(dtype).eps  # the last one is a sum over all data, in some order
        np.testing.assert_allclose(there["values"][-1], here["values"][-1], rtol=rounding)


def test_a_run_of_one_process_goes_on_distributed_and_back(alone, tmp_path):
    path, whole = tmp_path / "fit.npz", runs.fit(train, runs.module_from(0), "remainders")
    runs.fit(train, runs.module_from(0), "remainders", checkpoint=path, epochs=2)
    runs.fit(train_distributed, runs.module_from(0), "remainders", checkpoint=path, epochs=4)
    end = runs.fit(train, runs.module_from(0), "remainders", checkpoint=path)
    assert torch.equal(end.thetas, whole.thetas)
    assert torch.equal(end.theta, whole.theta)


def test_the_start_may_be_given_and_stays_as_it_is(alone):
    theta = torch.linspace(-1, 1, 38, dtype=torch.float64)
    trace = runs.fit(train_distributed, runs.module_from(0), "remainders", start=theta)
    assert torch.equal(trace.thetas[0], torch.linspace(-1, 1, 38, dtype=torch.float64))
    assert torch.equal(theta, trace.thetas[0])
    assert not torch.equal(trace.theta, theta)


def test_parameters_share_no_memory_when_the_run_is_over(alone):
    module = runs.module_from(0)
    runs.fit(train_distributed, module, "remainders")
    assert len({part.untyped_storage().data_ptr() for part in module.parameters()}) == 4
    assert all(part.grad is None for part in module.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_a_module_learns_in_training_mode_is_measured_in_evaluation_mode_and_has_its_own_back(
    alone, training
):
    module, seen = runs.module_from(0).train(training), []
    module.register_forward_pre_hook(lambda module, args: seen.append((module.training, len(args[0]))))
    runs.fit(train_distributed, module, "validation", epochs=1, batch_size=41)
    door, start, held_out, total = (False, 2), (False, 11), (False, 11), (False, 41)
    assert seen == [door, door, start, (True, 41), held_out, total]
    assert module.training == training


@pytest.mark.slow
def test_all_ranks_begin_with_the_buffers_of_rank_0_and_end_with_them(everything):
    one = runs.parts_of(runs.shifted(runs.Shifted(0), train))
    for name in ("thetas", "last"):
        np.testing.assert_allclose(everything[0][f"buffers: {name}"], one[name], rtol=1e-12, atol=1e-14)
    left = [found["buffers: left"] for found in everything]
    assert left[0] == left[1] != 0


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux where a process listens")
@pytest.mark.slow
def test_on_one_machine_processes_listen_to_it_alone(everything):
    for found in everything:
        assert found["listens"].tolist() == ["0100007F"]  # 127.0.0.1


@pytest.mark.skipif(sys.platform != "linux", reason="the name of the interface is that of Linux")
@pytest.mark.parametrize(
    ("before", "one_machine", "within"),
    [(None, True, "lo"), ("", True, "lo"), ("eth7", True, "eth7"), (None, False, None)],
)
def test_the_interface_is_that_of_the_user_or_the_loopback(monkeypatch, before, one_machine, within):
    name = "GLOO_SOCKET_IFNAME"
    monkeypatch.setenv(name, "")
    monkeypatch.delenv(name)
    if before is not None:
        monkeypatch.setenv(name, before)
    with _by_loopback(one_machine):
        assert os.environ.get(name) == within
    assert os.environ.get(name) == before


# --- a process that dies --------------------------------------------------------------------------


@pytest.mark.slow
def test_a_rank_that_dies_ends_the_run_and_it_goes_on_bit_for_bit(everything, tmp_path):
    """Six steps an epoch: rank 1 dies in epoch 3, then, started again, rank 0 in epoch 5."""
    path = tmp_path / "fit.npz"
    code, said = torchrun(tmp_path, "killed", 1, 15, "SIGKILL")
    assert code != 0
    assert "rank 1 no longer answers" in said
    assert "Rank 0 stopped at step 15, in epoch 3" in said
    assert f"The checkpoint {path} has the run up to the end of epoch 2" in said
    assert "the same command goes on from there" in said
    assert not list(tmp_path.glob("?.npz"))

    code, said = torchrun(tmp_path, "killed", 0, 26, "exit", restarts=1)
    assert code == 0, said
    assert "rank 0 no longer answers" in said
    assert f"The checkpoint {path} has the run up to the end of epoch 4" in said
    for rank in range(PROCESSES):
        end = found_by(tmp_path, rank)
        for name in ("thetas", "values", "theta", "last", "value", "loss", "end", "evaluations"):
            whole = everything[rank][f"remainders: {name}"]
            np.testing.assert_array_equal(end[name], whole, err_msg=name)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
def test_rank_0_stops_all_by_its_callback_and_draws_the_seed_for_all(everything):
    calls = [found["stopped: calls"].tolist() for found in everything]
    assert calls == [[6, 12], []]
    for found in everything:
        assert found["stopped: message"] == "stopped by the callback after 2 epochs"
        assert len(found["stopped: values"]) == 13


# --- bad input ------------------------------------------------------------------------------------

SAID = {
    "batch": ("ValueError: batch_size is that of all processes together, and 1 samples are too few",)
    * 2,
    "rng": ("RankError: rank 1 failed: ValueError", "ValueError: all processes .* differs .* in: rng"),
    "data": ("RankError: rank 1 failed: ValueError", "ValueError: all processes .* differs .* in: data"),
    "folder": ("FileNotFoundError: .*/no/such/folder", "RankError: rank 0 failed: FileNotFoundError"),
    "damaged": ("CheckpointError: .*damaged.npz is not a whole", "RankError: rank 0 failed: Check"),
    "exception": (
        "RankError: rank 1 failed: FloatingPointError: a mistake of rank 1. Rank 0 stopped at step 8, "
        "in epoch 2. There is no checkpoint",
        "FloatingPointError: a mistake of rank 1",
    ),
    "interrupt": ("RankError: rank 1 failed: KeyboardInterrupt", "KeyboardInterrupt: "),
    "seed": (
        r"CheckpointError: .*seed.npz is the checkpoint of another run \(rng: the file has",
        "RankError: rank 0 failed: CheckpointError",
    ),
    "hangs": (
        "RankError: rank 1 no longer answers",
        "RankError: rank 1 lost contact .*Rank 1 stopped at",
    ),
    "batch normalization": ("ValueError: 0 is a BatchNorm1d, which compares the samples",) * 2,
    "sum": ("ValueError: the loss must be a mean over the samples.* reduction='sum'",) * 2,
    "own mean": ("ValueError: each process sees only a share of a minibatch, and this loss returns",)
    * 2,
}


@pytest.mark.parametrize("name", SAID)
@pytest.mark.slow
def test_what_cannot_work_ends_in_all_ranks_with_a_reason(everything, name):
    for found, expected in zip(everything, SAID[name], strict=True):
        assert re.match(expected, str(found[f"refused: {name}"])), found[f"refused: {name}"]


@pytest.mark.parametrize("name", ["exception", "interrupt", "hangs"])
@pytest.mark.slow
def test_what_ends_a_run_carries_the_trace_in_all_ranks(everything, name):
    """In the second epoch, of six minibatches, and two steps of it are over."""
    for found in everything:
        assert found[f"refused, values: {name}"] == 8
    for found in everything:
        assert found["refused, values: batch"] == 0


def test_without_torchrun_the_message_has_the_command_to_type(monkeypatch):
    for name in NEEDED:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RuntimeError, match=r"RANK, WORLD_SIZE, .*\n +torchrun --standalone --nproc-per"):
        runs.fit(train_distributed, runs.module_from(0), "remainders")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    with pytest.raises(RuntimeError, match="MASTER_PORT is not set here"):
        runs.fit(train_distributed, runs.module_from(0), "remainders")


def test_processes_that_nobody_meets_give_up(alone, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RankError, match=r"rank 0 did not meet the other 1 at 127.0.0.1:\d+ in 1 s"):
        runs.fit(train_distributed, runs.module_from(0), "remainders", timeout=1)


@pytest.mark.parametrize(
    ("more", "error", "match"),
    [
        ({"batch_size": 42}, ValueError, "batch_size must be at most the number of samples, 41"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"epochs": 0}, ValueError, "epochs"),
        ({"timeout": 0}, ValueError, "timeout"),
        ({"patience": 2}, ValueError, "patience needs validation"),
        ({"validation": runs.X}, TypeError, "validation must be the pair"),
        ({"start": torch.full((38,), torch.nan)}, ValueError, "start has 38 value"),
        ({"start": torch.zeros(3)}, ValueError, "start must have shape"),
    ],
)
def test_bad_arguments_are_refused_before_anybody_is_met(more, error, match):
    with pytest.raises(error, match=match):
        runs.fit(train_distributed, runs.module_from(0), "remainders", **more)


def test_two_processes_of_one_machine_need_devices_of_their_own(monkeypatch):
    given = {"RANK": 3, "WORLD_SIZE": 4, "LOCAL_RANK": 1, "LOCAL_WORLD_SIZE": 2}
    for name, value in (given | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": 1}).items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(ValueError, match=r"rank 3 is number 1 on its machine .* to 'cuda:1'"):
        join(torch.device("cuda:0"), 1.0)


# --- what it costs --------------------------------------------------------------------------------


def test_the_estimate_is_that_of_a_ring_counted_round_by_round():
    compute, size, bandwidth, latency = 0.3, 6e6, 2e8, 1e-3
    for n in (1, 2, 5, 16):
        rounds = 2 * (n - 1)
        slow = compute / n + rounds * (size / n / bandwidth + latency)
        given = {"compute": compute, "size": size, "bandwidth": bandwidth, "latency": latency}
        assert step_seconds(n, **given) == pytest.approx(slow, rel=1e-14)
        assert speed_up(n, **given) == pytest.approx(compute / slow, rel=1e-14)
    many = speed_up(10**6, compute=compute, size=size, bandwidth=bandwidth, latency=0.0)
    assert many == pytest.approx(compute * bandwidth / (2 * size), rel=1e-4)


@pytest.mark.parametrize(
    "bad",
    [
        {"nodes": 0},
        {"nodes": np.empty(0, int)},
        {"compute": 0.0},
        {"size": -1},
        {"bandwidth": 0},
        {"latency": -1},
    ],
)
def test_an_estimate_of_nothing_is_refused(bad):
    given = {"nodes": 2, "compute": 1.0, "size": 1.0, "bandwidth": 1.0, "latency": 0.0} | bad
    with pytest.raises(ValueError, match=next(iter(bad))):
        speed_up(given.pop("nodes"), **given)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"nodes": 1.5}, "nodes must hold integers of at least 1; got dtype float64"),
        ({"size": "1"}, "size must be a number; got str"),
        ({"latency": True}, "latency must be a number; got bool"),
    ],
)
def test_an_estimate_of_no_numbers_is_refused(bad, says):
    given = {"nodes": 2, "compute": 1.0, "size": 1.0, "bandwidth": 1.0, "latency": 0.0} | bad
    with pytest.raises(TypeError, match=says):
        step_seconds(given.pop("nodes"), **given)


# --- on devices -----------------------------------------------------------------------------------


@pytest.mark.cuda
def test_nccl_takes_the_steps_of_one_process(tmp_path):
    processes = min(torch.cuda.device_count(), 2)
    code, said = torchrun(tmp_path, "on_cuda", processes=processes)
    assert code == 0, said
    one = runs.parts_of(runs.fit(train, runs.module_from(0), "remainders"))
    two = found_by(tmp_path, 0)
    for name in ("thetas", "values"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-10, atol=1e-12, err_msg=name)
