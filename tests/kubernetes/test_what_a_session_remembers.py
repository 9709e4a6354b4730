"""What a session keeps of its objects beyond the inventory, and for how long."""

from __future__ import annotations

from datetime import datetime

import msgspec
from tests.kubernetes.samples import SHOP, TARGET

from shoal.model.health import Health, HealthState
from shoal.model.identity import GroupKind, ObjectKey, Ref, TargetKey
from shoal.model.plans import Owned, OwnedState
from shoal.model.sightings import Drift, DriftKind, Sighting
from shoal_clusters.kubernetes.baselines import Baseline, encode
from shoal_clusters.kubernetes.health import HEALTHY
from shoal_clusters.kubernetes.register import Kind, Outbox, Register, Unclaimed

KEY = ObjectKey("", "ConfigMap", "default", "settings")
INTENDED = Owned(TARGET, KEY, "", "", "", b"", OwnedState.INTENDED)
WRITTEN = Owned(TARGET, KEY, "uid-1", "desired", "owned", b"baseline", OwnedState.CONFIRMED)


def test_a_row_that_the_engine_stored_is_let_go() -> None:
    owned = {KEY: INTENDED}
    register = Register(owned)
    register.keep(WRITTEN)
    assert register.row(KEY) is WRITTEN

    owned[KEY] = WRITTEN
    register.taken(KEY)

    assert register.ahead == 0
    assert register.row(KEY) is WRITTEN


def test_a_row_that_the_engine_has_not_stored_is_kept() -> None:
    register = Register({KEY: INTENDED})
    register.keep(WRITTEN)

    register.taken(KEY)

    assert register.ahead == 1
    assert register.row(KEY) is WRITTEN


def test_health_is_news_once_and_again_after_the_object_was_let_go() -> None:
    register = Register({KEY: WRITTEN})

    assert register.health_changed(WRITTEN, HEALTHY)
    register.expect(TARGET, [KEY])
    register.keep(WRITTEN)
    assert not register.health_changed(WRITTEN, HEALTHY)
    register.forget(KEY)
    assert register.health_changed(WRITTEN, HEALTHY)


def test_what_was_never_seen_is_not_known() -> None:
    register = Register({KEY: WRITTEN})
    register.saw(KEY, "7")
    assert not register.is_known(KEY, "7")

    register.health_changed(WRITTEN, HEALTHY)

    assert register.is_known(KEY, "7")
    assert not register.is_known(KEY, "8")


CAFE = TargetKey(Ref("default", "cafe"), "dev")
OTHER, WEB = KEY._replace(name="other"), ObjectKey("apps", "Deployment", "default", "web")
SEEN = Unclaimed("uid-1", "7", SHOP, is_scaled=False)
DRIFT = Drift(DriftKind.EDITED, "x")


def written(key: ObjectKey = KEY, target: TargetKey = TARGET, version: str = "v1") -> Owned:
    baseline = encode(Baseline(resource_version="7", fields=b"{}", version=version))
    return Owned(target, key, "uid-1", "desired", "owned", baseline, OwnedState.CONFIRMED)


def test_the_rows_of_one_kind_are_the_newest_of_that_kind() -> None:
    register = Register({KEY: INTENDED, WEB: written(WEB), OTHER: written(OTHER)})
    register.keep(WRITTEN)
    register.forget(OTHER)

    assert list(register.rows(GroupKind("", "ConfigMap"))) == [WRITTEN]
    assert list(register.rows(GroupKind("apps", "Deployment"))) == [written(WEB)]
    assert list(register.rows(GroupKind("", "Secret"))) == []


def test_an_object_that_was_let_go_has_no_row_until_the_engine_intends_it_again() -> None:
    owned = {KEY: WRITTEN}
    register = Register(owned)
    register.forget(KEY)
    assert register.row(KEY) is None

    owned[KEY] = INTENDED

    assert register.row(KEY) is INTENDED


def test_an_engine_that_stored_an_equal_row_has_said_nothing_new() -> None:
    owned = {KEY: INTENDED}
    register = Register(owned)
    register.keep(WRITTEN)

    owned[KEY] = msgspec.structs.replace(INTENDED)

    assert register.row(KEY) is WRITTEN
    assert register.ahead == 1


async def test_kinds_are_told_in_every_version_in_which_they_were_applied() -> None:
    rows = [
        written(KEY),
        msgspec.structs.replace(written(OTHER), baseline=b""),
        written(WEB, version="v1"),
        written(WEB._replace(name="api"), version="v1beta1"),
        msgspec.structs.replace(INTENDED, key=ObjectKey("", "Secret", "default", "x")),
    ]

    found = await Register({row.key: row for row in rows}).kinds()

    assert found == {
        Kind("", "ConfigMap", "v1"),
        Kind("apps", "Deployment", "v1"),
        Kind("apps", "Deployment", "v1beta1"),
        Kind("", "Secret", ""),
    }


def test_the_rows_of_a_target_are_its_own_whoever_had_them_before() -> None:
    register = Register({KEY: written(), OTHER: written(OTHER, CAFE)})
    assert register.rows_of(TARGET, ()) == {KEY: written()}

    register.keep(written(OTHER))

    assert register.rows_of(TARGET, ()) == {KEY: written(), OTHER: written(OTHER)}
    assert register.rows_of(CAFE, ()) == {}
    assert register.rows_of(CAFE, [KEY, OTHER]) == {}


def test_rows_that_the_engine_intended_meanwhile_are_found_when_they_are_wanted() -> None:
    owned: dict[ObjectKey, Owned] = {}
    register = Register(owned)
    owned[KEY] = written()

    assert register.rows_of(TARGET, ()) == {}
    assert register.rows_of(TARGET, [KEY]) == {KEY: written()}
    register.expect(TARGET, [KEY])
    assert register.rows_of(TARGET, ()) == {KEY: written()}


def test_objects_that_another_target_has_are_told_with_it() -> None:
    register = Register({KEY: written(), OTHER: written(OTHER, CAFE)})

    assert register.others(TARGET, [KEY, OTHER, WEB]) == {OTHER: CAFE}
    assert register.others(CAFE, [KEY, OTHER, WEB]) == {KEY: TARGET}


def test_an_object_that_is_written_is_unclaimed_no_more() -> None:
    register = Register({})
    register.unclaimed[KEY] = SEEN

    register.keep(written())

    assert register.unclaimed == {}


def test_nothing_is_left_of_what_was_let_go() -> None:
    register = Register({KEY: written()})
    register.saw(KEY, "8")
    register.health_changed(written(), HEALTHY)
    register.drifted[KEY], register.strangers[KEY] = DRIFT, "somebody"
    register.unclaimed[KEY], register.added[KEY] = SEEN, ()
    register.put_back[KEY] = frozenset()
    register.lost.add(KEY)
    register.kept.add(KEY)

    register.forget(KEY)
    register.forget(OTHER)

    assert not any((register.drifted, register.strangers, register.unclaimed, register.added))
    assert not any((register.put_back, register.lost, register.kept))
    assert register.version(KEY) == ""
    assert register.rows_of(TARGET, ()) == {}


def test_a_version_is_the_one_seen_last_or_the_one_written() -> None:
    register = Register({KEY: written()})
    assert (register.version(KEY), register.version(OTHER)) == ("7", "")

    register.saw(KEY, "8")
    assert register.version(KEY) == "8"

    register.saw(KEY, "7")
    assert register.version(KEY) == "7"
    register.keep(msgspec.structs.replace(WRITTEN, baseline=b""))
    assert register.version(KEY) == ""


def test_what_drifted_or_belongs_to_somebody_else_is_looked_at_again() -> None:
    register = Register({KEY: written()})
    register.health_changed(written(), HEALTHY)
    assert register.is_known(KEY, "7")
    assert not register.is_known(OTHER, "")

    register.drifted[KEY] = DRIFT
    assert not register.is_known(KEY, "7")

    register.drifted.clear()
    register.strangers[KEY] = "somebody"
    assert not register.is_known(KEY, "7")


def test_doubt_makes_health_news_again() -> None:
    register = Register({KEY: written()})
    assert register.health_changed(written(), HEALTHY)
    assert register.health_changed(written(), Health(HealthState.DEGRADED, "no"))
    assert not register.health_changed(written(), Health(HealthState.DEGRADED, "no"))

    register.doubt(written())

    assert not register.is_known(KEY, "7")
    assert register.health_changed(written(), Health(HealthState.DEGRADED, "no"))


async def test_only_the_newest_sighting_of_an_object_waits_and_keeps_what_it_does_not_say() -> None:
    at, later = datetime(2026, 1, 1), datetime(2026, 1, 2)
    outbox = Outbox()
    outbox.put(Sighting(TARGET, KEY, at, HEALTHY, DRIFT, written()))
    outbox.put(Sighting(TARGET, OTHER, at, HEALTHY))
    outbox.put(Sighting(TARGET, KEY, later))

    stream = outbox.stream()
    first, second = await anext(stream), await anext(stream)

    assert first == Sighting(TARGET, OTHER, at, HEALTHY)
    assert second == Sighting(TARGET, KEY, later, HEALTHY, None, written())
    outbox.put(Sighting(TARGET, KEY, later, HEALTHY))
    assert await anext(stream) == Sighting(TARGET, KEY, later, HEALTHY)
