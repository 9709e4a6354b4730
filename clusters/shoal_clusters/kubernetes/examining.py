"""One look at a cluster without a session: who answers, how fast, and what the credential may do.

For commands that set a fleet up or look for what is wrong. It watches nothing and writes nothing:
an access review is asked, not stored.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

from shoal.errors import ClusterUnreachable
from shoal.model.endpoints import Facts
from shoal.model.examinations import Examination
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


async def examine(transport: Transport) -> Examination:
    """Raises ClusterUnreachable without an answer, AccessDenied when it may not be asked."""
    facts: Facts = await Probe(transport).facts()
    began, asked = time.monotonic(), datetime.now(UTC)
    answer = await transport.request("GET", "/version", is_probe=True)
    latency = time.monotonic() - began
    return Examination(
        uid=facts.uid,
        version=facts.version,
        latency_seconds=latency,
        clock_ahead_seconds=clock_ahead(answer, asked + timedelta(seconds=latency / 2)),
        is_all_allowed=await _may(transport, {"group": "*", "resource": "*", "verb": "*"}),
        doubts=doubts_about(facts.version),
    )


async def _may(transport: Transport, attributes: dict[str, str]) -> bool:
    """Whether the credential may do this: a review of the API server's own authorisers."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = await transport.request("POST", _REVIEWS, body=msgspec.json.encode(review))
    if answer.status not in (200, 201):
        raise ClusterUnreachable(
            f"cluster {transport.cluster} does not say what is allowed: it answered {answer.status}"
        )
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
    found = _MINOR.match(version)
    if found is None:
        return (f"{version} is no version of Kubernetes that Shoal knows",)
    minor, oldest, newest = (
        (int(found[1]), int(found[2])),
        *(tuple(map(int, each.split("."))) for each in (OLDEST, TESTED[-1])),
    )
    if minor < oldest:
        return (f"Kubernetes {version} is older than {OLDEST}, the oldest that can work",)
    if minor > newest:
        return (f"Kubernetes {version} is newer than {TESTED[-1]}, the newest that was tested",)
    return ()
