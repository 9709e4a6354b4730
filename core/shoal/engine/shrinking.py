"""What went out of the fleet's documents, before it takes effect: much of it at once is withheld.

Stands between the documents that were read and the catalog that everything else works from. What
is withheld stays as it was: the last valid version of a document is kept in the catalog, or, after
a restart, its name; a cluster that an application does not select any more counts as selected. One
hold says so, and a person releases it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from shoal.documents import Catalog, Identity, Loaded, Located, keep
from shoal.engine.belonging import withheld_targets
from shoal.engine.recording import Recording
from shoal.engine.removing import Removing
from shoal.engine.state import EngineState
from shoal.model.holds import HoldCause
from shoal.model.identity import Ref, TargetKey
from shoal.planning.placing import is_placed
from shoal.planning.shrinking import SUBJECT, Gone, Judgement, Sort, judge

_SORTS = {
    "Application": Sort.APPLICATION,
    "Cluster": Sort.CLUSTER,
    "Source": Sort.SOURCE,
}


@dataclass(slots=True)
class Shrinking:
    """Decides which removals take effect. `_documents` are the last versions of what went.

    `_unreadable` are files of which nobody can say what stands there.
    """

    state: EngineState
    recording: Recording
    removing: Removing
    _documents: dict[Identity, Located] = field(default_factory=dict)
    _unreadable: frozenset[str] = frozenset()

    async def settle(self, previous: Catalog | None, read: Catalog, loaded: Loaded) -> Catalog:
        """The catalog that takes effect: what was read, and with it what is withheld."""
        if read.is_kept:
            return read
        state = self.state
        gone = {**self._gone_documents(previous, read), **self._gone_targets(previous, read)}
        let_go = {each: one for each, one in state.fleet.let_go.items() if _is_gone(read, each)}
        unreadable = _unreadable(read, loaded)
        self._unreadable = unreadable
        if unreadable:
            self.removing.wait_for(unreadable)
        judgement = judge(
            gone,
            self._there(read, gone),
            let_go,
            too_late=[each for each in let_go if self._is_too_late(each)],
            unreadable=unreadable,
            approvals=state.approvals,
            now=state.now(),
        )
        await self._follow(judgement)
        self._keep_documents(previous, judgement)
        files = {**{each: one.file for each, one in let_go.items()}, **gone}
        state.fleet.withheld, state.fleet.let_go = judgement.withheld, judgement.let_go
        kept = {identity_of(each): files[each] for each in judgement.withheld}
        return keep(read, {each: kept[each] for each in kept if each}, self._documents)

    async def _follow(self, judgement: Judgement) -> None:
        """One hold at a time; an approval is used up when what it was given for takes effect."""
        before = [
            hold for hold in self.state.holds.values() if hold.cause is HoldCause.REMOVAL_BUDGET
        ]
        for hold in before:
            if judgement.hold is None or hold.id != judgement.hold.id:
                await self.recording.holds.end(hold, "it is not needed any more")
        if judgement.hold is not None:
            await self.recording.holds.place(judgement.hold)

    def is_released(self) -> bool:
        """Whether something is withheld still, although nothing holds it any more."""
        causes = {hold.cause for hold in self.state.holds.values()}
        return bool(self.state.fleet.withheld) and HoldCause.REMOVAL_BUDGET not in causes

    async def took_effect(self) -> None:
        """The catalog is stored: what was approved of it was done, and what can be read counts."""
        self.removing.wait_for(self._unreadable)
        if not self.state.fleet.withheld:
            await self.recording.holds.lift(SUBJECT, HoldCause.REMOVAL_BUDGET, "it was carried out")

    def _keep_documents(self, previous: Catalog | None, judgement: Judgement) -> None:
        """Of what is withheld, or may have to be, the last version is kept at hand."""
        needed = {identity_of(each) for each in (*judgement.withheld, *judgement.let_go)} - {None}
        known = dict(self._documents)
        if previous is not None:
            known |= {
                identity: Located(previous.documents[identity], origin.file, origin.line)
                for identity, origin in previous.origins.items()
                if identity in needed
            }
        self._documents = {identity: known[identity] for identity in known if identity in needed}

    def _gone_documents(self, previous: Catalog | None, read: Catalog) -> dict[Gone, str]:
        """What was there before and is not, with the file where it stood."""
        if previous is None:
            before: Mapping[Identity, str] = self.state.fleet.remembered
        else:
            origins = {identity: each.file for identity, each in previous.origins.items()}
            before = {**previous.unknown, **origins}
        return {
            _gone(identity): file
            for identity, file in before.items()
            if identity.kind in _SORTS and _is_gone(read, _gone(identity))
        }

    def _gone_targets(self, previous: Catalog | None, read: Catalog) -> dict[Gone, str]:
        """Targets whose application and cluster are both written, and do not meet any more."""
        return {
            Gone(Sort.TARGET, str(key)): ""
            for key in self._suspects(previous, read)
            if _has_left(read, key) and not self.removing.is_under_way(key)
        }

    def _suspects(self, previous: Catalog | None, read: Catalog) -> list[TargetKey]:
        """Targets that may have left: a fleet has too many of them to ask each every time."""
        if previous is None:
            return list(self.state.targets)
        applications = {
            ref
            for ref, each in read.applications.items()
            if ref not in previous.applications
            or previous.applications[ref].spec.placement != each.spec.placement
        }
        clusters = {
            name
            for name, each in read.clusters.items()
            if name not in previous.clusters
            or previous.clusters[name].metadata.labels != each.metadata.labels
        }
        changed = [
            key
            for key in self.state.targets
            if key.application in applications or key.cluster in clusters
        ]
        return [*changed, *withheld_targets(self.state)]

    def _there(self, read: Catalog, gone: Collection[Gone]) -> dict[Sort, int]:
        """How many there are besides what is gone."""
        kinds = Counter(identity.kind for identity in (*read.documents, *read.unknown))
        there = {sort: kinds[kind] for kind, sort in _SORTS.items()}
        left = {*gone, *self.state.fleet.let_go}
        there[Sort.TARGET] = len(self.state.targets) - sum(
            each.sort is Sort.TARGET and TargetKey.parse(each.name) in self.state.targets
            for each in left
        )
        return there

    def _is_too_late(self, gone: Gone) -> bool:
        """Whether nothing of it is left that could be kept."""
        match gone.sort:
            case Sort.APPLICATION:
                return not self.state.targets_of(Ref.parse(gone.name))
            case Sort.TARGET:
                return TargetKey.parse(gone.name) not in self.state.targets
            case _:
                return False


def _has_left(read: Catalog, key: TargetKey) -> bool:
    application, cluster = read.applications.get(key.application), read.clusters.get(key.cluster)
    return application is not None and cluster is not None and not is_placed(application, cluster)


def _is_gone(read: Catalog, gone: Gone) -> bool:
    identity = identity_of(gone)
    if identity is None:
        return _has_left(read, TargetKey.parse(gone.name))
    return identity not in read.documents and identity not in read.unknown


def _unreadable(read: Catalog, loaded: Loaded) -> frozenset[str]:
    """Files in which more may stand than could be read."""
    said = {problem.file for problem in loaded.problems}
    stale = {origin.file for origin in read.stale.values()}
    return frozenset(stale | set(read.unknown.values()) | (loaded.troubled.keys() & said))


def _gone(identity: Identity) -> Gone:
    name = f"{identity.namespace}/{identity.name}".removeprefix("/")
    return Gone(_SORTS[identity.kind], name)


def identity_of(gone: Gone) -> Identity | None:
    """The document that went; None for a target, which is none."""
    for kind, sort in _SORTS.items():
        if sort is gone.sort:
            namespace, _, name = gone.name.rpartition("/")
            return Identity(kind, namespace, name)
    return None
