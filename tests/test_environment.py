"""The environment is made once, anew for another Python, and linked again where its folder goes."""

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """The script, for a folder of its own, with a pip that only writes down what it is asked for."""
    root = tmp_path / "a b é"
    (root / "tools").mkdir(parents=True)
    for name in ("tools/environment.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root / name)
    spec = importlib.util.spec_from_file_location("environment", root / "tools" / "environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.asked = []
    module.CREATE.append("--without-pip")  # it is not asked, and takes long to come
    monkeypatch.setattr(
        module.Environment, "pip", lambda self, title, *arguments: module.asked.append(arguments)
    )
    monkeypatch.chdir(root)
    return module


def run(tool, monkeypatch, *groups):
    monkeypatch.setattr(sys, "argv", ["environment.py", ".venv", *groups])
    tool.asked.clear()
    return tool.main()


def test_it_is_made_once_and_brought_up_to_date(tool, monkeypatch, capsys):
    assert run(tool, monkeypatch, "base") == 0
    assert tool.asked[0] == ("torch",), "torch goes first and alone"
    assert tool.asked[-1] == ("--no-build-isolation", "--editable", ".[docs,test,scale,lint,build]")
    assert "Making .venv" in capsys.readouterr().out

    assert run(tool, monkeypatch, "base") == 0
    assert tool.asked == [], "nothing changed, yet something was installed"
    assert capsys.readouterr().out == ""
    assert run(tool, monkeypatch, "base", "browser") == 0
    assert tool.asked == [("--no-build-isolation", "--editable", ".[browser]")]

    settings = tool.ROOT / "pyproject.toml"
    settings.write_text(settings.read_text().replace("line-length = 105", "line-length = 99"))
    assert run(tool, monkeypatch, "base") == 0
    assert tool.asked == [], "what ruff is told needs no installation"
    settings.write_text(settings.read_text().replace('"tqdm>=4.66"', '"tqdm>=4.67"'))
    assert run(tool, monkeypatch, "base") == 0
    assert tool.asked
    pins = tool.ROOT / "constraints.txt"
    pins.write_text(pins.read_text() + "colour==1.0\n")
    assert run(tool, monkeypatch, "base") == 0
    assert tool.asked


def test_another_python_gets_an_environment_without_anything_of_the_old_one(tool, monkeypatch):
    assert run(tool, monkeypatch, "base") == 0
    made = tool.ROOT / ".venv" / "made.json"
    record = json.loads(made.read_text())
    assert record["interpreter"].startswith(sys.version.split()[0])
    left = tool.ROOT / ".venv" / "of-the-old-one"
    left.touch()
    made.write_text(json.dumps(record | {"interpreter": "3.10.1 /opt"}))
    assert run(tool, monkeypatch, "base") == 0
    assert not left.exists()
    assert len(tool.asked) == 3, "the new environment is empty"


def test_a_moved_folder_is_linked_again_without_a_network(tool, monkeypatch, capsys):
    assert run(tool, monkeypatch, "base") == 0
    old = tool.ROOT
    script = old / ".venv" / "bin" / "some-tool"
    script.write_text(f"#!{old}/.venv/bin/python\nprint(1)\n")
    new = old.rename(old.parent / "elsewhere")
    monkeypatch.chdir(new)
    monkeypatch.setattr(tool, "ROOT", new)
    assert run(tool, monkeypatch, "base") == 0
    assert "moved or copied" in capsys.readouterr().out
    assert tool.asked == [("--no-index", "--no-deps", "--no-build-isolation", "--editable", ".")]
    text = (new / ".venv" / "bin" / "some-tool").read_text()
    assert text == f"#!{new}/.venv/bin/python\nprint(1)\n"
    assert run(tool, monkeypatch, "base") == 0
    assert tool.asked == []


def test_what_goes_wrong_is_said_without_a_traceback(tool, monkeypatch, capsys):
    def fail(self, title, *arguments):
        raise tool.InstallError("no network")

    monkeypatch.setattr(tool.Environment, "pip", fail)
    assert run(tool, monkeypatch, "base") == 1
    assert capsys.readouterr().out.endswith("no network\n")

    def interrupt(self, title, *arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(tool.Environment, "pip", interrupt)
    assert run(tool, monkeypatch, "base") == 130
    assert "goes on from there" in capsys.readouterr().out

    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    assert run(tool, monkeypatch, "base") == 1
    assert "needs Python 3.11 or newer" in capsys.readouterr().out


def test_pips_own_lines_become_a_few(tool, monkeypatch, capsys):
    show = tool.Progress()
    show.terminal = False
    for line in [
        "Collecting numpy",
        "  Downloading numpy-2.4.6-cp311-cp311-manylinux.whl.metadata (62 kB)",
        "Downloading numpy-2.4.6-cp311-cp311-manylinux.whl (16.9 MB)",
        "Downloading six-1.17-py3-none-any.whl (11 kB)",
        "Installing collected packages: numpy, six",
    ]:
        show.line(line)
    assert capsys.readouterr().out == "  downloading numpy, 16.9 MB\n  writing 2 packages\n"


@pytest.mark.skipif(os.name == "nt", reason="/dev/null is no folder")
def test_a_cache_that_cannot_be_written_is_noticed(tool, tmp_path):
    assert tool.writable_cache({"PIP_CACHE_DIR": str(tmp_path / "new" / "cache")})
    assert not tool.writable_cache({"XDG_CACHE_HOME": "/dev/null/cache"})
