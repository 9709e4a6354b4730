"""Shoal's YAML reader and sigs.k8s.io/yaml say the same of odd texts, or part where they may."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.rendering.agreeing import EXCEPTIONS, disagreement, parting, same
from tests.rendering.cases import corpus_texts
from tests.rendering.odd_yaml import SCALARS, mutate, write_manifests, write_stream
from tests.rendering.originals.running import Answer

from shoal.engine.folders import GuardedFolder
from shoal.errors import InvalidManifest
from shoal.model.trees import MemoryTree
from shoal.testing.facts import make_facts
from shoal_plugins.rendering.plain import PlainRenderer, PlainSpec

PLACES = (
    "a: {}\n",
    "- {}\n",
    "{}: x\n",
    "[{}]\n",
    "{{a: {}}}\n",
    "{{{}: b}}\n",
    "{}\n",
    "a:\n  {}",
)

in_the_suite = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def told(reading) -> str:
    return "" if reading is None else f"{reading.text!r}: {reading.shown()}"


def test_there_are_hundreds_of_odd_scalars():
    assert len(set(SCALARS)) > 700


@pytest.mark.parametrize("place", PLACES)
def test_an_odd_scalar_is_read_alike_wherever_it_stands(kubernetes_reader, place):
    found = [disagreement(kubernetes_reader, place.format(scalar)) for scalar in SCALARS]

    assert [told(reading) for reading in found if reading is not None] == []


@given(st.data())
@settings(in_the_suite, max_examples=150)
def test_a_text_of_any_style_is_read_alike(kubernetes_reader, data):
    text = write_stream(lambda options: data.draw(st.sampled_from(options)))

    assert told(disagreement(kubernetes_reader, text)) == ""


@given(st.data())
@settings(in_the_suite, max_examples=150)
def test_a_damaged_text_of_the_corpus_is_read_alike(kubernetes_reader, data):
    text = data.draw(st.sampled_from(corpus_texts()))
    text = mutate(lambda options: data.draw(st.sampled_from(options)), text)

    assert told(disagreement(kubernetes_reader, text)) == ""


def test_thousands_of_texts_are_read_alike(kubernetes_reader):
    choose = random.Random(20240229).choice
    found = [disagreement(kubernetes_reader, write_stream(choose)) for _ in range(5000)]

    assert [told(reading) for reading in found if reading is not None] == []


async def test_a_thousand_manifests_are_read_by_the_worker_alike(kubernetes_reader, workers, host):
    choose = random.Random(20240229).choice
    for text in [write_manifests(choose) for _ in range(1000)]:
        original = kubernetes_reader.read("stream", text.encode())
        read, refusal = await read_by_worker(text, workers, host)
        if refusal:
            assert original.verdict == "refused" or "stands here twice" in refusal, (text, refusal)
        # Of two keys that become the same text, Kubernetes takes either, as it happens.
        elif original != Answer("doubled", []):
            assert original.verdict != "refused", text
            assert same(read, original.value), text


async def read_by_worker(text, workers, host):
    folder = GuardedFolder(MemoryTree({"a.yaml": text}), "")
    try:
        found = await PlainRenderer(workers).render(PlainSpec(), folder, make_facts(), host)
    except InvalidManifest as error:
        return [], str(error)
    return [manifest.body for manifest in found], ""


PARTINGS = {
    "duplicate keys are refused": "a: 1\na: 2\n",
    "explicit keys win over merged ones wherever << stands": "b: {m: 1, <<: {m: 2}}\n",
    "nought and minus nought are two keys": "-0.0: a\n0.0: b\n",
    "more than the limits allow is refused": "[" * 101 + "]" * 101,
    "binary that is no text is refused": "a: !!binary gA==\n",
    "a question mark may stand in plain text inside brackets": "[http://example.com/?a=b]\n",
    "a slash may be escaped as JSON does": '"\\/"\n',
    "a single quote may not be escaped": '"\\\'"\n',
    "plain text inside brackets may not end with a colon": "[a:]\n",
    "a bracket or comma is no part of a tag": "a: !x]\n",
    "a byte order mark inside the text is left out": "---\n\ufeffa: 1\n",
}


@pytest.mark.parametrize("exception", EXCEPTIONS)
def test_where_the_two_part_is_known_and_still_true(kubernetes_reader, exception):
    reading = parting(kubernetes_reader, PARTINGS[exception])

    assert reading is not None, "both agree now: remove the exception"
    assert EXCEPTIONS[exception](reading)
    assert [name for name, is_met in EXCEPTIONS.items() if is_met(reading)] == [exception]


@pytest.mark.parametrize("text", ["a: 1.0", "a: [", "[c:]", "b: {m: 1, <<: {m: 2}}"])
def test_what_agrees_or_may_part_is_no_disagreement(kubernetes_reader, text):
    assert disagreement(kubernetes_reader, text) is None


def test_a_reader_that_errs_is_told(kubernetes_reader, monkeypatch):
    monkeypatch.setattr("shoal.model.scalars._BASES", {"hex": 16, "oct": 10, "bin": 2, "dec": 10})

    assert told(disagreement(kubernetes_reader, "mode: 0644")) == (
        "'mode: 0644': Shoal reads [{'mode': 644}]; Kubernetes reads [{'mode': 420}]"
    )
