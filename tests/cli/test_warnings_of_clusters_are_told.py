"""What will not last is told before it ends: by `status`, `get clusters` and `describe cluster`."""

import json

import pytest

from shoal.engine.views.clusters import ClusterWarning, WarningReason
from shoal.testing.views import AT, application_view, cluster_view, target_view

ENDS = ClusterWarning(
    WarningReason.CREDENTIAL_EXPIRES, "its credential expires in 3 days", "renew it"
)
LIMITED = ClusterWarning(WarningReason.LIMITED, "secrets may not be watched")


@pytest.fixture
def controller(shoal_controller):
    shoal_controller.application_list = [application_view()]
    shoal_controller.target_list = [target_view("dev")]
    message = f"{ENDS.message}; {LIMITED.message}"
    shoal_controller.cluster_list = [
        cluster_view(
            "dev",
            warnings=(ENDS, LIMITED),
            message=message,
            credential_expiry_time=AT,
            transitions=3,
        )
    ]
    return shoal_controller


def test_status_tells_warnings_with_the_next_step_and_is_still_0(controller, shoal):
    ended = shoal("status")

    assert ended.code == 0
    assert "▲ Warning  cluster dev: its credential expires in 3 days" in ended.out
    assert "next: renew it" in ended.out
    assert "secrets" not in ended.out


def test_a_list_of_clusters_tells_them_and_json_has_all_that_is_known(controller, shoal):
    (item,) = json.loads(shoal("get", "clusters", "-o", "json").out)["items"]

    assert "its credential expires in 3 days" in shoal("get", "clusters").out
    assert item["credential_expiry_time"].startswith(f"{AT:%Y-%m-%d}")
    assert item["transitions"] == 3
    assert [warning["reason"] for warning in item["warnings"]] == ["CredentialExpires", "Limited"]


def test_describe_tells_each_on_a_line_of_its_own(controller, shoal):
    told = shoal("describe", "cluster", "dev").out.splitlines()

    assert "  ▲ CredentialExpires: its credential expires in 3 days" in told
    assert "  ▲ Limited: secrets may not be watched" in told
