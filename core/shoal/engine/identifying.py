"""Is this the cluster it is said to be? Checked whenever somebody answers, before anything else.

The uid of the namespace `kube-system` is recorded at first contact. Another uid under the same
name is held until a person says that it is meant; the same uid under a second name is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from shoal.engine.recording import Recording
from shoal.engine.state import EngineState
from shoal.engine.target_state import NOTHING, TargetState
from shoal.errors import InvalidDocument
from shoal.model.endpoints import Facts
from shoal.model.holds import Hold, HoldCause


@dataclass(frozen=True, slots=True)
class Identifying:
    """Knows which name leads to which cluster.

    `_claims` are names, by uid, that are being recorded: two supervisors may ask at once.
    """

    state: EngineState
    recording: Recording
    _claims: dict[str, str] = field(default_factory=dict)

    async def check(self, name: str, facts: Facts) -> None:
        """Return when this is the cluster; raise InvalidDocument when nothing may be written."""
        known = self.state.identities.get(name)
        self._refuse_second_name(name, known, facts)
        if known == facts.uid:
            await self.recording.holds.lift(
                cluster_subject(name), HoldCause.IDENTITY_CHANGED, "it is back"
            )
            return
        self._claims[facts.uid] = name
        try:
            if known is not None:
                await self._hold_unless_approved(name, known, facts)
                await self.recording.forgot_inventory(name)
                for target in self.state.targets_on(name):
                    _begin_anew(target)
            await self.recording.identified(name, facts.uid)
        finally:
            del self._claims[facts.uid]

    def refuse_another(self, name: str, facts: Facts) -> None:
        """Raise InvalidDocument when another cluster answers on a connection that is in use.

        Nothing is stored first: while that takes its time, or fails, nothing more may be written.
        `check` asks a person before the next connection is used.
        """
        known = self.state.identities.get(name)
        if known != facts.uid:
            raise InvalidDocument(
                _leads_elsewhere(name, known, facts),
                next_step="it is connected to anew, and nothing is written before it is known",
            )

    def _refuse_second_name(self, name: str, known: str | None, facts: Facts) -> None:
        """A name counts as long as its document is there, also while that cannot be read."""
        uid = facts.uid
        catalog = self.state.catalog
        unknown = catalog.unknown if catalog else ()
        declared = {*(catalog.clusters if catalog else ())}
        declared |= {each.name for each in unknown if each.kind == "Cluster"}
        names = [other for other, its in self.state.identities.items() if its == uid]
        names += [self._claims[uid]] if uid in self._claims else []
        for other in names:
            if other != name and other in declared:
                raise _second_name(name, known, other, facts)

    async def _hold_unless_approved(self, name: str, known: str, facts: Facts) -> None:
        hold = Hold(
            subject=cluster_subject(name),
            cause=HoldCause.IDENTITY_CHANGED,
            reason=_leads_elsewhere(name, known, facts),
            by="shoal",
            since=self.state.now(),
            content=facts.uid,
        )
        approval = self.state.approvals.get(hold.id)
        if approval is not None and approval.until > self.state.now():
            return
        await self.recording.holds.place(hold)
        raise InvalidDocument(hold.reason, next_step=f"if that is meant: {hold.release}")


def cluster_subject(name: str) -> str:
    """How a cluster is named in holds and records."""
    return f"cluster {name}"


def _second_name(name: str, known: str | None, other: str, facts: Facts) -> InvalidDocument:
    """Two documents of one cluster; or one that led elsewhere before, whose access is wrong.

    Of two accesses that were exchanged each is the second name of the other's cluster.
    """
    if known is None or known == facts.uid:
        return InvalidDocument(
            f"clusters {other} and {name} lead to the same cluster (uid {facts.uid})",
            next_step=f"remove one of the two documents; {name} is left alone until then",
        )
    return InvalidDocument(
        f"{_leads_elsewhere(name, known, facts)}, which is {other}",
        next_step=f"look at the access of {name}, and whether it was exchanged with that of "
        f"{other}; {name} is left alone until then",
    )


def _leads_elsewhere(name: str, known: str | None, facts: Facts) -> str:
    return f"{name} was cluster {known} and leads to cluster {facts.uid} now"


def _begin_anew(target: TargetState) -> None:
    """What was seen, done and planned on the cluster of before says nothing of this one."""
    target.applied = target.observed = target.queued = target.reset_at = None
    target.begun = target.deferred = frozenset()
    target.problems, target.waiting, target.unseen = {}, {}, {}
    target.drifted, target.drifted_since = {}, {}
    target.health, target.unwell_since = {}, {}
    target.struggles, target.sighted = NOTHING, NOTHING
    target.synced_revision = target.synced_digest = target.told = ""
    target.synced_at = None
