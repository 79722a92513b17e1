"""Write a page as plain Markdown, with the numbers, titles and values that its references stand for.

Notebooks and the Markdown twins of the pages are made of it. What a page shows is written; what it has
for the hand, such as buttons, is not.
"""

import re
from collections.abc import Callable
from typing import Any

from docutils import nodes

Address = Callable[[str], str | None]
"""What a link to a place becomes; None leaves its words only."""


def expanded(tex: str, macros: dict[str, Any]) -> str:
    """Return a formula without the book's own macros, which nobody else knows."""
    for name, meaning in macros.items():
        text, arguments = meaning if isinstance(meaning, list) else (meaning, 0)
        pattern = re.compile(rf"\\{name}(?![A-Za-z])")
        for match in reversed(list(pattern.finditer(tex))):
            start, end = match.span()
            written, rest = text, tex[end:]
            if arguments:
                argument, rest = first_group(rest.lstrip())
                written = text.replace("#1", argument)
            elif rest[:1].isalpha():
                rest = f" {rest}"
            tex = tex[:start] + written + rest
    return tex


def first_group(tex: str) -> tuple[str, str]:
    """Split a formula after its first group in braces, or its first letter."""
    if not tex.startswith("{"):
        return tex[:1], tex[1:]
    depth = 0
    for k, letter in enumerate(tex):
        depth += (letter == "{" and tex[k - 1 : k] != "\\") - (letter == "}" and tex[k - 1] != "\\")
        if depth == 0:
            return tex[1:k], tex[k + 1 :]
    return tex[1:], ""


def fenced(code: str, language: str = "") -> str:
    """Return code in a fence that is longer than any in it."""
    longest = max((len(run) for run in re.findall(r"^`{3,}", code, re.MULTILINE)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code.rstrip()}\n{fence}"


def indented(text: str, by: str, first: str) -> str:
    """Return a block whose lines stand under the first."""
    return first + text.replace("\n", f"\n{by}").replace(f"\n{by}\n", "\n\n")


class Plain:
    """A page on its way to Markdown; `cell` says what becomes of code that ran."""

    def __init__(
        self,
        app: Any,
        docname: str,
        address: Address,
        cell: Callable[[nodes.Element], str] | None = None,
    ) -> None:
        self.env, self.docname, self.address = app.env, docname, address
        self.macros = app.config.mathjax3_config["tex"]["macros"]
        self.cell = cell or self.with_output
        self.level = 0

    # -- lines ------------------------------------------------------------------------------

    def line(self, node: nodes.Node) -> str:
        """Return what stands in a line of text."""
        if isinstance(node, nodes.Text):
            return re.sub(r"\s+", " ", node.astext())
        write = getattr(self, f"line_{type(node).__name__}", None)
        return write(node) if write else "".join(map(self.line, node.children))

    def line_literal(self, node: nodes.Element) -> str:
        """Return code in a line, without the places where a page may break it."""
        text = "".join(
            n.astext() for n in node.findall(nodes.Text) if not isinstance(n.parent, nodes.raw)
        )
        ticks = "``" if "`" in text else "`"
        return f"{ticks}{text}{ticks}"

    def line_math(self, node: nodes.Element) -> str:
        """Return a formula in a line."""
        return f"${expanded(node.astext().strip(), self.macros)}$"

    def line_emphasis(self, node: nodes.Element) -> str:
        """Return words in italics."""
        return f"*{''.join(map(self.line, node.children)).strip()}*"

    def line_strong(self, node: nodes.Element) -> str:
        """Return words in bold."""
        return f"**{''.join(map(self.line, node.children)).strip()}**"

    def line_reference(self, node: nodes.Element) -> str:
        """Return a link, or its words where it would lead nowhere."""
        words = "".join(map(self.line, node.children)).strip()
        target = node.get("refuri") or f"#{node.get('refid', '')}"
        where = self.address(target)
        return f"[{words}]({where})" if where and words else words

    def line_image(self, node: nodes.Element) -> str:
        """Return what a picture shows."""
        return f"*(Picture: {' '.join(node.get('alt', '').split())})*" if node.get("alt") else ""

    def line_raw(self, node: nodes.Element) -> str:
        """Leave out what was written for one format only."""
        return ""

    def line_math_block(self, node: nodes.Element) -> str:
        """Return a formula of its own, with its number."""
        tex = expanded(node.astext().strip(), self.macros)
        number = f"\n\\tag{{{self.number(node)}}}" if node.get("number") else ""
        if node.get("nowrap") or node.get("no-wrap"):
            return f"$$\n{tex}\n$$"
        if r"\\" in tex and not tex.startswith(r"\begin"):
            tex = f"\\begin{{split}}\n{tex}\n\\end{{split}}"
        return f"$$\n{tex}{number}\n$$"

    def number(self, node: nodes.Element) -> str:
        """Return the number of an equation as the page shows it."""
        numbers = self.env.toc_fignumbers.get(self.docname, {}).get("displaymath", {})
        name = f"equation-{node.get('label') or ''}"
        found = numbers.get(next((n for n in node.get("ids", ()) if n in numbers), name))
        return ".".join(map(str, found)) if found else str(node["number"])

    # -- blocks -----------------------------------------------------------------------------

    def blocks(self, parent: nodes.Node) -> list[str]:
        """Return the blocks that stand in one."""
        found = []
        for node in parent.children:
            written = self.block(node)
            found += [written] if isinstance(written, str) else written
        return [text for text in found if text.strip()]

    def text(self, parent: nodes.Node) -> str:
        """Return all of it, with an empty line between two blocks."""
        return "\n\n".join(self.blocks(parent))

    def block(self, node: nodes.Node) -> str | list[str]:
        """Return a block, or those that it holds."""
        if isinstance(node, nodes.Element) and node.get("nb_element") == "cell_code":
            return self.cell(node)
        write = getattr(self, f"block_{type(node).__name__}", None)
        if write:
            return write(node)
        if isinstance(node, nodes.Text | nodes.TextElement | nodes.Inline):
            return self.line(node)
        if isinstance(node, nodes.Invisible):
            return []
        return self.blocks(node)

    def block_section(self, node: nodes.Element) -> list[str]:
        """Return a section, one level deeper than what it stands in."""
        self.level += 1
        found = self.blocks(node)
        self.level -= 1
        return found

    def block_title(self, node: nodes.Element) -> str:
        """Return a heading with its number."""
        words, section = self.line(node), node.parent
        numbers = self.env.toc_secnumbers.get(self.docname, {})
        anchors = ["", *(f"#{name}" for name in section.get("ids", ()))][0 if self.level == 1 else 1 :]
        number = next((numbers[anchor] for anchor in anchors if numbers.get(anchor)), ())
        return f"{'#' * max(1, self.level)} {'.'.join(map(str, number))} {words}".replace("#  ", "# ")

    def block_rubric(self, node: nodes.Element) -> str:
        """Return a heading that no contents list names."""
        return f"**{self.line(node)}**"

    block_caption = block_rubric

    def block_math_block(self, node: nodes.Element) -> str:
        """Return a formula of its own."""
        return self.line_math_block(node)

    def block_raw(self, node: nodes.Element) -> list[str]:
        """Leave out what was written for one format only."""
        return []

    block_comment = block_target = block_substitution_definition = block_toctree = block_raw

    def block_literal_block(self, node: nodes.Element) -> str:
        """Return code, or what a program said."""
        language = node.get("language", "default").lower()
        if language in ("text", "none", "myst-ansi"):
            return fenced(node.astext())
        python = language.startswith(("ipython", "python", "pycon", "default"))
        return fenced(node.astext(), "python" if python else language)

    def block_code_links_block(self, node: nodes.Element) -> str:
        """Return code of the gallery, in which names are links."""
        return fenced(node.astext(), "python")

    def block_bullet_list(self, node: nodes.Element, mark: str = "-") -> str:
        """Return a list."""
        items = []
        for k, item in enumerate(node.children):
            first = f"{k + 1}. " if mark == "1." else "- "
            items.append(indented(self.text(item), " " * len(first), first))
        gap = "\n\n" if any("\n\n" in item for item in items) else "\n"
        return gap.join(items)

    def block_enumerated_list(self, node: nodes.Element) -> str:
        """Return a list with numbers."""
        return self.block_bullet_list(node, "1.")

    def block_definition_list_item(self, node: nodes.Element) -> str:
        """Return a term and what it means."""
        terms = [self.line(child) for child in node.children if isinstance(child, nodes.term)]
        rest = [self.text(child) for child in node.children if isinstance(child, nodes.definition)]
        return f"**{', '.join(terms)}**\n\n" + "\n\n".join(rest)

    def block_field(self, node: nodes.Element) -> str:
        """Return a field of a docstring, such as its parameters."""
        return f"**{self.line(node[0])}**\n\n{self.text(node[1])}"

    def block_desc_signature(self, node: nodes.Element) -> str:
        """Return how a function is called."""
        return f"`{' '.join(node.astext().split())}`"

    def block_figure(self, node: nodes.Element) -> str:
        """Return what a picture shows, and its caption with its number."""
        numbers = self.env.toc_fignumbers.get(self.docname, {}).get("figure", {})
        number = next((numbers[name] for name in node.get("ids", ()) if name in numbers), None)
        words = [self.line(child) for child in node.findall(nodes.image)]
        said = [self.line(child) for child in node.findall(nodes.caption)]
        first = f"**Fig. {'.'.join(map(str, number))}** " if number else ""
        return "\n\n".join([*words, first + " ".join(said)])

    def block_image(self, node: nodes.Element) -> str:
        """Return what a picture shows."""
        return self.line_image(node)

    def block_table(self, node: nodes.Element) -> str:
        """Return a table; what a cell holds stands in one line."""
        rows = [
            [" ".join(self.text(entry).split()).replace("|", "\\|") for entry in row.children]
            for row in node.findall(nodes.row)
        ]
        if not rows:
            return ""
        width = max(map(len, rows))
        lines = [f"| {' | '.join(row + [''] * (width - len(row)))} |" for row in rows]
        titles = [child for child in node.children if isinstance(child, nodes.title)]
        title = [f"**{self.line(child)}**\n" for child in titles]
        return "\n".join([*title, lines[0], "|" + " --- |" * width, *lines[1:]])

    def block_fold(self, node: nodes.Element) -> list[str]:
        """Return what is folded, under its title."""
        return [f"**{self.line(node.children[0])}**", *self.titled(node.children[1:])]

    def block_solution_node(self, node: nodes.Element) -> list[str]:
        """Return a solution under its title."""
        return [f"**{node.children[0].astext()}**", *self.titled(node.children[1:])]

    def block_exercise_node(self, node: nodes.Element) -> list[str]:
        """Return an exercise; the section that holds its text is none of the page."""
        title = node.children[0]
        numbers = self.env.toc_fignumbers.get(self.docname, {}).get("exercise", {})
        number = next((numbers[name] for name in node.get("ids", ()) if name in numbers), ())
        said = " ".join(f"Exercise {'.'.join(map(str, number))} {title.astext()}".split())
        if title.astext().startswith("Exercise"):
            said = title.astext()
        inside = [child.children if isinstance(child, nodes.section) else [child] for child in node[1:]]
        return [f"**{said}**", *self.titled([n for each in inside for n in each])]

    block_exercise_enumerable_node = block_exercise_node

    def block_movable(self, node: nodes.Element) -> list[str]:
        """Return the question of a figure that the page lets move, and the answer."""
        asked = self.titled(node.children[:-1])
        return ["**Predict**", *asked, "**Answer**", *self.blocks(node.children[-1])]

    def titled(self, children: list[nodes.Node]) -> list[str]:
        """Return blocks that are taken out of what they stand in."""
        written = [self.block(child) for child in children]
        return [text for found in written for text in ([found] if isinstance(found, str) else found)]

    def block_block_quote(self, node: nodes.Element) -> str:
        """Return a quotation."""
        return indented(self.text(node), "> ", "> ")

    def block_admonition(self, node: nodes.Element) -> list[str]:
        """Return a remark, under its title."""
        name = type(node).__name__.capitalize()
        title = [] if isinstance(node.children[0], nodes.title) else [f"**{name}**"]
        return title + self.blocks(nodes.container("", *(plain_title(n) for n in node.children)))

    block_note = block_warning = block_tip = block_important = block_admonition
    block_hint = block_seealso = block_admonition

    # -- code that ran ----------------------------------------------------------------------

    def with_output(self, node: nodes.Element) -> str:
        """Return the code of a cell, what it said, and what its pictures show."""
        found = []
        for child in node.children:
            if child.get("nb_element") == "cell_code_source":
                found += self.blocks(child)
            else:
                for part in child.children:
                    figures = list(part.findall(nodes.figure)) or list(part.findall(nodes.image))
                    if figures or isinstance(part, nodes.figure | nodes.image):
                        found += [self.block(figure) for figure in (figures or [part])]
                    elif isinstance(part, nodes.literal_block):
                        found.append(fenced(part.astext(), "text"))
                    else:
                        said = [n.astext() for n in part.findall(nodes.literal_block)]
                        found += [fenced(text, "text") for text in said]
        return "\n\n".join(text for text in found if isinstance(text, str) and text.strip())


def plain_title(node: nodes.Node) -> nodes.Node:
    """Return a title of a remark as a line in bold: it is no heading of the page."""
    if isinstance(node, nodes.title):
        return nodes.rubric("", "", *(child.deepcopy() for child in node.children))
    return node
