"""Probing: is the API server there, and is it the cluster we think it is?"""

from __future__ import annotations

import orjson

from shoal.errors import AccessDenied
from shoal.model.endpoints import Facts
from shoal_clusters.kubernetes.answers import meaning
from shoal_clusters.transport import Answer, Transport

DEADLINE_SECONDS = 5.0
"""SAFETY, Connection: a probe that takes longer has failed."""


class Probe:
    """The probe of one session; the version is asked for once, the identity every time."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._version = ""

    async def facts(self) -> Facts:
        """One request; two the first time."""
        found = await self._get("/api/v1/namespaces/kube-system")
        if not self._version:
            self._version = str(orjson.loads(await self._get("/version"))["gitVersion"])
        return Facts(uid=str(orjson.loads(found)["metadata"]["uid"]), version=self._version)

    async def _get(self, path: str) -> bytes:
        answer = await self._transport.request(
            "GET", path, deadline_seconds=DEADLINE_SECONDS, is_probe=True
        )
        if answer.status == 200:
            return answer.body
        raise self._refused(answer, path)

    def _refused(self, answer: Answer, path: str) -> Exception:
        cluster = self._transport.cluster
        if answer.status == 403:
            return AccessDenied(
                f"the credential for cluster {cluster} may not read {path}",
                next_step="grant get on the namespace kube-system; its uid identifies the cluster",
            )
        return meaning(answer.status, answer.body, key=None, cluster=cluster, verb="get")
