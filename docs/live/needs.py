"""Which cells above a cell needs: read off the code, here in the build and again in the page.

A page is a list of cells. A cell *reads* names, *binds* names, and *changes* what a name stands for:
it stores into it, calls a method that changes it, passes it to a function that may. From that follows,
for each cell and each name that it reads, which cells above made the name what it is. When in doubt
a cell counts as changing a name: a cell too many costs a moment, one too few a wrong number.
"""

import ast
import builtins
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

BUILTINS = frozenset(dir(builtins))
PURE = frozenset({"IPython", "collections", "copy", "dataclasses", "functools", "itertools"})
PURE |= {
    "lecturecode",
    "math",
    "matplotlib",
    "mpl_toolkits",
    "myst_nb",
    "numpy",
    "operator",
    "string",
    "textwrap",
}
"""Modules whose functions leave their arguments as they are, but for what stands below."""
GENERATORS = ("rng", "generator")
"""Parts of the names of random generators, which every draw changes."""
CHANGED_BY_KEYWORD = frozenset({"ax", "axes", "callback", "out", "rng"})
CHANGING_CALLS = frozenset({"backward", "copyto", "delattr", "fill_diagonal", "heapify", "heappop"})
CHANGING_CALLS |= {"heappush", "next", "place", "put", "putmask", "setattr", "shuffle"}
CHANGING_METHODS = frozenset({"add", "append", "appendleft", "at", "clear", "discard", "extend", "fill"})
CHANGING_METHODS |= {"insert", "itemset", "pop", "popitem", "popleft", "remove", "resize", "reverse"}
CHANGING_METHODS |= {"send", "setdefault", "sort", "step_in_place", "throw", "update", "write", "close"}
CHANGING_METHODS |= {"choice", "integers", "normal", "permutation", "permuted", "random", "shuffle"}
CHANGING_METHODS |= {"spawn", "standard_normal", "uniform", "exponential", "multivariate_normal", "seek"}
SETTINGS = frozenset(
    {"filterwarnings", "rcParams", "seed", "set_printoptions", "seterr", "simplefilter"}
)
"""What changes a module for every cell that uses it."""
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass
class Later:
    """What a function does with the page's names once it is called."""

    reads: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    arguments: bool = False
    """Whether it may change what it is given."""

    def __or__(self, other: "Later") -> "Later":
        return Later(
            self.reads | other.reads, self.changes | other.changes, self.arguments or other.arguments
        )


@dataclass
class Facts:
    """What one cell does with the names of its page."""

    reads: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    passed: set[tuple[str, str]] = field(default_factory=set)
    """(function, name): a name is given to a function that some cell may define."""
    iterated: set[str] = field(default_factory=set)
    imported: set[str] = field(default_factory=set)
    """Names that imports bind: whatever was set in the module before stays set."""
    called: set[str] = field(default_factory=set)
    """Names that stand for what a call returned, hence perhaps for an iterator."""
    later: dict[str, Later] = field(default_factory=dict)
    made_of: dict[str, set[str]] = field(default_factory=dict)
    """The names that stand in what was assigned to a name: their functions may live on in it."""
    pure: set[str] = field(default_factory=set)
    """Names imported from modules whose functions leave their arguments alone."""


def root(node: ast.AST) -> str | None:
    """Return the name at the root of ``name.part[index].part``."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield an argument and, where it is a list or such, what stands in it."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        for element in node.elts:
            yield from parts(element)
    elif isinstance(node, ast.Dict):
        for element in node.values:
            yield from parts(element)
    elif isinstance(node, ast.IfExp):
        yield from parts(node.body)
        yield from parts(node.orelse)
    else:
        yield node


def random_generator(name: str) -> bool:
    """Tell whether a name is that of a random generator."""
    return any(part in name.lower() for part in GENERATORS)


def stored(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that statements bind in their own scope."""
    found: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, FUNCTIONS | ast.ClassDef):
            found.add(node.name)
            continue
        if isinstance(node, ast.Lambda | COMPREHENSIONS):
            inner = [n for n in ast.walk(node) if isinstance(n, ast.NamedExpr)]
            found |= {n.target.id for n in inner}
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
        waiting += ast.iter_child_nodes(node)
    return found


class Reader(ast.NodeVisitor):
    """Collect the facts of one cell, statement by statement."""

    def __init__(self, methods: frozenset[str]) -> None:
        self.facts = Facts()
        self.methods = methods
        self.local: list[set[str]] = []
        self.aliases: dict[str, set[str | None]] = {}
        self.parameters: frozenset[str] = frozenset()
        self.changes_argument = False

    def own(self, name: str) -> bool:
        """Tell whether a name is a local one."""
        return any(name in scope for scope in self.local)

    def read(self, name: str) -> None:
        """Note that a name of the page is read."""
        if not self.own(name) and name not in self.facts.binds:
            self.facts.reads.add(name)

    def bind(self, name: str) -> None:
        """Note that a name is bound."""
        if not self.own(name):
            self.facts.binds.add(name)
            self.facts.later.pop(name, None)

    def change(self, name: str | None) -> None:
        """Note that what a name stands for may change."""
        if name is None:
            return
        self.changes_argument |= name in self.parameters
        if not self.own(name):
            self.read(name)
            self.facts.changes.add(name)

    # -- names ------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.read(node.id)
        elif isinstance(node.ctx, ast.Store):
            self.bind(node.id)
        else:
            self.change(node.id)

    def store(self, node: ast.AST) -> None:
        """Read the target of an assignment."""
        if isinstance(node, ast.Attribute | ast.Subscript):
            self.visit(node.value)
            if isinstance(node, ast.Subscript):
                self.visit(node.slice)
            self.change(root(node))
            if isinstance(node, ast.Attribute) and node.attr in SETTINGS:
                self.change(root(node))
        elif isinstance(node, ast.Tuple | ast.List):
            for element in node.elts:
                self.store(element)
        elif isinstance(node, ast.Starred):
            self.store(node.value)
        else:
            self.visit(node)

    def assign(self, targets: list[ast.expr], value: ast.expr) -> None:
        """Read an assignment."""
        self.visit(value)
        later = self.later_of(value)
        for target in targets:
            self.store(target)
            for name in stored([target]):
                if self.local:
                    continue
                if later:
                    self.facts.later[name] = later
                self.facts.made_of[name] = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
                if isinstance(value, ast.Call | ast.GeneratorExp):
                    self.facts.called.add(name)
            part = isinstance(value, ast.Name | ast.Attribute | ast.Subscript)
            if part and isinstance(target, ast.Name):
                self.aliases.setdefault(target.id, set()).add(root(value))

    def later_of(self, value: ast.expr) -> Later | None:
        """Return what the functions in a value do when they are called."""
        found = Later()
        for node in ast.walk(value):
            if isinstance(node, ast.Lambda):
                found = found | self.function(node.args, [node.body])
            elif isinstance(node, ast.Name) and node.id in self.facts.later:
                found = found | self.facts.later[node.id]
        return found if found.reads or found.changes or found.arguments else None

    def visit_Assign(self, node: ast.Assign) -> None:
        self.assign(node.targets, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.assign([node.target], node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.assign([node.target], node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        self.change(root(node.target))
        if isinstance(node.target, ast.Subscript):
            self.visit(node.target.slice)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self.change(root(target))

    # -- imports, functions, classes ----------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            self.bind(name)
            self.facts.imported.add(name)
            if alias.name.split(".")[0] in PURE:
                self.facts.pure.add(name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            name = alias.asname or alias.name
            self.bind(name)
            self.facts.imported.add(name)
            if (node.module or "").split(".")[0] in PURE:
                self.facts.pure.add(name)

    def function(self, arguments: ast.arguments, body: list[ast.AST]) -> Later:
        """Read a function's body apart: what it does happens when it is called."""
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        named += [a for a in (arguments.vararg, arguments.kwarg) if a]
        parameters = {a.arg for a in named}
        inside = [n for node in body for n in ast.walk(node)]
        elsewhere = {name for n in inside if isinstance(n, ast.Global) for name in n.names}
        inner = Reader(self.methods)
        inner.local = [*self.local, (parameters | stored(body)) - elsewhere]
        inner.parameters = frozenset(parameters)
        inner.facts.pure = self.facts.pure
        for node in body:
            inner.visit(node)
        inner.facts.changes |= inner.facts.binds
        reads, changes = inner.facts.reads | inner.facts.changes, inner.facts.changes
        given = {name for name in parameters if any(n == name for _, n in inner.facts.passed)}
        return Later(set(reads), set(changes), inner.changes_argument or bool(given))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(part)
        later = self.function(node.args, list(node.body))
        if self.local:
            self.facts.reads |= {name for name in later.reads if not self.own(name)}
            self.facts.changes |= {name for name in later.changes if not self.own(name)}
            return
        self.bind(node.name)
        self.facts.later[node.name] = later

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        later = self.function(node.args, [node.body])
        for name in later.reads:
            self.read(name)
        for name in later.changes:
            self.change(name)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]:
            self.visit(part)
        later = Later()
        inside = stored(node.body)
        for statement in node.body:
            if isinstance(statement, FUNCTIONS):
                later = later | self.function(statement.args, list(statement.body))
            else:
                self.local.append(inside)
                self.visit(statement)
                self.local.pop()
        if not self.local:
            self.bind(node.name)
            self.facts.later[node.name] = later

    def comprehension(self, node: ast.AST) -> None:
        """Read a comprehension, whose variables are its own."""
        scope = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        self.iterate(node.generators[0].iter)
        self.visit(node.generators[0].iter)
        self.local.append(scope)
        for index, generator in enumerate(node.generators):
            if index:
                self.visit(generator.iter)
            for condition in generator.ifs:
                self.visit(condition)
        for part in ("elt", "key", "value"):
            if hasattr(node, part):
                self.visit(getattr(node, part))
        self.local.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = comprehension

    # -- loops and branches ---------------------------------------------------------------------

    def iterate(self, node: ast.AST) -> None:
        """Note what a loop runs over: an iterator is used up by it."""
        for part in [node, *(node.args if isinstance(node, ast.Call) else [])]:
            if isinstance(part, ast.Name) and not self.own(part.id):
                self.facts.iterated.add(part.id)

    def visit_For(self, node: ast.For) -> None:
        self.iterate(node.iter)
        self.visit(node.iter)
        self.store(node.target)
        for statement in [*node.body, *node.orelse]:
            self.visit(statement)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        before = set(self.facts.binds)
        for statement in node.body:
            self.visit(statement)
        first = self.facts.binds - before
        self.facts.binds = set(before)
        for statement in node.orelse:
            self.visit(statement)
        second = self.facts.binds - before
        self.facts.binds = before | (first & second)
        for name in first ^ second:  # perhaps bound: what stood there before may still stand
            self.facts.changes.add(name)
            self.read(name)

    # -- calls ----------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        function, base = node.func, root(node.func)
        last = function.attr if isinstance(function, ast.Attribute) else base
        if last in SETTINGS or last == "use_style":
            self.change(base)
            for name in ("plt", "plots", "matplotlib") if last == "use_style" else ():
                self.facts.changes.add(name)
        if isinstance(function, ast.Attribute) and last in self.methods and base not in self.facts.pure:
            self.change(base)
        if last in CHANGING_CALLS and node.args:
            self.change(root(node.args[0]))
        for keyword in node.keywords:
            if keyword.arg in CHANGED_BY_KEYWORD:
                for part in parts(keyword.value):
                    self.change(root(part))
        for argument in [*node.args, *(k.value for k in node.keywords)]:
            if isinstance(function, ast.Name):
                self.iterate(argument)
            for part in parts(argument):
                name = root(part)
                if name is None:
                    continue
                if random_generator(name):
                    self.change(name)
                elif isinstance(part, ast.Attribute) and part.attr in self.methods:
                    self.change(name)  # f(seen.append)
                elif base is not None and isinstance(part, ast.Name):
                    self.facts.passed.add((base, name))


@lru_cache(maxsize=4096)
def facts(code: str) -> Facts:
    """Return what a cell does with names; nothing, if it cannot be read as Python."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return Facts()
    methods = set(CHANGING_METHODS)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            methods |= {m.name for m in node.body if isinstance(m, FUNCTIONS) and changes_self(m)}
    reader = Reader(frozenset(methods))
    for statement in tree.body:
        reader.visit(statement)
    found = reader.facts
    for name in list(found.changes):
        found.changes |= {other for other in reader.aliases.get(name, ()) if other}
    return found


def changes_self(method: FUNCTIONS) -> bool:
    """Tell whether a method stores into its object or calls something of it that may."""
    arguments = [*method.args.posonlyargs, *method.args.args]
    first = arguments[0].arg if arguments else None
    for node in ast.walk(method):
        store = isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
        if store and isinstance(node, ast.Attribute | ast.Subscript) and root(node) == first:
            return True
        called = node.func if isinstance(node, ast.Call) else None
        own = isinstance(called, ast.Attribute) and root(called) == first
        if own and called.attr in CHANGING_METHODS:
            return True
    return False


@dataclass
class Cell:
    """What a cell reads, with the cells that made it; what it writes; what it needs."""

    made_by: dict[str, list[int]]
    binds: set[str]
    changes: set[str]
    needs: list[int]
    imports: set[str] = field(default_factory=set)
    signature: str = ""


class Page:
    """The cells of a page, each with the cells above that it needs."""

    def __init__(self, codes: Iterable[str]) -> None:
        self.cells: list[Cell] = []
        self.writers: dict[str, list[int]] = {}
        self.later: dict[str, Later] = {}
        self.pure: set[str] = set()
        self.called: set[str] = set()
        for code in codes:
            self.append(code)

    def closed(self, names: Iterable[str], later: dict[str, Later]) -> tuple[set[str], set[str]]:
        """Return what a cell reads and changes, with the functions that it may call."""
        reads, changes, waiting = set(names), set(), list(names)
        while waiting:
            told = later.get(waiting.pop())
            if told:
                changes |= told.changes
                waiting += told.reads - reads
                reads |= told.reads
        return reads, changes

    def functions(self, found: Facts) -> dict[str, Later]:
        """Return what the names do when they are called, after a cell has run."""
        later = self.later | found.later
        for name, parts in found.made_of.items():
            for part in parts & set(later):
                later[name] = later.get(name, Later()) | later[part]
        return later

    def look(self, code: str) -> Cell:
        """Return what a cell below all others needs and writes."""
        found = facts(code)
        later = self.functions(found)
        reads, changes = self.closed(found.reads | found.binds, later)
        reads -= found.binds - found.reads
        changes |= found.changes
        pure = self.pure | found.pure
        for function, name in found.passed:
            told = later.get(function)
            known = function in pure or function in BUILTINS
            if (told and told.arguments) or (told is None and not known):
                changes.add(name)
        changes |= found.iterated & (self.called | found.called)
        made_by = {name: list(self.writers[name]) for name in sorted(reads) if name in self.writers}
        direct = {cell for cells in made_by.values() for cell in cells}
        needs = sorted(direct.union(*(self.cells[cell].needs for cell in direct)))
        changes = {name for name in changes if name in self.writers or name in found.changes}
        binds = found.binds - found.imported
        cell = Cell(made_by, binds, changes - found.binds, needs, found.binds & found.imported)
        whole = [code, *(f"{n}:{[self.cells[c].signature for c in cs]}" for n, cs in made_by.items())]
        cell.signature = hashlib.sha256("\0".join(whole).encode()).hexdigest()[:16]
        return cell

    def append(self, code: str) -> None:
        """Put one more cell below the others."""
        cell, found, number = self.look(code), facts(code), len(self.cells)
        self.cells.append(cell)
        later = self.functions(found)
        for name in cell.binds:
            self.writers[name] = [number]
        self.pure -= found.binds
        self.called -= found.binds
        for name in cell.changes | cell.imports:
            self.writers.setdefault(name, []).append(number)
        self.later = {
            name: told
            for name, told in later.items()
            if name not in found.binds or name in found.later or name in found.made_of
        }
        self.pure |= found.pure
        self.called |= found.called


class Memory:
    """What the names of the running Python stand for: by which cells they were made."""

    def __init__(self) -> None:
        self.made_by: dict[str, list[str]] = {}

    def ran(self, cell: Cell, failed: bool = False) -> None:
        """Note that a cell has run; one that failed leaves its names in no known state."""
        signature = "failed" if failed else cell.signature
        for name in cell.binds:
            self.made_by[name] = [signature]
        for name in cell.changes:
            self.made_by.setdefault(name, []).append(signature)
        for name in cell.imports:  # once more is no change
            made_by = self.made_by.setdefault(name, [])
            if signature not in made_by:
                made_by.append(signature)

    def plan(self, page: Page, target: Cell) -> list[int]:
        """Return the cells that must run, in order, before the target can."""

        def as_wanted(name: str, cells: list[int]) -> bool:
            return self.made_by.get(name) == [page.cells[cell].signature for cell in cells]

        again: set[int] = set()
        while True:
            before = len(again)
            readers = [target, *(page.cells[cell] for cell in again)]
            written = {n for c in again for n in page.cells[c].binds | page.cells[c].changes}
            for reader in readers:
                for name, cells in reader.made_by.items():
                    if name in written or not as_wanted(name, cells):
                        again |= set(cells)
            if len(again) == before:
                return sorted(again)
