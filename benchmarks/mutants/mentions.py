"""Who mentions whom: what stands at the top of each module, what is compiled, and where it is spoken of.

Compiled code is invisible to a coverage tool, and so is what runs at import. Both are covered by the tests that run a
line of plain Python that mentions them, directly or through others of their kind.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

COMPILERS = {"kernel", "njit", "jit", "vectorize", "guvectorize", "cfunc"}
PACKAGE = "driftline"

Symbol = tuple[str, str]
"""A file, and a name at its top level; "" for its other statements."""


@dataclass(frozen=True)
class Mention:
    """`by`, in the statement at lines `first` to `last`; `runs` says that a coverage tool sees the tests run it."""

    by: Symbol
    first: int
    last: int
    runs: bool


@dataclass
class Module:
    """One file: the owner of each line, the lines that are compiled, the lines of functions, and its imports."""

    tree: ast.Module
    owner: dict[int, str] = field(default_factory=dict)
    compiled: set[int] = field(default_factory=set)
    inside: set[int] = field(default_factory=set)
    functions: list[tuple[int, int]] = field(default_factory=list)
    fields: dict[int, str] = field(default_factory=dict)
    """Line in the body of a class, outside its functions: the name defined there."""
    names: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Local name: file and name there, "" for the module itself."""


class Mentions:
    """The modules of a source, and for each symbol all places that mention it."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._files = set(sources)
        self.modules = {file: self._read(file, ast.parse(text)) for file, text in sources.items()}
        self.of: dict[Symbol, set[Mention]] = defaultdict(set)
        """By symbol; and by ("", name) all that reads an attribute of that name, of whatever object."""
        self._annotated: dict[Symbol, set[Symbol]] = defaultdict(set)
        for file, module in self.modules.items():
            for node in ast.walk(module.tree):
                if isinstance(node, ast.stmt):
                    self._note(file, module, node)

    def owner(self, file: str, line: int) -> Symbol:
        """The symbol that a line belongs to."""
        return file, self.modules[file].owner.get(line, "")

    def seen_to_run(self, file: str, line: int) -> bool:
        """Whether a line is run by tests under the eyes of a coverage tool."""
        module = self.modules[file]
        return line in module.inside and line not in module.compiled

    def function_around(self, file: str, line: int) -> range:
        """The lines of the innermost function around a line."""
        first, last = max(each for each in self.modules[file].functions if each[0] <= line <= each[1])
        return range(first, last + 1)

    def span(self, symbol: Symbol) -> Iterator[int]:
        """The lines of a symbol."""
        file, name = symbol
        return (line for line, owner in self.modules[file].owner.items() if owner == name) if file else iter(())

    def reaches(self, symbol: Symbol) -> set[Symbol]:
        """The symbol and all that mention it, in annotations too, however indirectly."""
        found, waiting = {symbol}, [symbol]
        while waiting:
            here = waiting.pop()
            new = {mention.by for mention in self.of[here]} | self._annotated[here]
            waiting += new - found
            found |= new
        return found

    def compiled(self, symbol: Symbol) -> bool:
        """Whether any line of a symbol is compiled."""
        return not self.modules[symbol[0]].compiled.isdisjoint(self.span(symbol))

    def imported(self, text: str) -> set[str]:
        """The source files that a text imports by name."""
        return {file for _, (file, _) in self._imports(ast.parse(text), "")}

    def _read(self, file: str, tree: ast.Module) -> Module:
        module = Module(tree, names=dict(self._imports(tree, file)))
        for statement in tree.body:
            lines = range(_top(statement), (statement.end_lineno or statement.lineno) + 1)
            name = next(iter(_defined(statement)), "")
            module.owner |= dict.fromkeys(lines, name)
            for each in _defined(statement):
                module.names.setdefault(each, (file, name))
            if isinstance(statement, ast.ClassDef):
                for inner in statement.body:
                    for each in _defined(inner) if not isinstance(inner, ast.FunctionDef) else []:
                        module.fields |= dict.fromkeys(range(inner.lineno, (inner.end_lineno or 0) + 1), each)
        handed = {
            argument.id
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and _name(call.func) in COMPILERS
            for argument in call.args
            if isinstance(argument, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
                module.inside.update(body)
                module.functions.append((body.start, body.stop - 1))
                if node.name in handed or any(_name(each) in COMPILERS for each in node.decorator_list):
                    module.compiled.update(body)
        return module

    def _imports(self, tree: ast.Module, file: str) -> Iterator[tuple[str, tuple[str, str]]]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    above = file.split("/")[: -node.level]
                    base = ".".join([PACKAGE, *above, *filter(None, [base])])
                for alias in node.names:
                    whole = self._file(f"{base}.{alias.name}")
                    target = (whole, "") if whole else (self._file(base), alias.name)
                    if target[0]:
                        yield alias.asname or alias.name, (str(target[0]), target[1])
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if (found := self._file(alias.name)) is not None:
                        yield alias.asname or alias.name, (found, "")

    def _file(self, module: str) -> str | None:
        if not module.startswith(f"{PACKAGE}."):
            return None
        path = module.removeprefix(f"{PACKAGE}.").replace(".", "/")
        return next((each for each in (f"{path}.py", f"{path}/__init__.py") if each in self._files), None)

    def _note(self, file: str, module: Module, statement: ast.stmt) -> None:
        """Enter what one statement mentions itself: for one with a body, its head."""
        body = getattr(statement, "body", None)
        last = statement.end_lineno or statement.lineno
        if isinstance(body, list):
            last = max(_top(statement), body[0].lineno - 1)
        by = file, module.owner.get(statement.lineno, "")
        runs = self.seen_to_run(file, statement.lineno)
        for node, annotates in _head(statement):
            mention = Mention(by, _top(statement), last, runs)
            target = self._target(module, node)
            if target is not None and target != by and annotates:
                self._annotated[target].add(by)
            elif target is not None and target != by:
                self.of[target].add(mention)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                self.of["", node.attr].add(mention)

    def _target(self, module: Module, node: ast.AST) -> Symbol | None:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            return self._resolved(*module.names[node.id]) if node.id in module.names else None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            file, name = module.names.get(node.value.id, ("", ""))
            return self._resolved(file, node.attr) if file and not name else None
        return None

    def _resolved(self, file: str, name: str) -> Symbol | None:
        """Through packages that hand a name on, to where it is defined."""
        for _ in range(8):
            found = self.modules[file].names.get(name) if file in self.modules else None
            if found is None:
                return None
            if found[0] == file or not found[1]:
                return found[0], found[1]
            file, name = found
        return None


def _head(statement: ast.stmt) -> Iterator[tuple[ast.AST, bool]]:
    """The nodes of a statement that lie in no statement below it, and whether they are part of an annotation."""
    waiting: list[tuple[ast.AST, bool]] = [(statement, False)]
    while waiting:
        parent, annotates = waiting.pop()
        if parent is not statement:
            yield parent, annotates
        for name, value in ast.iter_fields(parent):
            below = value if isinstance(value, list) else [value]
            inner = annotates or name in {"annotation", "returns"}
            waiting += [(each, inner) for each in below if isinstance(each, ast.AST) and not isinstance(each, ast.stmt)]


def _defined(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [statement.name]
        case ast.Assign():
            return [node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.AugAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _top(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _name(node: ast.AST) -> str:
    while isinstance(node, ast.Call):
        node = node.func
    return getattr(node, "id", getattr(node, "attr", ""))
