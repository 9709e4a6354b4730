"""What is said of a cluster that was looked at once: its version, its clock, what it allows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.kubernetes.guests import Rights
from tests.kubernetes.planes import PlaneWorld, endpoint_of

from shoal.errors import AccessDenied
from shoal.hooks.host import Host
from shoal.model.manifests import Manifest
from shoal.model.rights import Delivered
from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.kubernetes.examining import TESTED, clock_ahead, doubts_about
from shoal_clusters.kubernetes.session import KubernetesTarget
from shoal_clusters.transport import Answer

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (f"v{TESTED[0]}.4", ""),
        (f"v{TESTED[-1]}.2+k3s1", ""),
        ("v1.36.0-gke.1", ""),
        ("v1.22.9", "is older than 1.23"),
        ("v1.99.0", f"is newer than {TESTED[-1]}"),
        ("unknown", "is no version of Kubernetes"),
    ],
)
def test_a_version_that_was_not_tested_is_said(version: str, said: str) -> None:
    found = doubts_about(version)

    assert bool(found) == bool(said)
    assert all(said in doubt for doubt in found)


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Fri, 02 Jan 2026 12:00:00 GMT", 0.5),
        ("Fri, 02 Jan 2026 12:01:00 GMT", 60.5),
        ("Fri, 02 Jan 2026 11:59:00 GMT", -59.5),
        ("Fri, 02 Jan 2026 12:00:00", None),
        ("noon", None),
        ("", None),
    ],
)
def test_how_far_its_clock_is_ahead_is_read_from_its_answer(date: str, ahead: float | None) -> None:
    answer = Answer(200, {"Date": date}, b"")

    assert clock_ahead(answer, NOON) == ahead
    if ahead is not None:
        assert clock_ahead(answer, NOON + timedelta(seconds=1)) == ahead - 1


@pytest.fixture
async def rights(world: PlaneWorld) -> Any:
    given = Rights(world)
    yield given
    await given.revoke()


def config_map(namespace: str) -> Manifest:
    metadata = {"name": "web", "namespace": namespace}
    return Manifest({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, "web.yaml")


@pytest.mark.real
async def test_what_is_delivered_and_not_allowed_is_told(
    plane: ControlPlane, namespace: str, rights: Rights, shoal_host: Callable[..., Host]
) -> None:
    target, host = KubernetesTarget(), shoal_host()
    guest = await endpoint_of(plane, host, "guest")
    delivered = [Delivered([config_map(namespace)])]

    with pytest.raises(AccessDenied, match="may not read /api/v1/namespaces/kube-system"):
        await target.examine("dev", guest, delivered, host)
    await rights.grant_identity()
    await rights.grant(("get", "list", "watch", "create"))
    found = await target.examine("dev", guest, delivered, host)
    observed = [delivered[0]._replace(is_observed=True)]
    only_read = await target.examine("dev", guest, observed, host)

    assert not found.is_all_allowed
    assert [str(refusal) for refusal in found.refused] == [
        f"patch, delete configmaps in {namespace}"
    ]
    assert only_read.refused == ()
    assert abs(found.clock_ahead_seconds or 99) < 5


@pytest.mark.real
async def test_who_may_do_everything_is_asked_nothing_more(
    plane: ControlPlane, namespace: str, shoal_host: Callable[..., Host]
) -> None:
    target, host = KubernetesTarget(), shoal_host()

    endpoint = await endpoint_of(plane, host)
    found = await target.examine("dev", endpoint, [Delivered([config_map(namespace)])], host)

    assert (found.is_all_allowed, found.refused) == (True, ())
