"""Requests to API servers as numbers: by cluster, verb and answer, and how long they took.

How long is told by verb alone. Fifteen numbers for each cluster, verb and answer would be more than
all other metrics together; a slow cluster shows in `shoal.cluster.latency`.
"""

from __future__ import annotations

from opentelemetry.metrics import Meter

from shoal.model.metrics import Kind, Metric

CLUSTER = "k8s.cluster.name"
VERB = "shoal.verb"
STATUS = "http.response.status_code"
ERROR = "error.type"

REQUESTS = Metric(
    name="shoal.cluster.requests",
    kind=Kind.COUNTER,
    unit="{request}",
    meaning="Requests to API servers, by the status of the answer, or the error when there was "
    "none. A watch is one request, counted when it is answered.",
    attributes=(CLUSTER, VERB, STATUS, ERROR),
)
DURATION = Metric(
    name="shoal.cluster.request.duration",
    kind=Kind.HISTOGRAM,
    unit="s",
    meaning="One request to an API server until its answer was read, without the wait for a place.",
    attributes=(VERB,),
)
METRICS = (REQUESTS, DURATION)


class Requests:
    """Counts the requests to one cluster."""

    def __init__(self, meter: Meter, cluster: str) -> None:
        self._cluster = cluster
        self._count = meter.create_counter(REQUESTS.name, REQUESTS.unit, REQUESTS.meaning)
        self._duration = meter.create_histogram(
            DURATION.name,
            DURATION.unit,
            DURATION.meaning,
            explicit_bucket_boundaries_advisory=DURATION.boundaries,
        )

    def answered(self, verb: str, status: int, seconds: float) -> None:
        """There was an answer, whatever it says."""
        self._count.add(1, {CLUSTER: self._cluster, VERB: verb, STATUS: status})
        self._duration.record(seconds, {VERB: verb})

    def connected(self, status: int) -> None:
        """A watch was answered; it goes on as long as it likes."""
        self._count.add(1, {CLUSTER: self._cluster, VERB: "WATCH", STATUS: status})

    def unanswered(self, verb: str, error: BaseException) -> None:
        """There was no answer."""
        attributes = {CLUSTER: self._cluster, VERB: verb, ERROR: type(error).__name__}
        self._count.add(1, attributes)
