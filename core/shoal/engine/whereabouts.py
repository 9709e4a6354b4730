"""Where is my change: which targets have a revision, or want an image, and which not yet, and why.

Revisions are found among those that sources are at and those that the ledger saw them at; their
order there tells what is newer. One that was never seen, because it was pushed together with a
later one, counts as that one: the first that was seen with it in its past, which the source plugin
knows. When a target had a revision first says the ledger, too. Images are those of the desired
manifests, found once per content. Nothing is asked of a cluster, or of a server of Git.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import anyio

from shoal.engine.ancestry import Ancestry
from shoal.engine.imaging import Images
from shoal.engine.portions import in_portions
from shoal.engine.state import EngineState
from shoal.engine.target_state import TargetState
from shoal.engine.viewing import view_target
from shoal.engine.views.applications import TargetView
from shoal.engine.views.whereabouts import LeadTimes, Whereabout, WhereView
from shoal.errors import InvalidQuery, ShoalError, UnknownName
from shoal.model.artifacts import Ancestor
from shoal.model.identity import Ref, TargetKey
from shoal.model.plans import Content
from shoal.model.records import Deed, Record
from shoal.planning.arriving import Presence, Standing, presence_of, reached
from shoal.planning.images import ImageReference
from shoal.store import Store

_DIGITS = re.compile(r"[0-9a-f]{7,64}")
_MOST_REVISIONS = 1000  # of one source; what is older than these is not looked for
_IN_ONE_GO = 50
_HAVE_IT = frozenset({Presence.HERE, Presence.UNCHANGED, Presence.SUPERSEDED})


@dataclass(slots=True)
class _Trail:
    """One source: its revisions by when they were seen, and the record of the one looked for.

    `past`: what is looked for was never seen itself; the record is that of the first with it.
    """

    source: Ref
    records: dict[str, Record] = field(default_factory=dict[str, Record])
    record: Record | None = None
    past: Ancestor | None = None

    def rank(self, revision: str) -> int:
        found = self.records.get(revision)
        return found.seq if found else 0

    def came_with(self, past: Ancestor) -> None:
        """What is looked for is in the past of these; the first that was seen counts for it."""
        seen = [self.records[each] for each in past.within if each in self.records]
        if seen:
            self.past, self.record = past, min(seen, key=lambda one: one.seq)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Answers from what the engine knows and the ledger tells."""

    state: EngineState
    store: Store
    images: Images
    ancestry: Ancestry

    async def find(self, text: str) -> WhereView:
        """Where it is; UnknownName when nothing has, or had, anything of this name."""
        blind: list[str] = []
        trails = [] if _is_image(text) else await self._trails(text, blind)
        if trails:
            return await self._of_revision(trails)
        found = await self._of_image(text)
        if found.targets:
            return found
        why = "".join(f"; {each}" for each in dict.fromkeys(blind))
        raise UnknownName(
            f"no source was seen at revision {text}, or has it in its past, and no application "
            f"wants such an image{why}",
            next_step="`shoal get sources` shows what each source is at, and since when",
        )

    # -- revisions -------------------------------------------------------------------------------

    async def _trails(self, text: str, blind: list[str]) -> list[_Trail]:
        """The sources that were at this revision, else those that have it in their past.

        `blind` takes why a past cannot be looked at. InvalidQuery when two revisions may be meant.
        """
        catalog = self.state.catalog
        found: list[_Trail] = []
        others: list[_Trail] = []
        meant: set[str] = set()
        for source in sorted(catalog.sources if catalog else ()):
            trail, names = await self._trail(source, text)
            (found if names else others).append(trail)
            meant |= names
        if not found and _DIGITS.fullmatch(text):
            found = await self._with_it_in_their_past(text, others, blind)
            meant = {each.past.revision for each in found if each.past is not None}
        if len(meant) > 1:
            raise InvalidQuery(
                f"{text} may be {' or '.join(sorted(meant))}", next_step="write more of it"
            )
        return found

    async def _with_it_in_their_past(
        self, text: str, trails: Sequence[_Trail], blind: list[str]
    ) -> list[_Trail]:
        catalog = self.state.catalog
        assert catalog is not None  # or there were no trails

        async def look(trail: _Trail) -> None:
            spec = catalog.sources[trail.source]
            try:
                past = await self.ancestry.find(trail.source, spec, text, [*trail.records])
            except ShoalError as error:
                blind.append(f"source {trail.source}: {error}")
                return
            if past is not None:
                trail.came_with(past)

        async with anyio.create_task_group() as tasks:
            for trail in trails:
                tasks.start_soon(look, trail)
        return [trail for trail in trails if trail.past is not None]

    async def _trail(self, source: Ref, text: str) -> tuple[_Trail, set[str]]:
        trail = _Trail(source)
        names: set[str] = set()
        records = await self.store.records(
            subject=f"source {source}", what=frozenset({Deed.SOURCE_CHANGED}), limit=_MOST_REVISIONS
        )
        for record in reversed(records):
            revision = record.entry.revision
            trail.records[revision] = record
            if _names(text, revision, str(record.entry.body.get("version", ""))):
                trail.record = trail.record if revision in names else record
                names.add(revision)
        return trail, names

    async def _of_revision(self, trails: Sequence[_Trail]) -> WhereView:
        trail = min(trails, key=lambda each: each.record.seq if each.record else 0)
        assert trail.record is not None
        first, past = trail.record.entry, trail.past
        committed = _time(first.body.get("committed_at")) or first.at
        if past is not None:
            committed = past.provenance.committed_at or committed
        untouched: list[str] = []
        targets: list[Whereabout] = []
        for application, trail in self._readers(trails):
            assert trail.record is not None
            known, revision = self.state.targets_of(application), trail.record.entry.revision
            arrived = await self._arrivals(application, revision)
            found = [
                self._whereabout(target, trail, revision, committed, arrived)
                async for target in in_portions(known, _IN_ONE_GO)
            ]
            if found and all(each.presence is Presence.UNCHANGED for each in found):
                untouched.append(str(application))
            else:
                targets += found
        touched = [each for each in targets if each.presence is not Presence.UNCHANGED]
        seconds = [each.seconds for each in touched if each.seconds is not None]
        return WhereView(
            sort="revision",
            name=past.revision if past else first.revision,
            author=past.provenance.author if past else first.who,
            subject=past.provenance.subject if past else first.why,
            came_with=first.revision if past else "",
            source=", ".join(str(each.source) for each in trails),
            committed_at=committed,
            detected_at=first.at,
            here=sum(each.presence in _HAVE_IT for each in targets),
            untouched=untouched,
            silent=self._silent(targets),
            times=_times(seconds, len(touched)),
            targets=targets,
        )

    def _readers(self, trails: Sequence[_Trail]) -> Iterator[tuple[Ref, _Trail]]:
        of = {each.source: each for each in trails}
        catalog = self.state.catalog
        for ref, document in sorted(catalog.applications.items()) if catalog else ():
            if document.source_ref in of:
                yield ref, of[document.source_ref]

    async def _arrivals(self, application: Ref, revision: str) -> Mapping[str, datetime]:
        """When each target of an application had the revision for the first time."""
        return await self.store.first_times(
            Deed.TARGET_SYNCED, revision=revision, subject_prefix=f"{application}@"
        )

    def _whereabout(
        self,
        target: TargetState,
        trail: _Trail,
        revision: str,
        committed: datetime,
        arrived: Mapping[str, datetime],
    ) -> Whereabout:
        known = self.state.applications.get(target.key.application)
        grant = self.state.grants.get(target.key)
        standing = Standing(
            wanted=trail.rank(revision),
            decided=trail.rank(known.revision) if known else 0,
            granted=trail.rank(grant.revision) if grant else 0,
            synced=trail.rank(target.synced_revision),
        )
        presence = presence_of(standing)
        at = arrived.get(str(target.key))
        if at is None and presence is Presence.HERE:
            at = target.synced_at
        seconds = None if at is None else max(0.0, (at - committed).total_seconds())
        view = view_target(self.state, target)
        message, step = view.message, view.next_step
        if presence is Presence.NOT_YET and known is not None and known.error is not None:
            message, step = message or known.error.message, step or known.error.next_step
        return _told(view, presence, (), at, seconds, message, step)

    # -- images ----------------------------------------------------------------------------------

    async def _of_image(self, text: str) -> WhereView:
        is_meant = _image_named(text)
        targets: list[Whereabout] = []
        async for key in in_portions(sorted(self.state.targets), _IN_ONE_GO):
            found = self._running(key, is_meant)
            if found is not None:
                targets.append(found)
        self.images.keep(self.state.targets.values())
        return WhereView(
            sort="image",
            name=text,
            author="",
            subject="",
            came_with="",
            source="",
            committed_at=None,
            detected_at=None,
            here=sum(each.presence is Presence.HERE for each in targets),
            untouched=(),
            silent=self._silent(targets),
            times=LeadTimes(),
            targets=targets,
        )

    def _running(self, key: TargetKey, is_meant: Callable[[str], bool]) -> Whereabout | None:
        target = self.state.targets.get(key)
        if target is None:
            return None
        wanted = self._images(target.desired.content if target.desired else None, is_meant)
        is_synced = target.desired is not None and target.synced_digest == target.desired.digest
        applied = target.applied.content if target.applied else None
        leaving = [] if is_synced else self._images(applied, is_meant)
        if not wanted and not leaving:
            return None
        presence = Presence.HERE if is_synced else Presence.NOT_YET
        if not wanted:
            presence = Presence.LEAVING
        view = view_target(self.state, target)
        images = wanted or leaving
        return _told(view, presence, images, None, None, view.message, view.next_step)

    def _images(self, content: Content | None, is_meant: Callable[[str], bool]) -> list[str]:
        if content is None:
            return []
        found = {each for images in self.images.of(content).values() for each in images}
        return sorted(filter(is_meant, found))

    def _silent(self, targets: Sequence[Whereabout]) -> list[str]:
        names = {each.cluster for each in targets}
        return sorted(name for name in names if not self.state.is_answering(name))


def _told(
    view: TargetView,
    presence: Presence,
    images: Sequence[str],
    at: datetime | None,
    seconds: float | None,
    message: str,
    next_step: str,
) -> Whereabout:
    return Whereabout(
        namespace=view.namespace,
        application=view.application,
        cluster=view.cluster,
        presence=presence,
        phase=view.phase,
        health=view.health,
        blocked=view.blocked,
        revision=view.revision,
        images=images,
        arrived_at=at,
        seconds=seconds,
        message=message,
        next_step=next_step,
    )


def _is_image(text: str) -> bool:
    """Whether it can be no revision: a colon or a slash stands in images, and in no commit."""
    return ":" in text or "@" in text


def _names(text: str, revision: str, version: str) -> bool:
    """Whether this is the revision that is meant, by all of its name, its tag or first digits."""
    if text in (revision, version):
        return True
    return bool(_DIGITS.fullmatch(text)) and revision.startswith(text)


def _image_named(text: str) -> Callable[[str], bool]:
    """By its name or the last parts of it; the tag and the digest count where they are given."""
    wanted = ImageReference.parse(text)

    def is_meant(image: str) -> bool:
        found = ImageReference.parse(image)
        return (
            (found.name == wanted.name or found.name.endswith(f"/{wanted.name}"))
            and wanted.tag in ("", found.tag)
            and wanted.digest in ("", found.digest)
        )

    return is_meant


def _times(seconds: Sequence[float], count: int) -> LeadTimes:
    return LeadTimes(
        first=min(seconds, default=None),
        p50=reached(seconds, count, 0.5),
        p95=reached(seconds, count, 0.95),
        last=reached(seconds, count, 1.0) if count else None,
    )


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None
