"""What was rendered, and from what: the entries of the render memo, and how one is found again.

An entry holds every look that the renderer took at the source (path → what was seen) and at the
facts of a cluster (name → digest), with the output. Entries are kept by the facts that they depend
on, so that a fleet where each cluster renders differently finds its entry by a look-up and not by a
search. Used by `rendering` and `desiring`; output may hold Secrets and is never written to disk.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from shoal.engine.folders import still_holds
from shoal.errors import Permanent
from shoal.model.artifacts import Tree
from shoal.model.manifests import Manifest

T = TypeVar("T")
_FactsKey = tuple[tuple[str, ...], tuple[str, ...]]
_KEPT_PER_FACTS = 2  # while a revision is rolled out, the one before it is asked for as well
_KEPT_PER_WORK = 4_000  # more than the clusters of a large fleet, each rendered in its own way


class Digests(Protocol):
    """Gives the digest of a cluster's fact by the name of the fact."""

    async def __call__(self, name: str, /) -> str:
        """The digest of one fact."""
        ...


@dataclass(frozen=True, slots=True)
class Rendered:
    """One output and what it was made from. `outside` are the looks that left the folder.

    `facts` are the looks at the cluster: an output without any is that of every cluster. `error` is
    why there is no output: what failed for good fails again as long as all looks show the same.
    """

    root: str
    digest: str
    looks: Mapping[str, str]
    outside: Mapping[str, str]
    facts: Mapping[str, str]
    manifests: tuple[Manifest, ...] = field(repr=False)
    error: Permanent | None = None

    async def is_of(self, tree: Tree, root: str, digest: str) -> bool:
        """Whether the folder is the same as a whole, and what was seen outside of it too."""
        is_same = self.root == root and self.digest == digest
        return is_same and await still_holds(tree, self.outside)

    async def would_see_the_same(self, tree: Tree, root: str) -> bool:
        """Whether every single look at the source would show the same."""
        return self.root == root and await still_holds(tree, self.looks)


class ByFacts(Generic[T]):
    """Values by the facts that they depend on: names of facts → their digests → value."""

    def __init__(self, most: int = _KEPT_PER_WORK) -> None:
        self._most = most
        self._values: OrderedDict[_FactsKey, T] = OrderedDict()
        self._names: dict[tuple[str, ...], int] = {}

    def __len__(self) -> int:
        return len(self._values)

    @property
    def names(self) -> frozenset[str]:
        """All facts that some value depends on."""
        return frozenset(name for names in self._names for name in names)

    def get(self, facts: Mapping[str, str]) -> T | None:
        """The value that depends on exactly these facts."""
        return self._values.get(_key(facts))

    async def of(self, digest: Digests) -> list[T]:
        """The values for a cluster with these facts: one for each set of names, mostly one."""
        keys = [(names, tuple([await digest(name) for name in names])) for names in self._names]
        return [self._values[key] for key in keys if key in self._values]

    def put(self, facts: Mapping[str, str], value: T) -> None:
        """Keep a value, the oldest one goes when there are too many."""
        key = _key(facts)
        if key not in self._values:
            self._names[key[0]] = self._names.get(key[0], 0) + 1
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._let_go(next(iter(self._values)))

    def drop(self, is_dropped: Callable[[T], bool]) -> None:
        """Let go of the values that this says yes to."""
        for key in [key for key, value in self._values.items() if is_dropped(value)]:
            self._let_go(key)

    def _let_go(self, key: _FactsKey) -> None:
        del self._values[key]
        names = key[0]
        self._names[names] -= 1
        if not self._names[names]:
            del self._names[names]


class Shelf:
    """The entries of one work for one source: the newest two for each set of facts."""

    def __init__(self) -> None:
        self._entries: ByFacts[list[Rendered]] = ByFacts()

    @property
    def names(self) -> frozenset[str]:
        """The facts that outputs of this work were seen to depend on."""
        return self._entries.names

    async def of(self, digest: Digests) -> list[Rendered]:
        """The entries that a cluster with these facts could use."""
        return [entry for entries in await self._entries.of(digest) for entry in entries]

    def drop_failures(self) -> None:
        """Let go of what failed last, so that it is tried again."""
        self._entries.drop(_is_failure)

    def put(self, entry: Rendered) -> None:
        """Keep an entry before the others; it replaces the one with the very same output."""
        known = self._entries.get(entry.facts) or ()
        older = [each for each in known if not _is_same_output(each, entry)]
        self._entries.put(entry.facts, [entry, *older][:_KEPT_PER_FACTS])


def _is_failure(entries: list[Rendered]) -> bool:
    """Whether the newest entry is one; what was rendered before it goes too, and is made again."""
    return entries[0].error is not None


def _is_same_output(one: Rendered, other: Rendered) -> bool:
    return one.manifests is other.manifests and one.error is other.error


def _key(facts: Mapping[str, str]) -> _FactsKey:
    names = tuple(sorted(facts))
    return names, tuple(facts[name] for name in names)
