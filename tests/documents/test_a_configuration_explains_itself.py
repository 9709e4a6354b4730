"""`shoal explain` and `shoal schema` know the file of a controller, which no fleet holds."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

from shoal.composition.configuration_file import BESIDE_DOCUMENTS
from shoal.composition.settings import table
from shoal.documents.explaining import explain
from shoal.documents.schema import schema_of, schemas

HEAD = {"apiVersion": "shoal.dev/v1alpha1", "kind": "Configuration"}


def test_every_setting_is_explained_as_it_is_written() -> None:
    page = explain("configuration", {}, BESIDE_DOCUMENTS)

    types = {field.name: field.type for field in page.fields}
    assert set(types) == {entry.field for entry in table().values()} | {"apiVersion", "kind"}
    assert {types[name] for name in ("state", "secrets", "webhookListen")} == {"text"}
    assert [field.default for field in page.fields if field.name == "state"] == [""]


@pytest.mark.parametrize(
    ("values", "is_valid"),
    [
        ({"webhookListen": 9999, "state": "/s", "allowExec": ["aws"]}, True),
        ({"webhookListen": "0.0.0.0:9999", "logLevel": "debug", "fleetInterval": "30s"}, True),
        ({"logLevel": "loud"}, False),
        ({"rendersAtOnce": 0}, False),
        ({"fleetInterval": "soon"}, False),
        ({"logLevl": "debug"}, False),
    ],
)
def test_an_editor_knows_the_file(values: dict[str, Any], is_valid: bool) -> None:
    schema = schema_of("configuration", {}, BESIDE_DOCUMENTS)

    assert Draft7Validator(schema).is_valid({**HEAD, **values}) is is_valid


def test_among_the_documents_of_a_fleet_it_has_no_place() -> None:
    kinds = schemas({}, BESIDE_DOCUMENTS)["shoal"]["properties"]["kind"]["enum"]

    assert "Configuration" not in kinds
