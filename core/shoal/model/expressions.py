"""Expressions in CEL, the Common Expression Language, as people write them into documents.

The one place that knows the library. An expression is checked when its document is read: its
grammar, and that it names only variables and functions that there are. It is compiled once and
evaluated under a budget (`expression_costs`). What cannot be evaluated says which field is missing,
or what does not fit, and never shows a value. There is no I/O in CEL, and no clock: what an
expression may know is handed to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import AfterValidator

from shoal.errors import ExpressionFailed, MissingField
from shoal.model.choice import nearest
from shoal.model.expression_costs import (
    MOST_CHARACTERS,
    Shape,
    is_affordable,
    shape_of,
    size_of,
    tokens_of,
)

if TYPE_CHECKING:
    from cel import Program

FUNCTIONS = frozenset(
    {
        *("bytes", "contains", "double", "duration", "dyn", "endsWith", "getDate"),
        *("getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours"),
        *("getMilliseconds", "getMinutes", "getMonth", "getSeconds", "int", "matches"),
        *("size", "startsWith", "string", "timestamp", "type", "uint"),
    }
)
"""The functions of the language that the library has; macros (`has`, `exists` …) are no functions.
"""
_TYPES = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"})
_FIRST_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*)")
_KEPT = 4096
"""Compiled expressions that are kept: more than any fleet has, at some 10 KiB each."""


def over(*variables: str) -> AfterValidator:
    """For a field of a document: text that is an expression over these variables."""

    def checked(source: str) -> str:
        check(source, variables)
        return source

    return AfterValidator(checked)


def check(source: str, variables: Iterable[str]) -> None:
    """Pass, or raise ValueError with one sentence: where in the expression, what, what was meant.

    What depends on the values (a field that is missing, types that do not fit) is only known when
    the expression is evaluated.
    """
    program, shape = _compiled(source)
    known = {*variables, *shape.bound, *_TYPES}
    for name in program.variables():
        if name not in known:
            raise ValueError(_unknown(source, "variable", name, sorted(variables)))
    for name in program.functions():
        if name.isidentifier() and not name.startswith("_") and name not in FUNCTIONS:
            raise ValueError(_unknown(source, "function", name, sorted(FUNCTIONS)))


def is_true(source: str, values: Mapping[str, Any]) -> bool:
    """What an expression that says yes or no says; ExpressionFailed when it says anything else."""
    found = evaluate(source, values)
    if not isinstance(found, bool):
        raise ExpressionFailed(f"it gives {_sort(found)}, and true or false is needed")
    return found


def text_of(source: str, values: Mapping[str, Any]) -> str:
    """What an expression that gives a text says; ExpressionFailed when it gives anything else."""
    found = evaluate(source, values)
    if not isinstance(found, str):
        raise ExpressionFailed(f"it gives {_sort(found)}, and a text is needed")
    return found


def evaluate(source: str, values: Mapping[str, Any]) -> Any:
    """The value of a checked expression over plain data: mappings, lists, texts, numbers, times.

    Raises MissingField when it reads what is not there, and ExpressionFailed for everything else.
    Costs some 20 µs, and as much again for each hundred members of the values.
    """
    program, shape = _compiled(source)
    if not is_affordable(shape, size_of(values)):
        raise ExpressionFailed(
            "it could take too long on something this large",
            next_step="put fewer comprehensions into one another",
        )
    try:
        return program.execute(dict(values))
    except KeyError as error:
        raise MissingField(f"there is no field {error.args[0]}") from error
    except IndexError as error:
        raise MissingField("a list has fewer items than it asks for") from error
    except OverflowError as error:
        raise ExpressionFailed("a number is too large") from error
    except ZeroDivisionError as error:
        raise ExpressionFailed("a number is divided by zero") from error
    except Exception as error:  # the border to the library: ValueError, TypeError, RuntimeError
        raise ExpressionFailed(_first_sentence(str(error))) from error


@lru_cache(maxsize=_KEPT)
def _compiled(source: str) -> tuple[Program, Shape]:
    """Compile once; ValueError, in one sentence, when it is no expression."""
    # Its import brings the library's own command line along, 0.2 s: only for who has expressions.
    from cel import compile as compile_expression

    if len(source) > MOST_CHARACTERS:
        raise ValueError(f"an expression has at most {MOST_CHARACTERS} characters")
    if not source.strip():
        raise ValueError("the expression is empty")
    try:
        return compile_expression(source), shape_of(source)
    except ValueError as error:
        raise ValueError(_first_problem(str(error))) from error
    except BaseException as error:
        # What the library's parser did not expect is a panic of Rust, which is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError("this cannot be read as an expression") from error


def _first_problem(message: str) -> str:
    """The first of the parser's complaints, with its place, in words."""
    found = _FIRST_ERROR.search(message)
    if found is None:
        return "this cannot be read as an expression"
    line, column, said = found.groups()
    said = said.partition(" expecting ")[0].replace("'<EOF>'", "the end")
    said = said.replace("mismatched input the end", "it ends too early")
    said = re.sub(r"^(?:mismatched|extraneous) input (.*)", r"\1 does not belong here", said)
    said = re.sub(r"^token recognition error at: .*", "this cannot be read", said)
    said = re.sub(r"^no viable alternative at .*", "this cannot be read", said)
    return f"line {line}, column {column} of the expression: {said}"


def _unknown(source: str, sort: str, name: str, known: list[str]) -> str:
    meant = nearest(name, known)
    hint = f"; did you mean {meant}?" if meant else ""
    if not meant and sort == "variable":
        hint = f"; there is {', '.join(known)}"
    return f"{_place(source, sort, name)}there is no {sort} {name}{hint}"


def _place(source: str, sort: str, name: str) -> str:
    """Where a name stands first that is no field of something."""
    before = ""
    for token in tokens_of(source):
        if token.text == name and (sort == "function" or before != "."):
            line = source.count("\n", 0, token.at) + 1
            column = token.at - (source.rfind("\n", 0, token.at) + 1) + 1
            return f"line {line}, column {column} of the expression: "
        before = token.text
    return ""


def _first_sentence(message: str) -> str:
    said = message.partition(". ")[0].partition("\n")[0].rstrip(".")
    said = said.partition(": the operation")[0].partition(" - ")[0]
    return said.replace("No such overload", "types that do not fit together")


def _sort(value: Any) -> str:
    """What sort of thing a value is, never the value."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return "something else"
