"""Plain values of everything that is stored, with all that does not matter filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shoal.model.alerts import Ending, Group, Outgoing, Stream, StreamKey, Trouble
from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Grant, Owned, OwnedState
from shoal.model.records import Deed, Entry, Intent, Verdict
from shoal.store import Append, SourceState, TargetState

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class StoredValues:
    """Factories of values to be stored."""

    now = NOW

    def target(self, cluster: str = "prod", application: str = "web") -> TargetKey:
        """A target of application `web`."""
        return TargetKey(Ref("default", application), cluster)

    def key(self, name: str = "settings") -> ObjectKey:
        """A ConfigMap."""
        return ObjectKey("", "ConfigMap", "shop", name)

    def owned(self, name: str = "settings", cluster: str = "prod", **changed: Any) -> Owned:
        """A confirmed row of the inventory."""
        values: dict[str, Any] = {
            "target": self.target(cluster),
            "key": self.key(name),
            "uid": "3f2c1f5e",
            "desired_digest": "d" * 64,
            "owned_digest": "e" * 64,
            "baseline": b"\x00\xffbaseline",
            "state": OwnedState.CONFIRMED,
        }
        return Owned(**(values | changed))

    def entry(self, number: int = 0, **changed: Any) -> Entry:
        """A record-to-be; `number` sets its time and stands in its body."""
        values: dict[str, Any] = {
            "at": NOW + timedelta(seconds=number, microseconds=number % 2),
            "who": "shoal",
            "what": Deed.TARGET_SYNCED,
            "why": "the source changed",
            "subject": "default/web@prod",
            "verdict": Verdict.SUCCEEDED,
            "revision": "abc",
            "trace_id": "f" * 32,
            "body": {"number": number, "nested": {"list": [1, 2.5, None, "ä"]}},
        }
        return Entry(**(values | changed))

    def append(self, number: int = 0, **changed: Any) -> Append:
        """The change that appends `entry`."""
        return Append(self.entry(number, **changed))

    def grant(self, cluster: str = "prod", revision: str = "abc") -> Grant:
        """A grant by the head."""
        return Grant(self.target(cluster), revision, "head", NOW, "00-trace-01")

    def hold(self, subject: str = "default/web", **changed: Any) -> Hold:
        """A suspension."""
        values: dict[str, Any] = {
            "subject": subject,
            "cause": HoldCause.SUSPENDED,
            "reason": "freeze",
            "by": "ann",
            "since": NOW,
        }
        return Hold(**(values | changed))

    def approval(self, hold: str = "hold-1") -> Approval:
        """An approval that lasts an hour."""
        until = NOW + timedelta(hours=1)
        return Approval(hold, "default/web", "plan", "ann", "looks right", NOW, until)

    def target_state(self, cluster: str = "prod", **changed: Any) -> TargetState:
        """The last outcome of a target."""
        values: dict[str, Any] = {"target": self.target(cluster), "status": "Synced", "at": NOW}
        return TargetState(**(values | changed))

    def intent(self, cluster: str = "prod", **changed: Any) -> Intent:
        """What a pass is about to send."""
        group = {"action": "create", "status": "unknown", "kind": "ConfigMap", "namespace": "shop"}
        values: dict[str, Any] = {
            "target": self.target(cluster),
            "at": NOW,
            "who": "Ana",
            "why": "Open the shop",
            "revision": "abc",
            "plan": "p" * 64,
            "trace_id": "f" * 32,
            "objects": [{**group, "names": ["settings"]}],
        }
        return Intent(**(values | changed))

    def stream_key(self, alert: str = "on-call") -> StreamKey:
        """The webhook of an Alert."""
        return StreamKey(Ref("default", alert), "webhook")

    def stream(self, **changed: Any) -> Stream:
        """A destination with something on its way, something to be told, and an open trouble."""
        ending = Ending(6, "Failed default/web@prod")
        group = Group((7,), (ending,), NOW, NOW, {"Held default/web h": Trouble(3, "p", told=True)})
        values: dict[str, Any] = {
            "cursor": 7,
            "groups": {"Failed": group},
            "outgoing": Outgoing("batch-1", NOW, (5,), (ending,), error="it is away"),
            "delivered_at": NOW,
        }
        return Stream(**(values | changed))

    def source_state(self, name: str = "fleet", **changed: Any) -> SourceState:
        """The last revision of a source."""
        values: dict[str, Any] = {"source": Ref("default", name), "revision": "1", "digest": "d1"}
        return SourceState(**(values | changed))
