"""Probing: is the API server there, and is it the cluster we think it is?"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from shoal.errors import AccessDenied, ClusterUnreachable
from shoal.model.endpoints import Facts
from shoal_clusters.kubernetes.answers import meaning
from shoal_clusters.transport import Answer, Transport

DEADLINE_SECONDS = 5.0
"""SAFETY, Connection: a probe that takes longer has failed."""

T = TypeVar("T")
_IDENTITY = "/api/v1/namespaces/kube-system"


_Text = Annotated[str, msgspec.Meta(min_length=1)]


class _Metadata(msgspec.Struct):
    uid: _Text


class _Namespace(msgspec.Struct):
    metadata: _Metadata


class _Version(msgspec.Struct):
    gitVersion: _Text


class Probe:
    """The probe of one session; the version is asked for once, the identity every time.

    The cluster that is met first is the one that is written to: whether it is the one that is meant
    is decided by the engine, and a session is never moved to another.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._version = ""
        self._uid = ""

    async def facts(self) -> Facts:
        """One request; two the first time."""
        uid = await self._identity()
        if not self._version:
            self._version = (await self._read("/version", _Version)).gitVersion
        self._uid = self._uid or uid
        limiter = self._transport.limiter
        return Facts(
            uid=uid,
            version=self._version,
            latency_seconds=limiter.latency_seconds,
            requests_in_flight=limiter.capacity,
        )

    async def prove(self) -> None:
        """Ask over a new connection who answers; ClusterUnreachable when it is not who it was."""
        uid = await self._identity(is_alone=True)
        self._uid = self._uid or uid
        if uid != self._uid:
            raise ClusterUnreachable(
                f"another cluster answers for {self._transport.cluster} (uid {uid}, not "
                f"{self._uid}); nothing was written to it",
                next_step="it is probed now, and held when it stays another one",
            )

    async def _identity(self, *, is_alone: bool = False) -> str:
        return (await self._read(_IDENTITY, _Namespace, is_alone=is_alone)).metadata.uid

    async def _read(self, path: str, wanted: type[T], *, is_alone: bool = False) -> T:
        answer = await self._transport.request(
            "GET", path, deadline_seconds=DEADLINE_SECONDS, is_probe=True, is_alone=is_alone
        )
        if answer.status != 200:
            raise self._refused(answer, path)
        try:
            return msgspec.json.decode(answer.body, type=wanted)
        except msgspec.MsgspecError as error:
            raise ClusterUnreachable(
                f"what answers for cluster {self._transport.cluster} does not answer {path} as an "
                "API server does",
                next_step="see whether its address leads to an API server, and no proxy answers",
            ) from error

    def _refused(self, answer: Answer, path: str) -> Exception:
        cluster = self._transport.cluster
        if answer.status == 403:
            return AccessDenied(
                f"the credential for cluster {cluster} may not read {path}",
                next_step="grant get on the namespace kube-system; its uid identifies the cluster",
            )
        return meaning(answer.status, answer.body, key=None, cluster=cluster, verb="get")
