"""Number a chapter, its equations, figures and exercises by its file: 06_x.md is chapter 6.

Sphinx counts the pages of a numbered list from 1 and knows no gaps; the book starts at 0, and
chapters that are still to come keep their numbers. Appendices have letters: a_x.md is A.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment.collectors.toctree import TocTreeCollector

CHAPTER = re.compile(r"(?:chapters/(\d+)|appendices/([a-z]))_")
count_pages = TocTreeCollector.assign_section_numbers


def assign_section_numbers(self: TocTreeCollector, env: Any) -> list[str]:
    """Let Sphinx count, then replace its count by the number in each chapter's file name."""
    before = env.toc_secnumbers
    count_pages(self, env)
    for page, numbers in env.toc_secnumbers.items():
        chapter = CHAPTER.match(page)
        if not chapter:
            continue
        number, letter = chapter.groups()
        first = int(number) if number else letter.upper()
        for anchor, counted in numbers.items():
            numbers[anchor] = (first, *counted[1:]) if counted else counted
        for entry in [env.titles[page], *env.tocs[page].findall(nodes.reference)]:
            if entry.get("secnumber"):
                entry["secnumber"] = (first, *entry["secnumber"][1:])
    return [page for page, numbers in env.toc_secnumbers.items() if numbers != before.get(page)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Put the book's count in the place of Sphinx's."""
    TocTreeCollector.assign_section_numbers = assign_section_numbers
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
