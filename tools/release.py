"""Check that the version is the same wherever it is written, and in the tag: make dist TAG=v0.2.0."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES = {
    "src/lecturecode/__init__.py": r'^__version__ = "(.+)"$',
    "CITATION.cff": r"^version: (.+)$",
}


def problems(root: Path, tag: str) -> list[str]:
    """Return a sentence for each place that has another version, or none."""
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    found = []
    for name, pattern in PLACES.items():
        match = re.search(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        if match is None or match.group(1) != version:
            found.append(f"{name} does not have the version {version} of pyproject.toml")
    if tag:
        if tag != f"v{version}":
            found.append(f"the tag is {tag}, and pyproject.toml has the version {version}")
        changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
        if not re.search(rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$", changes, re.MULTILINE):
            found.append(f'CHANGELOG.md has no heading "## {version} (YYYY-MM-DD)"')
    return found


def main() -> int:
    """Say what is wrong."""
    wrong = problems(ROOT, sys.argv[1] if len(sys.argv) > 1 else "")
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
