"""Objects that change hands: one application lets go of what another brings.

Nothing is deleted then. A session can see that only when it knows what all applications want. So
before a plan that deletes, or that wants what another application has, is carried out, the session
is told; and while an application of the cluster has work to do (its source moved, its document
changed), nobody can say. Then what would be deleted stays, and the target comes back when the last
of them is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from shoal.engine import answers
from shoal.engine.guarding import Guard
from shoal.engine.queueing import Priority, Request
from shoal.engine.state import EngineState
from shoal.engine.target_state import TargetState
from shoal.errors import OwnershipConflict
from shoal.hooks.targets import Session
from shoal.model.identity import Ref, TargetKey
from shoal.model.plans import Action, Desired, Plan, Result

LEARN_SECONDS = 60.0
LEAVING = frozenset({Action.DELETE, Action.HAND_OVER, Action.LET_GO})
_CHANGING_HANDS = LEAVING | {Action.ADOPT}


def depends_on_others(state: EngineState, plan: Plan) -> bool:
    """Whether this plan may be another one when the session knows what all want.

    What waits may have been found only when it was written, and depend on it then.
    """
    target = state.targets.get(plan.target)
    is_taken = any(isinstance(error, OwnershipConflict) for error in plan.refused.values())
    is_leaving = any(change.action in _CHANGING_HANDS for change in plan.changes)
    return is_taken or is_leaving or bool(target and target.waiting)


async def inform(state: EngineState, guard: Guard, session: Session, target: TargetKey) -> bool:
    """Tell the session what all want; False when nobody can say that yet.

    Then the target comes back when the next of the others is decided.
    """
    cluster = target.cluster
    wanted = _wanted(state, cluster)
    if wanted is None:
        state.awaiting_decisions.setdefault(cluster, set()).add(target)
    unknown = _unknown(state, cluster)
    await guard.ask(
        "target",
        "learn",
        str(target),
        lambda: session.learn(wanted, unknown),
        seconds=LEARN_SECONDS,
        answer=answers.nothing,
    )
    return wanted is not None


def decided(state: EngineState, ref: Ref, clusters: Iterable[str], *, was_rendered: bool) -> None:
    """An application was decided: those who wait for that on its clusters look again.

    One that was not rendered yet might have wanted something anywhere: after the last of these all
    look again.
    """
    names = set(clusters)
    if not was_rendered and state.awaiting_decisions and state.catalog is not None:
        others = state.catalog.applications.keys() - {ref}
        if not any(_is_open_everywhere(state, other) for other in others):
            names.update(state.awaiting_decisions)
    for name in sorted(names):
        cluster = state.clusters.get(name)
        for target in sorted(state.awaiting_decisions.pop(name, ())):
            if cluster is not None:
                request = Request(Priority.REVISION, "what the others want is known")
                cluster.queue.add(target, request)


def wake_partners(state: EngineState, target: TargetKey, results: Sequence[Result]) -> None:
    """Wake who wants what this target lets go of, and who had what it took over.

    What it has now says nothing about the one that had it: a controller that was killed in between
    finds the object first in the rows of the other, as drift.
    """
    keys = {one.key for one in results if one.action in (Action.ADOPT, Action.HAND_OVER)}
    cluster = state.clusters.get(target.cluster)
    if not keys or cluster is None:
        return
    request = Request(Priority.REVISION, "an object changes hands")
    taken = {key for key in keys if state.inventory(target.cluster).is_of(key, target)}
    for other in state.targets_on(target.cluster):
        if other.key == target:
            continue
        for key in taken:
            other.forget(key)
        may_be_empty = other.removing is not None
        if may_be_empty or keys & {*other.problems, *other.waiting}:
            cluster.queue.add(other.key, request)


def _wanted(state: EngineState, cluster: str) -> list[Desired] | None:
    """What all targets of a cluster should hold; None while one of them is being decided."""
    catalog = state.catalog
    if catalog is None or any(_is_open(state, ref, cluster) for ref in catalog.applications):
        return None
    return [target.desired for target in _targets(state, cluster) if target.desired is not None]


def _unknown(state: EngineState, cluster: str) -> list[TargetKey]:
    """Targets that had something there before a restart, and nobody can say what they want now.

    Their document cannot be read, or they cannot be rendered: what they have stays theirs.
    """
    catalog = state.catalog
    refs = set(catalog.applications) if catalog else set[Ref]()
    refs |= {Ref(each.namespace, each.name) for each in (catalog.unknown if catalog else ())}
    keys = (TargetKey(ref, cluster) for ref in sorted(refs))
    return [key for key in keys if key in state.grants and _has_no_wish(state.targets.get(key))]


def _has_no_wish(target: TargetState | None) -> bool:
    return target is None or (target.desired is None and not target.removing)


def _is_open(state: EngineState, ref: Ref, cluster: str) -> bool:
    """Whether an application may soon want something else there.

    One that failed wants what it wanted before: it must not stop all others.
    """
    known = state.applications.get(ref)
    is_here = known is not None and cluster in known.placed
    is_busy = is_here and state.application_queue.is_busy(ref)
    return is_busy or _is_open_everywhere(state, ref)


def _is_open_everywhere(state: EngineState, ref: Ref) -> bool:
    """Whether nobody knows yet where it is and what it wants, or it is just being tried again."""
    known = state.applications.get(ref)
    if known is None:
        return True
    if known.is_rendered:
        return False
    return known.error is None or state.application_queue.is_busy(ref)


def _targets(state: EngineState, cluster: str) -> Iterator[TargetState]:
    # By application: a cluster has few, and the fleet has many targets.
    for ref in state.catalog.applications if state.catalog else ():
        found = state.targets.get(TargetKey(ref, cluster))
        if found is not None:
            yield found
