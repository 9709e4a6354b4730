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

_DUMPED = "the values of this model are text, numbers and lists of them in either mode"
_UNREAD = "of the error only its type, its place and its message are read"
_ROOT = "the root always exists, so a path without a slash needs no other check"
_PLANNING = "shoal.planning"

EQUIVALENT: tuple[Equivalent, ...] = (
    Equivalent(
        f"{_PLANNING}.backing_off",
        "delay_seconds",
        "16",
        "17",
        "both powers are longer than the longest delay",
    ),
    *(
        Equivalent(f"{_PLANNING}.{module}", where, before, after, _DUMPED)
        for module, where, call in (
            ("grounding", "grounded_spec", "part.model_dump({}exclude_unset=True)"),
            (
                "overriding",
                "desired_digest",
                "policy.model_dump({}exclude_defaults=True, exclude…",
            ),
            ("overriding", "desired_digest", "rule.model_dump({}exclude_defaults=True)"),
            ("overriding", "_references", "override.model_dump({}exclude={{'cluster_selector'}})"),
        )
        for before, after in (
            (call.format("mode='json', "), call.format("")),
            ("'json'", "'json~'"),
        )
    ),
    *(
        Equivalent(f"{_PLANNING}.grounding", "_why_unfit", before, after, _UNREAD)
        for before, after in (
            (
                "error.errors(include_input=False, include_url=False)",
                "error.errors(include_url=False)",
            ),
            (
                "…ror.errors(include_input=False, include_url=False)",
                "…ror.errors(include_input=False)",
            ),
            ("False", "True"),
        )
    ),
    Equivalent(
        f"{_PLANNING}.grounding",
        "grounded_each",
        "'.'",
        "'.~'",
        "a place of a patch begins with a dot, and no place with a tilde",
    ),
    Equivalent(
        f"{_PLANNING}.images",
        "with_image",
        "….key.group_kind == _DEFINITION or image.name.encode() not in manifest.text",
        "….key.group_kind == _DEFINITION",
        "a short cut: an object without the name in it has no such image",
    ),
    Equivalent(
        f"{_PLANNING}.images", "images_of", "''", "'~'", "a pointer that is not used any further"
    ),
    *(
        Equivalent(
            f"{_PLANNING}.images",
            "_replaced",
            f"image.{part} or ''",
            f"image.{part}",
            "a part that is None is written like an empty one: not at all",
        )
        for part in ("new_tag", "digest")
    ),
    *(
        Equivalent(f"{_PLANNING}.patching", "apply_operation", before, after, _ROOT)
        for before, after in (
            (
                "operation['op'] in ('add', 'copy', 'move') and '/' in operation['path']",
                "True",
            ),
            (
                "…'] in ('add', 'copy', 'move') and '/' in operation['path']",
                "…'] in ('add', 'copy', 'move') or '/' in operation['path']",
            ),
            (
                "operation['op'] in ('add', 'copy', 'move') and '/' in operation['path']",
                "'/' in operation['path']",
            ),
            (
                "…p'] in ('add', 'copy', 'move') and '/' in operation['path']",
                "…p'] in ('add', 'copy', 'move')",
            ),
        )
    ),
)
