"""What tests of alerts tell and to whom: a document without particulars, and events of troubles."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shoal.model.alert_policies import AlertSpec
from shoal.model.alerts import Event, EventKind, Stage
from shoal.model.choice import Choice, Spec


class Nowhere(Spec):
    """Parameters of a notifier that has none."""


def spec_of(**written: Any) -> AlertSpec:
    """An Alert that says no more than where to, and this."""
    return AlertSpec.model_validate({"to": [Choice("nowhere", Nowhere())], **written})


def event_of(seq: int, at: datetime, stage: Stage, name: str, said: str = "") -> Event:
    """A sync that happened, or a failure that began or ended."""
    kind = EventKind.SYNCED if stage is Stage.HAPPENED else EventKind.FAILED
    return Event(seq, at, kind, stage, "x", name, message=said, trouble=f"Failed {name}")
