"""Pack the pieces of Python that a page runs into scripts, which open from a folder as from a server.

A page opened by double click may load scripts and nothing else. So the pieces travel as text in two of
them: ``core.js`` (Python, NumPy, lecturecode) and ``plots.js`` (Matplotlib), each one call
``liveFiles({name: text, ...})``, where the text is the file, packed by gzip and written in base64.
"""

import argparse
import base64
import contextlib
import email
import fnmatch
import gzip
import importlib.metadata
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pieces
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DOCS = Path(__file__).parent.resolve()
ROOT = DOCS.parent
TABLE = DOCS / "live" / "pieces.toml"
CACHE = "LECTURECODE_PIECES"  # another folder for the cache; nothing: pages without Python
SCRIPTS = ("core", "plots")
PLAIN = "py3-none-any.whl"
NEVER = ("*.pyi", "*/tests/*", "*_tests.*", "*/py.typed", "*.pyc")  # what no run reads
EPOCH = (1980, 1, 1, 0, 0, 0)  # the time of every packed file, so that equal files pack equally

Files = dict[str, dict[str, bytes]]  # the files of each script, by name


def cache_folder() -> Path:
    """Return where the pieces are kept."""
    return Path(os.environ.get(CACHE) or ROOT / ".cache" / "live")


# -- wheels ----------------------------------------------------------------------------------


def archive(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip of files that are not compressed, since all of it will be."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as made:
        for name, data in sorted(files):
            info = zipfile.ZipInfo(name, EPOCH)
            info.external_attr = 0o644 << 16
            made.writestr(info, data)
    return whole.getvalue()


def slim(wheel: bytes, piece: dict[str, Any] | None = None) -> bytes:
    """Return a wheel without what no page needs."""
    piece = piece or {}
    patterns = (*NEVER, *piece.get("without", ()))
    with zipfile.ZipFile(io.BytesIO(wheel)) as given:
        files = {
            name: given.read(name)
            for name in given.namelist()
            if not name.endswith("/") and not any(fnmatch.fnmatch(name, p) for p in patterns)
        }
    if "fonts" in piece:
        files[piece["fonts"]] = fonts_there(files[piece["fonts"]], files)
    return archive(files.items())


def fonts_there(listed: bytes, files: Iterable[str]) -> bytes:
    """Return Matplotlib's list of fonts without those that were left out."""
    told = json.loads(listed)
    for kind in ("afmlist", "ttflist"):
        told[kind] = [f for f in told[kind] if f"matplotlib/mpl-data/{f['fname']}" in files]
    return json.dumps(told).encode()


def own_wheel() -> tuple[str, bytes]:
    """Return lecturecode's own wheel, built from the sources at hand by its build backend."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"lecturecode's wheel was not built: {done.stderr.strip()[-500:]}")
        (wheel,) = Path(folder).glob("*.whl")
        return wheel.name, wheel.read_bytes()


def installed_wheel(name: str) -> tuple[str, bytes]:
    """Return a plain Python package, as it stands in this environment, as a wheel."""
    found = importlib.metadata.distribution(name)
    paths = {path.as_posix(): path.locate() for path in found.files or []}
    binaries = [where for where in paths if where.endswith((".so", ".pyd"))]
    if binaries:
        raise RuntimeError(f"{name} is not plain Python here: it has {binaries[0]}")
    members = {
        where: path.read_bytes()
        for where, path in paths.items()
        if not where.startswith("../") and path.name not in ("INSTALLER", "RECORD", "REQUESTED")
    }
    wheel = f"{canonicalize_name(name).replace('-', '_')}-{found.version}-{PLAIN}"
    return wheel, archive(members.items())


def needs(name: str) -> list[str]:
    """Return what an installed package requires, itself first, and what that requires."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        found[name] = None
        for text in importlib.metadata.requires(name) or []:
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                waiting.append(wanted.name)
    return list(found)


def metadata_of(wheel: bytes) -> Any:
    """Return what a wheel says of itself."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as members:
        (name,) = (n for n in members.namelist() if n.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(members.read(name))


def requirements(wheel: bytes) -> set[str]:
    """Return the names of the packages that a wheel requires, options aside."""
    required = [Requirement(text) for text in metadata_of(wheel).get_all("Requires-Dist", [])]
    return {canonicalize_name(r.name) for r in required if "extra ==" not in str(r.marker)}


def imports_of(wheel: bytes) -> list[str]:
    """Return the names that a wheel lets a program import."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as members:
        tops = {name.split("/")[0] for name in members.namelist()}
    return sorted(top.removesuffix(".py") for top in tops if not top.endswith((".dist-info", ".data")))


# -- the lock that the page reads --------------------------------------------------------------


def entry(file: str, wheel: bytes, depends: Iterable[str]) -> dict[str, Any]:
    """Return what Pyodide's lock says of one package."""
    told = metadata_of(wheel)
    return {
        "name": canonicalize_name(told["Name"]),
        "version": told["Version"],
        "file_name": file,
        "install_dir": "site",
        "sha256": pieces.digest(wheel),
        "package_type": "package",
        "imports": imports_of(wheel),
        "depends": sorted(depends),
        "unvendored_tests": False,
    }


def their_wheels(table: dict[str, Any], cache: Path) -> Files:
    """Return the wheels of each script but lecturecode's, without what no page needs."""
    wheels: Files = {script: {} for script in SCRIPTS}
    for piece in table["piece"]:
        if "package" in piece:
            wheels[piece["script"]][piece["file"]] = slim((cache / piece["file"]).read_bytes(), piece)
    for script in SCRIPTS:
        for name in from_environment(table, script):
            file, wheel = installed_wheel(name)
            wheels[script][file] = slim(wheel)
    return wheels


def from_environment(table: dict[str, Any], script: str) -> list[str]:
    """Return the names of the packages that a script takes out of this environment."""
    names = {name for given in table["environment"][script] for name in needs(given)}
    return sorted(names - set(table["environment"]["left_out"]))


def lock_of(wheels: Files, cache: Path) -> dict[str, Any]:
    """Return Pyodide's lock for the packages that are packed, with what they are now."""
    lock = json.loads((cache / pieces.LOCK).read_text(encoding="utf-8"))
    found: dict[str, Any] = {}
    for script in SCRIPTS:  # what is in the first script needs nothing of the second
        for file, wheel in wheels[script].items():
            found[file] = entry(file, wheel, [])
        names = {package["name"] for package in found.values()}
        for file, wheel in wheels[script].items():
            found[file]["depends"] = sorted(requirements(wheel) & names)
    lock["packages"] = {package["name"]: package for package in found.values()}
    return lock


# -- bytecode --------------------------------------------------------------------------------


def node() -> str | None:
    """Return a node that can run Pyodide: the system's, or the one that comes with the browser tests."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for path in importlib.metadata.files("playwright") or []:
            if path.as_posix() == "playwright/driver/node":
                return str(path.locate())
    return shutil.which("node")


def compiled(core: dict[str, bytes], wheels: Files, imports: list[str], cache: Path) -> dict[str, bytes]:
    """Return the files that hold modules, with the bytecode of those that pages import."""
    files = core | {file: wheel for script in SCRIPTS for file, wheel in wheels[script].items()}
    program = node()
    if program is None:
        return files
    with tempfile.TemporaryDirectory() as folder:
        for file, data in files.items():
            (Path(folder) / file).write_bytes(data)
        (Path(folder) / pieces.LOCK).write_text(json.dumps(lock_of(wheels, cache)))
        command = [program, str(DOCS / "live" / "compile.mjs"), folder, *imports]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"Pages start slower, since modules were not compiled: {done.stderr.strip()[-300:]}")
            return files
        made = (Path(folder) / "compiled.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(made)) as added:
        for file in {member.partition("/")[0] for member in added.namelist()}:
            with zipfile.ZipFile(io.BytesIO(files[file])) as given:
                members = {name: given.read(name) for name in given.namelist()}
            for name in added.namelist():
                if name.startswith(f"{file}/"):
                    members[name.removeprefix(f"{file}/")] = added.read(name)
            files[file] = archive(members.items())
    return files


# -- scripts ---------------------------------------------------------------------------------


def line_of(name: str, data: bytes) -> str:
    """Return one file as a line of a script, packed and written as text."""
    text = base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()
    return f"{json.dumps(name)}: {json.dumps(text)}"


def script_of(lines: Iterable[str]) -> str:
    """Return a script that hands files to the page."""
    return "liveFiles({\n" + ",\n".join(lines) + "\n});\n"


# -- licences --------------------------------------------------------------------------------

LICENCE_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Licences of what runs in the pages</title>
<style>body {{ font-family: sans-serif; line-height: 1.5; max-width: 45rem; margin: 2rem auto;
padding: 0 1rem; color-scheme: light dark; }}</style>
<main>
<h1>Licences of what runs in the pages</h1>
<p>The pages run Pyodide {pyodide}, which is Python for the browser, and the packages below.
What no page needs was left out of the packages; nothing else was changed.
Pyodide's source is at https://github.com/pyodide/pyodide/tree/{pyodide}.
Portions of this software are copyright the FreeType Project (www.freetype.org); all rights reserved.
This software is based in part on the work of the Independent JPEG Group.</p>
<ul>
{items}
</ul>
</main>
</html>
"""


def is_licence(member: str) -> bool:
    """Tell whether a member of a wheel is the text of a licence."""
    name = member.rpartition("/")[2].upper()
    return name.startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE")) and not name.endswith(".PY")


def licences(wheels: Iterable[bytes]) -> dict[str, bytes]:
    """Return the texts of the licences of all that is packed, by the name of a file.

    Raises
    ------
    RuntimeError
        If a package has none, and ``docs/live/licences`` has none for it either.
    """
    own = {path.stem: path.read_bytes() for path in sorted((DOCS / "live" / "licences").glob("*.txt"))}
    texts = {f"{name}.txt": text for name, text in own.items()}
    for wheel in wheels:
        name = canonicalize_name(metadata_of(wheel)["Name"])
        with zipfile.ZipFile(io.BytesIO(wheel)) as members:
            found = {member: members.read(member) for member in members.namelist() if is_licence(member)}
        for member, text in found.items():
            if text not in texts.values():  # NumPy has some of its licences in two places
                short = member.partition(".dist-info/")[2] or member
                short = short.removeprefix("licenses/").replace("/", "-").removesuffix(".txt")
                texts[f"{name}-{short}.txt"] = text
        if not found and name not in own:
            raise RuntimeError(f"{name} comes without a licence: add docs/live/licences/{name}.txt")
    return texts


def licence_page(names: Iterable[str], pyodide: str) -> str:
    """Return a page that leads to each licence."""
    items = "\n".join(
        f'<li><a href="{name}">{name.removesuffix(".txt")}</a></li>' for name in sorted(names)
    )
    return LICENCE_PAGE.format(pyodide=pyodide, items=items)


# -- all of it -------------------------------------------------------------------------------


def stamp(paths: Iterable[Path], words: Iterable[str]) -> str:
    """Return a hash over files and words."""
    parts = list(words)
    for path in paths:
        if path.is_file() and "__pycache__" not in path.parts:
            parts += [Path(os.path.relpath(path, ROOT)).as_posix(), pieces.digest(path.read_bytes())]
    return pieces.digest("\n".join(parts).encode())


def their_stamp(table: dict[str, Any], path: Path) -> str:
    """Return a hash over all that the pieces of others are packed from."""
    names = [name for script in SCRIPTS for name in from_environment(table, script)]
    words = [f"{name}=={importlib.metadata.version(name)}" for name in names]
    made_by = [path, Path(pieces.__file__), Path(__file__), DOCS / "live" / "compile.mjs"]
    licence_texts = sorted((DOCS / "live" / "licences").glob("*.txt"))
    return stamp([*made_by, *licence_texts], [*words, f"node {node() is not None}"])


def our_stamp() -> str:
    """Return a hash over all that lecturecode's wheel is built from."""
    sources = sorted((ROOT / "src" / "lecturecode").rglob("*"))
    return stamp([ROOT / "pyproject.toml", ROOT / "README.md", *sources], [])


def pack_theirs(folder: Path, table: dict[str, Any], cache: Path) -> None:
    """Write what does not change with lecturecode: lines of both scripts, licences, the lock."""
    print("Packing Python for the pages, once.", flush=True)
    core = {
        piece["file"]: (cache / piece["file"]).read_bytes()
        for piece in table["piece"]
        if "package" not in piece and piece["file"] != pieces.LOCK
    }
    wheels = their_wheels(table, cache)
    files = compiled(core, wheels, table["compiled"]["imports"], cache)
    if files["python_stdlib.zip"] != core["python_stdlib.zip"]:
        (folder / "compiled").touch()
    wheels = {script: {file: files[file] for file in wheels[script]} for script in SCRIPTS}
    (folder / "LICENSES").mkdir()
    for name, text in licences(w for script in SCRIPTS for w in wheels[script].values()).items():
        (folder / "LICENSES" / name).write_bytes(text)
    (folder / "lock.json").write_text(json.dumps(lock_of(wheels, cache), sort_keys=True))
    lines = {"core": [*core, *wheels["core"]], "plots": [*wheels["plots"]]}
    for script, names in lines.items():
        text = ",\n".join(line_of(name, files[name]) for name in names)
        (folder / f"{script}.lines").write_text(text, encoding="ascii")


def packed_pieces(table: dict[str, Any], path: Path, cache: Path) -> Path:
    """Return the folder of the cache that holds the pieces of others, packed."""
    folder = cache / "packed" / their_stamp(table, path)
    if not folder.is_dir():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as made:
            whole = Path(made) / "whole"
            whole.mkdir()
            pack_theirs(whole, table, cache)
            try:
                os.replace(whole, folder)
            except OSError:
                if not folder.is_dir():  # another build was not faster
                    raise
        for other in folder.parent.iterdir():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
    return folder


def write(out: Path, packed: Path, table: dict[str, Any]) -> dict[str, Any]:
    """Write both scripts and the licences; return what the site says of them."""
    file, wheel = own_wheel()
    wheel = slim(wheel)
    lock = json.loads((packed / "lock.json").read_text(encoding="utf-8"))
    core = {"numpy", *table["environment"]["core"]}
    lock["packages"]["lecturecode"] = entry(file, wheel, requirements(wheel) & core)
    own = [line_of(pieces.LOCK, json.dumps(lock, sort_keys=True).encode()), line_of(file, wheel)]

    out.mkdir(parents=True, exist_ok=True)
    theirs = {script: (packed / f"{script}.lines").read_text(encoding="ascii") for script in SCRIPTS}
    scripts = {"core.js": [theirs["core"], *own], "plots.js": [theirs["plots"]]}
    for name, lines in scripts.items():
        (out / name).write_text(script_of(lines), encoding="ascii")
    texts = licences([wheel])
    shutil.rmtree(out / "LICENSES", ignore_errors=True)
    shutil.copytree(packed / "LICENSES", out / "LICENSES")
    for name, text in texts.items():
        (out / "LICENSES" / name).write_bytes(text)
    page = licence_page([path.name for path in (out / "LICENSES").iterdir()], table["pyodide"])
    (out / "LICENSES" / "index.html").write_text(page, encoding="utf-8")
    return {
        "available": True,
        "reason": "",
        "pyodide": table["pyodide"],
        "python": table["python"],
        "packages": {name: package["version"] for name, package in lock["packages"].items()},
        "compiled": (packed / "compiled").is_file(),
        "bytes": {name: (out / name).stat().st_size for name in scripts},
    }


def prepare(out: Path, path: Path = TABLE) -> dict[str, Any]:
    """Make the folder that the site ships, if anything that it is made of changed.

    Returns what ``live.json`` in that folder says: whether pages can run Python, and if not, why not.
    """
    state = out / "live.json"
    if not path.is_file() or os.environ.get(CACHE) == "":
        return unavailable(out, "this build was asked to leave Python out of the pages")
    cache = cache_folder()
    try:
        table = pieces.table_of(path)
        pieces.fetch(table, cache)
        pieces.check_against_lock(table, cache)
        made_of = f"{their_stamp(table, path)} {our_stamp()}"
        if state.is_file():
            before = json.loads(state.read_text(encoding="utf-8"))
            if before.get("made_of") == made_of:
                return before
        told = write(out, packed_pieces(table, path, cache), table) | {"made_of": made_of}
    except (pieces.MissingPieceError, OSError) as error:
        print(f"Pages are built without running code in them: {error}.", flush=True)
        return unavailable(out, str(error))
    state.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return told


def publish(made: Path, target: Path) -> None:
    """Bring a site's copy of the folder up to date, with the scripts that go with it."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(made, target)
    for script in (DOCS / "live").glob("*.js"):
        shutil.copy(script, target)


def unavailable(out: Path, reason: str) -> dict[str, Any]:
    """Leave a folder that says that pages cannot run Python."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    told = {"available": False, "reason": reason}
    (out / "live.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    return told


def main() -> int:
    """Pack the pieces into a folder, and say what it holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    told = prepare(parser.parse_args().folder)
    print(json.dumps(told, indent=1))
    return 0 if told["available"] else 1


if __name__ == "__main__":
    sys.exit(main())
