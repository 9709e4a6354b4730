"""What one look at a cluster found, outside of any session: who answers, and what it allows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Verbs on a resource that the credential is not allowed; everywhere when `namespace` is empty.

    `is_needed` is False for what is only read to say more.
    """

    verbs: tuple[str, ...]
    resource: str
    namespace: str
    why: str
    is_needed: bool = True

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{', '.join(self.verbs)} {self.resource}{where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """`uid` is that of the namespace `kube-system`: the cluster's identity.

    `clock_ahead_seconds` is how far its clock is ahead of ours, None when it does not tell the
    time. `is_all_allowed`: the credential may do everything, so nothing else was asked. `doubts`
    are sentences about the version, and what else is not as it was tested.
    """

    uid: str
    version: str
    latency_seconds: float
    clock_ahead_seconds: float | None = None
    is_all_allowed: bool = False
    refused: tuple[Refusal, ...] = ()
    doubts: tuple[str, ...] = ()
