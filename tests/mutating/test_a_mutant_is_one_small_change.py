"""Which changes are made of a piece of code, and which of them are not judged."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.mutating.mutants import Mutant, Source
from tests.mutating.scope import modules


def mutants_of(text: str) -> list[Mutant]:
    return Source("a.module", Path("module.py"), ast.parse(text)).mutants()


def judged(text: str) -> set[tuple[str, str]]:
    return {(one.before, one.after) for one in mutants_of(text) if not one.excluded}


def excluded(text: str) -> set[tuple[str, str | None]]:
    return {(one.before, one.excluded) for one in mutants_of(text) if one.excluded}


@pytest.mark.parametrize(
    ("text", "before", "afters"),
    [
        ("x = a < b", "a < b", {"a <= b"}),
        ("x = a is b", "a is b", {"a is not b"}),
        ("x = a and b", "a and b", {"a or b", "a", "b"}),
        ("x = not a", "not a", {"a"}),
        ("x = a + b", "a + b", {"a - b"}),
        ("x = True", "True", {"False"}),
        ("x = 2", "2", {"3"}),
        ("x = 'a'", "'a'", {"'a~'"}),
        ("x = any(a)", "any(a)", {"all(a)"}),
        ("x = sorted(a)", "sorted(a)", {"list(a)"}),
        ("x = a.startswith(b)", "a.startswith(b)", {"a.endswith(b)"}),
        ("x = f(a, b=c)", "f(a, b=c)", {"f(a)"}),
        ("x = [a for a in b if c]", "for a in b if c", {"for a in b"}),
        ("x = (a, b)", "(a, b)", {"(a,)", "(b,)"}),
        ("x = {a: b}", "{a: b}", {"{}"}),
        ("def f():\n  g()", "g()", {"pass"}),
        ("def f():\n  a[b] = c", "a[b] = c", {"pass"}),
        ("def f():\n  return a", "return a", {"return None"}),
        ("def f():\n  for a in b:\n    continue", "continue", {"break"}),
        (
            "match a:\n  case 1: b\n  case _: c",
            "match a: case 1: b case _: c",
            {"match a: case 1: b", "match a: case _: c"},
        ),
    ],
)
def test_a_piece_of_code_can_be_written_wrongly_like_this(
    text: str, before: str, afters: set[str]
) -> None:
    assert {after for what, after in judged(text) if what == before} == afters


def test_a_condition_is_forced_both_ways_and_only_boundaries_move() -> None:
    assert judged("if a == b: pass") == {("a == b", "False"), ("a == b", "True")}
    assert ("a < b", "a <= b") in judged("if a < b: pass")


def test_a_loop_is_not_made_endless_by_its_condition() -> None:
    assert ("a", "True") not in judged("while a: pass")


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("'''Told to readers.'''", "'Told to readers.'"),
        ("def f(a: A | None): ...", "A | None"),
        ("Either = One | Other", "One | Other"),
        ("Rule = Callable[[One], Other]", "[One]"),
        ("K = TypeVar('K')", "'K'"),
        ("@dataclass(frozen=True)\nclass A: ...", "True"),
        ("__all__ = ('a', b)", "('a', b)"),
        ("if TYPE_CHECKING:\n  x = 1", "1"),
        ("assert a == 1", "1"),
        ("def f():\n  g('it is full')", "'it is full'"),
        ("def f():\n  g(f'{a} is full')", "' is full'"),
    ],
)
def test_what_no_test_should_say_again_is_not_judged(text: str, before: str) -> None:
    assert before in {what for what, _ in excluded(text)}
    assert before not in {what for what, _ in judged(text)}


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n  return 'it is full' in answer",
        "def f():\n  re.search('it is full', answer)",
        "def f():\n  answer.startswith('it is full')",
        "FULL = ('it is full',)",
    ],
)
def test_a_sentence_that_is_looked_for_is_judged(text: str) -> None:
    assert ("'it is full'", "'it is full~'") in judged(text)


def test_only_the_part_that_differs_is_shown() -> None:
    text = f"x = [{', '.join(f'name_{number}' for number in range(20))}, a < b]"

    (found,) = [one for one in mutants_of(f"def f():\n  {text}") if "<" in one.before]

    assert (found.before, found.after, found.where, found.line) == ("a < b", "a <= b", "f", 2)


def test_every_mutant_is_another_program_that_can_be_compiled() -> None:
    name = "shoal.planning.circuits"
    source = Source.read(name, modules()[name])
    as_it_is = ast.unparse(source.tree)
    codes = [source.compiled(mutant) for mutant in source.mutants()]

    assert source.compiled() not in codes
    assert ast.unparse(source.tree) == as_it_is
