"""The scalars and structure of YAML; expectations were measured with sigs.k8s.io/yaml v1.6.0.

What nobody thought of is compared in rendering/test_yaml_is_read_as_kubernetes_reads_it.py.
"""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.model.yaml import NotYaml, TooMuchYaml, YamlLimits, read_yaml


def read(text: str) -> Any:
    (document,) = read_yaml(text.encode())
    assert document.problems == ()
    return document.value


def problems(text: str) -> list[tuple[int, str]]:
    return [
        (problem.line, problem.message)
        for document in read_yaml(text.encode())
        for problem in document.problems
    ]


def not_yaml(content: bytes, **limits: int) -> NotYaml:
    with pytest.raises(NotYaml) as caught:
        read_yaml(content, limits=YamlLimits(**limits))
    return caught.value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("y", True),
        ("Y", True),
        ("n", False),
        ("yes", True),
        ("On", True),
        ("OFF", False),
        ("oN", "oN"),
        ('"yes"', "yes"),
        ("0644", 420),
        ("-0644", -420),
        ("0o14", 12),
        ("0o8", "0o8"),
        ("0x1F", 31),
        ("+0x1F", 31),
        ("0b101", 5),
        ("-0b101", -5),
        ("08", 8),
        ("0755.5", 755.5),
        ("1:30", "1:30"),
        ("2001-12-14", "2001-12-14"),
        ("2001-12-14T21:59:43.10-05:00", "2001-12-14T21:59:43.10-05:00"),
        ("1e3", 1000),
        ("1.0", 1),
        ("1.", 1),
        (".5", 0.5),
        ("+.5", 0.5),
        (".1e2", 10),
        ("._5", "._5"),
        (".5_0", 0.5),
        ("1_000", 1000),
        ("_1", "_1"),
        ("1_", 1),
        ("0x", "0x"),
        ("0x1p4", "0x1p4"),
        ("1e", "1e"),
        ("1e400", "1e400"),
        ("1e-400", 0),
        ("infinity", "infinity"),
        ("12345678901234567890", 12345678901234567890),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("1e21", 1e21),
        ("123456789012345678.0", 123456789012345680),
        ("-9223372036854775808.0", -9.223372036854776e18),
        ("02777777777777777777777", 2.777777777777778e21),
        ("0x10000000000000000", "0x10000000000000000"),
        ("+0xffffffffffffffff", "+0xffffffffffffffff"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("=", "="),
        ("<<", "<<"),
        ("!!binary aGVsbG8=", "hello"),
        ("!!str 5", "5"),
        ('!!int "5"', 5),
        ("!!float 5", 5),
        ("!!float 9007199254740993", 9007199254740992),
        ("!!bool yes", True),
        ("!!timestamp 2001-12-14", "2001-12-14"),
        ("!other 5", "5"),
        ("! 5", "5"),
        ("!!set {x}", {"x": None}),
        ("1.2.3", "1.2.3"),
        ("--", "--"),
    ],
)
def test_a_scalar_means_what_it_means_to_kubectl(written: str, value: object) -> None:
    found = read(f"a: {written}")["a"]

    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("1", "1"),
        ("0x10", "16"),
        ("yes", "true"),
        ("n", "false"),
        ("'y'", "y"),
        ("1.5", "1.5"),
        ("-0.0", "-0"),
        ("1e3", "1000"),
        ("1234567.0", "1.234567e+06"),
        ("1.23456789", "1.2345679"),
        ("0.00001", "1e-05"),
        ("1e300", ".inf"),
        ("-.inf", "-.inf"),
        (".nan", ".nan"),
    ],
)
def test_a_key_is_always_text(written: str, key: str) -> None:
    assert read(f"{written}: x") == {key: "x"}


@pytest.mark.parametrize(
    "written",
    [
        *(".inf", "-.inf", ".nan"),
        *("!!int x", "!!int 1.0", "!!null x", "!!float 18446744073709551615"),
        *("!!binary gA==", "!!binary ~", "!!binary aGVs bG8=", "!!binary aGVsbG80="),
        *("!!timestamp x", "!!timestamp 2024-02-30", "!!timestamp 2024-01-01 1:2:3Z"),
        "[!!str,b]",
    ],
)
def test_what_json_cannot_carry_is_a_problem_with_its_line(written: str) -> None:
    (found,) = problems(f"b: 1\na: {written}")

    assert found[0] == 2


def test_a_key_that_stands_twice_is_a_problem() -> None:
    assert problems("a: 1\nb: 2\n'a': 3\n") == [(3, "the key a stands here twice")]


@pytest.mark.parametrize("text", ["~: x", "{a: 1}: 2", "[1]: 2", "18446744073709551615: x"])
def test_a_key_that_is_not_text_is_a_problem(text: str) -> None:
    assert len(problems(text)) == 1


def test_anchors_are_shared_and_explicit_keys_win_over_merged_ones() -> None:
    value = read("a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\ne: {b: 3, <<: *x}\nf: *x\n")

    assert value["d"] == value["e"] == {"b": 3, "c": 2}
    assert value["f"] is value["a"]


def test_a_float_keeps_its_meaning_until_it_is_known_to_be_a_key() -> None:
    assert read("a: &x 1234567.0\n*x : 1\nb: *x\n") == {
        "a": 1234567,
        "1.234567e+06": 1,
        "b": 1234567,
    }


def test_of_anchors_of_one_name_the_last_that_began_is_meant() -> None:
    assert read("a: &x {b: &x 1, c: *x}\nd: *x") == {"a": {"b": 1, "c": 1}, "d": 1}
    assert read("a: &x\n&x b: *x\nc: *x") == {"a": None, "b": "b", "c": "b"}
    assert read("&x <<: {a: 1}\nb: *x") == {"a": 1, "b": "<<"}


def test_a_merge_key_may_carry_the_tag_that_says_nothing() -> None:
    assert read("! <<: {a: 1}") == {"a": 1}


def test_the_first_of_several_merged_mappings_wins() -> None:
    assert read("a: {<<: [{b: 1}, {b: 2, c: 3}]}") == {"a": {"b": 1, "c": 3}}


def test_merging_what_is_not_a_mapping_is_a_problem() -> None:
    assert len(problems("<<: 1")) == 1
    assert len(problems("a: &x [{b: 1}]\n<<: *x")) == 1
    assert read("'<<': 1") == {"<<": 1}


@pytest.mark.parametrize(
    ("content", "line", "part"),
    [
        (b"a:\n\t- b", 2, "a tab stands in the indentation"),
        (b"a: b: c", 1, "mapping values are not allowed"),
        (b"a: 1\nb: \xff", 2, "not UTF-8"),
        (b"a: 1\nb: \x01", 2, "control character"),
        (b"a: 1\nb: [1", 2, "flow sequence"),
        (b'a: 1\nb: "x\nc: d', 2, "quoted scalar"),
        (b"a: *x", 1, "no anchor x"),
        (b"a: &x [*x]", 1, "contains itself"),
        (b"a: 1\n  b\n c: 2", 3, "not allowed"),
        (b"%YAML 1.2\n---\na: 1", 1, "another version"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_line(content: bytes, line: int, part: str) -> None:
    error = not_yaml(content)

    assert error.problem.line == line
    assert part in error.problem.message


def test_aliases_cannot_multiply_without_bound() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    error = not_yaml("\n".join(lines).encode())

    assert isinstance(error, TooMuchYaml)
    assert error.problem.line < 8


@pytest.mark.parametrize("content", [b"[" * 100_000, b"- " * 10_000, b"{a: " * 10_000])
def test_depth_is_bounded(content: bytes) -> None:
    assert isinstance(not_yaml(content), TooMuchYaml)


def test_size_and_number_of_documents_are_bounded() -> None:
    assert isinstance(not_yaml(b"a: 1\n", bytes=3), TooMuchYaml)
    assert isinstance(not_yaml(b"--- 1\n--- 2\n", documents=1), TooMuchYaml)


def test_empty_documents_are_left_out_and_a_byte_order_mark_is_no_content() -> None:
    documents = read_yaml(b"\xef\xbb\xbf# nothing\n---\n---\na: 1\n---\n~\n")

    assert [(each.value, each.line) for each in documents] == [({"a": 1}, 4)]


def test_every_part_has_its_line() -> None:
    (document,) = read_yaml(b"a:\n- b: 1\n  c:\n    d: 2\n- e\n", with_lines=True)

    assert document.line_of(("a", 0, "c", "d")) == 4
    assert document.line_of(("a", 1)) == 5
    assert document.line_of(("a", 0, "c", "missing", 3)) == 3
    assert document.line_of(("missing",)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "password: {hunter2: hunter2: x",
        "password: hunter2: x",
        "a: hunter2\n b: [",
        "- !!int hunter2",
    ],
)
def test_no_message_shows_a_value(text: str) -> None:
    try:
        problems = [problem for one in read_yaml(text.encode()) for problem in one.problems]
    except NotYaml as error:
        problems = [error.problem]

    assert problems
    assert not any("hunter2" in problem.message for problem in problems)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc-", max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON)
@settings(max_examples=100)
def test_json_is_read_as_itself(value: object) -> None:
    content = json.dumps({"a": value}, ensure_ascii=False).encode()

    assert [each.value for each in read_yaml(content)] == [{"a": value}]


@given(st.text(max_size=40))
@settings(max_examples=200)
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(NotYaml):
        for document in read_yaml(text.encode(errors="replace"), with_lines=True):
            assert document.line_of(()) >= 1
            json.dumps(document.value, allow_nan=False)
