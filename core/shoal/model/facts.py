"""What a cluster is like, as far as rendering and overrides may depend on it.

A fact has a name that people write: `name`, `labels.<key>`, `values.<path>`, and what only the
cluster itself can tell, `kubernetesVersion` and `apiVersions`. In parameters of renderers and in
overrides `${cluster.<name of a fact>}` stands for it: text that is one reference becomes the fact
itself, a number or a list too; inside longer text it is written out. Nothing else is a template:
every other `${…}` stays as it is, and `$${cluster.` writes the reference itself. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shoal.errors import MissingFact
from shoal.model.choice import nearest

APPLICATION = "application"
"""The name of the application, for renderers; not a fact of the cluster, and not referred to."""
KUBERNETES_VERSION = "kubernetesVersion"
API_VERSIONS = "apiVersions"
ASKED_FOR = frozenset({KUBERNETES_VERSION, API_VERSIONS})
"""Facts that no document holds: only the cluster itself tells them."""

FACTS = "a fact is cluster.name, cluster.labels.KEY or cluster.values.PATH"
"""What a Cluster document can tell, for people who named something else."""
_REFERENCE = re.compile(r"(\$?)\$\{cluster\.([^{}]*)\}")
_SHOWN = 8

T = TypeVar("T")
Look = Callable[[str], Any]
"""Gives the value of a fact by its name; MissingFact when there is none."""


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """The facts that stand in a Cluster document, and for which application they are wanted."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    application: str = ""

    def look(self, name: str) -> Any:
        """The value of a fact; MissingFact, with what there is instead, when there is none."""
        family, dot, rest = name.partition(".")
        if name == "name":
            return self.name
        if name == APPLICATION and self.application:
            return self.application
        if family == "labels" and dot:
            return self._label(rest)
        if family == "values" and dot:
            return self._value(rest.split("."))
        raise MissingFact(
            f"there is no fact cluster.{name}",
            next_step=FACTS,
        )

    def _label(self, key: str) -> str:
        if key not in self.labels:
            raise self._missing(f"no label {key}", key, self.labels)
        return self.labels[key]

    def _value(self, path: list[str]) -> Any:
        found: Any = self.values
        for done, part in enumerate(path):
            if not isinstance(found, Mapping) or part not in found:
                known = found if isinstance(found, Mapping) else {}
                where = "".join(f".{step}" for step in path[: done + 1])
                raise self._missing(f"no spec.values{where}", part, known)
            found = found[part]
        return found

    def _missing(self, what: str, name: str, known: Mapping[str, Any]) -> MissingFact:
        meant = nearest(name, known)
        there = ", ".join(sorted(known)[:_SHOWN])
        next_step = f"did you mean {meant}?" if meant else f"there is {there}" if there else ""
        return MissingFact(f"cluster {self.name} has {what}", next_step=next_step)


def references(value: Any) -> frozenset[str]:
    """The names of all facts that a value refers to, at any depth; mapping keys are plain text."""
    if isinstance(value, str):
        found = _REFERENCE.finditer(value) if "${cluster." in value else ()
        return frozenset(each[2] for each in found if not each[1])
    if isinstance(value, Mapping):
        return frozenset().union(*map(references, value.values()))
    if isinstance(value, list | tuple):
        return frozenset().union(*map(references, value))
    return frozenset()


def is_fact(name: str) -> bool:
    """Whether some Cluster document could have a fact of this name."""
    family, dot, rest = name.partition(".")
    return name == "name" or (family in ("labels", "values") and bool(dot and rest))


def known_families(value: T) -> T:
    """The value itself; ValueError when it refers to what no Cluster document can have."""
    for name in sorted(references(value)):
        if not is_fact(name):
            raise ValueError(f"there is no fact cluster.{name}: {FACTS}")
    return value


def substituted(value: Any, look: Look) -> Any:
    """The value with every reference replaced; parts without one are the very same objects.

    Raises MissingFact for an unknown fact, and for a list or mapping inside longer text.
    """
    if isinstance(value, str):
        return _in_text(value, look) if "${cluster." in value else value
    if isinstance(value, Mapping):
        made = {key: substituted(part, look) for key, part in value.items()}
        return made if any(made[key] is not part for key, part in value.items()) else value
    if isinstance(value, list | tuple):
        items = [substituted(part, look) for part in value]
        is_other = any(new is not old for new, old in zip(items, value, strict=True))
        return items if is_other else value
    return value


def _in_text(text: str, look: Look) -> Any:
    whole = _REFERENCE.fullmatch(text)
    if whole and not whole[1]:
        return look(whole[2])
    return _REFERENCE.sub(lambda found: _written(found, look), text)


def _written(found: re.Match[str], look: Look) -> str:
    if found[1]:
        return found[0][1:]
    value = look(found[2])
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise MissingFact(
        f"cluster.{found[2]} is no text and no number, and stands inside longer text",
        next_step=f"let the value be ${{cluster.{found[2]}}} alone",
    )
