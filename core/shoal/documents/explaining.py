"""What may be written at a path of a document: the field reference, made from the models.

`application.spec.sync` leads through fields, `application.spec.source.git` through the key of a
plugin to the plugin's own model. Lists and mappings are stepped over: what is below is what their
items may be. Called by `shoal explain`; says nothing that validation does not hold.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from shoal.documents.walking import fields_of, is_model
from shoal.errors import UnknownName
from shoal.model.choice import CHOICE, Choice, Chooser, Seam, Seams, nearest
from shoal.model.documents import KINDS
from shoal.model.durations import format_duration
from shoal.model.policies import PRESETS, Preset

_PLAIN: Mapping[Any, str] = {
    str: "text",
    Path: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    timedelta: "duration",
    AwareDatetime: "time",
}
_NONE: Mapping[str, type[BaseModel]] = {}


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """One field, or one plugin that may be chosen. `default` is empty when there is none."""

    name: str
    type: str
    required: bool
    default: str
    description: str


@dataclass(frozen=True, slots=True)
class FieldPage:
    """What may stand at a path; `presets` is what each preset says, where there are presets."""

    path: str
    type: str
    description: str
    fields: Sequence[FieldEntry]
    presets: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Place:
    """What a path leads to."""

    annotation: Any
    description: str
    type: str


def explain(path: str, seams: Seams, beside: Mapping[str, type[BaseModel]] = _NONE) -> FieldPage:
    """The page about a path, such as `application.spec.sync`; UnknownName with what is there.

    `beside` are kinds that no fleet holds.
    """
    models: Mapping[str, type[BaseModel]] = {**KINDS, **beside}
    kinds = {name.lower(): name for name in models}
    first, *steps = [step for step in path.replace("[]", "").split(".") if step] or [path]
    if first.lower() not in kinds:
        raise unknown(first, "kind", kinds.values())
    kind = kinds[first.lower()]
    place = _Place(models[kind], _about(models[kind]), kind)
    walked = first.lower()
    for step in steps:
        below = _below(place.annotation, seams)
        if step not in below:
            raise unknown(f"{walked}.{step}", "field", [f"{walked}.{name}" for name in below])
        place, walked = below[step], f"{walked}.{step}"
    fields = list(_entries(place.annotation, seams))
    return FieldPage(walked, place.type, place.description, fields, _presets(place.annotation))


def _about(model: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(model) or "").split())


def unknown(name: str, what: str, known: Iterable[str]) -> UnknownName:
    """The error of a name that is none of those known, with the nearest of them."""
    names = list(known)
    near = nearest(name, names)
    last = ", ".join(each.rpartition(".")[2] for each in names)
    return UnknownName(
        f"there is no {what} {name}" + (f"; did you mean {near}?" if near else ""),
        next_step=f"there is {last}" if last else "nothing is below it",
    )


def _below(annotation: Any, seams: Seams) -> dict[str, _Place]:
    """What may stand below a model or a choice, by name."""
    if isinstance(annotation, Seam):
        return {
            name: _Place(spec, _about(spec), "object")
            for name, spec in sorted(seams.get(annotation.name, {}).items())
        }
    if not is_model(annotation):
        return {}
    found: dict[str, _Place] = {}
    for name, field in fields_of(annotation).items():
        below = _item(field.annotation, field.metadata)
        if name == CHOICE and issubclass(annotation, Chooser):
            found |= _below(below, seams)
        else:
            found[name] = _Place(below, field.description or "", _type(field))
    return found


def _entries(annotation: Any, seams: Seams) -> Iterator[FieldEntry]:
    written = fields_of(annotation) if is_model(annotation) else {}
    for name, place in _below(annotation, seams).items():
        field = written.get(name)
        required, default = (False, "") if field is None else (field.is_required(), _default(field))
        yield FieldEntry(name, place.type, required, default, place.description)


def _presets(annotation: Any) -> Mapping[str, Mapping[str, str]]:
    fields = fields_of(annotation).values() if is_model(annotation) else ()
    if not any(_item(field.annotation, field.metadata) is Preset for field in fields):
        return {}
    return {
        preset.value: {name: str(value) for name, value in said.items()}
        for preset, said in PRESETS.items()
    }


def _item(annotation: Any, metadata: Iterable[Any] = ()) -> Any:
    """What a type is about: items of a list, values of a mapping, the seam of a choice."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _item(arguments[0], arguments[1:])
    if origin in (Union, types.UnionType):
        parts = [each for each in arguments if each is not type(None)]
        return _item(parts[0], metadata) if len(parts) == 1 else annotation
    if origin is not Literal and arguments:
        return _item(next(each for each in reversed(arguments) if each is not Ellipsis))
    if annotation is Choice:
        return next((each for each in metadata if isinstance(each, Seam)), annotation)
    return annotation


def _type(field: FieldInfo) -> str:
    return _named(field.annotation)


def _named(annotation: Any) -> str:
    """A type as people say it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _named(arguments[0])
    if origin in (Union, types.UnionType):
        return " or ".join(_named(each) for each in arguments if each is not type(None))
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin is list or (origin is tuple and Ellipsis in arguments):
        return f"list of {_named(arguments[0])}"
    if origin is tuple:
        return _PLAIN[str]  # of several parts, and written as one word: an address
    if origin is dict:
        return f"mapping to {_named(arguments[-1])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " | ".join(str(each.value) for each in annotation)
    return _PLAIN.get(annotation, "anything" if annotation is Any else "object")


def _default(field: FieldInfo) -> str:
    if field.is_required() or field.default_factory_takes_validated_data:
        return ""
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or isinstance(value, BaseModel) or value in ((), {}, ""):
        return ""
    return shown(value)


def shown(value: Any) -> str:
    """A default as a document would have it."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(shown, value))}]"
    return format_duration(value) if isinstance(value, timedelta) else str(value)
