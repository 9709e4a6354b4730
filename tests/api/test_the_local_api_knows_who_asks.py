"""The Unix socket: its mode, its peers, its limits, and what a stranger version would see."""

import getpass
import http.client
import json
import os
import stat
from pathlib import Path

import pytest

from shoal.api.client import Client
from shoal.api.listening import open_api_socket
from shoal.api.running import announce, find_state_folder, running
from shoal.errors import InvalidDocument, NotRunning, Permanent, ShoalError, StateInUse
from shoal.testing.controllers import FakeController, served
from shoal.testing.views import application_view, target_view


def raw(state: Path, method: str, path: str, body: bytes = b"", **headers: str):
    """One request without our client."""
    from shoal.api.client import _UnixConnection

    connection: http.client.HTTPConnection = _UnixConnection(state, 5)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content)


def test_only_the_owner_can_open_the_socket(shoal_controller):
    socket_file = shoal_controller.state / "api.sock"

    assert stat.S_IMODE(os.stat(socket_file).st_mode) == 0o600


def test_who_is_the_user_that_the_kernel_names(shoal_controller):
    shoal_controller.application_list = [application_view()]
    with Client(shoal_controller.state) as client:
        client.post("applications", "default", "web", "resume", body={"reason": "x"})

    assert shoal_controller.calls[0][2]["who"] == getpass.getuser()


def test_a_peer_without_a_name_is_refused(shoal_controller, monkeypatch):
    monkeypatch.setattr("shoal.api.listening._peer", lambda transport: "")

    status, answer = raw(shoal_controller.state, "GET", "/api/v1/fleet")
    assert (status, answer["error"]["reason"]) == (403, "AccessDenied")


def test_lists_are_filtered_by_the_controller(shoal_controller):
    shoal_controller.target_list = [target_view("dev"), target_view("prod"), target_view("qa")]
    with Client(shoal_controller.state) as client:
        assert [one["cluster"] for one in client.items("targets", cluster="prod")] == ["prod"]
        assert client.items("targets", phase="Failed") == []
        assert len(client.items("targets")) == 3


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/applications/default/web/suspend", b"{", 422),
        ("/api/v1/applications/default/web/suspend", b"{}", 422),
        ("/api/v1/applications/default/web/suspend", b'{"reason":1,"until":"x"}', 422),
        (
            "/api/v1/applications/default/web/suspend",
            b'{"reason":"r","until":"2026-01-01T00:00:00"}',
            422,
        ),
        ("/api/v1/applications/default/web/sync", b'{"cluster":["dev"]}', 422),
        ("/api/v1/applications/default/web/sync", b"x" * 70_000, 413),
        ("/api/v1/applications/default/web/revert", b'{"names":"x"}', 422),
        ("/api/v1/applications/default/web/adopt", b'{"reason":"x"}', 422),
        ("/api/v1/applications/default/web/diff", b'{"files":{"files":[],"whole":1}}', 422),
        ("/api/v1/applications/default/web/diff", b'{"files":{"whole":[],"root":"/etc"}}', 422),
        ("/api/v1/applications/default/web/diff", b"x" * (25 << 20), 413),
        ("/api/v1/holds/x/approve", b"[]", 422),
        ("/api/v1/holds/x/approve", b'{"reason":"\x80"}', 422),
        ("/api/v1/nothing", b"", 404),
        ("/api/v1/fleet", b"", 404),
    ],
)
def test_a_request_that_cannot_be_understood_says_so(shoal_controller, path, body, status):
    got, answer = raw(shoal_controller.state, "POST", path, body)

    assert got == status
    assert set(answer["error"]) == {"reason", "message", "next_step"}
    assert shoal_controller.calls == []


def test_only_a_diff_may_bring_a_large_body(shoal_controller):
    shoal_controller.application_list = [application_view()]
    file = {"path": "web/a", "kind": "file", "content": "QUFB" * 500_000}
    body = json.dumps({"files": {"files": [file], "whole": ["web"]}, "seconds": 1e9}).encode()

    status, answer = raw(
        shoal_controller.state, "POST", "/api/v1/applications/default/web/diff", body
    )

    assert (status, answer["kind"]) == (200, "Diff")
    request = shoal_controller.calls[0][2]["request"]
    assert request.files.files[0].content == b"AAA" * 500_000
    assert request.seconds == 600.0  # nobody holds a connection for longer


def test_errors_arrive_as_what_they_were(shoal_controller):
    shoal_controller.application_list = [application_view()]
    shoal_controller.failing = InvalidDocument("bad", next_step="fix it")
    with Client(shoal_controller.state) as client, pytest.raises(InvalidDocument) as caught:
        client.post("applications", "default", "web", "sync")

    assert (caught.value.message, caught.value.next_step) == ("bad", "fix it")


def test_a_reason_of_a_newer_version_is_a_permanent_error(shoal_controller, monkeypatch):
    class FromTheFuture(ShoalError):
        """Not in the tree of this version."""

    shoal_controller.application_list = [application_view()]
    shoal_controller.failing = FromTheFuture("new")
    with Client(shoal_controller.state) as client, pytest.raises(Permanent, match="new"):
        client.post("applications", "default", "web", "sync")


def test_a_second_controller_is_refused(shoal_controller):
    with pytest.raises(StateInUse, match="already running"):
        open_api_socket(shoal_controller.state)


def test_the_socket_of_a_killed_controller_is_replaced(tmp_path):
    open_api_socket(tmp_path).close()
    assert (tmp_path / "api.sock").exists()

    with served(FakeController(), tmp_path), Client(tmp_path) as client:
        assert client.get("fleet")["kind"] == "Fleet"


def test_a_command_finds_the_only_controller_that_answers(tmp_path):
    root = tmp_path / "root"
    with served(FakeController(), tmp_path / "one"):
        announce(tmp_path / "one", "/fleet", root)
        announce(tmp_path / "dead", "/gone", root)
        assert find_state_folder(None, root=root) == tmp_path / "one"

    with pytest.raises(NotRunning, match="no controller is running"):
        find_state_folder(None, root=root)
    assert running(root) == []


def test_a_controller_is_told_by_the_whole_path_of_its_fleet(tmp_path, monkeypatch):
    """It was started as `--fleet fleet`, somewhere else than where the command is typed."""
    (tmp_path / "fleet").mkdir()
    monkeypatch.chdir(tmp_path)
    with served(FakeController(), tmp_path / "one"):
        announce(tmp_path / "one", "fleet", tmp_path / "root")
        (told,) = running(tmp_path / "root")

    assert told.fleet == str(tmp_path / "fleet")


def test_several_controllers_are_listed(tmp_path):
    root = tmp_path / "root"
    with (
        served(FakeController(), tmp_path / "one"),
        served(FakeController(), tmp_path / "two"),
    ):
        announce(tmp_path / "one", "/a", root)
        announce(tmp_path / "two", "/b", root)
        with pytest.raises(NotRunning) as caught:
            find_state_folder(None, root=root)

    assert f"--state {tmp_path / 'one'}   # /a" in caught.value.next_step
    assert f"--state {tmp_path / 'two'}   # /b" in caught.value.next_step
