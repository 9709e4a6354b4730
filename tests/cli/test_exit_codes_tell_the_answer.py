"""0 ok, 1 no, 3 failed, 4 not found, 5 forbidden, 6 incomplete, 7 timeout, 130 interrupted."""

import errno
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from shoal import errors
from shoal.cli import waiting, watching
from shoal.cli.ending import Ending, worse
from shoal.cli.phrasing import now_utc
from shoal.engine.views.applications import ObjectProblem, TargetPhase, TargetWarning
from shoal.engine.views.fleet import DocumentProblem
from shoal.model.holds import Hold, HoldCause
from shoal.testing.views import (
    AT,
    application_view,
    cluster_view,
    drift_view,
    fleet_view,
    source_view,
    target_view,
)


@pytest.fixture
def controller(shoal_controller):
    shoal_controller.fleet_value = fleet_view(looked_at=AT.replace(year=2100))
    shoal_controller.application_list = [application_view()]
    shoal_controller.target_list = [target_view("dev"), target_view("prod")]
    shoal_controller.cluster_list = [cluster_view("dev"), cluster_view("prod")]
    return shoal_controller


def test_status_is_0_when_all_is_well(controller, shoal):
    ended = shoal("status")

    assert ended.code == 0
    assert "nothing needs you" in ended.out


@pytest.mark.parametrize(
    "trouble",
    [
        {"target_list": [target_view(phase=TargetPhase.FAILED, message="quota", next_step="ask")]},
        {"target_list": [target_view(phase=TargetPhase.DRIFTED, message="edited")]},
        {"target_list": [target_view(health="Degraded", message="crash loop")]},
        {"application_list": [application_view(phase=TargetPhase.FAILED, message="no path")]},
        {"source_list": [source_view(ready="False", message="gone")]},
        {"cluster_list": [cluster_view(authorized="False", message="401")]},
        {"fleet_value": fleet_view(ready="False", message="no fleet.yaml")},
        {"fleet_value": fleet_view(state_message="since 03:04:05, the disk is full")},
        {"fleet_value": fleet_view(problems=[DocumentProblem("a.yaml", 3, "spec", "bad", "fix")])},
    ],
    ids=[
        "failed",
        "drifted",
        "degraded",
        "application",
        "source",
        "401",
        "fleet",
        "state",
        "document",
    ],
)
def test_status_is_1_and_says_what_is_wrong(controller, shoal, trouble):
    for name, value in trouble.items():
        setattr(controller, name, value)

    ended = shoal("status")

    assert ended.code == 1
    assert "needs you" in ended.out


def test_status_tells_what_is_wrong_as_a_whole_beside_a_target_that_failed_before(
    controller, shoal
):
    controller.target_list = [target_view("dev", phase=TargetPhase.FAILED, message="quota")]
    for said, is_told in (("the folder is gone", True), ("dev: quota", False)):
        whole = application_view(phase=TargetPhase.FAILED, message=said)
        controller.application_list = [whole]

        ended = shoal("status")

        assert ended.code == 1
        assert "default/web@dev: quota" in ended.out
        assert (f"default/web: {said}" in ended.out) == is_told


def test_status_says_since_when_the_documents_are_stale(controller, shoal):
    controller.fleet_value = fleet_view(ready="False", message="no folder", stale_since=AT)

    ended = shoal("status")

    assert ended.code == 1
    assert " ago: what cannot be read stays as it was" in ended.out.partition("Stale since ")[2]


def test_status_is_6_when_a_cluster_is_silent_and_names_it(controller, shoal):
    controller.cluster_list = [cluster_view("dev"), cluster_view("prod", reachable="False")]

    ended = shoal("status")

    assert ended.code == 6
    assert "1/2 clusters answered; no answer from prod" in ended.err


def test_a_known_failure_beats_an_incomplete_answer(controller, shoal):
    controller.cluster_list = [cluster_view("prod", reachable="Unknown")]
    controller.target_list = [target_view(phase=TargetPhase.FAILED)]

    assert shoal("status").code == 1
    assert worse(Ending.PARTIAL, Ending.NO, Ending.OK) == Ending.NO


def test_holds_need_a_person_and_are_no_failure(controller, shoal):
    controller.held = [Hold("default/web", HoldCause.SUSPENDED, "storm", "ana", AT)]

    ended = shoal("status")

    assert ended.code == 0
    assert "shoal resume default/web" in ended.out


def test_the_same_hold_on_many_clusters_is_one_thing_to_decide_about(controller, shoal):
    group = "group-0123456789"
    controller.held = [
        Hold(
            f"default/web@{name}",
            HoldCause.PRUNE_BUDGET,
            f"3 of 8 on {name}",
            "shoal",
            AT,
            group=each,
        )
        for name, each in (("dev", group), ("prod", group), ("test", "group-another"))
    ]

    ended = shoal("status")

    assert ended.code == 0
    assert "default/web on 2 clusters: dev, prod: PruneBudget: 3 of 8 on dev; the oth" in ended.out
    assert ended.out.count(f"shoal approve {group} --reason …") == 1
    assert "default/web@test: PruneBudget: 3 of 8 on test" in ended.out
    assert ended.out.count("next: shoal approve") == 2


@pytest.mark.parametrize(
    ("policy", "is_new", "code"),
    [("Correct", True, 0), ("Correct", False, 1), ("Report", True, 1), ("Held", True, 1)],
)
def test_what_is_being_corrected_this_moment_needs_nobody(controller, shoal, policy, is_new, code):
    since = now_utc() if is_new else AT
    controller.target_list = [target_view("dev", phase=TargetPhase.DRIFTED, health="Missing")]
    controller.drift_list = [drift_view(policy=policy, since=since)]

    assert shoal("status").code == code


def test_what_hangs_until_somebody_acts_is_told_and_is_no_failure(controller, shoal):
    hanging = {"message": "ConfigMap a/b: it is being deleted", "next_step": "see the controller"}
    controller.target_list = [
        target_view("dev", phase=TargetPhase.SYNCING, **hanging),
        target_view("prod", phase=TargetPhase.SYNCING, message="being tried out"),
    ]

    ended = shoal("status")

    assert ended.code == 0
    assert "↻ Syncing  default/web@dev: ConfigMap a/b: it is being deleted" in ended.out
    assert "next: see the controller" in ended.out
    assert "default/web@prod" not in ended.out


def test_the_same_other_deployer_on_many_clusters_is_told_once_and_is_no_failure(controller, shoal):
    def warnings(number):
        return [TargetWarning("Shared", "helm", f"client helm deploys {number}", "take it out")]

    controller.target_list = [
        target_view(name, warnings=warnings(at)) for at, name in enumerate(("dev", "prod", "test"))
    ]

    ended = shoal("status")

    assert ended.code == 0
    assert "default/web on 3 clusters: dev, prod, test: client helm deploys 0" in ended.out
    assert ended.out.count("next: take it out") == 1


def test_what_cannot_get_on_is_told_with_its_cause_and_is_1(controller, shoal):
    problem = ObjectProblem("Deployment.apps a/web", "Blocked", "container app: ImagePullBackOff")
    well = {"health": "Progressing", "message": "Deployment.apps a/web: 0 of 2 are ready"}
    controller.target_list = [
        target_view("dev", **well),
        target_view("prod", **{**well, "blocked": 1, "problems": [problem]}),
    ]

    ended = shoal("status")

    assert ended.code == 1
    told = "✖ Blocked  default/web@prod: Deployment.apps a/web: container app: ImagePullBackOff"
    assert told in ended.out
    assert "next: shoal describe target default/web@prod" in ended.out
    assert "default/web@dev" not in ended.out


def test_a_list_over_a_silent_cluster_is_printed_and_6(controller, shoal):
    controller.cluster_list = [cluster_view("dev"), cluster_view("prod", reachable="False")]

    assert shoal("get", "targets").code == 6
    assert "prod" in shoal("get", "targets").out
    assert shoal("get", "targets", "-c", "dev").code == 0
    assert shoal("get", "clusters", "dev").code == 0
    assert shoal("describe", "app", "web").code == 6
    assert shoal("get", "holds").code == 0


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("get", "app", "wbe"), "web"),
        (("describe", "cluster", "prd"), "prod"),
        (("get", "aplications"), "applications"),
        (("history", "wbe"), "web"),
        (("trace", "wbe"), "web"),
    ],
)
def test_an_unknown_name_is_4_and_says_the_nearest(controller, shoal, words, meant):
    ended = shoal(*words)

    assert (ended.code, ended.out) == (4, "")
    assert f"did you mean {meant}?" in ended.err


@pytest.mark.parametrize(
    "words", [("sync", "nope"), ("resume", "nope"), ("suspend", "nope", "-r", "x")]
)
def test_a_verb_on_an_unknown_application_is_4(controller, shoal, words):
    assert shoal(*words).code == 4


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.AccessDenied("refused"), 5),
        (errors.SourceUnavailable("git is down"), 6),
        (errors.StoreUnavailable("disk full"), 3),
        (errors.InvalidSource("no branch main", next_step="name another"), 3),
        (RuntimeError("oops"), 3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_controller_raises_reaches_the_exit_code(controller, shoal, error, code):
    controller.failing = error

    with structlog.testing.capture_logs():  # the controller's log is in this process, too
        ended = shoal("sync", "web")

    assert (ended.code, ended.out) == (code, "")
    assert (getattr(error, "message", "") or "bug in Shoal") in ended.err
    assert "Traceback" not in ended.err


def test_reasons_are_required(controller, shoal):
    assert shoal("suspend", "web").code == 2
    assert shoal("approve", "hold-1").code == 2
    assert shoal("suspend", "web", "-r", "x", "--for", "soon").code == 2


@pytest.mark.parametrize(
    ("phase", "code"),
    [
        (TargetPhase.SYNCED, 0),
        (TargetPhase.FAILED, 1),
        (TargetPhase.HELD, 1),
        (TargetPhase.UNKNOWN, 6),
        (TargetPhase.SYNCING, 7),
    ],
)
def test_waiting_for_a_sync_tells_how_it_ended(controller, shoal, monkeypatch, phase, code):
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.001)
    controller.target_list = [target_view("dev"), target_view("prod", phase=phase, message="why")]

    ended = shoal("sync", "web", "--wait", "--timeout", "1s")

    assert ended.code == code
    assert "prod" in ended.out
    if code == 7:
        assert "1 of 2 clusters are not done" in ended.err
        assert "why" in ended.err


def test_waiting_goes_on_until_the_source_was_fetched(controller, shoal, monkeypatch):
    """Right after a sync is asked for, all still looks as before, which is not the answer."""
    controller.source_list = [source_view()]
    looks: list[float] = []

    def next_look(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            controller.source_list = [source_view(fetched_at=AT.replace(year=2100))]
            controller.target_list = [target_view("dev", phase=TargetPhase.SYNCING)]
        if len(looks) == 3:
            controller.target_list = [target_view("dev", phase=TargetPhase.FAILED)]

    monkeypatch.setattr(waiting.time, "sleep", next_look)
    ended = shoal("sync", "web", "--wait")

    assert (ended.code, len(looks)) == (1, 4)


def test_waiting_goes_on_until_the_fleet_was_read(controller, shoal, monkeypatch):
    """What was pushed may be a document of the application, and nothing in its source."""
    controller.source_list = [source_view(fetched_at=AT.replace(year=2100))]
    controller.fleet_value = fleet_view()
    looks: list[float] = []

    def next_look(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            controller.fleet_value = fleet_view(looked_at=AT.replace(year=2100))
            controller.target_list = [target_view("dev", phase=TargetPhase.FAILED)]

    monkeypatch.setattr(waiting.time, "sleep", next_look)
    ended = shoal("sync", "web", "--wait")

    assert (ended.code, len(looks)) == (1, 4)


def test_a_cluster_that_cannot_be_reached_says_why_on_the_status_screen(controller, shoal):
    silent = cluster_view(
        "prod", reachable="Unknown", message="no kubeconfig", next_step="write it"
    )
    controller.cluster_list = [silent]

    ended = shoal("status")

    assert ended.code == 6
    assert "cluster prod: no kubeconfig" in ended.out
    assert "next: write it" in ended.out


def test_waiting_looks_only_at_the_clusters_asked_for(controller, shoal):
    controller.target_list = [target_view("dev"), target_view("prod", phase=TargetPhase.FAILED)]

    assert shoal("sync", "web", "--wait", "-c", "dev").code == 0
    assert controller.calls[-1][2]["clusters"] == frozenset({"dev"})


def test_an_answer_that_does_not_come_is_7(run, tmp_path, monkeypatch):
    import socket

    from shoal.api import client

    monkeypatch.setattr(client.Client.__init__, "__kwdefaults__", {"timeout_seconds": 0.05})
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "api.sock"))
        mute.listen()

        assert run("status", "--state", str(tmp_path)).code == 7


def test_an_interrupted_watch_is_130_and_has_printed_what_changed(controller, shoal, monkeypatch):
    looks = iter([target_view("prod", phase=TargetPhase.FAILED), None])

    def next_look(seconds: float) -> None:
        found = next(looks)
        if found is None:
            raise KeyboardInterrupt
        controller.target_list = [target_view("dev"), found]

    monkeypatch.setattr(watching.time, "sleep", next_look)
    ended = shoal("get", "targets", "-w", "-o", "json")

    assert ended.code == 130
    assert [line.split('"')[3] for line in ended.out.splitlines()] == ["Added", "Added", "Modified"]


def test_who_and_why_reach_the_controller(controller, shoal):
    shoal("suspend", "web", "-r", "storm", "--for", "1h30m")
    verb, subject, given = controller.calls[-1]

    import getpass

    assert (verb, subject, given["reason"]) == ("suspend", "default/web", "storm")
    assert given["who"] == getpass.getuser()
    assert given["until"] > AT + timedelta(hours=1)


def test_output_that_cannot_be_written_is_no_bug_of_ours(run, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shoal.cli.version.print_one", full)

    ended = run("version", "-o", "json")

    assert ended.code == 3
    assert ended.err.startswith("error: it cannot be written: no space left on device")


def test_output_that_nobody_reads_any_more_is_no_answer(run, monkeypatch):
    def closed(*_, **__):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("shoal.cli.version.print_one", closed)
    monkeypatch.setattr("sys.stdout", sys.stdout)  # click replaces them then
    monkeypatch.setattr("sys.stderr", sys.stderr)

    ended = run("version", "-o", "json")

    assert (ended.code, ended.err) == (141, "")


def test_a_command_that_was_probably_meant_is_named(run):
    ended = run("staus")

    assert ended.code == 2
    assert "Did you mean 'status'?" in ended.err


def test_a_closed_standard_output_is_nowhere_and_no_bug_of_ours():
    program = Path(sys.executable).parent / "shoal"

    ended = subprocess.run(
        ["sh", "-c", f"exec '{program}' version -o json >&-"], capture_output=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, b"")
