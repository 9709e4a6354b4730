"""What every health check must do, as tests: subclass `HealthConformance` and give it fixtures.

class TestMine(HealthConformance):
    @pytest.fixture
    def check(self):
        return MyCheck()

    @pytest.fixture
    def healthy(self):                   # a live object of one of its kinds
        return {"apiVersion": "…", "kind": "…", "metadata": {…}, "status": {…}}

    @pytest.fixture
    def unhealthy(self):                 # another one
        return {"apiVersion": "…", "kind": "…", "metadata": {…}, "status": {…}}
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from shoal.engine import answers
from shoal.hooks.health import HealthCheck
from shoal.model.health import HealthState
from shoal.model.identity import GroupKind

Body = Mapping[str, Any]
_ODD: tuple[Any, ...] = (None, {}, [], "", 0, "x")


class HealthConformance:
    """The suite; every test is a promise of `HealthCheck`."""

    def test_it_says_what_it_is_called_and_which_kinds_it_judges(self, check: HealthCheck) -> None:
        """Kinds without a version, as an object's key has them."""
        assert isinstance(check.name, str)
        assert check.name
        assert isinstance(check.kinds, frozenset)
        assert check.kinds
        assert all(isinstance(kind, GroupKind) for kind in check.kinds)

    def test_it_tells_what_is_healthy_and_why_something_is_not(
        self, check: HealthCheck, healthy: Body, unhealthy: Body
    ) -> None:
        """A healthy object needs no reason; any other has one, in one clause."""
        well, ill = answers.health(check.assess(healthy)), answers.health(check.assess(unhealthy))

        assert well is not None
        assert well.state is HealthState.HEALTHY
        assert ill is not None
        assert ill.state is not HealthState.HEALTHY
        assert ill.reason
        assert "\n" not in ill.reason

    def test_it_looks_at_the_object_alone_and_leaves_it_as_it_is(
        self, check: HealthCheck, healthy: Body, unhealthy: Body
    ) -> None:
        """Pure: the same object, asked about again, has the same health."""
        before = copy.deepcopy([healthy, unhealthy])
        first = [check.assess(each) for each in (healthy, unhealthy)]
        again = [check.assess(each) for each in (unhealthy, healthy)]

        assert again == first[::-1]
        assert [healthy, unhealthy] == before

    def test_an_object_without_a_part_is_borne(
        self, check: HealthCheck, healthy: Body, unhealthy: Body
    ) -> None:
        """It was just created, or is of another version: any part may be missing, or be odd."""
        for body in (healthy, unhealthy):
            for path, odd in _damaged(body):
                try:
                    answers.health(check.assess(odd))
                except Exception as error:  # whatever it is, an author wants to know where
                    raise AssertionError(f"{type(error).__name__} when {path} is odd") from error


def _damaged(body: Body) -> Iterator[tuple[str, Body]]:
    """The object, each time with another part of spec and status taken out or replaced."""
    for path in [("spec",), ("status",), *_paths(body.get("status"), ("status",))]:
        for odd in (*_ODD, ...):
            damaged: Any = copy.deepcopy(dict(body))
            above = damaged
            for step in path[:-1]:
                above = above[step]
            if odd is not ...:
                above[path[-1]] = odd
            elif isinstance(above, dict):
                above.pop(path[-1], None)
            else:
                del above[path[-1]]
            yield ".".join(map(str, path)), damaged


def _paths(part: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    steps = part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
    for step in steps:
        yield (*path, step)
        yield from _paths(part[step], (*path, step))
