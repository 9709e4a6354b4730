"""A plugin's part of a document: a mapping with one key, validated by the plugin's own model.

`Annotated[Choice, Seam("source")]` in a model says: here stands `{git: {…}}`, and `git` is looked
up among the plugins of that seam. Which plugins exist is handed in as pydantic's validation context
(`{"seams": {"source": {"git": GitSpec}}}`), so one pass reports the errors of the document and of
the plugin's part together, with joined paths. Without a context (a unit test, a tool that knows no
plugins) every choice is an error that says so; nothing is accepted unread.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    Strict,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, core_schema


class Spec(BaseModel):
    """Base of everything people write: camelCase in YAML, frozen, no unknown field."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )


WholeNumber = Annotated[int, Strict()]
"""A number as YAML has it: `true` and `"4"`, which pydantic would take, are told as mistakes."""
Seams = Mapping[str, Mapping[str, type[Spec]]]
"""Seam name → plugin name → the model of its part."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that somebody who typed `name` probably meant; case does not count."""
    by_text = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), list(by_text), n=1, cutoff=0.6)
    return by_text[found[0]] if found else None


@dataclass(frozen=True, slots=True)
class Choice:
    """The plugin that was chosen, and its validated part."""

    name: str
    spec: Spec

    def as_document(self) -> dict[str, Any]:
        """The one-key mapping this was read from, defaults left out."""
        return {self.name: self.spec.model_dump(mode="json", exclude_defaults=True)}


@dataclass(frozen=True, slots=True)
class Seam:
    """Annotation of a `Choice` field: the name of the seam its plugins register at."""

    name: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda choice: choice.as_document()
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "object", "minProperties": 1, "maxProperties": 1, SEAM_MARK: self.name}

    def _validate(self, value: Any, info: core_schema.ValidationInfo[Any]) -> Choice:
        if isinstance(value, Choice):
            return value
        if not isinstance(value, Mapping) or len(value) != 1:
            raise PydanticCustomError(
                "choice",
                "expected a mapping with exactly one key, the name of a {seam} plugin",
                {"seam": self.name},
            )
        ((name, part),) = value.items()
        known = (info.context or {}).get("seams", {}).get(self.name, {})
        if name not in known:
            raise PydanticCustomError(
                "unknown_seam_name",
                "{name} is not a {seam} plugin",
                {"name": str(name), "seam": self.name, "known": sorted(known)},
            )
        try:
            # By alias only: people write camelCase, and nothing else.
            spec = known[name].model_validate(
                part or {}, context=info.context, by_alias=True, by_name=False
            )
            return Choice(name, spec)
        except ValidationError as error:
            # pydantic would flatten a nested ValidationError into one text. The errors travel as
            # context instead, and `documents` joins their paths to the path of this choice.
            raise PydanticCustomError(
                "invalid_part",
                "the {seam} {name} is not valid",
                {
                    "name": name,
                    "seam": self.name,
                    "model": known[name],
                    "errors": error.errors(include_input=False, include_url=False),
                },
            ) from error


class Chooser(Spec):
    """A part of a document where the key of a plugin stands beside other fields.

    `{git: {…}, path: web}` is read into `choice` and `path`, and written as it was read. Subclasses
    declare `choice: Annotated[Choice, Seam(…)]`. In the paths of errors, `choice` is a step that
    nobody wrote: `shoal.documents` leaves it out.
    """

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or isinstance(value.get(CHOICE), Choice):
            return value
        known = {
            key
            for name, field in cls.model_fields.items()
            if name != CHOICE
            for key in (name, field.alias)
        }
        kept = {key: part for key, part in value.items() if key in known}
        chosen = {key: part for key, part in value.items() if key not in known}
        return {**kept, CHOICE: chosen} if chosen else kept

    @model_serializer(mode="wrap")
    def _scatter(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        chosen = written.pop(CHOICE, None)
        return {**(chosen or {}), **written}


SEAM_MARK = "x-seam"
"""In a JSON Schema: here stands a part of a plugin of this seam."""

CHOICE = "choice"
"""The field of a `Chooser` that holds the plugin's part."""

CHOSEN: Mapping[str, Any] = {"required": [CHOICE]}
"""In the JSON Schema of a `Chooser`: the key of a plugin is there."""
