"""The floor of drift heals what is not as it was applied, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from bench.floor import differs
from bench.workload import MOST_KINDS, objects_of, path_of

WANTED = {"data": {"a": "1"}, "ports": [{"port": 80}]}


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (WANTED, False),
        (WANTED | {"status": {}}, False),
        (WANTED | {"data": {"a": "1", "added": "2"}}, False),
        (WANTED | {"data": {"a": "2"}}, True),
        (WANTED | {"data": {}}, True),
        (WANTED | {"ports": [{"port": 80, "protocol": "TCP"}]}, False),
        (WANTED | {"ports": []}, True),
        ({}, True),
    ],
)
def test_only_what_is_wanted_counts(live: Any, expected: bool) -> None:
    assert differs(WANTED, live) is expected


def test_a_version_changes_the_first_object_alone() -> None:
    before, after = objects_of("shop", 10), objects_of("shop", 10, version=2)

    assert [index for index in range(10) if before[index] != after[index]] == [0]


def test_the_workload_has_as_many_kinds_as_are_asked_for() -> None:
    for kinds in (4, 8, MOST_KINDS):
        assert len({body["kind"] for body in objects_of("shop", 20, kinds=kinds)}) == kinds


def test_every_object_has_an_address_of_its_own() -> None:
    paths = [path_of(body) for body in objects_of("shop", MOST_KINDS, kinds=MOST_KINDS)]

    assert len(set(paths)) == MOST_KINDS
    assert "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/part-007" in paths
    assert "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/part-008" in paths
