"""The pieces of Python that a page runs: fetched once, verified, kept beside the environment.

``docs/live/pieces.toml`` is the table of them. A piece that is not in the cache is asked for at its
sources, one after the other, and refused where its sha256 is another than the table's.
"""

import contextlib
import functools
import hashlib
import html.parser
import http.client
import io
import json
import os
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

TIMEOUT = 20  # seconds without a byte
BLOCK = 1 << 16
LOCK = "pyodide-lock.json"
ABSENT = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, tarfile.TarError)
ABSENT += (http.client.HTTPException,)

Answers = Iterator[tuple[str, bytes | Exception]]
"""Files of a source, each with its bytes or with why this one is not there."""


class MissingPieceError(Exception):
    """A piece that no source gave, with what each of them said."""


def table_of(path: Path) -> dict[str, Any]:
    """Return the table of pieces and sources."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def digest(data: bytes) -> str:
    """Return the sha256 of some bytes, as the table writes it."""
    return hashlib.sha256(data).hexdigest()


def wrong(piece: dict[str, Any], data: bytes) -> str:
    """Say that these bytes are not the piece; nothing if they are."""
    found = digest(data)
    if found == piece["sha256"]:
        return ""
    return f"{piece['file']} is refused: its sha256 is {found}, not {piece['sha256']}"


# -- how this machine reaches registries -----------------------------------------------------


@functools.cache
def pip_setting(name: str) -> str:
    """Return one of pip's settings, from its files or the environment; nothing if it is not set."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, option = key.rpartition(".")
        if option == name:
            found[section] = value.strip("'\"")
    return found.get(":env:") or found.get("install") or found.get("global") or ""


def npm_registry() -> str:
    """Return the registry that npm is set up for; nothing where there is no npm."""
    npm = shutil.which("npm")
    if npm is None:
        return ""
    asked = subprocess.run(
        [npm, "config", "get", "registry"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() if asked.stdout.startswith("http") else ""


@functools.cache
def certificates() -> ssl.SSLContext:
    """Trust what Python trusts, and the certificates that pip was told of."""
    context = ssl.create_default_context()
    extra = pip_setting("cert")
    if extra and Path(extra).is_file():
        context.load_verify_locations(extra)
    return context


def opened(url: str, headers: dict[str, str] | None = None) -> Any:
    """Open an address; proxies are those of the environment."""
    context = certificates() if url.startswith("https:") else None
    request = urllib.request.Request(url, headers=headers or {})
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT, context=context)
    except urllib.error.HTTPError as error:
        error.close()
        raise


# -- sources ---------------------------------------------------------------------------------


class Ranges(io.RawIOBase):
    """A file on a server, of which only the parts that are read travel."""

    def __init__(self, url: str, size: int):
        self.url, self.size, self.place = url, size, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any part of it can be read."""
        return True

    def tell(self) -> int:
        """Return the place that is read next."""
        return self.place

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, as in any file."""
        self.place = (0, self.place, self.size)[whence] + offset
        return self.place

    def readinto(self, buffer: Any) -> int:
        """Ask for as many bytes as the buffer holds."""
        count = min(len(buffer), self.size - self.place)
        if count <= 0:
            return 0
        last = self.place + count - 1
        with opened(self.url, {"Range": f"bytes={self.place}-{last}"}) as answer:
            data = answer.read()
        if answer.status != 206 or len(data) != count:
            raise OSError(f"{self.url} gave {len(data)} bytes where {count} were asked for")
        buffer[:count] = data
        self.place += count
        return count


@contextlib.contextmanager
def remote(url: str, spare: Path) -> Iterator[BinaryIO]:
    """Open a file on a server for reading anywhere: by ranges, or else all of it, in `spare`."""
    with opened(url, {"Range": "bytes=0-0"}) as answer:
        total = answer.headers.get("Content-Range", "").rpartition("/")[2]
        if answer.status == 206 and total.isdigit():
            yield io.BufferedReader(Ranges(url, int(total)), BLOCK)
            return
        with tempfile.TemporaryFile(dir=spare) as whole:
            shutil.copyfileobj(answer, whole, BLOCK)
            whole.seek(0)
            yield whole


class Links(html.parser.HTMLParser):
    """The links of a page of a package index."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep where a link leads."""
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def from_folder(source: dict[str, Any], files: list[str], _spare: Path) -> Answers:
    """Yield files of one folder of a server."""
    for file in files:
        try:
            with opened(f"{source['url']}/{file}") as answer:
                yield file, answer.read()
        except urllib.error.HTTPError as error:  # the server is there, and has others perhaps
            yield file, error


def from_npm(source: dict[str, Any], files: list[str], _spare: Path) -> Answers:
    """Yield files of a package of npm, which is one archive."""
    registry = (npm_registry() or source["registry"]).rstrip("/")
    name, version = source["package"], source["version"]
    with opened(f"{registry}/{name}/-/{name}-{version}.tgz") as answer:
        archive = io.BytesIO(answer.read())
    with tarfile.open(fileobj=archive) as members:
        for file in files:
            try:
                yield file, members.extractfile(f"{source['folder']}/{file}").read()
            except (KeyError, AttributeError):
                yield file, KeyError(f"{name}-{version}.tgz has none")


def wheel_address(source: dict[str, Any], index: str) -> str:
    """Return where an index keeps the wheel of a source."""
    page = f"{index.rstrip('/')}/{source['package']}/"
    with opened(page, {"Accept": "text/html"}) as answer:
        links = Links()
        links.feed(answer.read().decode())
        page = answer.url
    for link in links.found:
        address = urllib.parse.urldefrag(urllib.parse.urljoin(page, link)).url
        if urllib.parse.unquote(address).endswith("/" + source["wheel"]):
            return address
    raise KeyError(f"{index} has no {source['wheel']}")


def from_wheel(source: dict[str, Any], files: list[str], spare: Path) -> Answers:
    """Yield files that another project's wheel carries."""
    index = pip_setting("index-url") or source["index"]
    with remote(wheel_address(source, index), spare) as wheel, zipfile.ZipFile(wheel) as members:
        for file in files:
            try:
                yield file, members.read(f"{source['folder']}/{file}")
            except KeyError:
                yield file, KeyError(f"{source['wheel']} has none")


KINDS: dict[str, Callable[[dict[str, Any], list[str], Path], Answers]] = {
    "folder": from_folder,
    "npm": from_npm,
    "wheel": from_wheel,
}


# -- the cache -------------------------------------------------------------------------------


def kept(cache: Path, piece: dict[str, Any]) -> bool:
    """Tell whether the cache has this piece, as it should be."""
    path = cache / piece["file"]
    return path.is_file() and not wrong(piece, path.read_bytes())


def keep(cache: Path, file: str, data: bytes) -> None:
    """Write a piece in one go, for two builds may share a cache."""
    with tempfile.NamedTemporaryFile(dir=cache, delete=False) as part:
        part.write(data)
    os.replace(part.name, cache / file)


def fetch(table: dict[str, Any], cache: Path, say: Callable[[str], object] = print) -> None:
    """Bring the cache to hold every piece of the table.

    Raises
    ------
    MissingPieceError
        If a piece is to be had at none of its sources; the message says what each of them said.
    """
    cache.mkdir(parents=True, exist_ok=True)
    wanted = [piece for piece in table["piece"] if not kept(cache, piece)]
    if not wanted:
        return
    say(f"Fetching Python for the pages, once: {len(wanted)} files, kept in {cache}.")
    heard: list[str] = []
    for name, source in table["source"].items():
        asked = {piece["file"]: piece for piece in wanted if name in piece["sources"]}
        if not asked:
            continue
        try:
            for file, data in KINDS[source["kind"]](source, list(asked), cache):
                if isinstance(data, Exception):
                    heard.append(f"{name}: {file}: {data}")
                    continue
                refusal = wrong(asked[file], data)
                if refusal:
                    heard.append(f"{name}: {refusal}")
                    say(f"  {heard[-1]}")
                    continue
                keep(cache, file, data)
                wanted.remove(asked[file])
                say(f"  {file}, {len(data) / 1e6:.1f} MB, from {name}")
        except ABSENT as error:
            heard.append(f"{name}: {error}")
    if wanted:
        names = ", ".join(piece["file"] for piece in wanted)
        raise MissingPieceError(f"{names} could not be had ({'; '.join(heard)})")


def check_against_lock(table: dict[str, Any], cache: Path) -> None:
    """Compare the table with the lock that Pyodide's makers published.

    Raises
    ------
    MissingPieceError
        If the table names another file or sha256 for a package than the lock.
    """
    packages = json.loads((cache / LOCK).read_text(encoding="utf-8"))["packages"]
    for piece in table["piece"]:
        if "package" in piece:
            locked = packages[piece["package"]]
            if (locked["file_name"], locked["sha256"]) != (piece["file"], piece["sha256"]):
                raise MissingPieceError(f"{piece['file']} is not the one that {LOCK} names")
