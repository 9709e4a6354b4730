"""All commands, each in every format: stdout is data only, and parses.

What is typed stands in `every_command`; a command without a row fails here.
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from tests.cli.every_command import (
    ASKING,
    DIFFERING,
    HOLD,
    OFFLINE,
    RENDERS,
    TRIED,
    WITHOUT_DATA,
    all_commands,
    command_of,
)

from shoal.cli import waiting
from shoal.cli.kinds import DESTINATION, KINDS
from shoal.cli.root import BUILT_IN
from shoal.engine.views.applications import TargetPhase
from shoal.engine.views.changes import Difference
from shoal.model.records import Deed, Entry, Record, Verdict
from shoal.telemetry.ring import SpanView
from shoal.testing.controllers import FakeController
from shoal.testing.views import (
    AT,
    alert_view,
    application_view,
    cluster_view,
    diff_view,
    drift_view,
    fleet_view,
    plugin_view,
    resent_view,
    source_view,
    target_view,
    where_view,
)

FORMATS = ("table", "json", "yaml", "name", "jsonl")
ONLINE = {**ASKING, **DIFFERING}


@pytest.fixture
def controller(shoal_controller, monkeypatch):
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.001)
    read = AT.replace(year=2100)
    fleet = fleet_view(clusters=2, targets=2, phases={TargetPhase.SYNCED: 2}, looked_at=read)
    shoal_controller.fleet_value = fleet
    shoal_controller.application_list = [application_view(), application_view("api")]
    shoal_controller.target_list = [target_view(), target_view("dev", "api")]
    shoal_controller.cluster_list = [cluster_view(), cluster_view("prod", labels={"env": "prod"})]
    shoal_controller.source_list = [source_view(fetched_at=read)]
    shoal_controller.held = [HOLD]
    shoal_controller.drift_list = [drift_view()]
    shoal_controller.wheres = [where_view()]
    shoal_controller.plugin_list = [plugin_view()]
    shoal_controller.alert_list = [alert_view()]
    shoal_controller.resent_list = [resent_view()]
    entry = Entry(AT, "Ana", Deed.TARGET_SYNCED, "commit", "default/web", Verdict.SUCCEEDED)
    shoal_controller.record_list = [Record("a", 7, "", "h", entry)]
    end = AT + timedelta(seconds=1)
    shoal_controller.span_list = [SpanView("shoal.sync", "t" * 32, "s" * 16, "", AT, end)]
    return shoal_controller


def parsed(format: str, text: str) -> Any:
    match format:
        case "json":
            return json.loads(text)
        case "yaml":
            return yaml.safe_load(text)
        case "jsonl":
            return [json.loads(line) for line in text.splitlines()]
        case _:
            return text.splitlines()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("words", ASKING.values(), ids=list(ASKING))
def test_what_a_command_prints_is_data_in_the_format_asked_for(controller, shoal, words, format):
    ended = shoal(*words, "-o", format)

    assert (ended.code, ended.out != "") == (0, True), ended
    check_shape(format, parsed(format, ended.out))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("words", DIFFERING.values(), ids=list(DIFFERING))
def test_what_differs_is_data_and_the_answer_no(controller, shoal, words, format):
    patch = [{"op": "replace", "path": "/data/a", "value": "2"}]
    one = Difference(object="ConfigMap a/b", action="update", clusters=["dev"], patch=patch)
    controller.diffs = [diff_view(differences=[one])]

    ended = shoal(*words, "-o", format)

    assert (ended.code, ended.out != "") == (1, True), ended
    check_shape(format, parsed(format, ended.out))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("words", OFFLINE.values(), ids=list(OFFLINE))
def test_offline_commands_keep_the_same_contract(run, tmp_path, monkeypatch, words, format):
    (tmp_path / "fleet.yaml").write_text(FLEET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shoal.composition.loading.installed_plugins", list)

    ended = run(*words, "-o", format)

    assert ended.code == 0, ended
    check_shape(format, parsed(format, ended.out))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("words", RENDERS.values(), ids=list(RENDERS))
def test_what_render_tells_of_objects_keeps_the_same_contract(fleet, words, format):
    fleet.put(map=CONFIG_MAP)
    fleet.override("clusterSelector: {matchLabels: {env: dev}}, merge: [{target: {}, patch: {}}]")
    if words == RENDERS["render groups"]:
        patch = "merge: [{target: {}, patch: {data: {a: '${cluster.name}'}}}]"
        fleet.override(f"clusterSelector: {{}}, {patch}")

    ended = fleet.render(*words[1:], "-o", format)

    assert ended.code == (words == RENDERS["render groups"]), ended
    check_shape(format, parsed(format, ended.out))


@pytest.mark.parametrize("format", ["json", "jsonl", "yaml"])
def test_the_objects_that_render_prints_are_those_of_kubernetes(fleet, format):
    fleet.put(map=CONFIG_MAP)

    found = parsed(format, fleet.render("web", "-o", format).out)

    (one,) = found["items"] if format == "json" else found if format == "jsonl" else [found]
    assert (one["apiVersion"], one["kind"]) == ("v1", "ConfigMap")


CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\n"
FLEET = "apiVersion: shoal.dev/v1alpha1\nkind: Fleet\nmetadata: {name: test}\n"


def check_shape(format: str, value: Any) -> None:
    if format in ("json", "yaml"):
        assert isinstance(value, dict)
        assert value["apiVersion"] == "shoal.dev/v1alpha1"
        assert isinstance(value["items"], list) if value["kind"].endswith("List") else True
    elif format == "jsonl":
        assert all(item["kind"] and item["apiVersion"] for item in value)
    elif format == "name":
        assert all("/" in line and " " not in line for line in value)


@pytest.mark.parametrize("words", ONLINE.values(), ids=list(ONLINE))
def test_without_a_controller_the_exit_code_is_6_and_the_next_step_is_said(run, tmp_path, words):
    ended = run(*words, "--state", str(tmp_path))

    assert (ended.code, ended.out) == (6, "")
    assert "shoal run --fleet" in ended.err


@pytest.mark.parametrize("words", TRIED.values(), ids=list(TRIED))
def test_an_unknown_option_is_a_usage_error(run, words):
    ended = run(*words, "--nonsense")

    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize(
    "words", [one for one in ASKING.values() if one[0] in ("get", "describe", "history")]
)
def test_headings_can_be_left_out(controller, shoal, words):
    with_headings = shoal(*words).out.splitlines()
    without = shoal(*words, "--no-headers").out.splitlines()

    tables = [line for line in with_headings if line in TABLES] if words[0] == "describe" else [1]
    assert len(without) == len(with_headings) - len(tables)


TABLES = {f"{kind.plural}:" for kind in (*KINDS, DESTINATION)}
"""What stands before each table inside a description."""


def test_every_command_has_a_row():
    tried = set(map(command_of, TRIED.values()))

    assert tried.isdisjoint(WITHOUT_DATA)
    assert tried | set(WITHOUT_DATA) == {name for name, _ in all_commands()}


def test_every_command_that_prints_data_takes_the_same_options():
    common = {"--output", "--no-headers", "--color"}
    for name, command in all_commands():
        options = {one for parameter in command.params for one in parameter.opts}
        assert name in WITHOUT_DATA or common <= options, name


def test_every_command_and_option_says_what_it_is_for():
    for name, command in all_commands():
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.opts[0]}"


def test_the_line_about_a_command_is_the_one_it_gives_itself(run):
    from shoal.cli.root import shoal as root

    for section in BUILT_IN.values():
        for name, (_, about) in section.items():
            command = root.get_command(click.Context(root), name)
            assert command is not None
            assert command.get_short_help_str(200).startswith(about.split()[0]), name


def test_tables_have_relative_times_and_json_has_rfc_3339(controller, shoal):
    assert " ago" in shoal("get", "clusters").out
    assert '"2026-01-02T03:04:05Z"' in shoal("get", "clusters", "-o", "json").out


def test_state_is_shown_by_glyph_and_word_without_colour_when_not_a_terminal(controller, shoal):
    out = shoal("get", "targets").out

    assert "✔ Synced" in out
    assert "\x1b" not in out


def test_colour_is_there_when_asked_for(controller, shoal, monkeypatch):
    assert "\x1b[32m✔ Synced" in shoal("get", "targets", "--color", "always").out
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    assert "\x1b[" in shoal("get", "targets").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in shoal("get", "targets").out


def test_text_from_a_cluster_cannot_steer_the_terminal(controller, shoal):
    controller.target_list = [target_view(message="\x1b]0;owned\x07 a\nb")]

    out = shoal("get", "targets").out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 2


def test_json_holds_the_clusters_labels(controller: FakeController, shoal):
    found = json.loads(shoal("get", "cl", "prod", "-o", "json").out)

    assert (found["kind"], found["labels"]) == ("Cluster", {"env": "prod"})


def test_the_state_folder_may_have_a_very_long_path(tmp_path: Path, run):
    from shoal.testing.controllers import served

    deep = tmp_path / ("d" * 90) / ("e" * 60)
    deep.mkdir(parents=True)
    with served(FakeController(), deep):
        assert run("get", "clusters", "--state", str(deep)).code == 0
