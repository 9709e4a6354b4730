"""Turns one written document into its model, or into every problem that it has.

pydantic finds the errors, those of plugins' parts included; this module says each of them in the
words of the person who wrote the document: file, line, path as written, what was expected, the
nearest known name. What stands in a field is never repeated, for it could be a secret; only names
of fields, plugins and enum values are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shoal.documents.problems import Problem
from shoal.documents.walking import Place, show, value_at, walk, written_names
from shoal.documents.yaml_reading import ReadDocument
from shoal.model.choice import Seams, nearest
from shoal.model.documents import KINDS, Document, Metadata, NamespacedMetadata
from shoal.model.yaml import Path

M = TypeVar("M", bound=BaseModel)
_WANTED = {
    "string": "text",
    "path": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "dict": "a mapping",
    "mapping": "a mapping",
    "model": "a mapping",
    "tuple": "a list",
    "list": "a list",
    "set": "a list",
    "frozen": "a list",
}
_TYPE_ERROR = re.compile(r"([a-z]+)_(?:.*_)?(?:type|parsing|from_float)$")
_QUOTED = re.compile(r"'([^']*)'")
_MAX_LISTED = 12
_NAME_IT = "if it is of another distribution, install that and name it: shoal --plugin DISTRIBUTION"


def validate(read: ReadDocument, kind: str, seams: Seams) -> Document | list[Problem]:
    """The document, or all its problems by line; never raises."""
    return validate_as(KINDS[kind], read, seams)


def validate_as(
    model: type[M], read: ReadDocument, seams: Seams, **context: object
) -> M | list[Problem]:
    """The same by any model; `context` is what its validators ask for. Never raises."""
    try:
        return model.model_validate(
            read.value, context={"seams": seams, **context}, by_alias=True, by_name=False
        )
    except ValidationError as error:
        teller = _Teller(read, seams)
        return sorted(set(teller.tell(_details(error), model, ())))


def _details(error: ValidationError) -> Sequence[Mapping[str, Any]]:
    return error.errors(include_input=False, include_url=False)


@dataclass(frozen=True, slots=True)
class _Teller:
    """Says the errors of one document. `base` is the path of the part that `model` describes."""

    read: ReadDocument
    seams: Seams

    def tell(
        self, errors: Sequence[Mapping[str, Any]], model: type[BaseModel], base: Path
    ) -> Iterator[Problem]:
        for error in errors:
            if error["type"] == "too_short" and _is_followed(error, errors):
                continue  # items that are not valid do not count: they have been told of
            if error["type"] == "default_factory_not_called":
                continue  # what it would have been made from is not valid: that has been told of
            place = walk(model, error["loc"])
            path = (*base, *place.path)
            context = error.get("ctx", {})
            match error["type"]:
                case "invalid_part":
                    part = (*path, context["name"])
                    yield from self.tell(context["errors"], context["model"], part)
                case "choice":
                    yield from self._tell_choice(place, path, context["seam"])
                case "unknown_seam_name":
                    names = self._names(place, context["seam"])
                    yield self._tell_plugin((*path, context["name"]), context["seam"], names)
                case "missing":
                    yield self._tell_missing(place, path)
                case "extra_forbidden":
                    yield self._tell_unknown(place, path)
                case "literal_error" | "enum":
                    yield self._tell_value(path, context["expected"])
                case _:
                    yield self._tell_other(error, place, path)

    def _problem(
        self,
        path: Path,
        message: str,
        expected: str = "",
        suggestion: str | None = None,
        next_step: str = "",
    ) -> Problem:
        return Problem(
            self.read.file,
            self.read.line_of(path),
            show(path),
            message,
            expected,
            suggestion or "",
            next_step,
        )

    def _tell_choice(self, place: Place, path: Path, seam: str) -> Iterator[Problem]:
        """The mapping that should have had one plugin's key has none, or several keys."""
        written = value_at(self.read.value, path)
        plugins = self.seams.get(seam, {})
        if not isinstance(written, Mapping):
            yield self._problem(path, f"wrong type: {_found(written)}", "a mapping")
            return
        beside = written_names(place.owner) if place.is_chosen and place.owner else []
        keys = [str(key) for key in written if key not in beside]
        for key in keys:
            if key not in plugins:
                yield self._tell_plugin((*path, key), seam, self._names(place, seam))
                continue
            try:
                part, context = written[key] or {}, {"seams": self.seams}
                plugins[key].model_validate(part, context=context, by_alias=True, by_name=False)
            except ValidationError as error:
                yield from self.tell(_details(error), plugins[key], (*path, key))
        chosen = [key for key in keys if key in plugins]
        if len(chosen) > 1:
            yield self._problem(path, f"more than one {seam}: {', '.join(chosen)}", "only one")
        elif not keys:
            yield self._tell_none(path, seam)

    def _names(self, place: Place, seam: str) -> list[str]:
        beside = written_names(place.owner) if place.is_chosen and place.owner else []
        return [*sorted(self.seams.get(seam, {})), *beside]

    def _tell_plugin(self, path: Path, seam: str, names: Sequence[str]) -> Problem:
        if not self.seams.get(seam):
            return self._problem(path, f"no plugin for {_article(seam)} is installed")
        beside = [name for name in names if name not in self.seams[seam]]
        message = "neither a field nor" if beside else "not"
        message += f" the name of {_article(seam)} plugin"
        problem = self._suggest(path, message, names)
        is_meant = nearest(str(path[-1]), names) is not None
        return problem if is_meant else replace(problem, next_step=_NAME_IT)

    def _tell_none(self, path: Path, seam: str) -> Problem:
        plugins = sorted(self.seams.get(seam, {}))
        expected = f"one key: {_listed(plugins)}" if plugins else f"the key of {_article(seam)}"
        return self._problem(path, f"no {seam} is named", expected)

    def _tell_missing(self, place: Place, path: Path) -> Problem:
        if place.is_chosen and place.field is not None:
            seam = next(each.name for each in place.field.metadata if hasattr(each, "name"))
            return self._tell_none(path, seam)
        # It has no line of its own: the nearest part above it has, and `line_of` finds that.
        return self._problem(path, "required field is missing", _described(place))

    def _tell_unknown(self, place: Place, path: Path) -> Problem:
        owner, name = place.owner, str(path[-1])
        if owner is None:
            return self._problem(path, "unknown field")
        if name == "namespace" and owner is Metadata:
            return self._problem(path, "this kind has no namespace", next_step="remove the field")
        names = written_names(owner)
        return self._suggest(path, "unknown field", names)

    def _suggest(self, path: Path, message: str, names: Sequence[str]) -> Problem:
        suggestion = nearest(str(path[-1]), names) if len(names) > 1 else None
        return self._problem(path, message, _listed(names), suggestion)

    def _tell_value(self, path: Path, expected: str) -> Problem:
        known = _QUOTED.findall(expected)
        written = value_at(self.read.value, path)
        suggestion = nearest(written, known) if isinstance(written, str) else None
        if suggestion == written:
            suggestion = None
        return self._problem(path, "not a known value", _listed(known), suggestion)

    def _tell_other(self, error: Mapping[str, Any], place: Place, path: Path) -> Problem:
        kind, written = str(error["type"]), value_at(self.read.value, path)
        found = _TYPE_ERROR.match(kind)
        if found is not None and found[1] in _WANTED:
            wanted = _WANTED[found[1]]
            wants_text = wanted == "text" and isinstance(written, bool | int | float)
            step = "quote it" if wants_text else ""
            return self._problem(path, f"wrong type: {_found(written)}", wanted, next_step=step)
        if kind in ("string_pattern_mismatch", "string_too_long", "string_too_short"):
            return self._problem(path, "not of the right form", _described(place))
        message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
        return self._problem(path, message[:1].lower() + message[1:])


def _is_followed(error: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there are errors below this one."""
    steps = error["loc"]
    return any(each["loc"][: len(steps)] == steps and each is not error for each in errors)


def _article(noun: str) -> str:
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def _found(value: Any) -> str:
    """What sort of thing was written, never the thing."""
    match value:
        case None:
            return "nothing is written here"
        case bool():
            return "this is a boolean"
        case int() | float():
            return "this is a number"
        case str():
            return "this is text"
        case list():
            return "this is a list"
        case _:
            return "this is a mapping"


def _described(place: Place) -> str:
    if place.owner in (Metadata, NamespacedMetadata) and place.path[-1] in ("name", "namespace"):
        return "lower-case letters, digits and hyphens, at most 63"
    description = (place.field.description if place.field is not None else None) or ""
    is_word = description[1:2].islower() or description[1:2] == " "
    return (description[:1].lower() if is_word else description[:1]) + description[1:].rstrip(".")


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MAX_LISTED:
        return ""
    return names[0] if len(names) == 1 else "one of " + ", ".join(names) if names else ""
