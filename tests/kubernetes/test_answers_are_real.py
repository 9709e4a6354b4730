"""Real API servers refuse as they did when their answers were recorded, and it means the same.

The answers are in `refusals/`, by version; `SHOAL_RECORD_ANSWERS=1 pytest` on this file records
them anew, of the version that is under test.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from anyio import to_thread
from tests.kubernetes.refusals.all import REFUSALS
from tests.kubernetes.refusals.corpus import in_one_form, minor_of, read_recorded, record
from tests.kubernetes.refusals.ground import Ground, Refusal

from shoal_clusters.controlplane.apiserver import ControlPlane
from shoal_clusters.controlplane.client import AnsweredError

pytestmark = pytest.mark.real
RECORDING = "SHOAL_RECORD_ANSWERS"


@pytest.fixture
async def ground(
    controlled_plane: ControlPlane, controlled_namespace: str
) -> AsyncIterator[Ground]:
    async with (
        controlled_plane.client() as admin,
        controlled_plane.client("guest") as guest,
        AsyncExitStack() as stack,
    ):
        yield Ground(controlled_plane, admin, guest, controlled_namespace, stack)


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=lambda refusal: refusal.title)
async def test_a_server_refuses_as_recorded(ground: Ground, refusal: Refusal) -> None:
    kubernetes = (await ground.admin.get("/version"))["gitVersion"]

    with pytest.raises(AnsweredError) as refused:
        await refusal.provoke(ground)

    answer = in_one_form(refused.value, ground.namespace)
    if os.environ.get(RECORDING):
        await to_thread.run_sync(record, kubernetes, refusal.name, answer)
    recorded = (await to_thread.run_sync(read_recorded, minor_of(kubernetes)))["answers"]
    if not recorded:
        pytest.skip(f"no answers of {kubernetes} are recorded")
    assert answer == recorded[refusal.name]
