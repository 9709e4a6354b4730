"""The mutants of one module: its syntax tree with one node replaced, and what is said of each."""

from __future__ import annotations
import __future__

import ast
import copy
import itertools
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType

from tests.mutating.exclusions import EQUIVALENT, Equivalent, reason_against
from tests.mutating.operators import FUNCTIONS, Place, replacements

_AROUND = 30
"""Characters that are shown on both sides of what a mutant changes."""
_SCOPES = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_Way = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed place. `where` is the function's qualified name, empty outside of functions.

    `excluded` says why it is not judged. `head` is the line where the outermost function begins
    that the place belongs to; None: it is evaluated when the module is imported. Then `remade` are
    the statements of the module that make the changed value and those that stand on it; empty: only
    a new import makes the mutant.
    """

    module: str
    path: Path
    where: str
    line: int
    before: str
    after: str
    excluded: str | None
    head: int | None
    remade: tuple[int, ...]
    way: _Way = field(repr=False)
    node: ast.AST = field(repr=False)

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.where}: {self.before}  →  {self.after}"


@dataclass(frozen=True, slots=True)
class Source:
    """A module as read."""

    module: str
    path: Path
    tree: ast.Module

    @classmethod
    def read(cls, module: str, path: Path) -> Source:
        return cls(module, path, ast.parse(path.read_text(), str(path)))

    def mutants(self) -> list[Mutant]:
        """All of them, in the order of the source."""
        return list(_mutants(self))

    def compiled(self, mutant: Mutant | None = None) -> CodeType:
        """The module, or the statements to remake, with the mutant in it."""
        tree = copy.deepcopy(self.tree)
        if mutant is not None:
            _replace(tree, mutant.way, copy.deepcopy(mutant.node))
        if mutant is not None and mutant.remade:
            tree.body = [tree.body[index] for index in mutant.remade]
        flags = __future__.annotations.compiler_flag
        return compile(tree, str(self.path), "exec", flags=flags, dont_inherit=True)


def _mutants(source: Source) -> Iterator[Mutant]:
    known = {
        (each.where, each.before, each.after): each
        for each in EQUIVALENT
        if each.module == source.module
    }
    for node, place, way, reason in _places(source.tree, (), "", (), None):
        for other in replacements(node, place):
            where, (before, after) = _where(place), _difference(node, other)
            equivalent = known.get((where, before, after))
            yield Mutant(
                module=source.module,
                path=source.path,
                where=where,
                line=_nearest(node, place).lineno,
                before=before,
                after=after,
                excluded=reason or (equivalent and equivalent.reason),
                head=_head(node, place),
                remade=_remade(source.tree, way),
                way=way,
                node=_located(other, node, place),
            )


def unused(sources: Sequence[Source]) -> list[Equivalent]:
    """The entries of `EQUIVALENT` that hit no mutant."""
    hit = {
        (each.module, each.where, each.before, each.after)
        for source in sources
        for each in source.mutants()
    }
    return [each for each in EQUIVALENT if each[:4] not in hit]


def _places(
    node: ast.AST, around: tuple[ast.AST, ...], field_name: str, way: _Way, reason: str | None
) -> Iterator[tuple[ast.AST, Place, _Way, str | None]]:
    """Every node below the module with its place; a reason against a node holds for all below."""
    if around:
        place = Place(around, field_name)
        reason = reason or reason_against(node, place)
        yield node, place, way, reason
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield from _places(value, (*around, node), name, (*way, (name, None)), reason)
        elif isinstance(value, list):
            for index, child in enumerate(value):
                if isinstance(child, ast.AST):
                    step = (*way, (name, index))
                    yield from _places(child, (*around, node), name, step, reason)


def _replace(tree: ast.Module, way: _Way, node: ast.AST) -> None:
    holder: ast.AST = tree
    for name, index in way[:-1]:
        held = getattr(holder, name)
        holder = held if index is None else held[index]
    name, index = way[-1]
    if index is None:
        setattr(holder, name, node)
    else:
        getattr(holder, name)[index] = node


def _located(other: ast.AST, node: ast.AST, place: Place) -> ast.AST:
    """The new node, at the line of the old one wherever it does not say its own."""
    nearest = _nearest(node, place)
    for each in ast.walk(other):
        if "lineno" in each._attributes and not hasattr(each, "lineno"):
            ast.copy_location(each, nearest)
    return other


def _nearest(node: ast.AST, place: Place) -> ast.stmt | ast.expr:
    """The node itself or what is around it, whichever first knows its line."""
    inside_out = (node, *reversed(place.around))
    return next(each for each in inside_out if isinstance(each, (ast.stmt, ast.expr)))


def _where(place: Place) -> str:
    return ".".join(each.name for each in place.around if isinstance(each, _SCOPES))


def _head(node: ast.AST, place: Place) -> int | None:
    """Where the code object begins whose text the mutant changes.

    None also for what takes `super` away: a function that exists cannot lose that cell.
    """
    if any(isinstance(each, ast.Name) and each.id == "super" for each in ast.walk(node)):
        return None
    inner = (*place.around, node)
    for function, below in itertools.pairwise(inner):
        if isinstance(function, FUNCTIONS):
            if isinstance(function, ast.Lambda) or not any(below is each for each in function.body):
                return None
            return min(each.lineno for each in (function, *function.decorator_list))
    return None


def _remade(tree: ast.Module, way: _Way) -> tuple[int, ...]:
    """The assignment that the way leads into, and the later ones that read what it assigns."""
    first = way[0][1] or 0
    names = set(assigned(tree.body[first]))
    if not names:
        return ()
    found = [first]
    for index, statement in enumerate(tree.body[first + 1 :], first + 1):
        if not names & _read_at_import(statement):
            continue
        made = assigned(statement)
        if not made:
            return ()  # a class or a function has taken the value in
        names.update(made)
        found.append(index)
    return tuple(found)


def assigned(statement: ast.stmt) -> list[str]:
    """The names that a statement of a module assigns, when that is all that it does."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _read_at_import(node: ast.AST) -> set[str]:
    """The names that are read when a statement is executed: not those in bodies of functions."""
    if isinstance(node, ast.Name):
        return {node.id}
    below = [
        child
        for name, child in ast.iter_fields(node)
        if not (isinstance(node, FUNCTIONS) and name == "body") and name != "annotation"
    ]
    parts = [each for child in below for each in (child if isinstance(child, list) else [child])]
    return {name for each in parts if isinstance(each, ast.AST) for name in _read_at_import(each)}


def _difference(node: ast.AST, other: ast.AST) -> tuple[str, str]:
    """What stands there and what would, as far as they differ, and a little of what is around."""
    before, after = (" ".join(ast.unparse(each).split()) for each in (node, other))
    start = max(_alike(before, after) - _AROUND, 0)
    rest = max(_alike(before[:start:-1], after[:start:-1]) - _AROUND, 0)
    return _cut(before, start, rest), _cut(after, start, rest)


def _alike(one: str, other: str) -> int:
    """How many characters at the beginning are the same."""
    return sum(1 for _ in itertools.takewhile(bool, map(operator.eq, one, other)))


def _cut(text: str, start: int, rest: int) -> str:
    end = len(text) - rest
    return f"{'…' if start else ''}{text[start:end]}{'…' if rest else ''}"
