"""Whether Shoal's YAML reader and Kubernetes' say the same of a text, and if not, what each says.

Both must read the same values or both refuse. `EXCEPTIONS` lists where they may part, each with its
reason and with a test of its name; anything else is a fault of Shoal's reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.rendering.originals.running import Answer, KubernetesYaml
from yaml import CSafeLoader, ScalarEvent, YAMLError

from shoal.model.yaml import NotYaml, TooMuchYaml, read_yaml


@dataclass(frozen=True, slots=True)
class Reading:
    """What each reader made of a text; `refusal` is Shoal's, empty when it read the values."""

    text: str
    original: Answer
    values: list[Any]
    refusal: str

    @property
    def is_read_by_both(self) -> bool:
        return not self.refusal and self.original.verdict != "refused"

    @property
    def is_read_by_shoal_alone(self) -> bool:
        return not self.refusal and self.original.verdict == "refused"

    @property
    def is_read_by_kubernetes_alone(self) -> bool:
        return bool(self.refusal) and self.original.verdict != "refused"

    def shown(self) -> str:
        """One line that tells what each says."""
        shoal = f"refuses ({self.refusal})" if self.refusal else f"reads {self.values!r}"
        kubernetes = f"reads {self.original.value!r}"
        if self.original.verdict == "refused":
            kubernetes = f"refuses ({self.original.message})"
        return f"Shoal {shoal}; Kubernetes {kubernetes}"


def disagreement(reader: KubernetesYaml, text: str) -> Reading | None:
    """None when both agree, or part where they may."""
    reading = parting(reader, text)
    if reading is None or any(is_met(reading) for is_met in EXCEPTIONS.values()):
        return None
    return reading


def parting(reader: KubernetesYaml, text: str) -> Reading | None:
    """None when both read the same values, or both refuse."""
    content = text.encode()
    original = reader.read("stream", content)
    values, refusal = _read(content)
    reading = Reading(text, original, values, refusal)
    if reading.is_read_by_both:
        return None if same(values, original.value) else reading
    return reading if not refusal or original.verdict != "refused" else None


def _read(content: bytes) -> tuple[list[Any], str]:
    try:
        documents = read_yaml(content)
    except NotYaml as error:
        return [], ("too much: " if isinstance(error, TooMuchYaml) else "") + str(error)
    problems = [problem.message for document in documents for problem in document.problems]
    return [document.value for document in documents], "; ".join(problems)


def same(ours: Any, theirs: Any) -> bool:
    """Equal as JSON: a whole float is the integer that Go writes it as; 1 is not true."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, int | float) and isinstance(theirs, float):
        return float(ours) == theirs and not isinstance(ours, bool)
    if isinstance(ours, float) and isinstance(theirs, int):
        return ours == float(theirs) and not isinstance(theirs, bool)
    return type(ours) is type(theirs) and bool(ours == theirs)


def _has_question_mark_in_flow(text: str) -> bool:
    depth, loader = 0, CSafeLoader(text)
    try:
        while loader.check_event():
            event = loader.get_event()
            depth += {"Start": 1, "End": -1}.get(_flow_edge(event, depth), 0)
            if depth and isinstance(event, ScalarEvent) and not event.style and "?" in event.value:
                return True
    except YAMLError:
        return False
    return False


def _flow_edge(event: Any, depth: int) -> str:
    name = type(event).__name__
    if name in ("SequenceStartEvent", "MappingStartEvent"):
        return "Start" if event.flow_style or depth else ""
    return "End" if name in ("SequenceEndEvent", "MappingEndEvent") and depth else ""


EXCEPTIONS: Mapping[str, Callable[[Reading], bool]] = {
    "duplicate keys are refused": lambda it: (
        it.is_read_by_kubernetes_alone and "stands here twice" in it.refusal
    ),
    "explicit keys win over merged ones wherever << stands": lambda it: (
        not it.is_read_by_shoal_alone and it.original.verdict == "doubled" and "<<" in it.text
    ),
    "nought and minus nought are two keys": lambda it: (
        it.is_read_by_both and it.original.verdict == "doubled" and "'-0': " in str(it.values)
    ),
    "more than the limits allow is refused": lambda it: it.refusal.startswith("too much: "),
    "binary that is no text is refused": lambda it: (
        it.is_read_by_kubernetes_alone and "!!binary needs" in it.refusal
    ),
    "a question mark may stand in plain text inside brackets": lambda it: (
        it.is_read_by_shoal_alone and _has_question_mark_in_flow(it.text)
    ),
    "a slash may be escaped as JSON does": lambda it: (
        it.is_read_by_shoal_alone and "unknown escape" in it.original.message and r"\/" in it.text
    ),
    "a single quote may not be escaped": lambda it: (
        it.is_read_by_kubernetes_alone and "unknown escape" in it.refusal and r"\'" in it.text
    ),
    "plain text inside brackets may not end with a colon": lambda it: (
        it.is_read_by_kubernetes_alone and "found unexpected ':'" in it.refusal
    ),
    "a bracket or comma is no part of a tag": lambda it: (
        not it.is_read_by_both and re.search(r"![^\s]*[,\[\]{}]", it.text) is not None
    ),
    "a byte order mark inside the text is left out": lambda it: "\ufeff" in it.text[1:],
}
"""Where the two may part. The first five are meant; the others come from libyaml, which is newer
than the copy of it in go-yaml v2. Only byte order marks inside a text (files put together, each
with a mark of its own) can make two values of what both read."""
