"""Whatever somebody said passes the mask that the store was given; what names a row does not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from shoal.model.alerts import Outgoing, Stream, StreamKey
from shoal.model.holds import Approval, Hold, HoldCause
from shoal.model.identity import Ref, TargetKey
from shoal.model.records import Deed, Entry, Verdict
from shoal.store import changes, open_store, states
from shoal.telemetry.masking import Masking

AT = datetime(2026, 3, 1, tzinfo=UTC)
SAID = "it is canary-7, they say"
STREAM = StreamKey(Ref("default", "on-call"), "webhook")


async def test_sentences_are_masked_before_they_are_kept(tmp_path: Path) -> None:
    masking = Masking()
    masking.known.learn(["canary-7"])
    target = TargetKey(Ref("default", "canary-7"), "dev")
    entry = Entry(
        AT, "Ana", Deed.TARGET_SYNCED, SAID, str(target), Verdict.FAILED, body={"error": SAID}
    )
    hold = Hold(str(target), HoldCause.SUSPENDED, SAID, "Ana", AT)
    written = [
        changes.Append(entry),
        changes.PutTarget(states.TargetState(target, "Failed", AT, error=SAID)),
        changes.PutHold(hold),
        changes.PutApproval(Approval(hold.id, str(target), "", "Ana", SAID, AT, AT)),
        changes.PutStream(STREAM, Stream(1, outgoing=Outgoing("batch-1", AT, error=SAID))),
    ]

    async with open_store(tmp_path, masking.value) as store:
        (record,) = await store.write(*written)
        kept = await store.load()
        first_broken = await store.verify_ledger()

    hidden = "it is ***, they say"
    assert (record.entry.why, record.entry.body) == (hidden, {"error": hidden})
    assert record.entry.subject == str(target)
    assert kept.targets[target].error == hidden
    assert [each.reason for each in kept.holds.values()] == [hidden]
    assert [each.reason for each in kept.approvals.values()] == [hidden]
    assert kept.streams[STREAM].outgoing == Outgoing("batch-1", AT, error=hidden)
    assert first_broken is None
    assert b"canary-7, " not in b"".join(path.read_bytes() for path in tmp_path.glob("shoal.db*"))
