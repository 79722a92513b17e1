"""Checkpoints: a killed run goes on bit for bit, and no file is ever half written or overwritten."""

import json
import os
import platform
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading

import numpy as np
import pytest
import torch

from lecturecode import Adam, CrossEntropy, GradientDescent, Momentum, Network, SquaredError, train
from lecturecode.checkpoints import (
    CheckpointError,
    clear_remains,
    generator_state,
    read_checkpoint,
    set_generator_state,
    unpack,
    write_checkpoint,
)

X = np.random.default_rng(0).standard_normal((30, 3))
Y = np.stack([np.sin(2 * X[:, 0]), X[:, 1] * X[:, 2]], -1)
LIBRARIES = {"numpy": np.asarray, "torch": torch.as_tensor}
libraries = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
RULES = {"descent": GradientDescent(0.05), "momentum": Momentum(0.02), "adam": Adam(0.01)}
GENERATORS = {
    "PCG64": lambda: np.random.default_rng(3),
    "MT19937": lambda: np.random.Generator(np.random.MT19937(3)),
    "Philox": lambda: np.random.Generator(np.random.Philox(3)),
    "SFC64": lambda: np.random.Generator(np.random.SFC64(3)),
    "torch": lambda: torch.Generator().manual_seed(3),
}


class Killed(BaseException):
    """What nothing in the package catches, as little as a SIGKILL."""


def killed_at(step):
    def schedule(i):
        if i == step:
            raise Killed
        return 0.02

    return schedule


def run(path, library=np.asarray, rule=RULES["adam"], schedule=None, dtype="f8", **more):
    x, y = library(X.astype(dtype)), library(Y.astype(dtype))
    given = {"epochs": 6, "batch_size": 8, "rng": 3, "schedule": schedule or (lambda i: 0.02)} | more
    return train(Network((3, 6, 2)), SquaredError(), x, y, rule, checkpoint=path, **given)


def equal(first, second):
    """Compare all of two traces, bit for bit."""
    for name in ("thetas", "values", "theta", "last", "evaluations"):
        a, b = (np.asarray(getattr(trace, name)) for trace in (first, second))
        assert a.dtype == b.dtype, name
        assert a.tobytes() == b.tobytes(), name
    assert (first.value, first.converged, first.message) == (
        second.value,
        second.converged,
        second.message,
    )
    assert list(first.extras) == list(second.extras)
    for name, kept in first.extras.items():
        assert np.asarray(kept).tobytes() == np.asarray(second.extras[name]).tobytes(), name


@pytest.mark.parametrize("step", [0, 3, 4, 9, 23])
@pytest.mark.parametrize("rule", RULES)
@libraries
def test_a_run_cut_off_at_any_step_ends_where_the_other_does(tmp_path, step, rule, library):
    whole = run(None, library, RULES[rule], record_every=1)
    path = tmp_path / "run.npz"
    with pytest.raises(Killed):
        run(path, library, RULES[rule], killed_at(step), record_every=1)
    assert path.exists() == (step > 3)
    equal(run(path, library, RULES[rule], record_every=1), whole)


MORE = {
    "validation": {"validation": (X[:9] + 0.1, Y[:9]), "patience": 50},
    "a theta in five": {"record_every": 5},
    "no thetas": {"record_every": 0},
    "last dropped": {"keep_last": False, "record_every": 1},
    "one minibatch": {"batch_size": 30},
    "start given": {"start": np.linspace(-1, 1, 38)},
}


@pytest.mark.parametrize("more", MORE)
def test_a_run_goes_on_whatever_else_was_asked_for(tmp_path, more):
    step = 5 if more == "one minibatch" else 14
    whole = run(None, **MORE[more])
    with pytest.raises(Killed):
        run(tmp_path / "run.npz", schedule=killed_at(step), **MORE[more])
    equal(run(tmp_path / "run.npz", **MORE[more]), whole)


@libraries
def test_float32_goes_on_in_float32(tmp_path, library):
    whole = run(None, library, dtype="f4")
    with pytest.raises(Killed):
        run(tmp_path / "run.npz", library, schedule=killed_at(10), dtype="f4")
    equal(run(tmp_path / "run.npz", library, dtype="f4"), whole)
    assert np.asarray(whole.theta).dtype == np.float32


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_of_every_kind_go_on(tmp_path, name):
    library = LIBRARIES["torch" if name == "torch" else "numpy"]
    whole = run(None, library, rng=GENERATORS[name]())
    with pytest.raises(Killed):
        run(tmp_path / "run.npz", library, schedule=killed_at(10), rng=GENERATORS[name]())
    equal(run(tmp_path / "run.npz", library, rng=GENERATORS[name]()), whole)
    rng, again = GENERATORS[name](), GENERATORS[name]()
    (rng.random if name != "torch" else lambda: torch.rand(1, generator=rng))()
    set_generator_state(again, json.loads(json.dumps(generator_state(rng))))
    assert generator_state(again) == generator_state(rng)


def test_another_kind_of_generator_is_refused(tmp_path):
    run(tmp_path / "run.npz", epochs=1)
    with pytest.raises(CheckpointError, match="written with the generator PCG64; rng is SFC64"):
        run(tmp_path / "run.npz", rng=GENERATORS["SFC64"]())


def test_a_finished_run_can_be_read_again_and_be_made_longer(tmp_path):
    short, long = run(None, epochs=3), run(None, epochs=6)
    equal(run(tmp_path / "run.npz", epochs=3), short)
    equal(run(tmp_path / "run.npz", epochs=3), short)
    equal(run(tmp_path / "run.npz", epochs=6), long)
    assert run(tmp_path / "run.npz", epochs=3).message == "used up all 6 epochs"


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    more = {"validation": (X[:9], -Y[:9]), "patience": 2, "epochs": 50}
    whole = run(None, **more)
    assert whole.converged
    equal(run(tmp_path / "run.npz", **more), whole)
    equal(run(tmp_path / "run.npz", **more), whole)


SCRIPT = """
    import os, signal, sys
    import numpy as np
    from lecturecode import Adam, Momentum, Network, SquaredError, train
    path, out, library, rule, where = sys.argv[1:]
    if library == "torch":
        import torch
        lib = torch.as_tensor
    else:
        lib = np.asarray
    x = np.random.default_rng(0).standard_normal((40, 3))
    y = np.sin(x[:, :2])

    def schedule(i):
        if where == f"step {i}":
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.01 / (1 + i / 20)

    if where == "rename":
        replace, count = os.replace, [0]
        def killing(*names):
            count[0] += 1
            if count[0] == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(*names)
        os.replace = killing

    trace = train(
        Network((3, 8, 2)), SquaredError(), lib(x), lib(y), Adam() if rule == "adam" else Momentum(1),
        epochs=8, batch_size=7, rng=1, schedule=schedule, validation=(lib(x[:9] + 0.1), lib(y[:9])),
        checkpoint=path, record_every=1,
    )
    np.savez(out, thetas=np.asarray(trace.thetas), values=np.asarray(trace.values),
             last=np.asarray(trace.last), theta=np.asarray(trace.theta), value=trace.value,
             **{k: np.asarray(v) for k, v in trace.extras.items()})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize(
    ("library", "rule", "where"),
    [
        ("numpy", "adam", "step 20"),
        ("numpy", "momentum", "rename"),
        pytest.param("torch", "adam", "step 31", marks=pytest.mark.slow),
    ],
)
def test_a_process_killed_with_sigkill_and_started_again_ends_bit_for_bit(
    tmp_path, library, rule, where
):
    def start(path, out, where):
        command = [sys.executable, "-c", textwrap.dedent(SCRIPT)]
        names = [str(tmp_path / path), str(tmp_path / out)]
        return subprocess.run([*command, *names, library, rule, where], timeout=120).returncode

    assert start("whole.npz", "expected.npz", "never") == 0
    assert start("run.npz", "no.npz", where) == -signal.SIGKILL
    assert (tmp_path / "run.npz").exists()
    assert not (tmp_path / "no.npz").exists()
    assert len(list(tmp_path.glob("*.part"))) == (where == "rename")
    assert start("run.npz", "found.npz", "never") == 0
    assert not list(tmp_path.glob("*.part"))
    with np.load(tmp_path / "expected.npz") as expected, np.load(tmp_path / "found.npz") as found:
        assert found.files == expected.files
        for name in expected.files:
            assert found[name].tobytes() == expected[name].tobytes(), name


def written(path):
    write_checkpoint(path, {"theta": np.arange(5.0)}, {"run": {"a": 1}, "steps": 7})
    return path.read_bytes()


def test_what_was_written_is_read(tmp_path):
    written(tmp_path / "c.npz")
    arrays, text = read_checkpoint(tmp_path / "c.npz", {"a": 1})
    assert {name: array.tolist() for name, array in arrays.items()} == {"theta": [0, 1, 2, 3, 4]}
    assert text == {"run": {"a": 1}, "steps": 7}
    assert os.listdir(tmp_path) == ["c.npz"]


def refused(path, content, match, take=lambda path: read_checkpoint(path, {"a": 1})):
    """Check that a file is refused by a clear message, and left as it is."""
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=match) as error:
        take(path)
    assert path.read_bytes() == content
    assert str(path) in str(error.value)
    assert isinstance(error.value, ValueError)


WHOLE = (
    r"is not a whole checkpoint \(.*It was left as it is; delete it, or give another path, to start an"
)


def test_truncated_anywhere(tmp_path):
    content = written(tmp_path / "c.npz")
    for length in range(len(content)):
        refused(tmp_path / "c.npz", content[:length], WHOLE)


def test_damaged_anywhere_it_is_refused_or_read_as_it_was(tmp_path):
    content, rng, refusals = written(tmp_path / "c.npz"), np.random.default_rng(0), 0
    for _ in range(400):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        (tmp_path / "c.npz").write_bytes(damaged)
        try:
            arrays, text = read_checkpoint(tmp_path / "c.npz", {"a": 1})
        except CheckpointError:
            refusals += 1
        else:
            assert arrays["theta"].tolist() == [0, 1, 2, 3, 4]
            assert text["steps"] == 7
    assert refusals > 200


def foreign(tmp_path):
    """Return the bytes of files that are no checkpoints."""
    path, found = tmp_path / "foreign", {}
    found["words"] = b"theta = 3\n"
    found["nothing"] = b""
    with open(path, "wb") as file:
        np.save(file, np.ones(3))
    found["npy"] = path.read_bytes()
    with open(path, "wb") as file:
        np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    found["pickle"] = path.read_bytes()
    torch.save({"theta": torch.ones(3)}, path)
    found["torch"] = path.read_bytes()
    for name, arrays in {
        "npz": {"theta": np.ones(3)},
        "npz, a list": {"text": np.frombuffer(b"[1]", np.uint8)},
        "npz, no run": {"text": np.frombuffer(b"{}", np.uint8)},
        "npz, a number": {"text": np.frombuffer(b'{"run": 3}', np.uint8)},
    }.items():
        with open(path, "wb") as file:
            np.savez(file, **arrays)
        found[name] = path.read_bytes()
    return found


def test_files_that_are_no_checkpoints(tmp_path):
    for content in foreign(tmp_path).values():
        refused(tmp_path / "c.npz", content, WHOLE)
        refused(tmp_path / "c.npz", content, WHOLE, run)


def test_a_folder_is_no_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match="is not a whole checkpoint"):
        run(tmp_path)


OTHERS = {
    "network": {"network": Network((3, 7, 2))},
    "activation": {"network": Network((3, 6, 2), "relu")},
    "optimizer": {"rule": Adam(0.02)},
    "kind of optimizer": {"rule": Momentum(0.01)},
    "batch size": {"batch_size": 9},
    "keep last": {"keep_last": False},
    "record every": {"record_every": 1},
    "data": {"x": X + 1e-12},
    "targets": {"y": 2 * Y},
    "validation": {"validation": (X, Y)},
    "numbers": {"x": X.astype("f4"), "y": Y.astype("f4")},
    "library": {"x": torch.as_tensor(X), "y": torch.as_tensor(Y)},
    "loss": {"loss": CrossEntropy(), "y": np.zeros(30, int)},
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_checkpoint_of_another_run_is_refused_and_left_as_it_is(tmp_path, other):
    path = tmp_path / "run.npz"
    given = {
        "network": Network((3, 6, 2)),
        "loss": SquaredError(),
        "x": X,
        "y": Y,
        "rule": RULES["adam"],
    }
    given |= {"epochs": 2, "batch_size": 8, "rng": 0}

    def start(network, loss, x, y, rule, **more):
        return train(network, loss, x, y, rule, checkpoint=path, **more)

    start(**given)
    word = {"activation": "network", "kind of optimizer": "optimizer", "targets": "data",
            "validation": "data", "library": "numbers"}.get(other, other)  # fmt: skip
    match = (
        rf"checkpoint of another run \(.*{word}: the file has .*this run .*It was left as it is; give"
    )
    refused(path, path.read_bytes(), match, lambda path: start(**(given | OTHERS[other])))
    start(**given)


def test_a_crash_between_writing_and_renaming_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "c.npz"
    content = written(path)

    def crash(*names):
        raise OSError("the power went")

    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, crash)
            with pytest.raises(OSError, match="the power went"):
                write_checkpoint(path, {"theta": np.zeros(99)}, {"run": {}})
        assert path.read_bytes() == content
        assert os.listdir(tmp_path) == ["c.npz"]


def test_what_is_on_disk_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    said, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (said.append("fsync"), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda a, b: (said.append("replace"), replace(a, b)))
    written(tmp_path / "c.npz")
    assert said == ["fsync", "replace"]


def test_a_checkpoint_holds_no_pickle(tmp_path):
    run(tmp_path / "run.npz", epochs=1, record_every=1)
    with np.load(tmp_path / "run.npz", allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "fiu" for name in file.files)


def test_numbers_of_numpy_are_written_as_those_of_python(tmp_path):
    path = tmp_path / "run.npz"
    run(path, epochs=1, batch_size=np.int64(8), keep_last=np.True_, record_every=np.int8(1))
    equal(run(path, record_every=1), run(None, record_every=1))


def test_no_folder_for_the_checkpoint(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"no folder .*nowhere for the checkpoint; make it first"
    ):
        run(tmp_path / "nowhere" / "run.npz")


def test_another_schedule_is_refused_if_the_steps_already_taken_tell(tmp_path):
    path = tmp_path / "run.npz"
    run(path, epochs=3)
    says = r"another run \(learning rate of step 0: the file has 0\.02, this run 0\.03\).*"
    refused(path, path.read_bytes(), says, lambda path: run(path, schedule=lambda i: 0.03))
    says = r"learning rate of step 8: the file has 0\.02, this run 0\.01\)"
    refused(
        path, path.read_bytes(), says, lambda path: run(path, schedule=lambda i: 0.02 if i < 8 else 0.01)
    )
    later = run(path, schedule=lambda i: 0.02 if i < 12 else 0.01)
    assert later.steps == 24


def test_a_run_without_a_schedule_has_the_rate_of_its_optimizer(tmp_path):
    def start(**more):
        return train(Network((3, 6, 2)), SquaredError(), X, Y, Adam(0.01), rng=0, batch_size=8,
                     checkpoint=tmp_path / "run.npz", **more)  # fmt: skip

    start(epochs=2)
    start(epochs=3, schedule=lambda i: 0.01)
    with pytest.raises(
        CheckpointError, match=r"learning rate of step 0: the file has 0\.01, this run 0\.02"
    ):
        start(epochs=4, schedule=lambda i: 0.02)


@pytest.mark.skipif(os.name != "posix", reason="where a process can be asked whether it runs")
def test_what_a_killed_process_left_is_cleared_at_the_next_start_and_nothing_else(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    node, path = platform.node(), tmp_path / "run [1].npz"
    left = [f"{path.name}.{node}-{gone.pid}.part"]
    stays = [
        f"{path.name}.{node}-{os.getpid()}.part", f"{path.name}.other-machine-{gone.pid}.part",
        f"{path.name}.{node}-x.part", f"other.npz.{node}-{gone.pid}.part", f"{path.name}.part",
    ]  # fmt: skip
    for name in left + stays[1:]:
        (tmp_path / name).write_bytes(b"half")
    run(path, epochs=1)
    assert sorted(os.listdir(tmp_path)) == sorted([path.name, *stays[1:]])
    (tmp_path / stays[0]).write_bytes(b"half")
    clear_remains(path)
    assert (tmp_path / stays[0]).exists()


# --- where the file is ----------------------------------------------------------------------------

posix = pytest.mark.skipif(os.name != "posix", reason="links, pipes and permissions of POSIX")


def counted(path):
    """Fit, and say how many steps were taken before the path was refused."""
    steps = []
    try:
        run(path, epochs=1, schedule=lambda i: steps.append(i) or 0.02)
    except Exception as error:
        return error, len(steps)
    return None, len(steps)


@posix
def test_a_symbolic_link_is_followed_whether_or_not_it_leads_to_a_file(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "fit.npz", tmp_path / "link.npz"
    link.symlink_to("there/fit.npz")
    for epochs in (1, 3):
        run(link, epochs=epochs)
        assert link.is_symlink()
        assert os.listdir(tmp_path / "there") == ["fit.npz"]
        assert not target.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link.npz", "there"]
    equal(run(link), run(None))
    equal(run(target), run(None))


@posix
def test_the_permissions_of_the_file_are_kept_and_those_of_a_new_one_are_as_usual(tmp_path):
    path, usual = tmp_path / "c.npz", tmp_path / "usual"
    usual.write_bytes(b"")
    written(path)
    assert path.stat().st_mode == usual.stat().st_mode
    for mode in (0o600, 0o640, 0o604):
        path.chmod(mode)
        written(path)
        assert path.stat().st_mode & 0o7777 == mode


def make_folder(path):
    path.mkdir()


def make_pipe(path):
    os.mkfifo(path)


def make_link_to_a_pipe(path):
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as end:
        before = os.getcwd()
        os.chdir(path.parent)  # the path of a socket has 107 bytes at most
        end.bind(path.name)
        os.chdir(before)


@posix
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (make_folder, "folder"),
        (make_pipe, "pipe"),
        (make_link_to_a_pipe, "pipe"),
        (make_socket, "socket"),
    ],
)
def test_what_is_no_regular_file_is_refused_before_the_first_step_and_stays(tmp_path, make, kind):
    path = tmp_path / "fit.npz"
    make(path)
    before = path.lstat().st_mode, path.stat().st_mode
    error, steps = counted(path)
    assert isinstance(error, CheckpointError)
    assert f"is no regular file but a {kind}. It was left as it is; give another path" in str(error)
    assert steps == 0
    for call in (read_checkpoint, lambda path, run: written(path)):
        with pytest.raises(CheckpointError, match="is no regular file"):
            call(path, {})
    assert (path.lstat().st_mode, path.stat().st_mode) == before
    assert not list(tmp_path.glob("*.part"))


@posix
def test_a_file_that_becomes_a_pipe_is_not_replaced(tmp_path):
    path = tmp_path / "fit.npz"

    def callback(trace):
        path.unlink()
        os.mkfifo(path)

    with pytest.raises(CheckpointError, match="is no regular file but a pipe") as error:
        run(path, callback=callback)
    assert len(error.value.trace.extras["loss"]) == 2
    assert stat.S_ISFIFO(path.stat().st_mode)


def loop(folder):
    (folder / "loop").symlink_to("loop")
    return folder / "loop"


def below_a_file(folder):
    (folder / "file").write_bytes(b"")
    return folder / "file" / "fit.npz"


NOWHERE = {
    "no folder": (lambda folder: folder / "no" / "fit.npz", FileNotFoundError, "no folder .*; make it"),
    "below a file": (below_a_file, FileNotFoundError, "no folder .*/file for the checkpoint"),
    "empty": (lambda folder: "", ValueError, "the path of a file, such as 'fit.npz'; got ''"),
    "blank": (lambda folder: "  ", ValueError, "the path of a file, such as 'fit.npz'; got '  '"),
    "NUL": (lambda folder: f"{folder}/a\0b", ValueError, "must be the path of a file"),
    "bytes": (lambda folder: os.fsencode(folder / "a"), TypeError, "the path of a file; got bytes"),
    "a number": (lambda folder: 3, TypeError, "must be the path of a file; got int"),
    "long name": (
        lambda folder: folder / ("a" * 300),
        OSError,
        "no checkpoint can be written to .*too long",
    ),
    "a loop": (loop, OSError, "no checkpoint can be written to .*symbolic links"),
}


@posix
@pytest.mark.parametrize("name", NOWHERE)
def test_a_path_that_cannot_be_written_is_refused_before_the_first_step(tmp_path, name):
    path, kind, match = NOWHERE[name]
    error, steps = counted(path(tmp_path))
    assert isinstance(error, kind)
    assert re.search(match, str(error), flags=re.DOTALL)
    assert steps == 0


def test_the_longest_name_that_there_is_can_be_written(tmp_path):
    path = tmp_path / ("a" * 251 + ".npz")
    run(path, epochs=2)
    equal(run(path), run(None))
    assert os.listdir(tmp_path) == [path.name]


UNPRIVILEGED = """
    import hashlib, os, platform, secrets, sys
    import numpy as np
    from lecturecode import GradientDescent, Network, SquaredError, train
    platform.node()
    x, steps = np.ones((4, 1)), []

    def fit(path):
        train(Network((1, 1)), SquaredError(), x, x, GradientDescent(0.1), epochs=1, batch_size=2, rng=0,
              schedule=lambda i: steps.append(i) or 0.1, checkpoint=path)

    fit(None)  # imports what it needs, while it may
    steps.clear()
    if os.getuid() == 0:
        os.setuid(65534)
    try:
        fit(sys.argv[1])
    except PermissionError as error:
        print(len(steps), error)
"""


@posix
def test_a_folder_that_may_not_be_written_to_is_refused_before_the_first_step():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        command = [sys.executable, "-c", textwrap.dedent(UNPRIVILEGED), f"{folder}/fit.npz"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        os.chmod(folder, 0o700)
        assert os.listdir(folder) == []
    assert re.match(
        r"0 .*no checkpoint can be written to .*/fit\.npz \(Permission denied\)", done.stdout
    ), done.stdout + done.stderr


def test_threads_that_write_to_one_path_leave_a_whole_file_at_every_moment(tmp_path):
    path, failures = tmp_path / "c.npz", []
    write_checkpoint(path, {"theta": np.zeros(3)}, {"run": {}})

    def writes(k):
        try:
            for i in range(40):
                write_checkpoint(path, {"theta": np.full(1000 * (k + 1), i)}, {"run": {}})
                arrays, _ = read_checkpoint(path, {})
                assert len(set(arrays["theta"].tolist())) == 1
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=writes, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert os.listdir(tmp_path) == ["c.npz"]


@posix
def test_what_waits_under_the_name_of_the_new_file_is_not_written_to(tmp_path, monkeypatch):
    victim, path = tmp_path / "victim", tmp_path / "c.npz"
    victim.write_bytes(b"mine")
    monkeypatch.setattr("secrets.token_hex", lambda n: "0" * 16)
    trap = tmp_path / f"c.npz.{platform.node()}-{os.getpid()}-{'0' * 16}.part"
    trap.symlink_to("victim")
    with pytest.raises(FileExistsError):
        written(path)
    assert victim.read_bytes() == b"mine"
    assert trap.is_symlink()
    assert not path.exists()


@posix
def test_remains_of_dead_processes_and_of_another_day_are_cleared(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    node, path = platform.node(), tmp_path / "fit.npz"
    old, dead = (
        f"fit.npz.{node}-{os.getpid()}-{'a' * 16}.part",
        f"fit.npz.{node}-{gone.pid}-{'b' * 16}.part",
    )
    stays = [
        f"fit.npz.{node}-{os.getpid()}-{'c' * 16}.part",  # another thread's
        f"fit.npz.{node}-{gone.pid}-{'b' * 15}.part",
        f"fit.npz.{node}-{gone.pid}-{'b' * 16}.part.npz",
        f"other.npz.{node}-{gone.pid}-{'b' * 16}.part",
    ]
    for name in (old, dead, *stays):
        (tmp_path / name).write_bytes(b"half")
    os.utime(tmp_path / old, (0, 0))
    clear_remains(path)
    assert sorted(os.listdir(tmp_path)) == sorted(stays)


def test_a_file_of_an_earlier_format_is_refused(tmp_path):
    path = tmp_path / "fit.npz"
    run(path, epochs=1)
    with open(path, "rb") as file:
        arrays, text = unpack(file)
    text["run"].pop("format")
    write_checkpoint(path, arrays, text)
    with pytest.raises(CheckpointError, match="format: the file has None, this run 4"):
        run(path)
