"""What each seam promises as an answer, looked at when a plugin has given it.

A plugin is somebody else's code: it may give None, a list where a text belongs, the plan of another
target, or a list that it changes afterwards. What passes here has the right types at its first two
levels, is bounded, and sequences are copied. What does not pass is Nonsense, which `guarding` turns
into PluginFailed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from shoal.errors import BudgetExceeded, ShoalError
from shoal.hooks.targets import Session
from shoal.model.artifacts import Ancestor, Artifact, Provenance
from shoal.model.choice import Spec
from shoal.model.descents import Descent, Pod
from shoal.model.endpoints import Credential, Endpoint, Facts
from shoal.model.examinations import Examination, Refusal
from shoal.model.health import Health, HealthState
from shoal.model.identity import GroupKind, ObjectKey, Ref, TargetKey
from shoal.model.manifests import Manifest
from shoal.model.plans import Action, Change, Desired, Owned, Plan, Result, ResultStatus
from shoal.model.rights import Grants
from shoal.model.sightings import Drift, Sighting
from shoal.model.sweeps import Marked, Swept

T = TypeVar("T")
MOST_OBJECTS = 100_000  # of one application on one cluster: ten times what etcd bears well
_MOST_CHARACTERS = 1000  # of a sentence for people
_LONGEST_NAME = 1000  # a commit, a digest, a version


# Of `Session`.
_METHODS = ["probe", "api_versions", "plan", "learn", "apply", "differences", "sightings", "sweep"]


class Nonsense(Exception):  # it names what was given
    """An answer that no seam allows: what was given, and what belongs there."""


def nothing(given: Any) -> None:
    """Whatever it is, nobody looks at it."""


def ours(given: T) -> T:
    """Of our own code, which reads what a plugin has given."""
    return given


def artifact(given: Any) -> Artifact:
    """Of a fetch; the very object that was given, for it says by itself that nothing changed."""
    made = _is_a(given, Artifact, "an Artifact")
    _is_text(made.revision, "a revision")
    _is_text(made.digest, "a digest")
    _is_provenance(made.provenance)
    return made


def ancestor(given: Any) -> Ancestor | None:
    """Of a source that was asked which revisions have another one in their past."""
    if given is None:
        return None
    found = _is_a(given, Ancestor, "an Ancestor or None")
    _is_text(found.revision, "a revision")
    _is_a(found.within, frozenset, "a set of revisions")
    _is_provenance(found.provenance)
    return found


def _is_provenance(given: Any) -> None:
    provenance = _is_a(given, Provenance, "a Provenance")
    for text in (provenance.author, provenance.subject, provenance.version, provenance.signer):
        _is_a(text, str, "a text of a Provenance")


def specs(given: Any) -> Sequence[Spec]:
    """Of a source that was asked for another revision."""
    return _all_are(given, Spec, "parameters of a source")


def manifests(given: Any) -> Sequence[Manifest]:
    """Of a render. Raises BudgetExceeded for more objects than a cluster could bear."""
    if isinstance(given, list | tuple) and len(given) > MOST_OBJECTS:
        raise BudgetExceeded(f"more than {MOST_OBJECTS} objects were rendered")
    return _all_are(given, Manifest, "manifests")


def endpoint(given: Any) -> Endpoint:
    """Of a way of access."""
    found = _is_a(given, Endpoint, "an Endpoint")
    _is_text(found.server, "the address of a server")
    if not callable(found.credential):
        raise _nonsense(found.credential, "a function that reads a credential")
    return found


def credential(given: Any) -> Credential:
    """Of an endpoint."""
    found = _is_a(given, Credential, "a Credential")
    for text in (found.token, found.client_certificate_file, found.client_key_file):
        _is_a(text, str, "a text of a Credential")
    return found


def session(given: Any) -> Session:
    """Of a target that was opened; what its methods answer is looked at when they are called."""
    for name in _METHODS:
        if not callable(getattr(given, name, None)):
            raise _nonsense(given, "a Session")
    found: Session = given
    return found


def facts(given: Any) -> Facts:
    """Of a probe."""
    found = _is_a(given, Facts, "Facts")
    _is_text(found.uid, "the uid of a cluster")
    _is_text(found.version, "the version of a cluster")
    for sentences in (found.limits, found.stale):
        _all_are(sentences, str, "sentences")
    for measured in (found.latency_seconds, found.requests_in_flight):
        if measured is not None and not isinstance(measured, int | float):
            raise _nonsense(measured, "a number")
    _is_a(found.unknown_objects, int, "a number of objects")
    _is_a(found.rewinds, int, "a number of rewinds")
    return found


def examination(given: Any) -> Examination:
    """Of a target type that looked at a cluster."""
    found = _is_a(given, Examination, "an Examination")
    _is_text(found.uid, "the uid of a cluster")
    _is_text(found.version, "the version of a cluster")
    _all_are(found.refused, Refusal, "refusals")
    _all_are(found.doubts, str, "sentences")
    return found


def texts(given: Any) -> Sequence[str]:
    """Of a session that was asked for its APIs."""
    return _all_are(given, str, "texts")


def plan_for(desired: Desired) -> Callable[[Any], Plan]:
    """Of a session that was asked for a plan: for this target, and no other."""

    def plan(given: Any) -> Plan:
        found = _is_a(given, Plan, "a Plan")
        if found.target != desired.target:
            raise Nonsense(f"a plan of another target, {found.target}")
        for change in _all_are(found.changes, Change, "changes"):
            _is_a(change.key, ObjectKey, "the key of an object")
            _is_a(change.action, Action, "an Action")
        for key, error in _mapping(found.refused, "refused objects").items():
            _is_a(key, ObjectKey, "the key of an object")
            _is_a(error, ShoalError, "an error of Shoal")
        return found

    return plan


def descent(given: Any) -> Descent:
    """Of a session that was asked for the Pods of a target."""
    found = _is_a(given, Descent, "a Descent")
    for pod in _all_are(found.pods, Pod, "Pods"):
        _is_a(pod.owner, ObjectKey, "the key of an object")
        _is_a(pod.health, Health, "a Health")
    _all_are(found.gaps, str, "sentences")
    return found


def differences(given: Any) -> Mapping[ObjectKey, Sequence[Mapping[str, Any]]]:
    """Of a session that was asked what is live."""
    found = _mapping(given, "differences by object")
    for key, patch in found.items():
        _is_a(key, ObjectKey, "the key of an object")
        for operation in _all_are(patch, object, "operations"):
            _mapping(operation, "an operation of a patch")
    return found


def result_of(plan: Plan) -> Callable[[Any], Result]:
    """Of a session that carries out a plan: how one of its changes ended."""
    keys = {change.key for change in plan.changes}

    def result(given: Any) -> Result:
        found = _is_a(given, Result, "a Result")
        if found.key not in keys:
            raise Nonsense(f"a result for {found.key}, which is not in the plan")
        _is_a(found.action, Action, "an Action")
        _is_a(found.status, ResultStatus, "a ResultStatus")
        if found.error is not None:
            _is_a(found.error, ShoalError, "an error of Shoal")
        if found.owned is not None:
            _is_row(found.owned, found.key, plan.target)
        return found

    return result


def sighting_on(cluster: str) -> Callable[[Any], Sighting]:
    """Of a session that tells what happens: on this cluster, and no other."""

    def sighting(given: Any) -> Sighting:
        found = _is_a(given, Sighting, "a Sighting")
        _is_a(found.key, ObjectKey, "the key of an object")
        if _is_a(found.target, TargetKey, "the key of a target").cluster != cluster:
            raise Nonsense(f"a sighting on another cluster, {found.target}")
        if found.health is not None:
            health(found.health)
        if found.drift is not None:
            _is_a(found.drift, Drift, "a Drift")
        if found.owned is not None:
            _is_row(found.owned, found.key, found.target)
        return found

    return sighting


def swept(given: Any) -> Swept:
    """Of a session that sweeps its cluster."""
    found = _is_a(given, Swept, "a Swept")
    _is_a(found.kind, GroupKind, "a GroupKind")
    _is_a(found.kinds, int, "a number of kinds")
    for marked in _all_are(found.found, Marked, "objects with our marks"):
        _is_a(marked.key, ObjectKey, "the key of an object")
        _is_a(marked.application, Ref, "the name of an application")
        _is_text(marked.uid, "the uid of an object")
    if found.error is not None:
        _is_a(found.error, ShoalError, "an error of Shoal")
    return found


def verdict(given: Any) -> str | None:
    """Of a gate: None, or one clause why not, cut where nobody would read on."""
    return None if given is None else _is_a(given, str, "a text or None")[:_MOST_CHARACTERS]


def health(given: Any) -> Health | None:
    """Of a health check."""
    if given is None:
        return None
    found = _is_a(given, Health, "a Health or None")
    _is_a(found.state, HealthState, "a HealthState")
    reason = _is_a(found.reason, str, "a reason")
    _is_a(found.is_blocked, bool, "whether it is blocked")
    if len(reason) > _MOST_CHARACTERS:
        found = found._replace(reason=reason[:_MOST_CHARACTERS])
    return found


def grants(given: Any) -> Grants:
    """Of a target type that was asked which rights it needs."""
    found = _is_a(given, Grants, "Grants")
    _all_are(found.manifests, Manifest, "manifests")
    _all_are(found.notes, str, "sentences")
    return found


def check_error(error: ShoalError) -> None:
    """An error is an answer, too: its sentences are texts, and its time is a time."""
    _is_a(error.message, str, "the message of an error")
    _is_a(error.next_step, str, "the next step of an error")
    after = getattr(error, "after_seconds", None)
    if after is not None and not (isinstance(after, int | float) and 0 <= after < math.inf):
        raise Nonsense("an error whose time to try again is none")


def _is_row(row: Any, key: ObjectKey, target: TargetKey) -> None:
    owned = _is_a(row, Owned, "an inventory row")
    if (owned.key, owned.target) != (key, target):
        raise Nonsense(f"an inventory row of another object, {owned.key}")


def _mapping(given: Any, wanted: str) -> Mapping[Any, Any]:
    if not isinstance(given, Mapping):
        raise _nonsense(given, wanted)
    return dict(given)


def _is_text(given: Any, wanted: str) -> None:
    if not isinstance(given, str) or not 0 < len(given) <= _LONGEST_NAME:
        raise _nonsense(given, wanted)


def _is_a(given: Any, kind: type[T], wanted: str) -> T:
    if not isinstance(given, kind):
        raise _nonsense(given, wanted)
    return given


def _all_are(given: Any, kind: type[T], wanted: str) -> Sequence[T]:
    if not isinstance(given, list | tuple):
        raise _nonsense(given, f"a list of {wanted}")
    return tuple(_is_a(each, kind, wanted) for each in given)


def _nonsense(given: Any, wanted: str) -> Nonsense:
    return Nonsense(f"{type(given).__name__} where {wanted} belongs")
