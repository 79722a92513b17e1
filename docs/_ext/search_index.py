"""Write what the search looks through: sections and terms, with the words that readers have for them.

Sphinx's own index knows pages: how often a word stands on one, not where. Here each section is an
entry, and so is each term of the glossary, each exercise and each function. An entry holds its
heading; the terms and the bullets of a summary that lead to it; its text; and the names in its code.
``_static/search/search.js`` looks through them, after putting the words of ``search.toml`` in the
place of those that a reader typed.
"""

import json
import keyword
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

from docutils import nodes
from shared import Kept, filled, title
from sphinx import addnodes
from sphinx.application import Sphinx

Entry = dict[str, Any]
ENTRIES = Kept("book_search")

KINDS = {
    "chapters/": "chapter",
    "appendices/": "appendix",
    "auto_gallery/": "gallery",
    "api/": "reference",
}
# What is no prose of the place where it stands.
SILENT = (
    addnodes.index,
    addnodes.toctree,
    addnodes.desc_signature,
    nodes.comment,
    nodes.raw,
    nodes.system_message,
    nodes.title,
)
# ... among them what sphinx-gallery writes below a script
SILENT_CLASSES = {
    "sphx-glr-footer",
    "sphx-glr-timing",
    "sphx-glr-download",
    "sphx-glr-download-link-note",
}
SILENT_NAMES = {"autosummary_table", "autosummary_toc", "imgsgnode", "solution_node", "exercise_title"}
CODE = (nodes.literal_block, nodes.doctest_block)
NAME = re.compile(r"[A-Za-z_]\w{2,}")
SIGNS = """
alpha α beta β gamma γ delta δ epsilon ε eta η theta θ kappa κ lambda λ mu μ pi π rho ρ sigma σ
tau τ chi χ Theta Θ Sigma Σ grad ∇ nabla ∇ leftarrow ← mapsto ↦ to → times × cdot · pm ± le ≤ leq ≤
ge ≥ geq ≥ approx ≈ sqrt √ infty ∞ in ∈ sum Σ star * loss L ldots … dots … min min max max
"""
PLAIN = dict(zip(SIGNS.split()[::2], SIGNS.split()[1::2], strict=True))
GENERIC = {
    "in short",
    "summary",
    "exercises",
    "further reading",
    "in practice",
    "in pytorch",
    "the question",
}


# -- words -----------------------------------------------------------------------------------


def formula(tex: str) -> str:
    """Return a formula as it can be read in a line of plain text, or three dots for one that cannot."""
    text = re.sub(r"\\(?:mathsf|mathrm|mathbf|mathbb|mathcal|text|operatorname)\b", "", tex)
    text = re.sub(r"\\(grad|nabla|sqrt)\s+", lambda found: PLAIN[found[1]], text)
    text = re.sub(r"\\([A-Za-z]+)", lambda found: PLAIN.get(found[1], found[0]), text)
    text = re.sub(r"\\[,;:! ]", " ", text)
    text = re.sub(r"[{}$]", "", text)
    return "…" if "\\" in text or len(text) > 40 else text


def pieces(node: nodes.Node, docname: str) -> Iterator[str]:
    """Yield what a reader sees of a node, and of no section, entry or solution inside it."""
    name = type(node).__name__
    if isinstance(node, (*SILENT, *CODE)) or name in SILENT_NAMES or is_entry(node) or is_printed(node):
        return
    if isinstance(node, nodes.Element) and SILENT_CLASSES.intersection(node["classes"]):
        return
    if isinstance(node, nodes.Text):
        yield node.astext()
    elif isinstance(node, (nodes.math, nodes.math_block)):
        yield formula(node.astext())
    elif isinstance(node, addnodes.pending_xref) and not node.get("refexplicit"):
        target, kind = node.get("reftarget", ""), node.get("reftype")
        if kind == "doc":  # the title is known when all pages are read
            yield f"{{{normpath(join('/', dirname(docname), target))[1:]}}}"
        elif kind in ("eq", "numref"):
            yield "equation" if kind == "eq" else "figure"
        elif node.get("refdomain") == "cite":
            return
        else:
            yield node.astext()
    else:
        for child in node.children:
            yield from pieces(child, docname)
        if not isinstance(node, nodes.Inline):
            yield " "


def plain(node: nodes.Node, docname: str) -> str:
    """Return the prose of a node in one line."""
    text = " ".join("".join(pieces(node, docname)).split())
    text = re.sub(r", equation(?=[,.;:])| ?\(equation\)", "", text)
    return re.sub(r"\s+([,.;:)])", r"\1", text)


def names_in_code(node: nodes.Node) -> list[str]:
    """Return the identifiers in the code of a node, each once."""
    found: dict[str, None] = {}
    for child in own(node):
        if isinstance(child, CODE):
            found |= dict.fromkeys(NAME.findall(child.astext()))
    return [name for name in found if not keyword.iskeyword(name)]


# -- entries ---------------------------------------------------------------------------------


def is_entry(node: nodes.Node) -> bool:
    """Tell whether a node has a place of its own among the hits."""
    if isinstance(node, nodes.section):  # those without a title are boxes inside an exercise
        return any(isinstance(child, nodes.title) for child in node.children)
    if isinstance(node, addnodes.glossary):
        return True
    if isinstance(node, addnodes.desc):
        return bool(node.next_node(addnodes.desc_signature, include_self=False)["ids"])
    return type(node).__name__ in ("exercise_node", "exercise_enumerable_node")


def is_printed(node: nodes.Node) -> bool:
    """Tell whether this is what a cell printed or drew."""
    return isinstance(node, nodes.container) and "cell_output" in node["classes"]


def own(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield all nodes inside a node, without those of another entry, of a solution, of a run."""
    for child in node.children:
        if not (is_entry(child) or is_printed(child) or type(child).__name__ == "solution_node"):
            yield child
            yield from own(child)


def within(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the nodes of all entries, in order, without those in a solution."""
    for child in node.children:
        if is_entry(child):
            yield child
        if not (is_printed(child) or type(child).__name__ == "solution_node"):
            yield from within(child)


def targets(node: nodes.Node) -> list[str]:
    """Return the labels that a node leads to; those of equations begin with ``eq:``."""
    found: dict[str, None] = {}
    for link in node.findall(lambda child: isinstance(child, (nodes.reference, addnodes.pending_xref))):
        if "refid" in link:
            found[link["refid"]] = None
        elif link.get("reftype") == "eq":
            found[f"eq:{link['reftarget']}"] = None
        elif link.get("reftype") in ("ref", "myst", "any"):
            found[link["reftarget"].removeprefix("#")] = None
    return list(found)


def entry(kind: str, ids: list[str], heading: str, **more: Any) -> Entry:
    """Return an entry; what is not said of it is empty."""
    empty: Entry = {"parent": "", "terms": [], "text": "", "code": [], "bullets": [], "links": []}
    return {"kind": kind, "ids": ids, "heading": heading} | empty | more


def entries_of(doctree: nodes.document, docname: str) -> list[Entry]:
    """Return the entries of a page, in the order in which they stand on it."""
    kind = next((kind for start, kind in KINDS.items() if docname.startswith(start)), "page")
    found = []
    for node in within(doctree):
        if isinstance(node, nodes.section):
            found.append(of_section(node, kind, docname))
        elif isinstance(node, addnodes.glossary):
            found += of_glossary(node, docname)
        elif isinstance(node, addnodes.desc):
            found.append(of_object(node, docname))
        else:
            found.append(of_exercise(node, docname))
    return found


def of_section(node: nodes.section, kind: str, docname: str) -> Entry:
    """Return a section: its folds are named with it, its equations lead to it."""
    title = node.next_node(nodes.title, descend=True)
    heading = plain_title(title, docname)
    above = node.parent
    top = not isinstance(above, nodes.section)
    parent = "" if top or not isinstance(above.parent, nodes.section) else plain_title(above[0], docname)
    inside = list(own(node))
    ids = [*node["ids"]] + [f"eq:{math['label']}" for math in inside if is_labelled(math)]
    folds = [plain(child[0], docname) for child in inside if type(child).__name__ == "fold"]
    bullets = []
    if heading == "Summary":
        for item in (child for child in inside if isinstance(child, nodes.list_item)):
            bullets.append((plain(item, docname), targets(item)))
    return entry(
        kind,
        ids,
        heading,
        parent=parent,
        top=top,
        terms=folds,
        text=" ".join(filter(None, (plain(child, docname) for child in node.children))),
        code=names_in_code(node),
        bullets=bullets,
    )


def plain_title(title: nodes.Node | None, docname: str) -> str:
    """Return a heading as plain text."""
    if title is None:
        return ""
    return " ".join("".join("".join(pieces(child, docname)) for child in title.children).split())


def is_labelled(node: nodes.Node) -> bool:
    """Tell whether this is an equation that can be linked to."""
    return isinstance(node, nodes.math_block) and bool(node.get("label"))


def of_glossary(node: addnodes.glossary, docname: str) -> list[Entry]:
    """Return the terms, each with what it means and the labels where the book has it."""
    found = []
    for item in node.findall(nodes.definition_list_item):
        terms = [child for child in item.children if isinstance(child, nodes.term)]
        names = [plain(term, docname) for term in terms]
        definition = item.children[-1]
        text = plain(definition, docname)
        see = definition.next_node(addnodes.pending_xref)
        alias = see["reftarget"] if text.startswith("See ") and see is not None else ""
        text = text.partition(" In the book:")[0]
        ids = [each for term in terms for each in term["ids"]]
        links = targets(definition)
        found.append(entry("term", ids, names[0], terms=names[1:], text=text, links=links, alias=alias))
    return found


def of_object(node: addnodes.desc, docname: str) -> Entry:
    """Return a function, class or method, by the name that one types, with its description."""
    signature = node.next_node(addnodes.desc_signature, include_self=False)
    name = signature.get("fullname") or signature.astext()
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.rpartition(".")[2])
    content = node.children[-1]
    return entry(
        "object",
        list(signature["ids"]),
        name,
        parent=signature.get("module") or "",
        terms=[apart.replace("_", " ")],
        text=plain(content, docname),
        code=names_in_code(content),
    )


def of_exercise(node: nodes.Element, docname: str) -> Entry:
    """Return an exercise, without its solution."""
    subtitle = next((n for n in node.findall() if type(n).__name__ == "exercise_subtitle"), None)
    heading = "Exercise" + (f": {subtitle.astext()}" if subtitle is not None else "")
    text = " ".join(filter(None, (plain(child, docname) for child in node.children)))
    return entry("exercise", list(node["ids"]), heading, text=text, code=names_in_code(node))


def look(app: Sphinx, doctree: nodes.document) -> None:
    """Keep the entries of the page that is read."""
    ENTRIES.of(app.env)[app.env.docname] = entries_of(doctree, app.env.docname)


# -- the index -------------------------------------------------------------------------------


def linked(pages: dict[str, list[Entry]], labels: dict[str, tuple[str, str]]) -> list[tuple[str, Entry]]:
    """Return all entries with their pages, after terms and summaries were led to their sections."""
    all_entries = [(page, each) for page, found in sorted(pages.items()) for each in found]
    at = {(page, name): each for page, each in all_entries for name in each["ids"]}
    terms = {each["heading"].lower(): each for _, each in all_entries if each["kind"] == "term"}

    def place(page: str, label: str) -> Entry | None:
        return at.get((page, label)) or at.get(labels.get(label, ("", "")))

    for _, each in all_entries:
        each["summary"], each["places"] = [], []
        each["terms"] = list(each["terms"])
    for page, each in all_entries:
        if each["kind"] == "term":
            true = terms.get(each["alias"].lower(), each)
            if true is not each:
                true["terms"].append(each["heading"])
                each["hidden"] = True
            for label in true["links"]:
                target = place(page, label)
                if target and target["kind"] != "term":
                    target["terms"] += [each["heading"], *each["terms"]]
                    each["places"].append(target)
        for text, found in each["bullets"]:
            for label in found:
                target = place(page, label)
                if target and text not in target["summary"]:
                    target["summary"].append(text)
    return [(page, each) for page, each in all_entries if not each.get("hidden")]


def index(
    pages: dict[str, list[Entry]],
    titles: dict[str, str],
    labels: dict[str, tuple[str, str]],
    words: dict[str, Any],
) -> dict[str, Any]:
    """Return what the search page reads: all pages, all entries, and the words of ``search.toml``."""
    entries = linked(pages, labels)
    number = {id(each): i for i, (_, each) in enumerate(entries)}
    names = sorted({page for page, _ in entries})

    def titled(text: str) -> str:
        return re.sub(r"\{([\w/]+)\}", lambda found: titles.get(found[1], found[1]), text)

    def row(page: str, each: Entry) -> dict[str, Any]:
        generic = each["heading"].lower().partition(":")[0] in GENERIC
        full = {
            "page": names.index(page),
            "anchor": "" if each.get("top") else next(iter(each["ids"]), ""),
            "kind": "generic" if generic else each["kind"],
            "heading": titled(each["heading"]),
            "parent": titled(each["parent"]),
            "terms": list(dict.fromkeys(map(titled, each["terms"]))),
            "summary": [titled(text) for text in each["summary"]],
            "text": titled(each["text"]),
            "code": " ".join(each["code"]),
            "places": [number[id(target)] for target in each["places"] if id(target) in number],
        }
        return {name: value for name, value in full.items() if value or name == "page"}

    rows = [row(page, each) for page, each in entries]
    return {"pages": [[page, titles.get(page, page)] for page in names], "entries": rows, "words": words}


def words_of(folder: Path) -> dict[str, Any]:
    """Return the words that mean the same, as ``search.toml`` has them."""
    path = folder / "search.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"same": []}


def write(app: Sphinx, failed: Exception | None) -> None:
    """Write the index, as a script: a page opened from a folder may load nothing else."""
    if failed or app.builder.format != "html":
        return
    env = app.env
    pages = {page: found for page, found in ENTRIES.of(env).items() if page in env.found_docs}
    for page in filled(app, env):  # filled in at the end
        pages[page] = entries_of(env.get_and_resolve_doctree(page, app.builder), page)
    standard = env.get_domain("std")
    labels = {name: (page, anchor) for name, (page, anchor, *_) in standard.anonlabels.items()}
    titles = {page: title(env, page) for page in env.found_docs if page in env.titles}
    found = index(pages, titles, labels, words_of(Path(app.srcdir)))
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (Path(app.outdir) / "searchindex.js").write_text(f"bookIndex({text});\n", encoding="utf-8")


def without_sphinx(app: Sphinx) -> None:
    """Turn off Sphinx's own index and its page."""
    app.builder.search = False


def page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the page of the search."""
    yield "search", {}, "search.html"


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the reading of each page and to the end of the build."""
    ENTRIES.connect(app)
    app.connect("doctree-read", look)
    app.connect("builder-inited", without_sphinx)
    app.connect("html-collect-pages", page)
    app.connect("build-finished", write)
    app.add_css_file("search/search.css")
    app.add_js_file("search/search.js", loading_method="defer")
    return {"version": "2", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
