"""Alerts at the command line: where each stands, what does not arrive, and a test of it."""

import json

import pytest

from shoal.testing.views import (
    alert_view,
    application_view,
    cluster_view,
    resent_view,
    target_view,
)

AWAY = {"message": "webhook: it is away (after 3 tries)", "next_step": "look at the receiver"}


@pytest.fixture
def controller(shoal_controller):
    shoal_controller.application_list = [application_view()]
    shoal_controller.target_list = [target_view("dev")]
    shoal_controller.cluster_list = [cluster_view("dev")]
    shoal_controller.alert_list = [alert_view()]
    return shoal_controller


def test_a_list_says_where_each_leads_and_whether_it_arrives(controller, shoal):
    controller.alert_list += [alert_view(name="away", **AWAY)]

    ended = shoal("get", "alerts")

    assert ended.code == 0
    assert "default/on-call   ✔ True    webhook   Failed, Held" in ended.out
    assert "default/away      ✖ False   webhook   Failed, Held" in ended.out
    assert AWAY["message"] in ended.out


def test_a_description_says_what_arrived_last(controller, shoal):
    ended = shoal("describe", "alert", "on-call")

    assert "destinations:" in ended.out
    assert "web failed on 50 clusters" in ended.out


def test_status_names_who_cannot_be_told_and_is_still_0(controller, shoal):
    controller.alert_list = [alert_view(**AWAY)]

    ended = shoal("status")

    assert ended.code == 0
    assert f"▲ Warning  alert default/on-call: {AWAY['message']}" in ended.out
    assert f"next: {AWAY['next_step']}" in ended.out


def test_a_test_that_arrives_is_0_and_one_that_does_not_is_1(controller, shoal):
    arrived = shoal("alert", "test", "on-call", "-o", "json")
    controller.alert_list = [alert_view(**AWAY)]
    lost = shoal("alert", "test", "on-call")

    (item,) = json.loads(arrived.out)["items"]
    assert (arrived.code, item["destination"], item["arrived"]) == (0, "webhook", True)
    assert lost.code == 1
    assert "not delivered   webhook: it is away (after 3 tries)" in lost.out
    assert "webhook: look at the receiver" in lost.err


def test_what_was_given_up_is_sent_again_and_1_when_it_does_not_arrive(controller, shoal):
    controller.resent_list = [resent_view(), resent_view(**AWAY), resent_view(**AWAY)]

    ended = shoal("alert", "resend", "on-call", "--batch", "batch-1")

    assert ended.code == 1
    heading, arrived, lost, _ = ended.out.splitlines()
    assert heading.split() == ["TO", "MADE", "TELLS", "RESULT", "MESSAGE"]
    assert "web failed on 50 clusters   arrived" in arrived
    assert lost.endswith("not delivered   webhook: it is away (after 3 tries)")
    assert ended.err == "webhook: look at the receiver\n"
    (call,) = controller.calls
    assert call[:2] == ("resend", "default/on-call")
    assert call[2]["batches"] == ["batch-1"]


def test_nothing_to_send_again_is_0_and_said(controller, shoal):
    ended = shoal("alert", "resend", "on-call")

    assert ended.code == 0
    assert "nothing to send" in ended.err


@pytest.mark.parametrize("verb", ["test", "resend"])
def test_an_alert_that_is_not_there_is_4(controller, shoal, verb):
    assert shoal("alert", verb, "nobody").code == 4
