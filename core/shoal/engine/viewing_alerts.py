"""Alerts as readers are shown them: where each destination stands, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from shoal.documents import Identity
from shoal.engine.state import EngineState
from shoal.engine.views.alerts import AlertView, DestinationView
from shoal.model.alerts import Stream, StreamKey
from shoal.model.documents import Alert
from shoal.model.phrases import counted
from shoal.planning.alerting import waiting

_WORST = ("False", "Unknown", "True")


def view_alerts(state: EngineState, last_seq: int) -> Sequence[AlertView]:
    """Every Alert; `last_seq` is the end of the ledger."""
    catalog = state.catalog
    alerts = catalog.alerts if catalog else {}
    return [_alert(state, alerts[ref], last_seq) for ref in sorted(alerts)]


def _alert(state: EngineState, alert: Alert, last_seq: int) -> AlertView:
    destinations = [
        _destination(
            StreamKey(alert.ref, name),
            state.streams.get(StreamKey(alert.ref, name), Stream(last_seq)),
            last_seq,
        )
        for name in alert.spec.destinations()
    ]
    worst = min(destinations, key=lambda each: _WORST.index(each.ready))
    muted = alert.spec.muted_until(state.now())
    message, next_step = worst.message, worst.next_step
    if not message and muted:
        message = f"muted until {muted[0]:%Y-%m-%d %H:%M} UTC" + (
            f": {muted[1]}" if muted[1] else ""
        )
    delivered = [each.delivered_at for each in destinations if each.delivered_at]
    assert state.catalog is not None
    origin = state.catalog.origins.get(Identity("Alert", *alert.ref))
    return AlertView(
        namespace=alert.ref.namespace,
        name=alert.ref.name,
        ready=worst.ready,
        events=[kind.value for kind in alert.spec.events],
        delivered_at=max(delivered, default=None),
        waiting=max(each.waiting for each in destinations),
        troubles=max(each.troubles for each in destinations),
        muted_until=muted[0] if muted else None,
        message=message,
        next_step=next_step,
        destinations=destinations,
        document=f"{origin.file}:{origin.line}" if origin else "",
    )


def _destination(key: StreamKey, stream: Stream, last_seq: int) -> DestinationView:
    name, outgoing = key.destination, stream.outgoing
    is_failing = outgoing is not None and outgoing.attempts > 0
    on_its_way = len(outgoing.news) + len(outgoing.endings) if outgoing else 0
    message, next_step = "", ""
    if outgoing is not None and is_failing:
        tries = counted(outgoing.attempts, "try", "tries")
        message = f"{name}: {outgoing.error} (after {tries}, since {outgoing.at:%H:%M:%S})"
        next_step = outgoing.next_step
    elif stream.given_up:
        message = f"{name}: {counted(stream.given_up, 'batch was', 'batches were')} given up"
        alert = str(key.alert).removeprefix("default/")
        next_step = f"once it takes them: shoal alert resend {alert}"
    ready = "Unknown" if stream.delivered_at is None else "True"
    return DestinationView(
        name=name,
        ready="False" if message else ready,
        delivered_at=stream.delivered_at,
        delivered_title=stream.delivered_title,
        waiting=waiting(stream) + on_its_way,
        behind=max(0, last_seq - stream.cursor),
        troubles=sum(len(group.troubles) for group in stream.groups.values()),
        attempts=outgoing.attempts if outgoing else 0,
        next_try=outgoing.next_try if outgoing else None,
        given_up=stream.given_up,
        message=message,
        next_step=next_step,
    )
