"""Messages: what an API server says, read and made fit to be shown.

An answer that is not 2xx carries a `Status` (meta/v1) or, where no handler was found, plain text.
A 422 quotes the refused values, whole pod templates among them, so of Secrets and pod templates
only the paths and the kind of fault are repeated, never what was at the path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from shoal.model.identity import ObjectKey
from shoal.model.masking import MASK, cut, hides_values, is_secret, scrub
from shoal.model.phrases import some_of

_READ_LIMIT = 16_384
"""Characters of a message that are looked at; a 422 may repeat an object of a megabyte."""
_SHOWN_FAULTS = 5
"""Faults of one object that are listed; a wrong indentation can make dozens."""

# metav1.CauseType → words that need no value beside them.
_FAULT_WORDS: Mapping[str, str] = {
    "FieldValueRequired": "is required",
    "FieldValueInvalid": "has an invalid value",
    "FieldValueDuplicate": "is a duplicate",
    "FieldValueNotSupported": "has a value that is not supported",
    "FieldValueForbidden": "is not allowed to be set or changed",
    "FieldValueTypeInvalid": "has a value of the wrong type",
    "FieldValueTooLong": "is too long",
    "FieldValueTooMany": "has too many items",
    "FieldValueNotFound": "names something that does not exist",
}

# Places where any kind may hold a pod template, so also a custom resource.
_TEMPLATE_PATH = re.compile(r"\b(template|containers|initContainers|env)\b")

# The merge library names a path and a fault: `.spec.foo: field not declared in schema`.
_TYPED = re.compile(
    r"(?P<path>\.[\w.\[\]\"=,/-]{1,300}): (?P<fault>field not declared in schema"
    r"|duplicate entries for key \[[^\]]*\]|expected [\w ()]+)"
)
_UNKNOWN_FIELD = re.compile(r"unknown field \"(?P<path>[\w.\[\]-]+)\"")
# The object is named by us already.
_PREFIX = re.compile(r"^[\w.-]+ \"[^\"]*\" is (?:invalid|forbidden): ")
_BASE64 = re.compile(r"illegal base64 data at input byte \d+")


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of `details.causes`."""

    reason: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A refusal, read. `is_status` is False for plain text and anything else that is no Status."""

    code: int
    reason: str
    message: str
    causes: tuple[Cause, ...]
    details_kind: str
    details_name: str
    retry_after_seconds: float | None
    is_status: bool


def read_answer(code: int, body: bytes | Mapping[str, Any]) -> Answer:
    """Read the body of an answer; never fails, whatever a proxy may have put there."""
    status = _parsed(body)
    if status.get("kind") != "Status":
        text = body.decode(errors="replace") if isinstance(body, bytes) else ""
        return Answer(code, "", cut(text), (), "", "", None, is_status=False)
    details = status.get("details")
    details = details if isinstance(details, Mapping) else {}
    after = details.get("retryAfterSeconds")
    return Answer(
        code=code,
        reason=cut(str(status.get("reason") or "")),
        message=str(status.get("message") or "")[:_READ_LIMIT],
        causes=tuple(_causes(details)),
        details_kind=cut(str(details.get("kind") or "")),
        details_name=cut(str(details.get("name") or "")),
        retry_after_seconds=float(after) if isinstance(after, int | float) and after else None,
        is_status=True,
    )


def told(answer: Answer, key: ObjectKey | None) -> str:
    """What the server said, as it may be shown for this object: one line, cut, no secret value."""
    must_hide = key is not None and hides_values(key)
    must_hide = must_hide or any(_TEMPLATE_PATH.search(cause.field) for cause in answer.causes)
    if not must_hide:
        # A custom resource may hold a pod template where no path tells of it.
        text = _PREFIX.sub("", answer.message)
        return scrub(text) if "{" in text else cut(text)
    with_details = key is None or not is_secret(key)
    if answer.causes:
        faults = [_fault(cause, with_details=with_details) for cause in answer.causes]
        return cut(some_of(faults, _SHOWN_FAULTS))
    faults = [f"{found['path']}: {found['fault']}" for found in _TYPED.finditer(answer.message)]
    faults += [
        f"unknown field {found['path']}" for found in _UNKNOWN_FIELD.finditer(answer.message)
    ]
    faults += _BASE64.findall(answer.message)
    if faults:
        return cut(some_of(list(dict.fromkeys(faults)), _SHOWN_FAULTS))
    if not with_details and answer.code != 403:
        return f"{answer.reason or answer.code} (its words may hold values of the Secret)"
    return scrub(_PREFIX.sub("", answer.message))


def _parsed(body: bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(body, Mapping):
        return body
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, Mapping) else {}


def _causes(details: Mapping[str, Any]) -> Iterator[Cause]:
    causes = details.get("causes")
    for cause in causes if isinstance(causes, list) else ():
        if isinstance(cause, Mapping):
            yield Cause(
                cut(str(cause.get("reason") or "")),
                cut(str(cause.get("field") or "")),
                # The end says what is wrong; the value before it is never shown.
                str(cause.get("message") or "")[-_READ_LIMIT:],
            )


def _fault(cause: Cause, *, with_details: bool) -> str:
    """Path and fault without a value; the server's own reason where it holds none.

    An admission policy's cause has no path, and its message is the policy's.
    """
    if with_details and not cause.field and not cause.reason:
        return scrub(cause.message)
    words = _FAULT_WORDS.get(cause.reason, "was refused")
    if cause.message.endswith("field is immutable"):
        words = "is immutable"
    elif with_details:
        detail = scrub(cause.message).partition(f"Invalid value: {MASK}: ")[2]
        if detail and not re.search(r"[\"{*]", detail):
            words = f"has an invalid value: {detail}"
    return f"{cause.field or 'the object'} {words}"
