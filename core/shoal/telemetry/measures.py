"""Every metric that the core tells, each in one place; the reference page is written from here.

What tells series apart is bounded: by what is in the code (a phase, a stage, a kind of error), by
the number of clusters, or by that of applications. Nothing is told by target: five hundred clusters
with a hundred applications would be fifty thousand series of each metric. Single targets are what
`shoal get targets` and traces are for. What plugins count themselves stands beside their code.
"""

from __future__ import annotations

from typing import Final

from shoal.model.metrics import LONG, SHORT, Kind, Metric
from shoal.telemetry.names import APPLICATION, CLUSTER, PLUGIN

QUEUE: Final = "shoal.queue"
PRIORITY: Final = "shoal.priority"
STAGE: Final = "shoal.stage"
OUTCOME: Final = "shoal.outcome"
SEAM: Final = "shoal.seam"
PHASE: Final = "shoal.phase"
HEALTH: Final = "shoal.health"
CAUSE: Final = "shoal.cause"
READY: Final = "shoal.ready"
DRIFT: Final = "shoal.drift"
CIRCUIT: Final = "shoal.circuit"
MEMO: Final = "shoal.memo"
CPU_MODE: Final = "cpu.mode"


def _duration(
    name: str, meaning: str, *attributes: str, boundaries: tuple[float, ...] = SHORT
) -> Metric:
    return Metric(
        name=name,
        kind=Kind.HISTOGRAM,
        unit="s",
        meaning=meaning,
        attributes=attributes,
        boundaries=boundaries,
    )


def _gauge(name: str, unit: str, meaning: str, *attributes: str) -> Metric:
    return Metric(
        name=name,
        kind=Kind.GAUGE,
        unit=unit,
        meaning=meaning,
        attributes=attributes,
        is_read=True,
    )


def _counter(name: str, unit: str, meaning: str, *attributes: str, is_read: bool = True) -> Metric:
    return Metric(
        name=name,
        kind=Kind.COUNTER,
        unit=unit,
        meaning=meaning,
        attributes=attributes,
        is_read=is_read,
    )


# -- how long things take ------------------------------------------------------------------------

COMMIT_DETECTED = _duration(
    "shoal.commit.detected.duration",
    "From a commit until its source was fetched; of commits that arrived while Shoal ran.",
    boundaries=LONG,
)
COMMIT_LIVE = _duration(
    "shoal.commit.live.duration",
    "From a commit until all of a target was seen healthy with it; of targets that had another "
    "revision before.",
    boundaries=LONG,
)
STAGE_DURATION = _duration(
    "shoal.stage.duration",
    "One stage of delivery: fetch, render, plan, apply, prune. Render is that of one decision, "
    "whether or not the memo had it.",
    STAGE,
    OUTCOME,
)
QUEUE_WAIT = _duration(
    "shoal.queue.wait.duration",
    "From when a key had something to do until its turn came.",
    QUEUE,
    PRIORITY,
)
DRIFT_DURATION = _duration(
    "shoal.drift.duration",
    "How long an object differed from what was written, until it was seen as it should be.",
    boundaries=LONG,
)
WATCH_LAG = _duration(
    "shoal.watch.lag", "From when a watch saw something of an object until the engine knew it."
)
PLUGIN_CALL = _duration(
    "shoal.plugin.call.duration",
    "One call of a plugin (of a stream, one step). Of the seam target, the plugin is the method.",
    SEAM,
    PLUGIN,
    OUTCOME,
)
STORE_COMMIT = _duration(
    "shoal.store.commit.duration",
    "One transaction of the state database, until it was on the disk.",
    OUTCOME,
)
LOOP_LAG = _duration(
    "shoal.loop.lag", "How late the event loop was, asked once a second: what everything waits for."
)

# -- how things stand ----------------------------------------------------------------------------

TARGETS = _gauge(
    "shoal.targets", "{target}", "Applications at clusters, by how they stand.", PHASE, HEALTH
)
BLOCKED = _gauge(
    "shoal.targets.blocked",
    "{target}",
    "Targets on which something is in the way of an object that is on its way.",
)
APPLICATIONS = _gauge(
    "shoal.applications", "{application}", "Applications, by their worst phase.", PHASE
)
APPLICATION_TARGETS = _gauge(
    "shoal.application.targets",
    "{target}",
    "Targets of one application by phase; phases that none is in are left out.",
    APPLICATION,
    PHASE,
)
SOURCES = _gauge("shoal.sources", "{source}", "Sources, by whether they can be read.", READY)
HOLDS = _gauge("shoal.holds", "{hold}", "Holds that are in force, by cause.", CAUSE)
DRIFTED = _gauge("shoal.drifted.objects", "{object}", "Objects that differ now, by how.", DRIFT)
DRIFT_AGE = _gauge(
    "shoal.drift.oldest.age", "s", "Since when the object differs that does so for longest."
)
FLEET_PROBLEMS = _gauge("shoal.fleet.problems", "{problem}", "What is wrong in the documents.")
FLEET_STALE = _gauge(
    "shoal.fleet.stale.age",
    "s",
    "How long something of the documents cannot be read; 0: all can.",
)
QUEUE_DEPTH = _gauge("shoal.queue.depth", "{key}", "Keys that wait for their turn.", QUEUE)
QUEUE_AGE = _gauge(
    "shoal.queue.oldest.age", "s", "How long the key waits that waits for longest.", QUEUE
)
PLUGIN_CALLS_LEFT = _gauge(
    "shoal.plugin.calls.left", "{call}", "Calls of plugins that did not end when cancelled.", SEAM
)

# -- of each cluster -----------------------------------------------------------------------------

CLUSTER_UP = _gauge(
    "shoal.cluster.up", "1", "1 while the cluster is connected and answers, else 0.", CLUSTER
)
CLUSTER_CIRCUIT = _gauge(
    "shoal.cluster.circuit", "1", "1 of the state the circuit is in, else 0.", CLUSTER, CIRCUIT
)
CLUSTER_CONTACT = _gauge(
    "shoal.cluster.contact.age", "s", "Since the last answer of a probe.", CLUSTER
)
CLUSTER_STALE = _gauge(
    "shoal.cluster.stale.age", "s", "How long something there was not seen; 0: all is.", CLUSTER
)
CLUSTER_LATENCY = _gauge(
    "shoal.cluster.latency",
    "s",
    "What all but one in a hundred requests of the last minute took at most.",
    CLUSTER,
)
CLUSTER_IN_FLIGHT = _gauge(
    "shoal.cluster.requests.limit", "{request}", "How many requests it gets at a time.", CLUSTER
)
CLUSTER_OBJECTS = _gauge("shoal.cluster.objects", "{object}", "Objects managed there.", CLUSTER)
CLUSTER_DEPTH = _gauge(
    "shoal.cluster.queue.depth", "{target}", "Targets there that wait for their turn.", CLUSTER
)
CLUSTER_AGE = _gauge(
    "shoal.cluster.queue.oldest.age", "s", "How long the one waits that waits for longest.", CLUSTER
)
CLUSTER_CREDENTIAL = _gauge(
    "shoal.cluster.credential.remaining",
    "s",
    "Until the credential expires, as it says of itself.",
    CLUSTER,
)

# -- what has been done --------------------------------------------------------------------------

RENDERS = _counter(
    "shoal.renders", "{render}", "Renders that were asked for: hit, the memo had it; miss.", MEMO
)
LEDGER_RECORDS = _counter("shoal.ledger.records", "{record}", "Records of the ledger.")
LOOP_STALLS = _counter(
    "shoal.loop.stalls", "{stall}", "How often the event loop stood still.", is_read=False
)

# -- the process ---------------------------------------------------------------------------------

STORE_SIZE = _gauge("shoal.store.size", "By", "The file of the state database.")
STORE_OWED = _gauge(
    "shoal.store.owed", "{record}", "Records that wait because the database cannot be written."
)
CPU_TIME = _counter("process.cpu.time", "s", "Processor time.", CPU_MODE)
MEMORY = _gauge("process.memory.usage", "By", "Memory in use (resident).")
FILES = _gauge("process.open_file_descriptor.count", "{file_descriptor}", "Open files and sockets.")
UPTIME = _gauge("process.uptime", "s", "Since the controller started.")

METRICS: Final = tuple(each for each in tuple(globals().values()) if isinstance(each, Metric))
"""All of them, in the order of this page."""
