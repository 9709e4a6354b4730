"""What must hold at each write that a cluster carries out, and at each commit: one function each.

A function gives a sentence when it does not hold, and None when it does. They know the truth of the
simulation (what Git said, what is live, what people were told) and ask nobody in the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.engine.virtual_time import START
from tests.simulation.observed import Sent, Write
from tests.simulation.reached import nothing_is_pruned_after_a_failed_apply
from tests.simulation.waiting import what_others_wait_for_comes_first

from shoal.model.documents import WORKLOAD_KINDS
from shoal.model.holds import RELEASED_BY, Hold, HoldCause
from shoal.model.plans import Action, OwnedState
from shoal.store import changes
from shoal.store.changes import Change
from shoal.testing.fake_cluster import projected

if TYPE_CHECKING:
    from tests.simulation.world import World

# A controller that has read of a change may have a request under way that it sent before.
UNDER_WAY_SECONDS = 1.0
# Its end is kept in microseconds, and time here is finer.
GRACE_SECONDS = 600.0 - 0.001


# -- at each write -----------------------------------------------------------------------------


def nothing_of_a_stranger_is_touched(world: World, write: Write) -> str | None:
    if write.before is None or write.before.owner == write.sent.target:
        return None
    other = write.before.owner
    if other is None:
        return "the object was not ours"
    if world.wants(other, write.sent.key):
        return f"the object belongs to {other}, which wants it"
    return None


def a_delete_is_said_by_git_or_by_a_person(world: World, write: Write) -> str | None:
    sent = write.sent
    if not write.is_delete or sent.action is not Action.DELETE:
        return "an object is gone that was only to be written" if write.is_delete else None
    if sent.grant.revision:
        content = world.git.histories[sent.target.application.name].content(sent.grant.revision)
        if content is None:
            return f"there is no revision {sent.grant.revision}"
        if sent.key in content:
            return f"revision {sent.grant.revision} wants it"
        return None
    return _why_not_removed(world, write)


def _is_over_in_a_copy(world: World, sent: Sent) -> bool:
    """Whether a state that was put back, and that nobody marked as old, says that its time is over.

    That the application was wanted again since nobody can know who has this state.
    """
    if world.loss is None or not world.loss.is_believed:
        return False
    at, lost_at = (START + timedelta(seconds=each) for each in (sent.at, world.loss.at))
    return any(
        hold.subject == str(sent.target)
        and hold.cause is HoldCause.REMOVING
        and hold.since <= lost_at
        and hold.until is not None
        and hold.until <= at
        for hold in world.memory.holds.values()
    )


def _why_not_removed(world: World, write: Write) -> str | None:
    """Why a target as a whole may not be removed."""
    sent = write.sent
    name, cluster = sent.target.application.name, sent.target.cluster
    recent = [declared for at, declared in sent.seen if at > sent.at - UNDER_WAY_SECONDS]
    known = [*recent, *(declared for _, declared in sent.seen[-1:])]
    if not known:
        return "the controller has read no documents yet"
    if all(each.is_placed(name, cluster) for each in known):
        return "its document was there, and placed it there"
    if all(cluster not in each.clusters for each in known):
        return "its cluster was let go"
    since = world.documents.unplaced.get((name, cluster), sent.at)
    is_over = sent.at - since >= GRACE_SECONDS
    if is_over or world.observed.is_approved(sent.target, since, write.at):
        return None
    if _is_over_in_a_copy(world, sent):
        return None
    # Who agreed before that just this orphan goes is not asked once more.
    if world.observed.may_leave(sent.target, sent.key, write.at):
        return None
    return f"it is not wanted for {sent.at - since:g} s only, and nobody has approved the removal"


def a_prune_keeps_to_its_budget(world: World, write: Write) -> str | None:
    """No budget counts an orphan: the approval has named each of them."""
    sent = write.sent
    if not write.is_delete or not sent.grant.revision:
        return None
    found = world.observed.grant_of(sent)
    if found is None:
        return "its grant was never stored"
    owned, since = found.most, world.observed.first_granted(sent)
    if world.observed.is_approved(sent.target, since, write.at):
        return None
    if world.observed.may_leave(sent.target, sent.key, write.at):
        return None
    count = len(world.observed.deleted[sent.target, sent.grant.since])
    if count > max(1, owned / 4):
        return f"{count} of {owned} objects of {sent.target} are gone, and nobody has approved it"
    content = world.git.histories[sent.target.application.name].content(sent.grant.revision)
    is_workload = sent.key.group_kind in WORKLOAD_KINDS
    if is_workload and not any(key.group_kind in WORKLOAD_KINDS for key in content or ()):
        return "it was the last workload, and nobody has approved it"
    return None


def a_create_has_a_durable_intent(world: World, write: Write) -> str | None:
    if not write.is_create:
        return None
    owner = write.sent.intent
    if owner is None:
        return "no row of it was stored before"
    return None if owner == write.sent.target else f"its row is that of {owner}"


def no_older_revision_after_a_newer_one(world: World, write: Write) -> str | None:
    sent = write.sent
    newest = world.observed.newest.get((write.cluster.uid, sent.key, sent.target))
    if newest is not None and sent.grant.since < newest:
        return f"revision {sent.grant.revision} of {sent.grant.since} after that of {newest}"
    return None


def a_write_says_what_its_grant_says(world: World, write: Write) -> str | None:
    sent = write.sent
    if write.is_delete or write.after is None:
        return None
    if world.observed.grant_of(sent) is None:
        return f"its grant of {sent.grant.revision} was never stored"
    content = world.git.histories[sent.target.application.name].content(sent.grant.revision)
    body = (content or {}).get(sent.key)
    if body is None:
        return f"revision {sent.grant.revision} has no such object"
    if projected(write.after.body, body) != body:
        return f"it is not what revision {sent.grant.revision} says"
    return None


def what_is_suspended_is_left_alone(world: World, write: Write) -> str | None:
    return "its application is suspended" if write.sent.is_suspended else None


def only_the_cluster_that_was_meant_is_written_to(world: World, write: Write) -> str | None:
    told, known = write.sent.told, write.sent.known
    return f"it is said to be {told}, and was known as {known}" if told != known else None


def what_shrank_is_left_alone(world: World, write: Write) -> str | None:
    """A render that is likely broken changes nothing, but for corrections and approved orphans."""
    sent = write.sent
    found = world.observed.grant_of(sent)
    if sent.action is Action.CORRECT or not sent.grant.revision or found is None:
        return None
    owned, since = found.least, world.observed.first_granted(sent)
    content = world.git.histories[sent.target.application.name].content(sent.grant.revision) or {}
    if 2 * len(content) >= owned or world.observed.is_approved(sent.target, since, write.at):
        return None
    if write.is_delete and world.is_orphan_let_go(sent.target, sent.key):
        return None
    gone = world.live_of(sent.target) - content.keys() - {sent.key}
    if write.is_delete:
        gone |= {sent.key}
    # Who agreed that just these go is not asked once more when another revision lacks them too.
    if all(world.observed.may_leave(sent.target, key, write.at) for key in gone):
        return None
    return f"{len(content)} objects are wanted where {owned} were, and nobody has approved it"


def nothing_goes_for_memory_was_lost(world: World, write: Write) -> str | None:
    """What was there before a database was lost, and Git has not since, is a person's to judge."""
    sent, loss = write.sent, world.loss
    if loss is None or not write.is_delete:
        return None
    if sent.target.cluster not in world.swept and not loss.is_believed:
        return "the memory of this cluster was lost, and not every kind was listed since"
    if (sent.target.cluster, sent.key) in loss.known or world.is_wanted_since(loss.at, sent):
        return None
    if world.observed.is_approved(sent.target, loss.at, write.at):
        return None
    return f"nobody has wanted it since memory was lost at {loss.at:g} s, and nobody approved"


WriteInvariant = Callable[["World", Write], str | None]
AT_WRITES: Sequence[WriteInvariant] = (
    nothing_of_a_stranger_is_touched,
    a_delete_is_said_by_git_or_by_a_person,
    a_prune_keeps_to_its_budget,
    a_create_has_a_durable_intent,
    no_older_revision_after_a_newer_one,
    a_write_says_what_its_grant_says,
    what_is_suspended_is_left_alone,
    only_the_cluster_that_was_meant_is_written_to,
    what_shrank_is_left_alone,
    nothing_goes_for_memory_was_lost,
    what_others_wait_for_comes_first,
    nothing_is_pruned_after_a_failed_apply,
)


# -- at each commit ----------------------------------------------------------------------------


def a_hold_says_who_why_and_how_it_ends(world: World, change: Change) -> str | None:
    if not isinstance(change, changes.PutHold):
        return None
    return _why_unfit(change.hold)


def _why_unfit(hold: Hold) -> str | None:
    if not (hold.by and hold.reason and hold.subject):
        return f"{hold} does not say who, why or what"
    if hold.cause is HoldCause.SUSPENDED and hold.until is None:
        return f"{hold} has no end"
    if hold.cause not in RELEASED_BY or not hold.release.startswith("shoal "):
        return f"{hold} has no command that ends it"
    return None


def an_approval_says_who_why_and_until_when(world: World, change: Change) -> str | None:
    if not isinstance(change, changes.PutApproval):
        return None
    approval = change.approval
    if approval.by and approval.reason and approval.until > approval.at:
        return None
    return f"{approval} does not say who, why or until when"


def nothing_that_is_there_is_forgotten(world: World, change: Change) -> str | None:
    if not isinstance(change, changes.DropOwned):
        return None
    cluster = world.clusters[change.cluster]
    if world.is_replaced(cluster):
        return None
    for key in change.keys:
        live = cluster.objects.get(key)
        if live is not None and (key, live.uid) in cluster.back:
            continue  # the cluster said that it was gone, and brought it back later
        if (
            live is not None
            and live.owner
            and live.owner == world.memory.rows.get((cluster.name, key))
        ):
            return f"{key} on {change.cluster} is there, and ours"
    return None


def a_grant_is_of_a_revision(world: World, change: Change) -> str | None:
    if not isinstance(change, changes.PutGrant):
        return None
    grant = change.grant
    history = world.git.histories.get(grant.target.application.name)
    if history is None or history.content(grant.revision) is None:
        return f"{grant.target} is granted {grant.revision}, which never was"
    return None


def a_grant_is_of_what_was_out(world: World, change: Change) -> str | None:
    """After a loss nothing is granted but what Git said since."""
    if not isinstance(change, changes.PutGrant) or world.loss is None:
        return None
    grant, history = change.grant, world.git.histories[change.grant.target.application.name]
    since = (grant.since - START).total_seconds()
    left = history.left.get(grant.revision)
    if since < world.loss.at or left is None or left >= world.loss.at:
        return None
    return f"{grant.target} is granted {grant.revision}, which is not out since {left:g} s"


def a_confirmed_row_is_of_an_object(world: World, change: Change) -> str | None:
    if not isinstance(change, changes.PutOwned):
        return None
    for row in change.rows:
        if row.state is OwnedState.CONFIRMED:
            cluster = world.clusters[row.target.cluster]
            if (row.key, row.uid) not in cluster.uids:
                return f"{row.key} on {cluster.name} never had the uid {row.uid}"
    return None


def an_identity_changes_by_approval_only(world: World, change: Change) -> str | None:
    if not isinstance(change, changes.PutIdentity):
        return None
    known = world.memory.identities.get(change.cluster)
    if known in (None, change.uid):
        return None
    subject = f"cluster {change.cluster}"
    approved = (each.hold for each in world.observed.approvals)
    if any(hold.subject == subject and hold.content == change.uid for hold in approved):
        return None
    return f"{subject} was {known} and is {change.uid} now, and nobody has approved it"


CommitInvariant = Callable[["World", Change], str | None]
AT_COMMITS: Sequence[CommitInvariant] = (
    a_hold_says_who_why_and_how_it_ends,
    an_approval_says_who_why_and_until_when,
    nothing_that_is_there_is_forgotten,
    a_grant_is_of_a_revision,
    a_grant_is_of_what_was_out,
    a_confirmed_row_is_of_an_object,
    an_identity_changes_by_approval_only,
)


def broken_by_write(world: World, write: Write) -> Iterator[tuple[str, str]]:
    """The invariants that a write breaks, and how."""
    for invariant in AT_WRITES:
        why = invariant(world, write)
        if why is not None:
            sent = write.sent
            what = f"{sent.action} of {sent.key} on {write.cluster.name} by {sent.target}"
            yield invariant.__name__, f"{what} ({sent.grant.revision or 'removal'}): {why}"


def broken_by_commit(world: World, change: Change) -> Iterator[tuple[str, str]]:
    """The invariants that a change of the state breaks, and how."""
    for invariant in AT_COMMITS:
        why = invariant(world, change)
        if why is not None:
            yield invariant.__name__, why
