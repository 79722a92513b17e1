"""What a package index shows: the README with links that lead somewhere, and the project's addresses.

A link into the repository means nothing on an index. Where pyproject.toml has the repository's address,
it becomes whole; where it has none, pictures are left out, and links leave their words.
"""

import re
from pathlib import Path
from typing import Any

try:
    from hatchling.metadata.plugin.interface import MetadataHookInterface
except ModuleNotFoundError:  # its functions need nothing
    MetadataHookInterface = object

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s]+)\)")


def readme(text: str, repository: str) -> str:
    """Return the README for an index."""

    def whole(link: re.Match[str]) -> str:
        picture, words, target = link.groups()
        if not repository:
            return "" if picture else words
        return f"{picture}[{words}]({repository}/{'raw' if picture else 'blob'}/main/{target})"

    fenced = re.split(r"(^```.*?^```)", text, flags=re.MULTILINE | re.DOTALL)
    parts = [part if part.startswith("```") else LINK.sub(whole, part) for part in fenced]
    return re.sub(r"\n{3,}", "\n\n", "".join(parts))


def urls(addresses: dict[str, str]) -> dict[str, str]:
    """Return the addresses that are set, by the names that an index knows."""
    site, repository = (addresses.get(name, "").rstrip("/") for name in ("site", "repository"))
    found = {"Documentation": site, "Source": repository}
    if repository:
        found |= {"Issues": f"{repository}/issues"}
        found |= {"Changelog": f"{repository}/blob/main/CHANGELOG.md"}
    return {name: address for name, address in found.items() if address}


class Metadata(MetadataHookInterface):
    """Hatchling's hook."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add what pyproject.toml leaves to be computed."""
        addresses = self.config.get("addresses", {})
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = addresses.get("repository", "").rstrip("/")
        metadata["readme"] = {"content-type": "text/markdown", "text": readme(text, repository)}
        metadata["urls"] = urls(addresses)
