"""Ignoring: fields that are somebody else's business, in every diff and in every apply.

An application says so (`sync.ignore`), and a short table says so for everybody. Such a field is
left out of what is prepared: so it is not sent, not owned, not compared, and stays when somebody
adds it. Only what we own is ever compared, so most of what other tools must be told to ignore
(defaults, addresses and ports that a server gives, status, what controllers fill in) needs no rule
here; the table holds what manifests say although somebody else will say it better. Pure.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import orjson

from shoal.model.identity import GroupKind, ObjectKey
from shoal.model.pointers import steps_of
from shoal.model.policies import IgnoreRule
from shoal_clusters.kubernetes.marks import APPLICATION_LABEL, FLEET_LABEL, OWNER_ANNOTATION
from shoal_clusters.kubernetes.projecting import Fields

Body: TypeAlias = Mapping[str, Any]
Steps: TypeAlias = tuple[str, ...]
"""A path of a rule: names, `*` for every item or member, `name=app` for one item of a list."""
REPLICAS: Steps = ("spec", "replicas")


class BuiltIn(NamedTuple):
    """A rule for everybody: of which kinds, where, when, and why."""

    kinds: frozenset[GroupKind]
    steps: Steps
    holds: Callable[[Body, Any], bool]
    reason: str


_INJECTED = (
    "cert-manager.io/inject-ca-from",
    "cert-manager.io/inject-ca-from-secret",
    "cert-manager.io/inject-apiserver-ca",
    "service.beta.openshift.io/inject-cabundle",
)


def _is_injected(body: Body, bundle: Any) -> bool:
    """Whether an injector is asked for, or Git has but a placeholder (`Cg==` of kubebuilder)."""
    annotations = (body.get("metadata") or {}).get("annotations") or {}
    if any(name in annotations for name in _INJECTED):
        return True
    try:
        return not base64.b64decode(str(bundle or ""), validate=True).strip()
    except (binascii.Error, ValueError):
        return False


def _is_aggregated(body: Body, rules: Any) -> bool:
    return bool(body.get("aggregationRule"))


_CA_REASON = (
    "an injector, or the webhook's own server, writes the certificate that is right; an empty one, "
    "put back, would stop all that the webhook stands before"
)
BUILT_IN: tuple[BuiltIn, ...] = (
    BuiltIn(
        frozenset(
            GroupKind("admissionregistration.k8s.io", kind)
            for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
        ),
        ("webhooks", "*", "clientConfig", "caBundle"),
        _is_injected,
        _CA_REASON,
    ),
    BuiltIn(
        frozenset({GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")}),
        ("spec", "conversion", "webhook", "clientConfig", "caBundle"),
        _is_injected,
        _CA_REASON,
    ),
    BuiltIn(
        frozenset({GroupKind("apiregistration.k8s.io", "APIService")}),
        ("spec", "caBundle"),
        _is_injected,
        _CA_REASON,
    ),
    BuiltIn(
        frozenset({GroupKind("rbac.authorization.k8s.io", "ClusterRole")}),
        ("rules",),
        _is_aggregated,
        "the control plane fills in the rules of an aggregated role",
    ),
)


def left_to_others(
    rules: Iterable[IgnoreRule], key: ObjectKey, body: Body
) -> tuple[tuple[Steps, ...], Body]:
    """Which paths of this object are ignored, and the object without what stands there.

    A path of `sync.ignore` counts whether or not Git has something there.
    """
    whole = body
    found = [
        steps_of(rule.path) for rule in rules if rule.target.speaks_of(key, lambda: _labels(whole))
    ]
    found += [
        rule.steps
        for rule in BUILT_IN
        if key.group_kind in rule.kinds
        and any(rule.holds(whole, value) for value in values_at(whole, rule.steps))
    ]
    for steps in found:
        body = without(body, steps)
    return tuple(found), body


def _labels(body: Body) -> Mapping[str, str]:
    return (body.get("metadata") or {}).get("labels") or {}


def values_at(value: Any, steps: Steps) -> Iterator[Any]:
    """Whatever stands at a path."""
    if not steps:
        yield value
        return
    for _, below in _children(value, steps[0]):
        yield from values_at(below, steps[1:])


def without(value: Any, steps: Steps) -> Any:
    """A copy without what stands at a path; the value itself when there is nothing.

    What becomes empty on the way goes too: an empty mapping that is applied is owned as a whole.
    """
    places = dict(_children(value, steps[0]))
    if not places:
        return value
    left = {at: without(below, steps[1:]) for at, below in places.items()} if steps[1:] else {}
    if left and all(left[at] is places[at] for at in left):
        return value
    kept = {at: below for at, below in left.items() if below or not places[at]}
    if isinstance(value, Mapping):
        return {
            name: kept.get(name, below)
            for name, below in value.items()
            if name not in places or name in kept
        }
    return [kept.get(at, item) for at, item in enumerate(value) if at not in places or at in kept]


def with_live(value: Any, live: Any, steps: Steps) -> Any:
    """A copy in which what is live at a path stands too: for an object that is sent whole.

    Items of lists meet by the step that names them, under `*` by their `name`, else by their place.
    What an item of Git has no counterpart for stays as Git has it.
    """
    if isinstance(value, Mapping) and isinstance(live, Mapping):
        out = dict(value)
        for name, below in _children(live, steps[0]):
            if len(steps) == 1:
                out[name] = below
            elif isinstance(below, Mapping) or name in value:
                kept = with_live(value.get(name, {}), below, steps[1:])
                if kept or name in value:
                    out[name] = kept
        return out
    if isinstance(value, list) and isinstance(live, list):
        return _with_live_items(value, live, steps)
    return value


def _with_live_items(value: list[Any], live: list[Any], steps: Steps) -> list[Any]:
    if len(steps) == 1:
        return [*value, *(item for _, item in _children(live, steps[0]) if item not in value)]
    out = list(value)
    for at, item in _children(value, steps[0]):
        for place, other in _children(live, steps[0]):
            if _is_same(at, item, place, other):
                out[at] = with_live(item, other, steps[1:])
                break
    return out


def _is_same(at: int, item: Any, place: int, other: Any) -> bool:
    if isinstance(item, Mapping) and isinstance(other, Mapping) and "name" in item:
        return bool(item["name"] == other.get("name"))
    return at == place


def is_ignored(left: Sequence[Steps], path: Sequence[str]) -> bool:
    """Whether a path of FieldsV1 is, or is below, one of these."""
    return any(
        len(path) >= len(steps)
        and all(_is_step(element, step) for element, step in zip(path, steps, strict=False))
        for steps in left
    )


def owned_at(fields: Fields, left: Iterable[Steps]) -> dict[str, Any]:
    """The part of a field set that these paths speak of, our marks excepted; empty: nothing."""
    found: dict[str, Any] = {}
    for steps in left:
        _collect(fields, steps, (), found)
    return found


def cut(fields: Fields, part: Fields) -> dict[str, Any]:
    """A field set without a part of it that `owned_at` gave."""
    out: dict[str, Any] = {}
    for name, below in fields.items():
        if name not in part:
            out[name] = below
        elif below != part[name] and (rest := cut(below, part[name])):
            out[name] = rest
    return out


_MARKS = frozenset(
    {
        ("f:metadata", "f:labels", f"f:{FLEET_LABEL}"),
        ("f:metadata", "f:labels", f"f:{APPLICATION_LABEL}"),
        ("f:metadata", "f:annotations", f"f:{OWNER_ANNOTATION}"),
    }
)


def _collect(fields: Fields, steps: Steps, path: Sequence[str], into: dict[str, Any]) -> None:
    """Copy what a path speaks of."""
    for name, below in fields.items():
        its_path = (*path, name)
        if name == "." or not _is_step(name, steps[0]) or its_path in _MARKS:
            continue
        if len(steps) == 1:
            into[name] = below
            continue
        part = dict(into.get(name) or {})
        _collect(below, steps[1:], its_path, part)
        if part:
            into[name] = part


def _children(value: Any, step: str) -> Iterator[tuple[Any, Any]]:
    """The members or items that a step names, with where they stand."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            if step in ("*", name):
                yield name, below
    elif isinstance(value, list):
        for at, item in enumerate(value):
            if step in ("*", str(at)) or _is_item(item, step):
                yield at, item


def _is_item(item: Any, step: str) -> bool:
    if not isinstance(item, Mapping):
        return str(item) == step
    name, equals, wanted = step.partition("=")
    return bool(equals) and name in item and str(item[name]) == wanted


def _is_step(element: str, step: str) -> bool:
    """Whether a step of a rule names an element of FieldsV1."""
    if step == "*":
        return True
    kind, text = element[:2], element[2:]
    if kind in ("k:", "v:"):
        return _is_item(orjson.loads(text), step)
    return text == step
