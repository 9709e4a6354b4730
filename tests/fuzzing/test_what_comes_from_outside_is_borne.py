"""Each parser of outside input bears odd texts: those that were found once, and some at random."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.fuzzing.mutating import Mutator
from tests.fuzzing.targets import TARGETS
from tests.fuzzing.targets_of_people import FLEET
from tests.fuzzing.trying import attempt

_COUNT = 60
_DIGEST = b"0123456789abcdef0123456789abcdef01234567"
FOUND = {
    "a duration that no clock has": ("durations", b"99999999999h"),
    "a duration that leads to no date": ("durations", b"100000h"),
    "such a duration in a document": ("documents", FLEET.replace(b"1m30s", b"99999999999h")),
    "a number of more digits than are read": ("manifests", b"a: " + b"9" * 5000),
    "such a number as a key": ("manifests", b"? -" + b"1" * 5000),
    "a length of more digits than are read": ("requests", b"9" * 5000 + b"\n{}"),
    "a file of less than no bytes": ("contents", _DIGEST + b" blob -60\n"),
    "a file without a size": ("contents", _DIGEST + b" blob\n"),
    "a file that ends too early": ("contents", _DIGEST + b" blob 9\nhello\n"),
    "a file that is missing": ("contents", _DIGEST + b" missing\n"),
    "an entry whose file is missing": ("listings", b"100644 blob " + _DIGEST + b"     BAD\ta\0"),
    "an entry without facts": ("listings", b"\ta\0"),
    "an entry without a digest": ("listings", b"100644 blob \xff\xfe 12\ta\0"),
    "an ask for nothing": ("frames", b'\0\0\0\x0e\0\0\0\0{"ask":"find"}'),
    "an ask for a number": ("frames", b'\0\0\0\x17\0\0\0\0{"ask":"list","path":1 }'),
    "an event of nothing": ("watches", b'{"type":"ADDED","object":{}}'),
    "an event of an object without a name": (
        "watches",
        b'{"type":"MODIFIED","object":{"metadata":{"name":null}}}',
    ),
    "an event that ends in the middle": ("watches", b'{"type":"ADDED","object":{"metada'),
    "a list that holds a number": ("lists", b'{"metadata":{},"items":[1]}'),
    "a list of a list": ("lists", b"[[]]"),
    "a discovery of nothing": ("discovery", b"null"),
}


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once_is_borne(name: str, loop: asyncio.AbstractEventLoop) -> None:
    target, text = FOUND[name]

    assert attempt(TARGETS[target], text, loop) is None


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_bears_odd_texts(name: str, loop: asyncio.AbstractEventLoop) -> None:
    target = TARGETS[name]
    mutator = Mutator(random.Random(name), target.seeds)
    findings = [attempt(target, mutator.text(), loop) for _ in range(_COUNT)]

    assert [finding.told for finding in findings if finding is not None] == []


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_reads_what_it_is_for(name: str, loop: asyncio.AbstractEventLoop) -> None:
    """Or its odd texts would be refused at the first look, and nothing behind it be tried."""
    target = TARGETS[name]
    borne = [attempt(replace(target, declared=()), seed, loop) is None for seed in target.seeds]

    assert any(borne)
