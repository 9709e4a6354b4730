"""CEL in documents: checked when it is read, evaluated under a budget, errors in words."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.errors import ExpressionFailed, MissingField
from shoal.model.expression_costs import MOST_CHARACTERS, MOST_STEPS, shape_of, size_of
from shoal.model.expressions import check, evaluate, is_true, text_of

CONDITIONS = {
    "object": {
        "status": {
            "phase": "Ready",
            "conditions": [
                {"type": "Ready", "status": "False", "message": "no disk"},
                {"type": "Synced", "status": "True", "message": ""},
            ],
        }
    }
}


def problem(source: str, *variables: str) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        check(source, variables or ("object",))
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("object.status.phase == 'Ready'", True),
        ("object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')", False),
        ("has(object.status.conditions) && has(object.status.phase)", True),
        ("object.status.conditions.all(c, c.type in ['Ready', 'Synced'])", True),
        ("size(object.status.conditions.filter(c, c.status == 'True')) == 1", True),
        (
            "now.getDayOfWeek() == 4 && now - timestamp('2026-01-01T00:00:00Z') < duration('1h')",
            True,
        ),
    ],
)
def test_a_rule_is_true_or_false(source: str, expected: bool) -> None:
    check(source, ("object", "now"))

    now = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
    assert is_true(source, {**CONDITIONS, "now": now}) is expected


def test_a_message_is_made_of_what_the_object_says() -> None:
    bad = "object.status.conditions.filter(c, c.status == 'False')"
    source = f"{bad}.map(c, c.type + ': ' + c.message)[0]"

    assert text_of(source, CONDITIONS) == "Ready: no disk"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 +", "line 1, column 4 of the expression: it ends too early"),
        ("object.a ==\n  size(1", "line 2, column 9 of the expression: missing ')' at the end"),
        ("'x", "line 1, column 1 of the expression: this cannot be read"),
        ("object.a )", "line 1, column 10 of the expression: ')' does not belong here"),
        ("", "the expression is empty"),
        ("a" * (MOST_CHARACTERS + 1), "an expression has at most 4096 characters"),
        ("object.?status", "line 1, column 7 of the expression: unsupported syntax '.?'"),
        (
            "has(object.a) &&\n  objct.b",
            "line 2, column 3 of the expression: there is no variable objct; did you mean object?",
        ),
        (
            "plan.size() == 0",
            "line 1, column 1 of the expression: there is no variable plan; there is object",
        ),
        (
            "object.a.startWith('x')",
            "line 1, column 10 of the expression: there is no function startWith; "
            "did you mean startsWith?",
        ),
    ],
)
def test_what_is_no_expression_is_told_with_its_place(source: str, said: str) -> None:
    assert problem(source) == said


def test_names_that_a_comprehension_binds_are_no_unknown_variables() -> None:
    check("object.a.exists(c, object.b.all(d, c == d)) && type(object.c) == string", ["object"])


def test_a_missing_field_is_told_apart_from_all_else() -> None:
    with pytest.raises(MissingField, match="there is no field reday"):
        is_true("object.status.reday", CONDITIONS)
    with pytest.raises(MissingField, match="fewer items"):
        is_true("object.status.conditions[5].type == 'a'", CONDITIONS)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("object.status.phase", "it gives a text, and true or false is needed"),
        ("size(object.status.conditions)", "it gives a number, and true or false is needed"),
        ("object.status.conditions", "it gives a list, and true or false is needed"),
        ("object.status.phase + 1 == 'x'", "Unsupported operation: string + int"),
        ("object.status.phase ? true : false", "types that do not fit together"),
        ("1 / 0 == 1", "a number is divided by zero"),
        ("9223372036854775807 + 1 == 1", "a number is too large"),
        ("'x'.matches('(') ", "Function 'matches' error: '(' not a valid regex:"),
    ],
)
def test_what_gives_no_answer_says_why_and_shows_no_value(source: str, said: str) -> None:
    check(source, ("object",))

    with pytest.raises(ExpressionFailed) as caught:
        is_true(source, CONDITIONS)

    assert caught.value.message == said


@pytest.mark.parametrize(
    "source",
    [
        "object.map(x, object.map(y, object.all(z, z == x || true))).size() > 0",
        "['x']" + ".map(b, b + b)" * 30 + ".size() > 0",
        "[object]" + ".map(b, [b, b])" * 25 + " == 1",
        "[object.map(x, object)].map(a, object.map(y, a)).map(a, object.map(y, a)) == 1",
        " + ".join(["text"] * 400) + " == ''",
        "object.exists(x, text.contains('needle'))",
    ],
    ids=["nested", "doubled text", "doubled list", "shared", "long sum", "long text"],
)
def test_what_could_take_too_long_is_refused_before_it_begins(source: str) -> None:
    check(source, ("object", "text"))
    values = {"object": list(range(500)), "text": "x" * 1_000_000}

    started = time.perf_counter()
    with pytest.raises(ExpressionFailed, match="too long"):
        evaluate(source, values)

    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "source",
    [
        "||".join(["a"] * (MOST_CHARACTERS // 3)),
        "+".join(["1"] * (MOST_CHARACTERS // 2 - 2)) + " > 0",
        "a" + ".a" * (MOST_CHARACTERS // 2 - 1),
        "!" * (MOST_CHARACTERS - 4) + "true",
        "(" * (MOST_CHARACTERS // 2 - 1) + "1" + ")" * (MOST_CHARACTERS // 2 - 1),
        "[" * 95 + "1" + "]" * 95,
        "a" + "[0]" * (MOST_CHARACTERS // 3 - 1),
        "size(" * (MOST_CHARACTERS // 6 - 1) + "1" + ")" * (MOST_CHARACTERS // 6 - 1),
        "true ? 1 : " * (MOST_CHARACTERS // 11 - 1) + "1",
        "a.map(x, " * 60 + "1" + ")" * 60,
    ],
    ids=["or", "sum", "fields", "not", "brackets", "lists", "items", "calls", "choices", "maps"],
)
def test_the_longest_and_deepest_expressions_break_nothing(source: str) -> None:
    """The process would end, and no test could tell: the parser has no guard of its own stack."""
    assert len(source) <= MOST_CHARACTERS
    try:
        check(source, ("a",))
        evaluate(source, {"a": False})
    except (ValueError, ExpressionFailed):
        pass


@given(st.text(max_size=60) | st.text("()[]{}.,+?:!&|='\"x1 \\", max_size=60))
def test_any_text_is_an_expression_or_a_problem(source: str) -> None:
    try:
        check(source, ("x",))
    except ValueError as error:
        said = str(error)
    else:
        said = ""

    assert "\n" not in said


def test_brackets_in_texts_and_comments_do_not_count() -> None:
    shape = shape_of("a.all(x, x != '.map(' + \"(\") // .map(b, b + b)\n && r'''+'''.size() == 1")

    assert (shape.exponent, shape.growth, shape.additions) == (1, 2, 1)
    assert shape.bound == {"x"}


def test_ordinary_rules_are_far_below_their_budget() -> None:
    shape = shape_of(
        "has(object.status.conditions) && object.status.conditions.exists(c, c.type == 'Ready' && "
        "c.status == 'True') && object.status.replicas.all(r, r.zones.exists(z, z.ready))"
    )

    assert shape.tokens * 50**shape.exponent * 5 < MOST_STEPS


def test_a_size_is_that_of_the_largest_part() -> None:
    assert size_of({"a": [1, 2, {"b": "xyz"}], "c": "x"}) == (3, 3)


_STEPS = (
    "{}.map(b, b + b)",
    "{}.map(b, [b, b])",
    "{}.map(b, items)",
    "items.map(q, {})",
    "{}.filter(f, f != text)",
    "[{0}, {0}]",
    "({0} + {0})",
)


def _composed(steps: Sequence[str]) -> str:
    """Each step around, or behind, what the steps before it made; compared, so that it counts."""
    made = "items"
    for step in steps:
        made = step.format(made) if len(made) < MOST_CHARACTERS // 3 else made
    return f"{made} == {made}"


composed = st.lists(st.sampled_from(_STEPS), max_size=25).map(_composed)


@settings(max_examples=300)
@given(composed)
def test_whatever_is_affordable_is_done_soon(source: str) -> None:
    values = {"items": [f"item {at}" for at in range(30)], "text": "t" * 1000, "x": 1, "y": "1"}
    started = time.thread_time()
    with suppress(ExpressionFailed, ValueError):
        evaluate(source, values)

    assert time.thread_time() - started < 1
