"""Baselines: what a row remembers of an object is read as it was written, or not at all."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.kubernetes.samples import deployment, fields_of, ours, secret

from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import found
from shoal_clusters.kubernetes.baselines import (
    VERSION,
    Baseline,
    decode,
    decode_packed,
    encode,
    is_before,
    is_newer,
)

baselines = st.builds(
    Baseline,
    resource_version=st.text(max_size=10),
    fields=st.binary(max_size=200),
    generation=st.integers(0, 2**31),
    is_tracked=st.booleans(),
    is_finished=st.booleans(),
    is_scaled=st.booleans(),
    replicas=st.none() | st.integers(0, 1000),
    version=st.sampled_from(["", "v1", "v1beta1"]),
)
STORED = {
    "Secret": "0198a137c40fa352c893e72094b6375a93b9b6160001c3c2c2c0a27631",
    "Deployment": (
        "0198a137c422a37ec893e736848b2849c2d44faf58ebe3107f6f573fe2ea643c899e6695050c000001"
        "c3c2c2c0a27631"
    ),
}
"""Rows as Shoal stored them; the dictionary that packed them must stay what it is."""


@given(baselines)
def test_a_baseline_reads_back_as_it_was_written(baseline: Baseline) -> None:
    assert decode(encode(baseline)) == baseline


@given(baselines)
def test_everything_but_the_fields_is_read_without_unpacking_them(baseline: Baseline) -> None:
    packed = decode_packed(encode(baseline))

    assert packed is not None
    assert msgspec.structs.replace(packed, fields=baseline.fields) == baseline


@given(st.binary(max_size=60))
@example(b"\x92\xa7\x00\x00\x00\x00\x00\x00\x80")  # a text that is not UTF-8
def test_bytes_that_are_no_baseline_are_none(content: bytes) -> None:
    decode(content)
    decode(bytes((VERSION,)) + content)

    assert decode(bytes((VERSION + 1,)) + content) is None
    assert decode_packed(bytes((VERSION + 1,)) + content) is None


def test_only_an_earlier_version_of_numbers_is_before_what_was_written():
    row = found(TargetKey(Ref("default", "web"), "dev"), ObjectKey("", "Pod", "a", "b"), "uid")
    written = msgspec.structs.replace(
        row, baseline=encode(Baseline(resource_version="90", fields=b"{}"))
    )

    assert is_before("42", written)
    assert not is_before("90", written)
    assert not is_before("100", written)
    assert not is_before("opaque", written)
    assert not is_before("42", row)


def test_a_row_without_a_baseline_or_with_half_of_one_has_none() -> None:
    whole = encode(Baseline(resource_version="7", fields=b'{"f:data":{}}'))

    assert decode(b"") is None
    assert decode(whole[:-1]) is None
    assert decode_packed(whole[:-1]) is None
    assert decode(bytes((VERSION,)) + msgspec.msgpack.encode(["7", b"\xff\xff"])) is None


def test_what_older_rows_do_not_say_has_its_meaning_of_then() -> None:
    old = bytes((VERSION,)) + msgspec.msgpack.encode(["7", b""])

    found = decode_packed(old)

    assert found == Baseline(
        resource_version="7",
        fields=b"",
        generation=0,
        is_tracked=True,
        is_finished=False,
        is_scaled=False,
        replicas=None,
        version="",
    )


@pytest.mark.parametrize("body", [secret(), deployment()], ids=lambda body: body["kind"])
def test_rows_that_were_stored_are_read_and_packed_as_they_were(body: dict[str, Any]) -> None:
    fields = orjson.dumps(fields_of(ours(body)), option=orjson.OPT_SORT_KEYS)
    baseline = Baseline(resource_version="7", fields=fields, generation=1, version="v1")
    stored = bytes.fromhex(STORED[body["kind"]])

    packed, packed_then = decode_packed(encode(baseline)), decode_packed(stored)
    assert decode(stored) == baseline
    assert packed is not None
    assert packed == packed_then


@pytest.mark.parametrize(
    ("one", "than", "expected"),
    [
        ("10", "9", True),
        ("9", "10", False),
        ("9", "9", False),
        ("10", "09", True),
        ("a", "a", False),
        ("a", "b", True),
        ("a", "9", True),
        ("9", "a", True),
        ("", "", False),
    ],
)
def test_versions_are_compared_as_numbers_and_other_texts_are_newer_when_they_differ(
    one: str, than: str, expected: bool
) -> None:
    assert is_newer(one, than) is expected
