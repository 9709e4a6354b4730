"""Where an application belongs, and which revision it may have there."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from shoal.model.choice import Choice, Spec
from shoal.model.documents import API_VERSION, Application, Cluster
from shoal.model.identity import Ref, TargetKey
from shoal.model.plans import Grant
from shoal.planning.granting import grant
from shoal.planning.placing import place


class _Empty(Spec):
    """A part without fields."""


def cluster(name: str, **labels: str) -> Cluster:
    return Cluster.model_validate(
        {
            "apiVersion": API_VERSION,
            "kind": "Cluster",
            "metadata": {"name": name, "labels": labels},
            "spec": {"access": Choice("kubeconfig", _Empty())},
        }
    )


def application(selector: dict[str, Any]) -> Application:
    return Application.model_validate(
        {
            "apiVersion": API_VERSION,
            "kind": "Application",
            "metadata": {"name": "web"},
            "spec": {"source": {"ref": "web"}, "placement": {"clusterSelector": selector}},
        }
    )


def target(cluster: str) -> TargetKey:
    return TargetKey(Ref("shop", "web"), cluster)


def test_an_application_is_placed_on_the_clusters_its_selector_matches() -> None:
    clusters = {
        each.metadata.name: each
        for each in (cluster("prod", tier="a"), cluster("dev", tier="b"), cluster("bare"))
    }

    assert place(application({}), clusters) == ("bare", "dev", "prod")
    assert place(application({"matchLabels": {"tier": "a"}}), clusters) == ("prod",)
    assert place(
        application({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}]}),
        clusters,
    ) == ("bare", "dev")
    assert place(application({"matchLabels": {"tier": "c"}}), clusters) == ()


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["x", "y"])))
@example_settings(max_examples=50)
def test_every_cluster_is_placed_by_exactly_one_of_a_selector_and_its_opposite(
    labels: dict[str, str],
) -> None:
    clusters = {name: cluster(name, tier=tier) for name, tier in labels.items()}
    expression = {"key": "tier", "values": ["x"]}

    chosen = place(application({"matchExpressions": [{**expression, "operator": "In"}]}), clusters)
    others = place(
        application({"matchExpressions": [{**expression, "operator": "NotIn"}]}), clusters
    )

    assert sorted((*chosen, *others)) == sorted(clusters)


def test_the_head_is_granted_to_all() -> None:
    now = datetime(2026, 1, 1)

    grants, wake_at = grant([target("a"), target("b")], "r1", {}, (), now, "00-trace")
    untraced, _ = grant([target("a")], "r1", {}, (), now)

    assert set(grants.values()) == {
        Grant(target("a"), "r1", "head", now, "00-trace"),
        Grant(target("b"), "r1", "head", now, "00-trace"),
    }
    assert untraced[target("a")].traceparent == ""
    assert wake_at is None


def test_a_target_that_does_not_change_keeps_its_very_grant() -> None:
    now = datetime(2026, 1, 1)
    later = now + timedelta(hours=1)
    keys = [target("a"), target("b")]
    current, _ = grant(keys, "r1", {}, (), now)

    grants, _ = grant(keys, "r2", current, {target("b")}, later)

    assert grants[target("a")] is current[target("a")]
    assert grants[target("b")] == Grant(target("b"), "r2", "head", later)
