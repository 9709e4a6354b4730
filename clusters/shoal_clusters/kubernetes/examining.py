"""One look at a cluster without a session: who answers, how fast, and what the credential may do.

For commands that set a fleet up or look for what is wrong. It watches nothing and writes nothing:
an access review is asked, not stored.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import anyio
import msgspec

from shoal.model.endpoints import Facts
from shoal.model.examinations import Examination, Refusal
from shoal.model.rights import Delivered
from shoal_clusters.kubernetes.permitting import Right, placed, rights_needed
from shoal_clusters.kubernetes.probing import Probe
from shoal_clusters.transport import Answer, Transport

TESTED = ("1.34", "1.37")
OLDEST = "1.23"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_MINOR = re.compile(r"v?(\d+)\.(\d+)")
_HALF_A_SECOND = timedelta(milliseconds=500)
"""An HTTP date is cut to whole seconds."""


class _Status(msgspec.Struct):
    allowed: bool = False


class _Review(msgspec.Struct):
    status: _Status


async def examine(transport: Transport, delivered: Sequence[Delivered]) -> Examination:
    """Raises ClusterUnreachable without an answer, AccessDenied when it may not be asked."""
    facts: Facts = await Probe(transport).facts()
    began, asked = time.monotonic(), datetime.now(UTC)
    answer = await transport.request("GET", "/version", is_probe=True)
    latency = time.monotonic() - began
    is_all = await _may(transport, _Asked("*", "*", "*"))
    silent = () if is_all is not None else ("it does not say what the credential may do",)
    return Examination(
        uid=facts.uid,
        version=facts.version,
        latency_seconds=latency,
        clock_ahead_seconds=clock_ahead(answer, asked + timedelta(seconds=latency / 2)),
        is_all_allowed=bool(is_all),
        refused=await _refused(transport, delivered) if is_all is False else (),
        doubts=(*doubts_about(facts.version), *silent),
    )


class _Asked(NamedTuple):
    """One thing that may be allowed or not; everywhere when `namespace` is empty."""

    group: str
    resource: str
    verb: str
    namespace: str = ""
    name: str = ""


async def _refused(transport: Transport, delivered: Sequence[Delivered]) -> tuple[Refusal, ...]:
    """Which of the rights that it takes to deliver this are not there."""
    rights = rights_needed(placed(delivered))
    questions = {each: _questions(each) for each in rights}
    answers: dict[_Asked, bool | None] = {}

    async def ask(question: _Asked) -> None:
        answers[question] = await _may(transport, question)

    async with anyio.create_task_group() as group:
        for question in {one for each in questions.values() for one in each}:
            group.start_soon(ask, question)
    return tuple(
        Refusal(verbs, _resource(right), right.namespace, right.why, right.is_needed)
        for right, asked in questions.items()
        if (verbs := tuple(dict.fromkeys(one.verb for one in asked if answers[one] is False)))
    )


def _questions(right: Right) -> list[_Asked]:
    where = (right.group, right.resource)
    return [
        _Asked(*where, verb, right.namespace, name)
        for verb in right.verbs
        for name in right.names or ("",)
    ]


def _resource(right: Right) -> str:
    return f"{right.resource}.{right.group}" if right.group else right.resource


async def _may(transport: Transport, asked: _Asked) -> bool | None:
    """Whether the credential may do this, by the server's authorisers; None: it does not say."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked._asdict()},
    }
    answer = await transport.request("POST", _REVIEWS, body=msgspec.json.encode(review))
    if answer.status not in (200, 201):
        return None
    return msgspec.json.decode(answer.body, type=_Review).status.allowed


def clock_ahead(answer: Answer, ours: datetime) -> float | None:
    """How far the clock of who answered is ahead of ours; None when it told no time."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return (theirs + _HALF_A_SECOND - ours).total_seconds() if theirs.tzinfo else None


def doubts_about(version: str) -> tuple[str, ...]:
    """What there is to say of a version that was not tested."""
    minor = _minor(version)
    if not minor:
        return (f"{version} is no version of Kubernetes that Shoal knows",)
    if minor < _minor(OLDEST):
        return (f"Kubernetes {version} is older than {OLDEST}, the oldest that can work",)
    if minor > _minor(TESTED[-1]):
        return (f"Kubernetes {version} is newer than {TESTED[-1]}, the newest that was tested",)
    return ()


def _minor(version: str) -> tuple[int, ...]:
    """Both numbers of a minor version, to compare; nothing of what is no version."""
    found = _MINOR.match(version)
    return tuple(map(int, found.groups())) if found else ()
