"""Who is told of what, and when: one destination of one Alert as a fold over the ledger.

`read` takes events in and decides which groups they belong to; `cut` takes what is due of one group
as a batch; `delivered` and `failed` say what became of it. Every event that an Alert is about is
told in exactly one batch, but for a trouble that goes on and says the same again. A trouble that
ends is told with all others of its group: when the last of them has ended, or after a while. Plain
functions from one `Stream` to the next; no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from shoal.errors import AccessDenied, Permanent, Retryable, ShoalError
from shoal.model.alert_policies import AlertSpec, GroupKey, RecoveryPolicy
from shoal.model.alerts import (
    Ending,
    Event,
    EventKind,
    Group,
    Outgoing,
    Purpose,
    Stage,
    Stream,
    Trouble,
)
from shoal.model.digests import digest_parts
from shoal.planning.backing_off import retry_at
from shoal.planning.noticing import kind_of

MOST_EVENTS = 200
"""Of one batch: some 100 KB as JSON."""
MOST_WAITING = 1_000
"""Events of a stream that were read and not told: what is not read yet waits in the ledger."""
MOST_TROUBLES = 10_000
"""Of a group that are followed to their end: every target of a large fleet."""
ENDINGS_WAIT = timedelta(minutes=10)
"""How long endings wait for the last trouble of their group: what failed alike is tried again
within five minutes."""
DOUBT = timedelta(minutes=10)
"""After a start every trouble that is still there is found again within this time."""
GIVEN_UP_AFTER = timedelta(hours=24)
"""A batch is tried this long: until somebody has slept, read `shoal status` and mended it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What an Alert says, and until when and why it is muted: `muted_until` None is not now."""

    spec: AlertSpec
    muted_until: datetime | None = None
    mute_reason: str = ""


class Cut(NamedTuple):
    """A batch that is due, or what was due and is muted."""

    stream: Stream
    muted_news: tuple[int, ...] = ()
    muted_endings: tuple[Ending, ...] = ()


def waiting(stream: Stream) -> int:
    """How many events were read and are still to be cut."""
    return sum(len(each.news) + len(each.endings) for each in stream.groups.values())


def has_room(stream: Stream) -> bool:
    """Whether more may be read."""
    return waiting(stream) < MOST_WAITING


def read(
    stream: Stream, events: Iterable[Event], cursor: int, policy: Policy, now: datetime
) -> Stream:
    """Take in what this Alert is about, of the records up to `cursor`; endings always come along.

    An ending is told when its trouble was, whatever it said by then, or is about to be.
    """
    groups = dict(stream.groups)
    for event in events:
        key = _place(event, groups, policy.spec)
        before = groups.get(key, Group())
        if event.stage is Stage.ENDED:
            after = _ended(before, event, policy, now)
        else:
            after = _news(before, event, policy, now)
        if after is not before:
            groups[key] = after
    return replace(stream, cursor=cursor, groups=_kept(groups))


def _place(event: Event, groups: Mapping[str, Group], spec: AlertSpec) -> str:
    """The group of an event; an ending goes where its trouble is, whatever is said by now."""
    key = group_key(event, spec)
    if event.stage is Stage.ENDED and event.trouble not in groups.get(key, Group()).troubles:
        return next((each for each in groups if event.trouble in groups[each].troubles), key)
    return key


def group_key(event: Event, spec: AlertSpec) -> str:
    """What an event has in common with those that are told with it."""
    parts = {
        GroupKey.EVENT: event.kind.value,
        GroupKey.APPLICATION: event.application,
        GroupKey.CLUSTER: event.cluster,
    }
    return "|".join(parts[each] for each in spec.group_by)


def _news(group: Group, event: Event, policy: Policy, now: datetime) -> Group:
    troubles = group.troubles
    if event.stage is Stage.BEGAN:
        known, said = troubles.get(event.trouble), _print(event)
        if known is not None and known.print == said:
            if known.doubted_at is None:
                return group
            kept = replace(known, doubted_at=None, doubted_seq=0)
            return replace(group, troubles={**troubles, event.trouble: kept})
        was_told = known is not None and (known.told or known.was_told)
        troubles = {**troubles, event.trouble: Trouble(event.seq, said, was_told=was_told)}
        if len(troubles) > MOST_TROUBLES:
            oldest = min(troubles, key=lambda name: troubles[name].seq)
            troubles = {name: each for name, each in troubles.items() if name != oldest}
    due = group.due or now + policy.spec.group_for
    return replace(group, news=(*group.news, event.seq), due=due, troubles=troubles)


def _ended(group: Group, event: Event, policy: Policy, now: datetime) -> Group:
    if event.trouble not in group.troubles:
        return group
    return _without(group, {event.trouble: event.seq}, policy, now)


def _without(group: Group, over: Mapping[str, int], policy: Policy, now: datetime) -> Group:
    """These troubles are over, and the records of these numbers say so.

    All of a large fleet's in one pass: after a restart ten thousand can be over at once.
    """
    troubles = {name: each for name, each in group.troubles.items() if name not in over}
    if policy.spec.when_recovered is RecoveryPolicy.IGNORE:
        return replace(group, troubles=troubles)
    coming = frozenset(group.news)
    told = [
        Ending(seq, name)
        for name, seq in over.items()
        if (one := group.troubles[name]).told or one.was_told or one.seq in coming
    ]
    if not told:
        return replace(group, troubles=troubles)
    due = group.endings_due or now + ENDINGS_WAIT
    return replace(group, troubles=troubles, endings=(*group.endings, *told), endings_due=due)


def _print(event: Event) -> str:
    """What tells a trouble that goes on from one that has become another."""
    return digest_parts((event.what, event.message))[:16]


def started(stream: Stream, seq: int, now: datetime) -> Stream:
    """The controller started: what it does not find again is over.

    Holds outlive a restart by themselves, and are not found again.
    """

    def doubted(name: str, trouble: Trouble) -> Trouble:
        if kind_of(name) == EventKind.HELD:
            return trouble
        return replace(trouble, doubted_at=now, doubted_seq=seq)

    return replace(
        stream,
        groups={
            key: replace(
                group, troubles={name: doubted(name, each) for name, each in group.troubles.items()}
            )
            for key, group in stream.groups.items()
        },
    )


def settle(stream: Stream, policy: Policy, now: datetime) -> Stream:
    """What changes without an event: other documents, doubts that came true, mutes that ended."""
    groups = {
        key: _recalled(_undoubted(_still_wanted(group, policy), policy, now), policy, now)
        for key, group in stream.groups.items()
    }
    return replace(stream, groups=_kept(groups))


def _still_wanted(group: Group, policy: Policy) -> Group:
    """The troubles of which the document still wants to hear."""
    wanted = policy.spec.events
    left = {name: each for name, each in group.troubles.items() if kind_of(name) in wanted}
    return group if len(left) == len(group.troubles) else replace(group, troubles=left)


def _undoubted(group: Group, policy: Policy, now: datetime) -> Group:
    over = {
        name: each.doubted_seq
        for name, each in group.troubles.items()
        if each.doubted_at is not None and now >= each.doubted_at + DOUBT
    }
    return _without(group, over, policy, now) if over else group


def _recalled(group: Group, policy: Policy, now: datetime) -> Group:
    """What goes on and was never told, for it was muted, is news once nothing is muted."""
    if policy.muted_until is not None:
        return group
    untold = {each.seq for each in group.troubles.values() if not each.told}
    untold -= set(group.news)
    if not untold:
        return group
    return replace(group, news=tuple(sorted({*group.news, *untold})), due=group.due or now)


def _kept(groups: Mapping[str, Group]) -> Mapping[str, Group]:
    return {key: each for key, each in groups.items() if each.news or each.endings or each.troubles}


def cut(stream: Stream, policy: Policy, now: datetime, name: str) -> Cut:
    """Take one batch of what is due; the stream as it is when nothing is, or one is on its way.

    `name` makes the ids of this stream's batches its own. What is due while it is muted is taken
    away instead, and told as such.
    """
    if stream.outgoing is not None:
        return Cut(stream)
    due = [(at, key) for key, each in stream.groups.items() if (at := _due_at(each)) and at <= now]
    if due:
        return _cut(stream, min(due)[1], policy, now, name)
    reminders = [
        key
        for key, each in stream.groups.items()
        if (at := _reminder_at(each, policy)) and at <= now
    ]
    return _remind(stream, min(reminders), now, name) if reminders else Cut(stream)


def _cut(stream: Stream, key: str, policy: Policy, now: datetime, name: str) -> Cut:
    group = stream.groups[key]
    if policy.muted_until is not None:
        quiet = replace(group, news=(), endings=(), due=None, endings_due=None)
        return Cut(_with_group(stream, key, quiet), group.news, group.endings)
    told, over, news, endings = _split(group)
    taken = frozenset(told)
    troubles = {
        each: replace(one, told=True) if one.seq in taken else one
        for each, one in group.troubles.items()
    }
    left = replace(
        group,
        news=news,
        endings=endings,
        due=now if news else None,
        endings_due=now if endings else None,
        troubles=troubles,
        told_at=now,
    )
    batch = _batch(name, key, now, told, over, Purpose.NEWS, len(troubles))
    return Cut(replace(_with_group(stream, key, left), outgoing=batch))


def _split(
    group: Group,
) -> tuple[tuple[int, ...], tuple[Ending, ...], tuple[int, ...], tuple[Ending, ...]]:
    """The oldest news and endings that fit into one batch, and what is left of both."""
    # Many endings can be told by the same record: a start of the controller.
    ordered = sorted([*((seq, "") for seq in group.news), *group.endings])
    last = ordered[min(len(ordered), MOST_EVENTS) - 1]
    return (
        tuple(seq for seq in group.news if (seq, "") <= last),
        tuple(each for each in group.endings if each <= last),
        tuple(seq for seq in group.news if (seq, "") > last),
        tuple(each for each in group.endings if each > last),
    )


def _remind(stream: Stream, key: str, now: datetime, name: str) -> Cut:
    group = stream.groups[key]
    seqs = tuple(sorted({each.seq for each in group.troubles.values()}))[-MOST_EVENTS:]
    reminded = _with_group(stream, key, replace(group, told_at=now))
    batch = _batch(name, key, now, seqs, (), Purpose.REMINDER, len(group.troubles))
    return Cut(replace(reminded, outgoing=batch))


def _batch(
    name: str,
    key: str,
    now: datetime,
    news: tuple[int, ...],
    endings: tuple[Ending, ...],
    purpose: Purpose,
    open_troubles: int,
) -> Outgoing:
    told = (*map(str, news), *(f"{each.seq} {each.trouble}" for each in endings))
    parts = (name, key, purpose, now.isoformat(), *told)
    return Outgoing(f"batch-{digest_parts(parts)[:16]}", now, news, endings, purpose, open_troubles)


def _with_group(stream: Stream, key: str, group: Group) -> Stream:
    return replace(stream, groups=_kept({**stream.groups, key: group}))


def _due_at(group: Group) -> datetime | None:
    """When something of this group is to be cut; long ago when it is full or over."""
    if group.news:
        return group.due if len(group.news) + len(group.endings) < MOST_EVENTS else _LONG_AGO
    if not group.endings:
        return None
    return group.endings_due if group.troubles else _LONG_AGO


def _reminder_at(group: Group, policy: Policy) -> datetime | None:
    after = policy.spec.repeat_after
    if after is None or group.told_at is None or policy.muted_until is not None:
        return None
    return group.told_at + after if group.troubles and not group.news else None


def delivered(stream: Stream, title: str, now: datetime) -> Stream:
    """What was on its way has arrived."""
    return replace(stream, outgoing=None, delivered_at=now, delivered_title=title, given_up=0)


def failed(stream: Stream, error: ShoalError, now: datetime, jitter: float) -> Stream:
    """The try failed; another one comes later, or `is_hopeless` says that none does."""
    outgoing = stream.outgoing
    assert outgoing is not None
    attempts = outgoing.attempts + 1
    after = error.after_seconds if isinstance(error, Retryable) else None
    next_try = retry_at(attempts, now=now, jitter=jitter, after_seconds=after)
    return replace(
        stream,
        outgoing=replace(
            outgoing,
            attempts=attempts,
            next_try=next_try,
            error=error.message,
            next_step=error.next_step,
        ),
    )


def is_hopeless(outgoing: Outgoing, error: ShoalError, now: datetime) -> bool:
    """Whether a batch whose try failed so is given up.

    The other side will never take it, or it was tried for long enough; a refused credential or
    address is a thing that people mend.
    """
    if isinstance(error, Permanent) and not isinstance(error, AccessDenied):
        return True
    return now >= outgoing.at + GIVEN_UP_AFTER


def given_up(stream: Stream) -> Stream:
    """What was on its way is not tried any more."""
    return replace(stream, outgoing=None, given_up=stream.given_up + 1)


def wake_at(stream: Stream, policy: Policy) -> datetime | None:
    """When there is something to do again without another record."""
    if stream.outgoing is not None:
        return stream.outgoing.next_try or _LONG_AGO
    times = [
        at
        for group in stream.groups.values()
        for at in (
            _due_at(group),
            _reminder_at(group, policy),
            *_doubts_end(group),
            policy.muted_until if _is_silenced(group, policy) else None,
        )
        if at is not None
    ]
    return min(times, default=None)


def _doubts_end(group: Group) -> Iterable[datetime]:
    return (
        each.doubted_at + DOUBT for each in group.troubles.values() if each.doubted_at is not None
    )


def _is_silenced(group: Group, policy: Policy) -> bool:
    """Whether there is something to tell, or to tell again, once nothing is muted."""
    is_repeated = policy.spec.repeat_after is not None
    return any(is_repeated or not each.told for each in group.troubles.values())


_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
