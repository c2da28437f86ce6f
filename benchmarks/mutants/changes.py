"""Which one-place changes a source text allows.

Never touched: docstrings and other texts, what is said in a `raise`,
annotations, type aliases, imports, decorators, protocols, asserts, `__all__`, and keywords that only guard or explain
(`strict` of zip, `stacklevel`).
"""

import ast
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

COMPARE: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<", "<=", ">="),
    ast.LtE: ("<=", "<", ">"),
    ast.Gt: (">", ">=", "<="),
    ast.GtE: (">=", ">", "<"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
"""An operator, and what may stand in its place: its boundary moved, or its opposite."""
ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.BitXor: ("^", "&"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult, ast.LShift, ast.RShift)
OPPOSITES = {"min": "max", "minimum": "maximum", "argmin": "argmax", "any": "all", "floor": "ceil", "cummin": "cummax"}
OPPOSITES |= {after: before for before, after in OPPOSITES.items()}
UNSWAPPED = {"isinstance", "issubclass", "getattr", "hasattr"}
UNSWAPPED |= {*OPPOSITES, "array_equal", "isclose", "allclose", "gcd", "hypot", "logaddexp", "add", "multiply"}
"""Calls whose arguments may not, or need not, be exchanged."""
TYPING = {"cast", "TypeVar", "NewType", "ParamSpec", "NamedTuple", "overload", "field_validator"}
EXPLAINS = {"strict", "stacklevel", "description", "help"}

Found = tuple[str, int, int, str]
"""Kind, first and last offset, and the text that takes the place of what lies between."""
Place = tuple[tuple[str, int | None], ...]
"""From a module's tree down to a node: fields, and places in their lists."""


@dataclass(frozen=True)
class Change:
    """The text between two offsets (bytes) of a file gives way to `text`; the node at `path` alone may differ."""

    kind: str
    line: int
    column: int
    function: str
    path: Place
    start: int
    end: int
    text: str


class Changes:
    """All changes that one source text allows, as they are met from top to bottom."""

    def __init__(self, source: str) -> None:
        self.tree = ast.parse(source)
        self.source = source.encode()
        self.starts = [0, *itertools.accumulate(len(line) for line in self.source.splitlines(keepends=True))]

    def __iter__(self) -> Iterator[Change]:
        return self._within(self.tree, (), "", signed=True)

    def span(self, node: ast.AST) -> tuple[int, int]:
        place = node.lineno, node.col_offset, node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        return self.starts[place[0] - 1] + place[1], self.starts[place[2] - 1] + place[3]

    def _text(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.source[start:end].decode()

    def _within(self, node: ast.AST, path: Place, function: str, *, signed: bool) -> Iterator[Change]:
        """`signed` is false of an axis or a place in a shape: 1 and -1 are often the same there."""
        if _silent(node):
            return
        if hasattr(node, "lineno"):
            for kind, start, end, text in self._here(node, signed=signed):
                line: int = node.lineno
                column = start - self.starts[line - 1]
                yield Change(kind, line, column, function or "<module>", path, start, end, text)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            function = f"{function}.{node.name}".lstrip(".")
        for field, at, child in _children(node):
            axis = field == "slice" or (isinstance(node, ast.keyword) and node.arg == "axis")
            below = not axis and (signed or not isinstance(node, ast.UnaryOp))
            yield from self._within(child, (*path, (field, at)), function, signed=below)

    def _here(self, node: ast.AST, *, signed: bool) -> Iterator[Found]:
        yield from self._operators(node)
        yield from self._values(node, signed=signed)
        yield from self._statements(node)

    def _operators(self, node: ast.AST) -> Iterator[Found]:
        match node:
            case ast.Compare():
                operands = itertools.pairwise([node.left, *node.comparators])
                for (left, right), operator in zip(operands, node.ops, strict=True):
                    was, *others = COMPARE[type(operator)]
                    yield from self._between("comparison", left, right, was, others)
            case ast.BoolOp():
                was, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                for left, right in itertools.pairwise(node.values):
                    yield from self._between("and/or", left, right, was, [other])
            case ast.BinOp(op=ast.BitOr(), right=ast.Constant(value=None)):
                pass  # a type
            case ast.BinOp() if not (_is_sequence(node.left) or _is_sequence(node.right)):
                if type(node.op) in ARITHMETIC:
                    was, other = ARITHMETIC[type(node.op)]
                    yield from self._between("arithmetic", node.left, node.right, was, [other])
                if isinstance(node.op, ORDERED):
                    yield from self._swapped(node.left, node.right)
            case ast.AugAssign() if type(node.op) in ARITHMETIC and not _is_sequence(node.value):
                was, other = ARITHMETIC[type(node.op)]
                yield from self._between("arithmetic", node.target, node.value, was + "=", [other + "="])
            case ast.UnaryOp(op=ast.Not()):
                yield from self._instead("not", node, [self._text(node)[len("not") :].strip()])

    def _values(self, node: ast.AST, *, signed: bool) -> Iterator[Found]:
        match node:
            case ast.Constant(value=bool() as truth):
                yield from self._instead("boolean", node, [repr(not truth)])
            case ast.Constant(value=int() | float() as number):
                others = sorted({repr(each) for each in _other_numbers(number, signed=signed)})
                yield from self._instead("constant", node, others)
            case ast.UnaryOp(op=ast.USub()) if signed:
                yield from self._instead("sign", node, [self._text(node)[len("-") :].strip()])
            case ast.Slice():
                yield from self._instead("slice", node, sorted(set(_other_slices(node))))
            case ast.Call():
                yield from self._calls(node)

    def _statements(self, node: ast.AST) -> Iterator[Found]:
        match node:
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                if not isinstance(test, ast.Compare | ast.UnaryOp | ast.Constant):
                    yield from self._instead("condition", test, [f"not ({self._text(test)})"])
            case ast.Return(value=ast.Constant(value=None)):
                pass
            case ast.Return(value=ast.expr()):
                yield from self._instead("return", node, ["return None"])
            case ast.Raise() | ast.Continue() | ast.Break() | ast.AugAssign() | ast.Expr(value=ast.Call()):
                yield from self._instead("deletion", node, ["pass"])
            case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
                yield from self._instead("deletion", node, ["pass"])

    def _calls(self, node: ast.Call) -> Iterator[Found]:
        name = _called(node)
        if name in OPPOSITES:
            _, end = self.span(node.func)
            yield "extreme", end - len(name), end, OPPOSITES[name]
        if len(node.args) == 2 and name not in UNSWAPPED and not any(isinstance(x, ast.Starred) for x in node.args):
            yield from self._swapped(*node.args)

    def _instead(self, kind: str, node: ast.AST, texts: Iterable[str]) -> Iterator[Found]:
        return ((kind, *self.span(node), text) for text in texts)

    def _between(self, kind: str, left: ast.AST, right: ast.AST, was: str, others: Iterable[str]) -> Iterator[Found]:
        """An operator lies between its operands, perhaps beside brackets."""
        start, end = self.span(left)[1], self.span(right)[0]
        at = self.source[start:end].decode().find(was)
        if at >= 0:
            for other in others:
                yield kind, start + at, start + at + len(was), other

    def _swapped(self, first: ast.expr, second: ast.expr) -> Iterator[Found]:
        one, two = self._text(first), self._text(second)
        start, end = self.span(first)[0], self.span(second)[1]
        gap = self.source[self.span(first)[1] : self.span(second)[0]].decode()
        if ast.dump(first) != ast.dump(second):
            yield "order", start, end, f"{_bracketed(second, two)}{gap}{_bracketed(first, one)}"


def _bracketed(node: ast.expr, text: str) -> str:
    plain = isinstance(node, ast.Name | ast.Constant | ast.Attribute | ast.Subscript | ast.Call)
    return text if plain or text.startswith("(") else f"({text})"


def _other_numbers(number: float, *, signed: bool) -> Iterator[float]:
    yield number + 1
    if number:
        if signed:
            yield -number
        if abs(number) > 1e-6:
            yield 2 * number
    if isinstance(number, int):
        yield number - 1


def _other_slices(node: ast.Slice) -> Iterator[str]:
    lower, upper, step = (ast.unparse(x) if x else "" for x in (node.lower, node.upper, node.step))
    tail = f":{step}" if step else ""
    if lower:
        yield f":{upper}{tail}"
        yield f"({lower}) + 1:{upper}{tail}"
    if upper:
        yield f"{lower}:{tail}"
        yield f"{lower}:({upper}) - 1{tail}"
    if step:
        yield f"{lower}:{upper}"


def _children(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    """What may be changed below a node."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            fields = ["args", "body"]
        case ast.ClassDef():
            fields = ["body"]
        case ast.arguments():
            fields = ["kw_defaults", "defaults"]
        case ast.AnnAssign() | ast.keyword():
            fields = ["value"]
        case ast.Call() if _called(node) in {"isinstance", "issubclass"}:
            yield "args", 0, node.args[0]
            return
        case ast.Raise():
            return
        case _:
            fields = [each for each in node._fields if each not in {"ctx", "format_spec", "type_comment"}]
    for field in fields:
        value = getattr(node, field)
        if isinstance(value, list):
            yield from ((field, at, each) for at, each in enumerate(value) if isinstance(each, ast.AST))
        elif isinstance(value, ast.AST):
            yield field, None, value


def _silent(node: ast.AST) -> bool:
    """Whether nothing below (and nothing at) this node is ever changed."""
    match node:
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Assert() | ast.ExceptHandler(type=None):
            return True
        case ast.Call():
            return _called(node) in TYPING
        case ast.keyword():
            return node.arg in EXPLAINS
        case ast.Subscript(value=ast.Name(id="Annotated")):
            return True
        case ast.ClassDef():
            return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name == "__all__" or (name[:1].isupper() and not name.isupper() and _is_type(node.value))
        case ast.AnnAssign():
            return ast.unparse(node.annotation).endswith("TypeAlias")
    return False


def _is_type(value: ast.expr) -> bool:
    inner = (ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.BitOr, ast.Tuple, ast.List, ast.Constant, ast.Load)
    return all(isinstance(each, inner) for each in ast.walk(value))


def _is_sequence(node: ast.expr) -> bool:
    """Texts, lists and tuples written out: any other operator than theirs would fail for a trivial reason."""
    literal = (ast.JoinedStr, ast.List, ast.ListComp, ast.Tuple)
    return isinstance(node, literal) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))
