"""The pieces of Python that pages run: fetched from where they are, verified, kept, packed."""

import gzip
import hashlib
import http.server
import io
import json
import re
import subprocess
import sys
import tarfile
import threading
import tomllib
import zipfile
from base64 import b64decode
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

import fingerprints  # noqa: E402
import packing  # noqa: E402
import pieces  # noqa: E402

PARTS = {"one.whl": b"1" * 300_000, "two.whl": bytes(range(256)) * 2000, "core.mjs": b"core"}
PADDING = b"\0" * 4_000_000


class Handler(http.server.SimpleHTTPRequestHandler):
    """A server of files that answers ranges, or not."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not (asked and self.server.ranges and path.is_file()):
            self.server.sent += path.stat().st_size if path.is_file() else 0
            return super().do_GET()
        data, (first, last) = path.read_bytes(), map(int, asked.groups())
        part = data[first : last + 1]
        self.server.sent += len(part)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as made:
        made.ranges, made.sent, made.folder = True, 0, folder
        made.url = f"http://127.0.0.1:{made.server_port}"
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


PIP_SETTING = pieces.pip_setting.__wrapped__


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch):
    """This machine's pip and npm may be set up for other registries."""
    monkeypatch.setattr(pieces, "pip_setting", lambda name: "")
    monkeypatch.setattr(pieces, "npm_registry", lambda: "")
    monkeypatch.setattr(pieces, "TIMEOUT", 5)


@pytest.fixture
def table(server):
    """Return three pieces and three kinds of sources."""
    url, folder = server.url, server.folder
    for name, data in PARTS.items():
        (folder / name).write_bytes(data)
    (folder / "simple" / "other").mkdir(parents=True)
    link = '<a href="../../other-1.whl#sha256=0">other-1.whl</a>'
    (folder / "simple" / "other" / "index.html").write_text(link)
    with zipfile.ZipFile(folder / "other-1.whl", "w") as wheel:
        wheel.writestr("padding", PADDING)
        for name, data in PARTS.items():
            wheel.writestr(f"inside/{name}", data)
    (folder / "tool" / "-").mkdir(parents=True)
    with tarfile.open(folder / "tool" / "-" / "tool-2.tgz", "w:gz") as package:
        info = tarfile.TarInfo("package/core.mjs")
        info.size = len(PARTS["core.mjs"])
        package.addfile(info, io.BytesIO(PARTS["core.mjs"]))
    npm = {"kind": "npm", "package": "tool", "version": "2", "registry": url, "folder": "package"}
    other = {"package": "other", "wheel": "other-1.whl", "index": f"{url}/simple", "folder": "inside"}
    sources = {"npm": ["core.mjs"], "cdn": ["one.whl"], "index": ["two.whl"]}
    return {
        "source": {
            "npm": npm,
            "cdn": {"kind": "folder", "url": url},
            "index": {"kind": "wheel", **other},
        },
        "piece": [
            {"file": name, "sha256": hashlib.sha256(PARTS[name]).hexdigest(), "sources": [source]}
            for source, names in sources.items()
            for name in names
        ],
    }


def everything_is_there(cache):
    return all((cache / name).read_bytes() == data for name, data in PARTS.items())


def only(table, file, *sources):
    (piece,) = (piece for piece in table["piece"] if piece["file"] == file)
    return table | {"piece": [piece | {"sources": list(sources)}]}


# --- fetching -------------------------------------------------------------------------------------


def test_each_kind_of_source_gives_its_pieces_and_only_once(table, server, tmp_path, capsys):
    cache = tmp_path / "a book" / ".cache" / "live"
    pieces.fetch(table, cache)
    assert everything_is_there(cache)
    assert sorted(path.name for path in cache.iterdir()) == sorted(PARTS)
    said, sent = capsys.readouterr().out, server.sent
    assert "3 files" in said
    assert "two.whl, 0.5 MB, from index" in said
    pieces.fetch(table, cache)
    assert server.sent == sent
    assert capsys.readouterr().out == ""


def test_only_the_wanted_members_of_a_wheel_travel(table, server, tmp_path):
    pieces.fetch(only(table, "two.whl", "index"), tmp_path / "cache")
    assert len(PARTS["two.whl"]) < server.sent < len(PARTS["two.whl"]) + 500_000 < len(PADDING)


def test_a_server_without_ranges_gives_the_whole_wheel(table, server, tmp_path):
    server.ranges = False
    pieces.fetch(only(table, "two.whl", "index"), tmp_path / "cache")
    assert (tmp_path / "cache" / "two.whl").read_bytes() == PARTS["two.whl"]
    assert server.sent > len(PADDING)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["two.whl"]


def test_a_corrupted_piece_is_refused_and_the_next_source_is_asked(table, server, tmp_path):
    (server.folder / "one.whl").write_bytes(PARTS["one.whl"][:-1] + b"2")
    pieces.fetch(only(table, "one.whl", "cdn", "index"), tmp_path / "cache")
    assert (tmp_path / "cache" / "one.whl").read_bytes() == PARTS["one.whl"]


def test_a_piece_that_is_corrupted_everywhere_is_refused_by_name_and_hash(table, server, tmp_path):
    wrong = PARTS["one.whl"] + b"!"
    (server.folder / "one.whl").write_bytes(wrong)
    with pytest.raises(pieces.MissingPieceError) as raised:
        pieces.fetch(only(table, "one.whl", "cdn"), tmp_path / "cache")
    found, wanted = (hashlib.sha256(data).hexdigest() for data in (wrong, PARTS["one.whl"]))
    assert f"cdn: one.whl is refused: its sha256 is {found}, not {wanted}" in str(raised.value)
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_is_nowhere_is_named_with_what_each_source_said(table, server, tmp_path):
    (server.folder / "one.whl").unlink()
    (server.folder / "other-1.whl").unlink()
    table["source"]["npm"]["registry"] = "http://127.0.0.1:9"  # nobody listens
    table["piece"][0]["sources"].append("cdn")  # which still has it
    with pytest.raises(
        pieces.MissingPieceError, match=r"^one\.whl, two\.whl could not be had"
    ) as raised:
        pieces.fetch(table, tmp_path / "cache")
    for said in ("npm: ", "cdn: one.whl: HTTP Error 404", "index: HTTP Error 404"):
        assert said in str(raised.value)
    assert (tmp_path / "cache" / "core.mjs").read_bytes() == PARTS["core.mjs"]


def test_a_connection_that_breaks_off_is_no_piece(table, server, tmp_path, monkeypatch):
    cut = {"do_GET": lambda self: self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nab")}
    monkeypatch.setattr(server, "RequestHandlerClass", type("Cut", (Handler,), cut))
    server.RequestHandlerClass = partial(server.RequestHandlerClass, directory=server.folder)
    with pytest.raises(pieces.MissingPieceError, match=r"core\.mjs"):
        pieces.fetch(table, tmp_path / "cache")


def test_a_damaged_cache_is_mended(table, tmp_path):
    cache = tmp_path / "cache"
    pieces.fetch(table, cache)
    (cache / "one.whl").write_bytes(b"")
    pieces.fetch(table, cache)
    assert everything_is_there(cache)


def test_no_network_is_needed_where_the_cache_is_full(table, server, tmp_path):
    pieces.fetch(table, tmp_path / "cache")
    for source in table["source"].values():
        source["registry"] = source["index"] = source["url"] = "http://127.0.0.1:9"
    pieces.fetch(table, tmp_path / "cache")


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        (
            "global.index-url='https://a/simple'\nglobal.extra-index-url='https://b'\n",
            "https://a/simple",
        ),
        ("global.index-url='https://a'\n:env:.index-url='https://c'\n", "https://c"),
        ("global.cert='/etc/ssl/ca.crt'\n", ""),
        ("", ""),
    ],
)
def test_the_index_is_the_one_that_pip_is_set_up_for(listed, found, monkeypatch):
    done = subprocess.CompletedProcess([], 0, stdout=listed)
    monkeypatch.setattr(pieces.subprocess, "run", lambda *_, **__: done)
    assert PIP_SETTING("index-url") == found


# --- the table ------------------------------------------------------------------------------------


def test_the_table_is_whole():
    table = pieces.table_of(packing.TABLE)
    files = [piece["file"] for piece in table["piece"]]
    assert len(files) == len(set(files))
    for piece in table["piece"]:
        assert re.fullmatch(r"[0-9a-f]{64}", piece["sha256"])
        assert piece["sources"]
        assert set(piece["sources"]) <= set(table["source"])
        assert piece["sources"] == sorted(piece["sources"], key=list(table["source"]).index)
        assert piece["licence"]
        assert piece["script"] in packing.SCRIPTS
        if "package" in piece:
            assert f"{piece['package']}-{piece['version']}-" in piece["file"]
    assert table["pyodide"] == table["source"]["npm"]["version"]
    assert f"/v{table['pyodide']}/" in table["source"]["cdn"]["url"]
    assert {source["kind"] for source in table["source"].values()} <= set(pieces.KINDS)


def test_a_table_that_the_lock_does_not_confirm_is_refused(tmp_path):
    locked = {"toy": {"file_name": "toy-1.whl", "sha256": "aa"}}
    (tmp_path / pieces.LOCK).write_text(json.dumps({"packages": locked}))
    piece = {"package": "toy", "file": "toy-1.whl", "sha256": "aa"}
    pieces.check_against_lock({"piece": [piece]}, tmp_path)
    with pytest.raises(pieces.MissingPieceError, match=r"toy-1.whl is not the one"):
        pieces.check_against_lock({"piece": [piece | {"sha256": "ab"}]}, tmp_path)


# --- packing --------------------------------------------------------------------------------------


def wheel_of(name, *requires, **members):
    told = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
    told += "".join(f"Requires-Dist: {text}\n" for text in requires)
    files = {f"{name}-1.dist-info/METADATA": told, f"{name}/__init__.py": "x = 1\n", **members}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as wheel:
        for member, text in files.items():
            wheel.writestr(member, text)
    return made.getvalue()


def members_of(wheel):
    with zipfile.ZipFile(io.BytesIO(wheel)) as given:
        return {name: given.read(name) for name in given.namelist()}


def unpacked(script):
    """Return the files that a script hands to the page."""
    told = json.loads(script.removeprefix("liveFiles(").removesuffix(");\n"))
    return {name: gzip.decompress(b64decode(text)) for name, text in told.items()}


def test_a_wheel_is_packed_without_what_no_page_needs():
    members = {"toy/a.pyi": "", "toy/tests/test_a.py": "", "toy/data/big.csv": "", "toy/b.py": ""}
    slim = packing.slim(wheel_of("toy", **members), {"without": ["*/data/*"]})
    assert set(members_of(slim)) == {"toy-1.dist-info/METADATA", "toy/__init__.py", "toy/b.py"}
    assert packing.slim(slim) == slim


def test_the_order_of_files_does_not_matter_to_an_archive():
    files = [("b.py", b"2"), ("a.py", b"1")]
    assert packing.archive(files) == packing.archive(files[::-1])


def test_fonts_that_were_left_out_are_not_listed():
    listed = {
        "afmlist": [{"fname": "fonts/afm/a.afm"}],
        "ttflist": [{"fname": f"{n}.ttf"} for n in "ab"],
    }
    members = {"toy/fontlist.json": json.dumps(listed), "matplotlib/mpl-data/b.ttf": ""}
    slim = packing.slim(wheel_of("toy", **members), {"fonts": "toy/fontlist.json"})
    told = json.loads(members_of(slim)["toy/fontlist.json"])
    assert told == {"afmlist": [], "ttflist": [{"fname": "b.ttf"}]}


def test_a_script_hands_over_the_files_as_they_were():
    files = {"a.mjs": b"export {}", "b.wasm": bytes(range(256))}
    script = packing.script_of(packing.line_of(name, data) for name, data in files.items())
    assert unpacked(script) == files


def test_a_package_without_a_licence_is_refused():
    given = wheel_of("toy", **{"toy-1.dist-info/licenses/LICENSE": "Do what you like."})
    assert packing.licences([given])["toy-LICENSE.txt"] == b"Do what you like."
    with pytest.raises(RuntimeError, match="toy comes without a licence"):
        packing.licences([wheel_of("toy")])


def test_what_is_installed_becomes_the_wheel_that_it_was():
    name, wheel = packing.installed_wheel("array-api-compat")
    assert re.fullmatch(r"array_api_compat-[\d.]+-py3-none-any\.whl", name)
    assert packing.metadata_of(wheel)["Name"] == "array-api-compat"
    assert packing.imports_of(wheel) == ["array_api_compat"]
    with pytest.raises(RuntimeError, match="numpy is not plain Python here"):
        packing.installed_wheel("numpy")


@pytest.fixture
def small(table, server, tmp_path, monkeypatch):
    """A table of two packages, with the cache that it is fetched into."""
    wheels = {"numpy": wheel_of("numpy"), "matplotlib": wheel_of("matplotlib", "numpy", "cycler")}
    for script, (name, wheel) in zip(packing.SCRIPTS, wheels.items(), strict=True):
        wheel = wheel_of(name, *packing.metadata_of(wheel).get_all("Requires-Dist", []), LICENSE="free")
        wheels[name] = (script, wheel)
    locked = {
        name: {"file_name": f"{name}-1.whl", "sha256": hashlib.sha256(wheel).hexdigest()}
        for name, (_, wheel) in wheels.items()
    }
    lock = json.dumps({"info": {"python": "3.14.0"}, "packages": locked}).encode()
    stdlib = wheel_of("stdlib")
    for file, data in {pieces.LOCK: lock, "python_stdlib.zip": stdlib}.items():
        (server.folder / file).write_bytes(data)
    lines = [
        'pyodide = "1"',
        'python = "3.14.2"',
        "[source.cdn]",
        'kind = "folder"',
        f'url = "{server.url}"',
    ]
    lines += ["[environment]", 'core = ["array-api-compat"]', 'plots = ["cycler"]', "left_out = []"]
    lines += ["[compiled]", "imports = []"]
    for file, data in {pieces.LOCK: lock, "python_stdlib.zip": stdlib}.items():
        lines += ["[[piece]]", f'file = "{file}"', f'sha256 = "{hashlib.sha256(data).hexdigest()}"']
        lines += ['script = "core"', 'sources = ["cdn"]']
    for name, (script, wheel) in wheels.items():
        (server.folder / f"{name}-1.whl").write_bytes(wheel)
        lines += ["[[piece]]", f'package = "{name}"', f'file = "{name}-1.whl"', f'script = "{script}"']
        lines += [f'sha256 = "{hashlib.sha256(wheel).hexdigest()}"', 'sources = ["cdn"]']
    path = tmp_path / "pieces.toml"
    path.write_text("\n".join(lines))
    tomllib.loads(path.read_text())
    monkeypatch.setenv(packing.CACHE, str(tmp_path / "a cache"))
    monkeypatch.setattr(packing, "node", lambda: None)
    return path


def test_the_scripts_are_packed_once_and_equally(small, tmp_path, server):
    out = tmp_path / "out"
    told = packing.prepare(out, small)
    assert told["available"]
    assert set(told["packages"]) == {"numpy", "array-api-compat", "lecturecode", "matplotlib", "cycler"}
    core, plots = (unpacked((out / f"{script}.js").read_text()) for script in packing.SCRIPTS)
    packages = json.loads(core[pieces.LOCK])["packages"]
    assert packages["lecturecode"]["depends"] == ["array-api-compat", "numpy"]
    assert packages["matplotlib"]["depends"] == ["cycler", "numpy"]
    files = core | plots
    for package in packages.values():
        assert hashlib.sha256(files[package["file_name"]]).hexdigest() == package["sha256"]
    own = members_of(files[packages["lecturecode"]["file_name"]])
    source = (ROOT / "src" / "lecturecode" / "descent.py").read_bytes()
    assert own["lecturecode/descent.py"] == source
    page = (out / "LICENSES" / "index.html").read_text()
    for text in (out / "LICENSES").glob("*.txt"):
        assert f'href="{text.name}"' in page

    first = {path.name: path.read_bytes() for path in out.glob("*.js")}
    times = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    sent = server.sent
    assert packing.prepare(out, small) == told
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == times
    assert packing.prepare(tmp_path / "again", small) == told
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").glob("*.js")} == first
    assert server.sent == sent


def test_without_a_piece_the_site_is_told_why(small, tmp_path, server, capsys):
    (server.folder / "numpy-1.whl").unlink()
    out = tmp_path / "out"
    told = packing.prepare(out, small)
    assert not told["available"]
    assert told["reason"].startswith("numpy-1.whl could not be had (cdn: numpy-1.whl: HTTP Error 404")
    assert json.loads((out / "live.json").read_text()) == told
    assert [path.name for path in out.iterdir()] == ["live.json"]
    assert "Pages are built without running code in them" in capsys.readouterr().out


def test_a_build_can_be_asked_to_leave_python_out(small, tmp_path, monkeypatch, server):
    monkeypatch.setenv(packing.CACHE, "")
    assert not packing.prepare(tmp_path / "out", small)["available"]
    assert server.sent == 0


def test_pages_are_written_again_when_what_they_say_changes(tmp_path):
    state = tmp_path / "live.json"
    told = {"available": True, "python": "3.14.2", "bytes": {"core.js": 12_100_000}, "made_of": "a"}

    def live(**changed):
        state.write_text(json.dumps(told | changed))
        return fingerprints.live(state)

    assert live() == live(made_of="b", bytes={"core.js": 12_100_300})
    assert live() != live(python="3.14.3")
    assert live() != live(available=False)


def test_publishing_leaves_nothing_of_an_earlier_build(tmp_path):
    made, site = tmp_path / "made", tmp_path / "site"
    made.mkdir()
    (made / "live.json").write_text("{}")
    site.mkdir()
    (site / "core.js").write_text("old")
    packing.publish(made, site)
    assert not (site / "core.js").exists()
    assert (site / "live.json").read_text() == "{}"
