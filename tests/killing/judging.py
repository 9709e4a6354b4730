"""What has to be true after a controller was killed and another one ended its work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.killing.children import live
from tests.killing.scenes import Goal, Stage

from shoal.model.plans import OwnedState
from shoal.model.records import Record
from shoal.store import State, open_store
from shoal_clusters.controlplane import audit

DONE = frozenset({"applied", "unchanged", "deleted"})
UNKNOWN = "unknown"
_READS = frozenset({"get", "list", "watch"})


async def judge(
    stage: Stage,
    goal: Goal,
    *,
    before: Mapping[str, Any],
    kept: Sequence[str],
    since: int,
    seq: int,
) -> int:
    """Raise AssertionError for what is wrong; the end of the ledger."""
    after = await everything(stage)
    _same("live", await live(stage.admin, stage.namespace, stage.fleet.name), goal.wanted)
    assert after["stranger"] == before["stranger"], "an object of a stranger was touched"
    for name in set(kept) & before.keys():
        assert after[name]["uid"] == before[name]["uid"], f"{name} is another object"
    async with open_store(stage.fleet.folder / "state") as store:
        _same("first broken record", await store.verify_ledger(), None)
        state = await store.load()
        records = await store.records(after_seq=seq, newest_first=False, limit=10_000)
        last = store.last_seq
    _judge_rows(state, after, goal)
    written = await _written(stage, since)
    _judge_ledger(records, written)
    return last


def _same(what: str, found: object, wanted: object) -> None:
    assert found == wanted, f"{what}: {found}, and should be {wanted}"


async def everything(stage: Stage) -> dict[str, Any]:
    """All objects of the namespace: name → uid and resourceVersion."""
    found = await stage.admin.get(f"/api/v1/namespaces/{stage.namespace}/configmaps")
    return {
        each["metadata"]["name"]: {
            "uid": each["metadata"]["uid"],
            "version": each["metadata"]["resourceVersion"],
        }
        for each in found["items"]
    }


def _judge_rows(state: State, after: Mapping[str, Any], goal: Goal) -> None:
    """The inventory is what is live, nothing is intended any more, no approval is left."""
    rows = {key.name: row for rows in state.inventory.values() for key, row in rows.items()}
    _same("rows", set(rows), set(goal.wanted))
    _same("states of rows", {row.state for row in rows.values()} - {OwnedState.CONFIRMED}, set())
    uids = {name: after[name]["uid"] for name in rows}
    _same("uids of rows", {name: row.uid for name, row in rows.items()}, uids)
    _same("what was left over", [*state.intents, *state.approvals, *state.holds], [])


async def _written(stage: Stage, since: int) -> Counter[str]:
    """How often the controller has written each object, by the API server's audit log."""
    entries = await audit.read_audit_log(stage.cluster.audit_log, since=since)
    return Counter(
        entry.name
        for entry in entries
        if (entry.user, entry.namespace, entry.resource) == ("shoal", stage.namespace, "configmaps")
        and entry.verb not in _READS
        and entry.code < 400
        and "dryRun" not in entry.path
    )


def _judge_ledger(records: Sequence[Record], written: Mapping[str, int]) -> None:
    """One entry per write: no write without one, and none that claims what was not written."""
    told = [pair for record in records for pair in explained(record)]
    certain = Counter(name for name, status in told if status in DONE)
    possible = certain + Counter(name for name, status in told if status == UNKNOWN)
    for name in written | certain.keys():
        assert certain[name] <= written.get(name, 0) <= possible[name], (
            f"{name} was written {written.get(name, 0)} times; the ledger explains {certain[name]} "
            f"to {possible[name]}"
        )


def explained(record: Record) -> Iterator[tuple[str, str]]:
    """The objects that a record names: name and how it ended."""
    body = record.entry.body
    for each in body.get("changes", ()):
        yield str(each["object"]).rpartition("/")[2], each["status"]
    for group in body.get("further", ()):
        for name in group["names"]:
            yield name, group["status"]


def older_writes(log: Path, color: str) -> list[str]:
    """The lines of a run's log that sent what was superseded before it began."""
    return [line for line in log.read_text().splitlines() if line.endswith(f"= {color}")]
