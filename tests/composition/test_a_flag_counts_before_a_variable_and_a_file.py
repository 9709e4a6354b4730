"""Where a value comes from when several say it, and that it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from shoal.composition.configuration_file import ConfigurationFile, Written
from shoal.composition.configuring import Given, Kind, Origin, configure, require_fleet, show_value
from shoal.errors import Permanent

FLAG = Origin(Kind.FLAG, "--log-level")
VARIABLE = Origin(Kind.ENVIRONMENT, "SHOAL_LOG_LEVEL")
FILE = ConfigurationFile(Path("/c.yaml"), {"log_level": Written("debug", 3)})


@pytest.mark.parametrize(
    ("given", "file", "value", "origin"),
    [
        ({"log_level": Given("error", FLAG)}, FILE, "error", "flag --log-level"),
        ({"log_level": Given("error", VARIABLE)}, FILE, "error", "environment SHOAL_LOG_LEVEL"),
        ({}, FILE, "debug", "/c.yaml:3"),
        ({}, None, "info", "default"),
    ],
)
def test_whoever_comes_first_counts_and_is_named(
    given: dict[str, Given], file: ConfigurationFile | None, value: str, origin: str
) -> None:
    configured = configure(given, file)

    assert (configured.settings.log_level, str(configured.origins["log_level"])) == (value, origin)


def test_a_list_is_replaced_as_a_whole() -> None:
    file = ConfigurationFile(Path("/c.yaml"), {"allow_exec": Written(("aws", "gcloud"), 3)})
    given = {"allow_exec": Given(("az",), Origin(Kind.FLAG, "--allow-exec"))}

    assert configure(given, file).settings.allow_exec == ("az",)


def test_without_a_state_there_is_one_per_fleet() -> None:
    first, second = (
        configure({"fleet": Given(fleet, FLAG)}, None).settings.state for fleet in ("/a", "/b")
    )

    assert first.parent == second.parent
    assert first != second


def test_without_a_fleet_every_way_to_name_one_is_told() -> None:
    with pytest.raises(Permanent) as caught:
        require_fleet(configure({}, FILE))

    assert str(caught.value) == (
        "no fleet is named; give --fleet DIR|URL, set SHOAL_FLEET, or write `fleet:` into /c.yaml"
    )


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("webhook_listen", ("::1", 80), "[::1]:80"),
        ("state", Path("/s"), "/s"),
        ("allow_exec", ("a", "b"), ["a", "b"]),
        ("secrets", None, None),
    ],
)
def test_a_value_is_shown_as_a_file_would_say_it(name: str, value: object, shown: object) -> None:
    assert show_value(name, value) == shown
