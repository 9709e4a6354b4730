"""`shoal cluster local up`, `list` and `down`: clusters that stay until they are told to go."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from anyio import to_thread
from click.testing import CliRunner, Result

from shoal_clusters.controlplane import standing
from shoal_clusters.controlplane.client import connect
from shoal_clusters.controlplane.commands import local
from shoal_clusters.controlplane.fixtures import kubernetes_under_test
from shoal_clusters.controlplane.kubeconfig import read_kubeconfig
from shoal_clusters.controlplane.processes import command_of, start_program
from shoal_clusters.controlplane.waiting import wait_until

PROGRAM = "from shoal_clusters.controlplane.commands import local; local()"

# What a shell starts in the background ignores SIGINT, and so would all that it starts.
INTERRUPTIBLE = (
    f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {PROGRAM}"
)


def shoal(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `shoal cluster local …` as people do, in a process of its own."""
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def up(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`shoal cluster local up` with the version of Kubernetes that is under test."""
    minor = kubernetes_under_test()
    return shoal("up", *arguments, *(("--kubernetes", minor) if minor else ()))


def here(*arguments: str | Path) -> Result:
    """Run `shoal cluster local …` in this process, where it starts nothing."""
    return CliRunner().invoke(local, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "standing"
    yield folder
    shoal("down", "--folder", folder)


# The fixture is asked for so that the programs are there before a test's time begins to run.
@pytest.mark.real
@pytest.mark.usefixtures("local_control_planes")
def test_clusters_stay_until_down(folder: Path) -> None:
    raised = up("one", "two", "--folder", folder, "-o", "json")
    assert raised.returncode == 0, raised.stderr
    started = json.loads(raised.stdout)["items"]
    assert [item["name"] for item in started] == ["one", "two"]
    assert f"export KUBECONFIG={folder / 'kubeconfig'}" in raised.stderr

    anyio.run(reach_all, folder)

    listed = shoal("list", "--folder", folder, "-o", "yaml")
    assert [item["state"] for item in yaml.safe_load(listed.stdout)["items"]] == ["Running"] * 2
    again = up("one", "two", "--folder", folder, "-o", "json")
    assert [item["pid"] for item in json.loads(again.stdout)["items"]] == [
        item["pid"] for item in started
    ]
    other = up("three", "--folder", folder)
    assert other.returncode == 3
    assert "one, two" in other.stderr

    ended = shoal("down", "--folder", folder, "-o", "name")

    assert ended.stdout.split() == ["one", "two"]
    assert not folder.exists()
    assert not any(str(folder) in command for command in all_commands())


@pytest.mark.real
@pytest.mark.usefixtures("controlled_plane")
async def test_real_controllers_stay_and_go_with_their_cluster(folder: Path) -> None:
    raised = await to_thread.run_sync(up, "one", "--controllers", "--folder", folder)
    assert raised.returncode == 0, raised.stderr
    (access,) = await to_thread.run_sync(read_kubeconfig, folder / "kubeconfig")
    async with connect(access) as client:
        path, body = web_daemon_set()
        await client.create(path, body)

        async def has_a_pod_that_is_ready() -> bool:
            pods = (await client.get("/api/v1/namespaces/default/pods"))["items"]
            return [pod["status"]["phase"] for pod in pods] == ["Running"]

        assert await wait_until(has_a_pod_that_is_ready, seconds=20)

    other = await to_thread.run_sync(up, "one", "--folder", folder)
    assert other.returncode == 3
    assert "the controllers of one" in other.stderr

    await to_thread.run_sync(shoal, "down", "--folder", folder)

    assert not any(str(folder) in command for command in await to_thread.run_sync(all_commands))


@pytest.mark.real
@pytest.mark.usefixtures("local_control_planes")
def test_a_cluster_that_died_is_listed_as_stopped(folder: Path) -> None:
    raised = up("one", "--folder", folder, "-o", "json")
    (started,) = json.loads(raised.stdout)["items"]
    assert str(folder) in command_of(started["pid"])

    os.kill(started["pid"], signal.SIGKILL)

    listed = shoal("list", "--folder", folder, "-o", "jsonl")
    assert json.loads(listed.stdout)["state"] == "Stopped"


@pytest.mark.parametrize(
    ("log", "running", "dead"),
    [
        ("one/apiserver.log", "one", "two, etcd"),
        (".etcd/etcd.log", "etcd", "one, two"),
        (".workload-simulator/simulator.log", "the workload simulator", "one, two, etcd"),
    ],
)
def test_up_never_removes_a_fleet_of_which_anything_runs(
    folder: Path, log: str, running: str, dead: str
) -> None:
    leave_fleet(folder, "one", "two")
    pid = anyio.run(stand_in, folder / log)

    result = here("up", "one", "two", "--folder", folder)

    assert result.exit_code == 3
    assert f"running: {running}; dead: {dead}\n" in result.stderr
    assert f"shoal cluster local down --folder {folder}" in result.stderr
    assert (folder / "data").exists()
    assert str(folder) in command_of(pid)


def test_a_fleet_of_which_nothing_runs_is_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start_nothing(*_: object, **__: object) -> None: ...

    monkeypatch.setattr(standing, "start_fleet", start_nothing)
    leave_fleet(folder, "one", "two")

    result = here("up", "three", "--folder", folder, "--workloads", "untouched")

    assert result.exit_code == 0
    assert "replacing a fleet of which nothing runs" in result.stderr
    assert not (folder / "data").exists()


@pytest.mark.real
@pytest.mark.usefixtures("local_control_planes")
async def test_workloads_become_healthy_by_themselves(folder: Path) -> None:
    raised = await to_thread.run_sync(up, "one", "--folder", folder)
    assert raised.returncode == 0
    (access,) = await to_thread.run_sync(read_kubeconfig, folder / "kubeconfig")
    path, body = web_daemon_set()

    async with connect(access) as client:
        await client.create(path, body)

        async def is_ready() -> bool:
            return (await client.get(f"{path}/web"))["status"].get("numberReady") == 1

        assert await wait_until(is_ready, seconds=20)


@pytest.mark.real
@pytest.mark.usefixtures("local_control_planes")
def test_interrupting_up_leaves_nothing_running(folder: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTIBLE, "up", "one", "--folder", str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:

        async def is_starting() -> bool:
            return (folder / "one" / "apiserver.pid").exists()

        is_started = anyio.run(partial(wait_until, is_starting, seconds=30))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)

    assert is_started
    assert process.returncode == 130
    assert out == ""
    assert "interrupted" in err
    assert not any(str(folder) in line for line in all_commands())


def test_a_folder_with_other_files_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    result = here("up", "--folder", tmp_path)
    here("down", "--folder", tmp_path)

    assert result.exit_code == 3
    assert "not of a local fleet" in result.stderr
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one", "--clusters", "2"], "not both"),
        (["one", "one"], "same name"),
        (["../etc"], "no cluster's name"),
        (["--clusters", "0"], "not in the range"),
        (["--provider", "cloud"], "not one of"),
        (["--provider", "kind", "--controllers"], "a version of their own"),
        (["--kubernetes", "1.12"], "not one of"),
    ],
)
def test_wrong_usage_is_named_and_starts_nothing(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = here("up", *arguments, "--folder", tmp_path / "new")

    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("output", ["table", "name", "jsonl"])
def test_no_clusters_is_an_empty_answer_with_a_hint(tmp_path: Path, output: str) -> None:
    result = here("list", "--folder", tmp_path, "-o", output)

    assert result.exit_code == 0
    assert result.stdout == ""
    assert "shoal cluster local up" in result.stderr


def test_the_commands_arrive_by_the_hook() -> None:
    from shoal_clusters import controlplane

    assert controlplane.shoal_commands() == {
        "cluster local": "shoal_clusters.controlplane.commands:local"
    }


def web_daemon_set() -> tuple[str, dict[str, Any]]:
    containers = [{"name": "web", "image": "example.org/web:1"}]
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}
    return "/apis/apps/v1/namespaces/default/daemonsets", {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
    }


async def reach_all(folder: Path) -> None:
    for access in await to_thread.run_sync(read_kubeconfig, folder / "kubeconfig"):
        async with connect(access) as client:
            assert await client.find("/api/v1/namespaces/kube-system")


def leave_fleet(folder: Path, *names: str) -> None:
    """What is on disk of a fleet after its programs died."""
    folder.mkdir()
    (folder / ".shoal-local-fleet").write_text(json.dumps({"provider": "local", "names": names}))
    (folder / "data").touch()


async def stand_in(log: Path) -> int:
    """Leave a program running that is found where a program of a fleet would be."""
    log.parent.mkdir()
    command = [sys.executable, "-c", "import signal; signal.pause()", log.parent]
    return (await start_program(command, log=log, is_detached=True)).pid


def all_commands() -> list[str]:
    pids = subprocess.run(["ps", "-eo", "pid="], capture_output=True, text=True, check=True)
    return [command_of(int(pid)) for pid in pids.stdout.split()]
