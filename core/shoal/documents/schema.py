"""JSON Schema of everything people write, for editors: made from the models, like validation is.

pydantic knows the fields; what it cannot know is which plugins are there. A model marks the place
of a plugin's part by `x-seam`, and here the key and the schema of each plugin of that seam are put
in its place. Written for draft 7, the newest that every editor reads whole. A schema refuses
nothing that validation accepts in a document written by hand; the other way round some things only
validation knows: expressions, versions, and all that lies between documents. Pure; called by
`shoal schema` and by the generator of the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema

from shoal.documents.explaining import unknown
from shoal.model.choice import CHOICE, CHOSEN, SEAM_MARK, Seams, Spec
from shoal.model.documents import API_VERSION, KINDS
from shoal.model.durations import format_duration

DIALECT = "http://json-schema.org/draft-07/schema#"
EVERY_KIND = "shoal"
_REF = "#/definitions/"
Schema = dict[str, Any]
Kinds = Mapping[str, type[BaseModel]]
_NONE: Kinds = {}


def schemas(seams: Seams, beside: Kinds = _NONE) -> Mapping[str, Schema]:
    """Name → schema: `shoal` for every kind in one, then one for each kind, in lower case.

    `beside` are kinds that no fleet holds: each has its own schema, and no part in the common one.
    """
    whole = _definitions(seams, [*KINDS.values(), *beside.values()])
    found = {EVERY_KIND: _file(_any_kind(), whole)}
    for kind in (*KINDS, *beside):
        found[kind.lower()] = _file({"$ref": _REF + kind}, whole, title=f"A {kind} of Shoal")
    return found


def schema_of(kind: str | None, seams: Seams, beside: Kinds = _NONE) -> Schema:
    """The schema of a kind, or of all of them; UnknownName with the nearest kind."""
    found, kinds = schemas(seams, beside), (*KINDS, *beside)
    name = EVERY_KIND if kind is None else kind.lower()
    if name not in found or kind == EVERY_KIND:
        raise unknown(str(kind), "kind", kinds)
    return found[name]


class _Generator(GenerateJsonSchema):
    """pydantic's, without a title per field: it would only repeat the field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        """`X or nothing` is X to whoever writes it: nobody writes null to leave a field out."""
        return self.generate_inner(schema["schema"])

    def encode_default(self, dft: Any) -> Any:
        """As people write it, where JSON has no form of its own."""
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def _definitions(seams: Seams, kinds: Sequence[type[BaseModel]]) -> Mapping[str, Schema]:
    """Every model by the name of its definition, plugins' parts among them."""
    parts = {
        f"{seam}.{name}": spec
        for seam, plugins in sorted(seams.items())
        for name, spec in sorted(plugins.items())
    }
    models: list[type[BaseModel]] = [*kinds, *dict.fromkeys(parts.values())]
    by_model, made = models_json_schema(
        [(model, "validation") for model in models],
        ref_template=_REF + "{model}",
        schema_generator=_Generator,
    )
    own: dict[str, Schema] = made["$defs"]
    for name, spec in parts.items():
        own[name] = {**by_model[spec, "validation"]}
        if not any(field.is_required() for field in spec.model_fields.values()):
            # `git:` with nothing behind it is the plugin with all its defaults.
            own[name] = {"anyOf": [own[name], {"type": "null"}]}
    return {name: _finished(schema, seams) for name, schema in own.items()}


def _any_kind() -> Schema:
    """The kind decides which schema holds; so an error is told of that kind, and of no other."""
    return {
        "title": "A document of Shoal",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"enum": list(KINDS), "description": "What this document is."},
        },
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"$ref": _REF + kind},
            }
            for kind in KINDS
        ],
    }


def _file(root: Schema, definitions: Mapping[str, Schema], *, title: str = "") -> Schema:
    """A schema with the definitions that it leads to, and no others."""
    needed: dict[str, Schema] = {}
    waiting = list(_references(root))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = definitions[name]
            waiting += _references(definitions[name])
    body = {"title": title, "allOf": [root]} if title else root
    return {"$schema": DIALECT, **body, "definitions": dict(sorted(needed.items()))}


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(ref := schema.get("$ref"), str):
            yield ref.removeprefix(_REF)
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _finished(schema: Any, seams: Seams) -> Any:
    """With plugins in place of the marks, and without what editors trip over."""
    if isinstance(schema, list):
        return [_finished(each, seams) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    if seam := schema.get(SEAM_MARK):
        return {**_described(schema), **_choice(seam, seams)}
    kept = {key: value for key, value in schema.items() if not _is_noise(key, value)}
    if seam := _chooser(kept):
        kept = _with_choice(kept, seam, seams)
    finished = {key: _finished(value, seams) for key, value in kept.items()}
    ref = finished.pop("$ref", None)
    if ref is None or not finished:
        return finished if ref is None else {"$ref": ref}
    # In draft 7 whatever stands beside a $ref is passed over.
    return {**finished, "allOf": [{"$ref": ref}, *finished.get("allOf", [])]}


def _is_noise(key: str, value: Any) -> bool:
    return key == "default" and (value is None or value == [] or isinstance(value, dict))


def _described(schema: Mapping[str, Any]) -> Schema:
    return {"description": schema["description"]} if "description" in schema else {}


def _chooser(schema: Mapping[str, Any]) -> str:
    """The seam of a model in which a plugin's key stands beside other fields."""
    chosen = (schema.get("properties") or {}).get(CHOICE)
    found = chosen.get(SEAM_MARK) if isinstance(chosen, Mapping) else None
    return str(found) if found else ""


def _choice(seam: str, seams: Seams) -> Schema:
    """A mapping with the key of exactly one plugin."""
    names = sorted(seams.get(seam, {}))
    return {
        "type": "object",
        "properties": {name: _part(seam, name, seams) for name in names},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _with_choice(schema: Mapping[str, Any], seam: str, seams: Seams) -> Schema:
    """A model with the keys of plugins beside its own fields; one of them, when one is needed."""
    names = sorted(seams.get(seam, {}))
    own = {name: value for name, value in schema["properties"].items() if name != CHOICE}
    required = [name for name in schema.get("required", ()) if name != CHOICE]
    kept = {key: value for key, value in schema.items() if key not in ("required", "oneOf")}
    alternatives = schema.get("oneOf", ())
    if CHOICE in schema.get("required", ()):
        alternatives = (CHOSEN,)
    return {
        **kept,
        **({"required": required} if required else {}),
        **({"oneOf": list(_spelt_out(alternatives, names)) or [False]} if alternatives else {}),
        "properties": {**{name: _part(seam, name, seams) for name in names}, **own},
    }


def _spelt_out(alternatives: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterator[Schema]:
    """That a plugin is chosen is said of each plugin's key."""
    for each in alternatives:
        if each == CHOSEN:
            yield from ({"required": [name]} for name in names)
        else:
            yield dict(each)


def _part(seam: str, name: str, seams: Seams) -> Schema:
    spec: type[Spec] = seams[seam][name]
    about = " ".join((spec.__doc__ or "").split())
    return {"$ref": f"{_REF}{seam}.{name}", **({"description": about} if about else {})}
