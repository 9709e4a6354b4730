"""Which class is measured, and which rows a controller that offers less is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest
from bench.adapters import Adapter, NotOfferedError, Offer
from bench.families import FAMILIES, is_offered, left_out
from bench.loading import AdapterError, load_adapter

HERE = __name__
NOTHING: frozenset[Offer] = frozenset()


class Least(Adapter):
    """As little as an adapter may have."""

    user: ClassVar[str] = "least"
    offers: ClassVar[frozenset[Offer]] = NOTHING

    @property
    def pids(self) -> Sequence[int]:
        return [1]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def announce(self) -> None: ...

    async def until_seen(self, revision: str) -> None: ...


class Stranger(Least):
    user = "stranger"


class Idle(Adapter):
    user: ClassVar[str] = ""
    offers: ClassVar[frozenset[Offer]] = NOTHING


def test_a_controller_is_named_by_module_and_class() -> None:
    assert load_adapter(f"{HERE}:Least") is Least
    assert load_adapter("bench.controller:Controller").user == "shoal"
    assert load_adapter("bench.bare:BareController").user == "bare"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bench.controller", "is not MODULE:CLASS"),
        (":Controller", "is not MODULE:CLASS"),
        ("bench.nowhere:Controller", "No module named 'bench.nowhere'"),
        ("bench.controller:Nobody", "has no class Nobody"),
        ("bench.controller:SHOAL", "has no class SHOAL"),
        ("bench.scene:Scene", "it has no pids; it has no start"),
        (f"{HERE}:Idle", "it has no until_seen; its user is not a name"),
        (f"{HERE}:Stranger", "its user stranger is somebody else"),
    ],
)
def test_a_name_that_leads_to_no_adapter_says_why(name: str, says: str) -> None:
    with pytest.raises(AdapterError, match=says):
        load_adapter(name)


def test_shoal_is_measured_by_every_row() -> None:
    offers = load_adapter("bench.controller:Controller").offers

    assert [name for name, one in FAMILIES.items() if left_out(one, offers)] == []


def test_what_only_some_controllers_can_do_is_left_out_for_others() -> None:
    assert [name for name, one in FAMILIES.items() if is_offered(one, NOTHING)] == [
        "cold",
        "change",
        "growth",
        "memory",
        "noop",
    ]
    assert left_out(FAMILIES["change"], NOTHING) == ["*.renders"]
    assert left_out(FAMILIES["cold"], NOTHING) == []


def test_a_family_stays_when_only_some_of_its_rows_are_left_out() -> None:
    assert is_offered(FAMILIES["drift"], {Offer.HEALING})
    assert left_out(FAMILIES["drift"], {Offer.HEALING}) == ["drift.dispatch_ms_p99"]


def test_what_is_offered_and_has_no_method_says_so() -> None:
    with pytest.raises(NotOfferedError, match="full check"):
        Least.__new__(Least).check_everything()
