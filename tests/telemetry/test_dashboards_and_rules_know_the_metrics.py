"""Rules and dashboards of `deploy/`: read by Prometheus' parser, and known from the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.telemetry.conftest import Prometheus

from shoal.model.metrics import Kind, Metric
from shoal.telemetry.measures import METRICS
from shoal_clusters.counting import METRICS as OF_CLUSTERS

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yaml"
BOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
INTERVAL = "5m"


def series(metric: Metric) -> dict[str, set[str]]:
    """The names of its series in Prometheus, with their labels."""
    labels = {name.replace(".", "_") for name in metric.attributes}
    name = metric.prometheus_name
    if metric.kind is not Kind.HISTOGRAM:
        return {name: labels}
    return {f"{name}_bucket": {*labels, "le"}, f"{name}_sum": labels, f"{name}_count": labels}


KNOWN = {name: of for metric in (*METRICS, *OF_CLUSTERS) for name, of in series(metric).items()}


def panels(board: Path) -> list[dict[str, Any]]:
    return json.loads(board.read_text())["panels"]


def expressions(board: Path) -> list[str]:
    """As Grafana sends them: its variables have a value then."""
    texts = [target["expr"] for panel in panels(board) for target in panel["targets"]]
    return [text.replace("$__rate_interval", INTERVAL).replace("$cluster", ".*") for text in texts]


def words(expression: str) -> set[str]:
    """All labels that an expression names, in selectors, groupings and joins."""
    selectors = re.findall(r"([a-z0-9_]+)\s*(?:=~|!~|!=|=)\s*\"", expression)
    groups = re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression)
    return {*selectors, *(word.strip() for group in groups for word in group.split(","))}


def judged(prometheus: Prometheus, given: list[str]) -> None:
    for expression, metrics in prometheus.expressions(given).items():
        assert metrics or "vector(" in expression
        unknown = [name for name in metrics if name not in KNOWN]
        assert not unknown, f"no code tells {unknown}: {expression}"
        labels = set[str]().union(*(KNOWN[name] for name in metrics))
        assert words(expression) <= labels, f"no such label: {expression}"


def test_every_alert_rule_is_valid_and_names_what_is_told(prometheus: Prometheus) -> None:
    rules = prometheus.rules(RULES)

    assert len(rules) > 10
    judged(prometheus, rules)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_every_panel_shows_what_is_told(board: Path, prometheus: Prometheus) -> None:
    given = expressions(board)

    assert given
    judged(prometheus, given)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_panels_have_their_own_place_and_name(board: Path) -> None:
    found = panels(board)
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in found)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({panel["title"] for panel in found}) == len({panel["id"] for panel in found})


def test_every_metric_is_on_a_dashboard(prometheus: Prometheus) -> None:
    given = [each for board in BOARDS for each in expressions(board)]
    shown = {name for names in prometheus.expressions(given).values() for name in names}

    missing = [each.name for each in (*METRICS, *OF_CLUSTERS) if not shown & series(each).keys()]

    # An uptime says when it was restarted, which every panel shows; the other two are sums.
    assert missing == ["shoal.applications", "shoal.fleet.stale.age", "process.uptime"]
