"""Mutants that are made and not judged, each with its reason.

`RULES` are places where a test could only say the line again. `EQUIVALENT` are single mutants that
no test can tell from the original; what stands there has been looked at by a person. An entry that
no longer hits a mutant fails a test, so none outlives its line.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import NamedTuple

from tests.mutating.operators import FUNCTIONS, Place

_MATCHING = frozenset(
    {"search", "match", "fullmatch", "compile", "startswith", "endswith", "removeprefix", "split"}
)
_TYPES = frozenset({"TypeVar", "NewType", "NamedTuple", "cast"})


class Rule(NamedTuple):
    reason: str
    holds: Callable[[ast.AST, Place], bool]


class Equivalent(NamedTuple):
    """One mutant, by module, function and what is changed into what; and why it is the same."""

    module: str
    where: str
    before: str
    after: str
    reason: str


def reason_against(node: ast.AST, place: Place) -> str | None:
    """Why a mutant at this place is not judged; None when it is."""
    return next((rule.reason for rule in RULES if rule.holds(node, place)), None)


def _is_docstring(node: ast.AST, place: Place) -> bool:
    return isinstance(node, ast.Constant) and isinstance(place.parent, ast.Expr)


def _is_type(node: ast.AST, place: Place) -> bool:
    if place.field in ("annotation", "returns"):
        return True
    if isinstance(place.parent, ast.Subscript) and place.field == "slice" and place.is_at_import:
        return True
    if isinstance(node, ast.BinOp) and place.is_at_import:
        names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
        return all(name.lstrip("_")[:1].isupper() and not name.isupper() for name in names)
    function = node.func if isinstance(node, ast.Call) else getattr(place.parent, "func", None)
    return isinstance(function, ast.Name) and function.id in _TYPES


def _is_decorator(_: ast.AST, place: Place) -> bool:
    return place.field == "decorator_list"


def _is_export(node: ast.AST, _: Place) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def _is_for_type_checkers(node: ast.AST, _: Place) -> bool:
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.Assert)


def _is_sentence(node: ast.AST, place: Place) -> bool:
    """Words with a blank between them in a function, unless an answer is compared with them."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return False
    if not any(isinstance(each, FUNCTIONS) for each in place.around):
        return False
    in_text = isinstance(place.parent, ast.JoinedStr)
    text = ast.unparse(place.parent) if in_text else node.value
    if " " not in text or not any(letter.isalpha() for letter in text):
        return False
    user = place.around[-2] if in_text else place.parent
    called = getattr(getattr(user, "func", None), "attr", "")
    return not isinstance(user, ast.Compare) and called not in _MATCHING


RULES = (
    Rule("documentation", _is_docstring),
    Rule("a type: mypy and pyright judge it", _is_type),
    Rule("what a decorator is told shows in no decision of the module", _is_decorator),
    Rule("a list of names for readers", _is_export),
    Rule("nothing of it runs: it is there for type checkers", _is_for_type_checkers),
    Rule("a sentence for people: a test could only say it again, word by word", _is_sentence),
)

EQUIVALENT: tuple[Equivalent, ...] = ()
