"""What a mutant may do: for one node of a syntax tree, the nodes that could stand there instead.

The changes are small ones that a person could make: the wrong side of a boundary, a condition that
always or never holds, a part of a condition or a line forgotten, another number or another name.
Changes that nearly every test would notice are left out, for they would only raise the score: a
comparison that is a whole condition is not turned round when the condition is forced both ways.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar, cast

Node = TypeVar("Node", bound=ast.AST)


class Place(NamedTuple):
    """Where a node stands: what is around it, from the module inwards, and the field it fills."""

    around: tuple[ast.AST, ...]
    field: str

    @property
    def parent(self) -> ast.AST:
        return self.around[-1]

    @property
    def is_at_import(self) -> bool:
        """Whether the node belongs to no function: a table, a pattern, a default of a class."""
        return not any(isinstance(each, FUNCTIONS) for each in self.around)

    @property
    def is_condition(self) -> bool:
        return self.field == "test" and isinstance(self.parent, (ast.If, ast.IfExp, ast.While))


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitAnd,
}
_PAIRS = (
    ("any", "all"),
    ("min", "max"),
    ("startswith", "endswith"),
    ("removeprefix", "removesuffix"),
    ("partition", "rpartition"),
    ("search", "fullmatch"),
    ("lstrip", "rstrip"),
    ("keys", "values"),
)
_CALLS = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])} | {"sorted": "list"}


def replacements(node: ast.AST, place: Place) -> Iterator[ast.AST]:
    """Every node that a mutant puts in the place of this one; none of them is part of the tree."""
    if isinstance(node, ast.expr) and place.is_condition and not isinstance(node, ast.Constant):
        yield from _forced(place)
    for kind, operator in _OPERATORS:
        if isinstance(node, kind):
            yield from operator(node, place)


def _forced(place: Place) -> Iterator[ast.AST]:
    """A condition that never holds, and one that always does; by the second no loop ends."""
    yield ast.Constant(False)
    if not isinstance(place.parent, ast.While):
        yield ast.Constant(True)


def _compare(node: ast.Compare, place: Place) -> Iterator[ast.AST]:
    for index, operator in enumerate(node.ops):
        if not place.is_condition or isinstance(operator, _ORDERINGS):
            ops = [*node.ops[:index], _COMPARISONS[type(operator)](), *node.ops[index + 1 :]]
            yield _with(node, ops=ops)


def _boolean(node: ast.BoolOp, _: Place) -> Iterator[ast.AST]:
    """The other word, and each part forgotten."""
    yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for left in _one_less(node.values):
        yield left[0] if len(left) == 1 else _with(node, values=left)


def _negation(node: ast.UnaryOp, place: Place) -> Iterator[ast.AST]:
    if isinstance(node.op, ast.Not) and not place.is_condition:
        yield node.operand


def _arithmetic(node: ast.BinOp | ast.AugAssign, _: Place) -> Iterator[ast.AST]:
    other = _ARITHMETIC.get(type(node.op))
    if other is not None:
        yield _with(node, op=other())


def _constant(node: ast.Constant, _: Place) -> Iterator[ast.AST]:
    match node.value:
        case bool(value):
            yield ast.Constant(not value)
        case int(value) | float(value):
            yield ast.Constant(value + 1)
        case str(value):
            yield ast.Constant(value + "~")
        case bytes(value):
            yield ast.Constant(value + b"~")


def _call(node: ast.Call, _: Place) -> Iterator[ast.AST]:
    """A keyword forgotten, and the function that is taken for its like."""
    for less in _one_less([each for each in node.keywords if each.arg is not None]):
        yield _with(node, keywords=[each for each in node.keywords if not each.arg or each in less])
    match node.func:
        case ast.Name(id="sorted"):
            yield _with(node, func=ast.Name("list", ast.Load()), keywords=[])
        case ast.Name(id=name) if name in _CALLS:
            yield _with(node, func=ast.Name(_CALLS[name], ast.Load()))
        case ast.Attribute(attr=name) if name in _CALLS:
            yield _with(node, func=_with(node.func, attr=_CALLS[name]))


def _comprehension(node: ast.comprehension, _: Place) -> Iterator[ast.AST]:
    for less in _one_less(node.ifs):
        yield _with(node, ifs=less)


def _match(node: ast.Match, _: Place) -> Iterator[ast.AST]:
    if len(node.cases) > 1:
        for less in _one_less(node.cases):
            yield _with(node, cases=less)


def _table(node: ast.Tuple | ast.List | ast.Set, place: Place) -> Iterator[ast.AST]:
    """An entry forgotten in a table; an entry that is a text becomes another text anyway."""
    if place.is_at_import and isinstance(getattr(node, "ctx", None), (ast.Load, type(None))):
        for index, entry in enumerate(node.elts):
            if not isinstance(entry, ast.Constant):
                yield _with(node, elts=[*node.elts[:index], *node.elts[index + 1 :]])


def _mapping(node: ast.Dict, place: Place) -> Iterator[ast.AST]:
    if place.is_at_import:
        for index, key in enumerate(node.keys):
            if not isinstance(key, ast.Constant):
                keys = [*node.keys[:index], *node.keys[index + 1 :]]
                values = [*node.values[:index], *node.values[index + 1 :]]
                yield _with(node, keys=keys, values=values)


def _statement(node: ast.stmt, place: Place) -> Iterator[ast.AST]:
    """A line forgotten, an answer of nothing, a loop left too early."""
    match node:
        case ast.Expr(value=ast.Call() | ast.Await() | ast.Yield() | ast.YieldFrom()):
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]) | ast.Delete():
            yield ast.Pass()
        case ast.Raise() if not isinstance(place.parent, ast.If):
            yield ast.Pass()
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()


_Operator = Callable[[ast.AST, Place], Iterator[ast.AST]]
_OPERATORS: tuple[tuple[type[ast.AST] | tuple[type[ast.AST], ...], _Operator], ...] = tuple(
    (kind, cast(_Operator, operator))
    for kind, operator in (
        (ast.Compare, _compare),
        (ast.BoolOp, _boolean),
        (ast.UnaryOp, _negation),
        ((ast.BinOp, ast.AugAssign), _arithmetic),
        (ast.Constant, _constant),
        (ast.Call, _call),
        (ast.comprehension, _comprehension),
        (ast.Match, _match),
        ((ast.Tuple, ast.List, ast.Set), _table),
        (ast.Dict, _mapping),
        (ast.stmt, _statement),
    )
)


def _with(node: Node, **changed: object) -> Node:
    """A shallow copy with other fields."""
    fields = {name: getattr(node, name) for name in node._fields if hasattr(node, name)}
    return type(node)(**{**fields, **changed})


T = TypeVar("T")


def _one_less(parts: Sequence[T]) -> Iterator[list[T]]:
    for index in range(len(parts)):
        yield [*parts[:index], *parts[index + 1 :]]
