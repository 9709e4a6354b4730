"""What an answer means: one pure function from an API server's refusal to one of our errors.

The code alone does not tell: an unknown field is a 500, a policy says 422, a missing namespace is a
404 like a missing kind, and a namespace that goes away is a 403 like a lack of rights. The rules
are tried in order, the narrow ones first; tests hold a corpus of real answers. A refusal is about
one object. Whether the cluster accepts us at all is told by 401 here, and else by a probe.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shoal.errors import (
    ForbiddenByCluster,
    InvalidObject,
    MissingApi,
    MissingNamespace,
    ServerBusy,
    ShoalError,
    Unauthenticated,
)
from shoal.model.identity import ObjectKey
from shoal_clusters.kubernetes.messages import Answer, read_answer, told


@dataclass(frozen=True, slots=True)
class _Case:
    """An answer and what it was an answer to."""

    answer: Answer
    key: ObjectKey | None
    cluster: str
    verb: str
    retry_after: float | None

    @property
    def subject(self) -> str:
        return f"{self.cluster}: {self.key}" if self.key else self.cluster

    @property
    def words(self) -> str:
        return told(self.answer, self.key)


_Rule = Callable[[_Case], ShoalError | None]


def meaning(
    status_code: int,
    body: bytes | Mapping[str, Any],
    *,
    key: ObjectKey | None,
    cluster: str,
    verb: str,
    retry_after: float | None = None,
) -> ShoalError:
    """The error that a refusal stands for; `retry_after` is the header's value in seconds.

    `key` None: the request was about no single object. `verb` is the API's (`patch`, `get`,
    `delete`, `list`). A 404 or 409 that says something about the object itself (gone, or there
    already) is for the caller to read before it comes here.
    """
    answer = read_answer(status_code, body)
    after = retry_after if retry_after is not None else answer.retry_after_seconds
    case = _Case(answer, key, cluster, verb, after)
    for rule in _RULES:
        error = rule(case)
        if error is not None:
            return error
    return _otherwise(case)


def _unauthenticated(case: _Case) -> ShoalError | None:
    if case.answer.code != 401:
        return None
    return Unauthenticated(
        f"{case.cluster}: the API server does not accept the credential",
        next_step="renew the credential that the Cluster's access names",
    )


def _terminating(case: _Case) -> ShoalError | None:
    """NamespaceLifecycle admission: a 403 with this cause (core/v1 NamespaceTerminatingCause)."""
    is_going = any(cause.reason == "NamespaceTerminating" for cause in case.answer.causes) or (
        case.answer.code == 403 and "because it is being terminated" in case.answer.message
    )
    if not is_going:
        return None
    return MissingNamespace(
        f"{case.subject}: its namespace is being deleted",
        next_step="it is tried again when the namespace is gone",
        after_seconds=case.retry_after,
    )


_DENIALS = (
    # k8s.io/apiserver: admission/plugin/webhook/errors; a webhook may choose any code.
    re.compile(r"admission webhook \"(?P<who>[^\"]+)\" denied the request"),
    # … and admission/plugin/policy; its default reason is Invalid, so a 422.
    re.compile(r"(?P<who>(?:Validating|Mutating)AdmissionPolicy '[^']+')[^:]* denied request"),
    re.compile(r"(?P<who>policy ['\"][^'\"]+['\"])[^:]* denied request"),
)


def _denied_by_policy(case: _Case) -> ShoalError | None:
    for pattern in _DENIALS:
        found = pattern.search(case.answer.message)
        if found:
            who = found["who"]
            named = who if "olicy " in who else f"the admission webhook {who}"
            said = re.split(r"denied (?:the )?request: ", case.words, maxsplit=1)[1:]
            return ForbiddenByCluster(
                f"{case.subject}: {named} refused it" + (f": {said[0]}" if said else ""),
                next_step=f"change the object, or {named}",
                after_seconds=case.retry_after,
            )
    return None


def _webhook_unreachable(case: _Case) -> ShoalError | None:
    """A webhook that must be asked and does not answer: its Pods are often just starting."""
    found = re.search(r"failed calling webhook \"(?P<who>[^\"]+)\"", case.answer.message)
    if found:
        said = f"the admission webhook {found['who']} does not answer"
        return _busy(case, said, "see to its Pods; it is tried again, and lands when they answer")
    if re.search(r"conversion webhook for \S+, Kind=\S+ failed", case.answer.message):
        said = "its conversion webhook does not answer"
        return _busy(case, said, "see to its Pods; it is tried again, and lands when they answer")
    return None


def _account_missing(case: _Case) -> ShoalError | None:
    """ServiceAccount admission: a new namespace gets its `default` account a moment later."""
    found = re.search(r"error looking up service account (?P<name>\S+):", case.answer.message)
    if case.answer.code != 403 or not found:
        return None
    return ServerBusy(
        f"{case.subject}: its service account {found['name']} is not there",
        next_step="it is tried again; one that is not `default` must be made by somebody",
        after_seconds=case.retry_after,
    )


# A 403 is told apart by its message, because the reason is always Forbidden.
_FORBIDDEN: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile("exceeded quota"),
        "a ResourceQuota is used up",
        "raise the quota or ask for less",
    ),
    (
        re.compile("failed quota"),
        "a ResourceQuota asks for requests or limits that it does not set",
        "set them, or add a LimitRange with defaults to its namespace",
    ),
    (
        re.compile("status unknown for quota"),
        "a ResourceQuota of its namespace has not been counted yet",
        "it is tried again; the quota's controller counts what is there",
    ),
    (
        re.compile("violates PodSecurity"),
        "the PodSecurity level of its namespace refuses it",
        "correct the securityContext, or change the namespace's level",
    ),
    (
        re.compile(r"(?:maximum|minimum) \S+ usage per|limit to request ratio"),
        "a LimitRange refuses it",
        "change its resources or the LimitRange",
    ),
    (
        re.compile("attempting to grant RBAC permissions"),
        "Shoal's user may not grant rights that it does not have",
        "give it these rights, or the verb `escalate` on roles (for a binding: `bind`)",
    ),
)


def _forbidden_by_name(case: _Case) -> ShoalError | None:
    if case.answer.code != 403:
        return None
    text = case.answer.message
    for pattern, why, next_step in _FORBIDDEN:
        if pattern.search(text):
            return _forbidden(case, why, next_step)
    missing = re.search(
        r"User \"(?P<user>[^\"]*)\" cannot (?P<verb>\S+) resource \"(?P<resource>[^\"]+)\"", text
    )
    if missing:
        what = f"{missing['verb']} {missing['resource']}"
        return ForbiddenByCluster(
            f"{case.subject}: {missing['user'] or 'an anonymous user'} may not {what}",
            next_step=f"allow it to {what}, by {_binding(case)}",
        )
    return _forbidden(case, f"{case.verb} is forbidden", "ask who runs the cluster")


def _missing(case: _Case) -> ShoalError | None:
    """A 404: plain text when no handler serves the path, a Status that names what is missing."""
    answer = case.answer
    if answer.code != 404:
        return None
    namespace = case.key.namespace if case.key else ""
    is_namespace = answer.details_kind == "namespaces" or answer.message.startswith("namespaces ")
    if is_namespace and (case.key is None or case.key.kind != "Namespace"):
        name = answer.details_name or namespace
        return MissingNamespace(
            f"{case.subject}: the namespace {name} does not exist",
            next_step=f"add Namespace {name} to the manifests, or create it; it is tried again",
            after_seconds=case.retry_after,
        )
    if not answer.is_status or "could not find the requested resource" in answer.message:
        kind = case.key.group_kind if case.key else "this path"
        return MissingApi(
            f"{case.subject}: the cluster does not serve {kind}",
            next_step="install what provides it, or correct apiVersion and kind",
            after_seconds=case.retry_after,
        )
    return ServerBusy(f"{case.subject}: it was gone when its turn came", after_seconds=0)


_TOO_LARGE = (
    (re.compile("Request entity too large"), "the API server takes"),
    # etcd refuses 1.5 MiB, and its client does not send 2 MiB; both come as a 500.
    (re.compile("request is too large|trying to send message larger"), "its database takes"),
)


def _too_large(case: _Case) -> ShoalError | None:
    for pattern, limit in _TOO_LARGE:
        if pattern.search(case.answer.message):
            return InvalidObject(
                f"{case.subject}: it is larger than {limit}",
                next_step="divide it, or keep large data elsewhere",
            )
    return None


# Faults of an object that kube-apiserver reports as a 500: they come from decoding and merging.
_PERMANENT_500 = (
    "failed to create typed",
    "field not declared in schema",
    "duplicate entries for key",
    "illegal base64",
    "unknown field",
    "cannot be handled as a",
    "error decoding",
)
_INVALID_CODES = frozenset({400, 405, 406, 413, 415, 422})


def _invalid(case: _Case) -> ShoalError | None:
    text = case.answer.message
    if "context deadline exceeded" in text or "etcdserver: request timed out" in text:
        return None
    is_permanent = case.answer.code in _INVALID_CODES or (
        case.answer.code >= 500 and any(part in text for part in _PERMANENT_500)
    )
    if not is_permanent:
        return None
    return InvalidObject(
        f"{case.subject}: the API server refuses it: {case.words or case.answer.code}",
        next_step="correct it in the source",
    )


def _conflict(case: _Case) -> ShoalError | None:
    if case.answer.code != 409:
        return None
    if "object is being deleted" in case.answer.message:
        return _busy(case, "the old object of this name is still being deleted")
    return _busy(case, "it changed at the same moment")


def _throttled(case: _Case) -> ShoalError | None:
    """Too many requests, or a kind that is being made available (`storage is (re)initializing`)."""
    if case.answer.code != 429:
        return None
    if "initializing" in case.answer.message:
        return _busy(case, "the API server is just beginning to serve its kind")
    return _busy(case, "the API server has too many requests")


def _otherwise(case: _Case) -> ShoalError:
    """Everything else: 5xx, proxies' pages, codes that no API server documents."""
    if case.answer.code == 504:
        return _busy(case, f"the API server did not finish in time ({case.verb})")
    words = f": {case.words}" if case.words else ""
    return _busy(case, f"the API server answered {case.answer.code} to {case.verb}{words}")


_RULES: tuple[_Rule, ...] = (
    # A webhook answers with any code, also with one that says something about us.
    _denied_by_policy,
    _webhook_unreachable,
    _unauthenticated,
    _throttled,
    _terminating,
    _conflict,
    _account_missing,
    _forbidden_by_name,
    _missing,
    _too_large,
    _invalid,
)


def _busy(case: _Case, why: str, next_step: str = "") -> ServerBusy:
    return ServerBusy(f"{case.subject}: {why}", next_step=next_step, after_seconds=case.retry_after)


def _forbidden(case: _Case, why: str, next_step: str) -> ForbiddenByCluster:
    words = f" ({case.words})" if case.words else ""
    return ForbiddenByCluster(
        f"{case.subject}: {why}{words}", next_step=next_step, after_seconds=case.retry_after
    )


def _binding(case: _Case) -> str:
    """What can allow it."""
    if case.key and case.key.namespace:
        return f"a RoleBinding in {case.key.namespace} or a ClusterRoleBinding"
    return "a ClusterRoleBinding"
