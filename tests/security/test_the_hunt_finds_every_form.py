"""The hunt for canaries is worth something: it finds each in every form."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from tests.security.planting import PLACES, plant
from tests.security.watching import Hunt


@pytest.mark.parametrize("place", PLACES)
def test_a_canary_is_found_in_each_form_in_which_it_may_leave(place: str) -> None:
    canary = plant(place)
    forms = [
        canary,
        json.dumps({"a": json.dumps(canary)}),
        quote(canary, safe=""),
        base64.b64encode(canary.encode()).decode(),
        base64.b64encode(f"user:{canary}".encode()).decode(),
        base64.b64encode(f"me:{canary} and more".encode()).decode(),
    ]
    for form in forms:
        hunt = Hunt()
        hunt.add("a line", f"before {form} after")
        assert [each for each in hunt.found() if each.startswith(f"{place} at a line: ")], form


def test_nothing_is_found_where_nothing_is() -> None:
    hunt = Hunt()
    hunt.add("a line", "no bird at all", "***", "")

    assert hunt.found() == []
