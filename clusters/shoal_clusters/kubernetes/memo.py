"""Prepared sets by what went in: the same content on a hundred clusters is prepared once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TypeVar

from shoal.model.digests import Digester
from shoal.model.identity import Ref
from shoal.model.plans import Content
from shoal.model.policies import IgnoreRule
from shoal_clusters.kubernetes.discovering import Catalogue
from shoal_clusters.kubernetes.preparing import Prepared, Scope, flatten, prepare

_MOST = 2048
"""Sets that are remembered; sessions hold the ones in use anyway, so this bounds the others."""

K = TypeVar("K")
V = TypeVar("V")
_Kinds = frozenset[tuple[str, str]]
_Scopes = frozenset[tuple[tuple[str, str], Scope | None]]


class PreparedMemo:
    """Prepared sets keyed by (content, application, scopes of its kinds, what is ignored)."""

    def __init__(self, fleet: str, digester: Digester) -> None:
        self._fleet = fleet
        self._digester = digester
        self._kinds: OrderedDict[str, _Kinds] = OrderedDict()
        self._scopes: dict[_Scopes, _Scopes] = {}
        self._sets: OrderedDict[tuple[object, ...], Prepared] = OrderedDict()

    def prepared(
        self,
        content: Content,
        application: Ref,
        catalogue: Catalogue,
        ignore: Sequence[IgnoreRule] = (),
    ) -> Prepared:
        """The prepared set of this content for this application at such a cluster."""
        scopes = {kind: _scope(catalogue, *kind) for kind in self._kinds_of(content)}
        same = frozenset(scopes.items())
        # Most sets hold the same few kinds: one such frozenset serves them all.
        same = self._scopes.setdefault(same, same)
        name: tuple[object, ...] = (content.digest, application, same, _text(ignore))
        found = self._sets.get(name)
        if found is None:
            found = self._prepare(content, application, scopes, ignore)
            _put(self._sets, name, found)
        self._sets.move_to_end(name)
        return found

    def _prepare(
        self,
        content: Content,
        application: Ref,
        scopes: Mapping[tuple[str, str], Scope | None],
        ignore: Sequence[IgnoreRule],
    ) -> Prepared:
        return prepare(
            content.manifests,
            fleet=self._fleet,
            application=application,
            scope=lambda api_version, kind: scopes.get((api_version, kind)),
            digester=self._digester,
            ignore=ignore,
        )

    def _kinds_of(self, content: Content) -> _Kinds:
        found = self._kinds.get(content.digest)
        if found is None:
            flat = (one for manifest in content.manifests for one in flatten(manifest))
            found = frozenset((one.api_version, one.key.kind) for one in flat)
            _put(self._kinds, content.digest, found)
        return found


def _text(ignore: Sequence[IgnoreRule]) -> tuple[str, ...]:
    """The rules as what can be a key: their selectors hold mappings."""
    return tuple(rule.model_dump_json() for rule in ignore)


def _put(memo: OrderedDict[K, V], name: K, value: V) -> None:
    memo[name] = value
    while len(memo) > _MOST:
        memo.popitem(last=False)


def _scope(catalogue: Catalogue, api_version: str, kind: str) -> Scope | None:
    group, slash, version = api_version.rpartition("/")
    resource = catalogue.resource(group if slash else "", version, kind)
    if resource is None:
        return None
    return Scope.NAMESPACED if resource.is_namespaced else Scope.CLUSTER
