"""What a session keeps of its objects beyond the inventory, and for how long."""

from __future__ import annotations

from tests.kubernetes.samples import TARGET

from shoal.model.identity import ObjectKey
from shoal.model.plans import Owned, OwnedState
from shoal_clusters.kubernetes.health import HEALTHY
from shoal_clusters.kubernetes.register import Register

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
