"""A fleet in a repository is looked at with the words that `shoal run` takes for it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import yaml
from anyio.from_thread import start_blocking_portal
from tests.cli.conftest import HEAD, Ended, LocalFleet, Run

from shoal.cli.granting import rbac
from shoal.composition.settings import table
from shoal_clusters.demo.git_server import GitServer

TOKEN = "t0ken-of-a-test"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\ndata: {a: b}\n"


@dataclass(frozen=True)
class Served:
    """A fleet in the folder `ops` of a repository that asks for a token; documents beside it."""

    url: str
    secrets: Path
    run: Run

    @property
    def words(self) -> tuple[str, ...]:
        """What `shoal run` would be told, too."""
        return ("--fleet", self.url, "--fleet-path", "ops", "--fleet-secret", "forge", *self.told)

    @property
    def told(self) -> tuple[str, ...]:
        """Where the secrets are."""
        return "--secrets", str(self.secrets)

    def asked(self, *words: str) -> Ended:
        """A command about this fleet."""
        return self.run(*words, *self.words)


@pytest.fixture
def served(fleet: LocalFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    server = GitServer(tmp_path / "served", token=TOKEN)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(server):
        url = server.url("fleet")
        fleet.put(config=CONFIG)
        fleet.write(
            "web.yaml",
            "kind: Application\nmetadata: {name: web}\nspec:\n"
            f"  source: {{git: {{url: '{url}', secretRef: {{name: forge}}}}, path: web}}\n"
            "  placement: {clusterSelector: {matchLabels: {env: dev}}}\n",
        )
        commit(fleet, tmp_path / "served" / "fleet.git")
        for namespace in ("shoal", "default"):
            secret = tmp_path / "secrets" / namespace / "forge"
            secret.mkdir(parents=True)
            (secret / "token").write_text(TOKEN)
        monkeypatch.chdir(tmp_path)
        yield Served(url, tmp_path / "secrets", fleet.run)


def commit(fleet: LocalFleet, bare: Path) -> None:
    fleet.folder.rename(fleet.source / "ops")
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "Begin"),
        ("clone", "-q", "--bare", ".", str(bare)),
    ):
        subprocess.run(["git", *words], cwd=fleet.source, check=True, capture_output=True)


def doctor(served: Served, *words: str) -> dict[str, dict[str, str]]:
    ended = served.run("doctor", *words, "--state", str(served.secrets.parent / "s"), "-o", "json")
    return {item["subject"]: item for item in json.loads(ended.out)["items"]}


def test_the_doctor_looks_at_documents_sources_and_what_is_rendered(served: Served) -> None:
    found = doctor(served, *served.words)

    assert found["documents"]["message"] == f"5 valid in {served.url}//ops"
    assert found["secret default/forge"]["finding"] == "Ok"
    assert found["source default/application/web"]["finding"] == "Ok", sorted(found)
    assert found["application default/web"]["message"] == "1 object on 1 cluster"
    assert "write an absolute path" in found["cluster dev"]["next_step"]


def test_the_doctor_says_why_a_fleet_cannot_be_fetched(served: Served) -> None:
    found = doctor(served, "--fleet", served.url, "--fleet-secret", "forge")

    check = found[f"fleet {served.url}"]
    assert check["finding"] == "Failed"
    assert check["message"] == (
        "the secret shoal/forge is needed, and where secrets are was not said"
    )
    assert check["next_step"] == "give --secrets DIR, or `secrets` in the configuration"


def test_rights_are_printed_of_what_a_repository_renders(served: Served) -> None:
    ended = served.asked("cluster", "rbac", "-c", "dev")

    roles = [one for one in yaml.safe_load_all(ended.out) if one["kind"] == "Role"]
    assert [one["metadata"]["namespace"] for one in roles] == ["kube-system", "shop"]
    assert roles[1]["rules"][0]["resources"] == ["configmaps"]
    assert TOKEN not in ended.out + ended.err


def test_what_a_cluster_gets_is_rendered_from_a_repository(served: Served) -> None:
    ended = served.asked("render", "web", "-c", "dev", "-o", "name")

    assert (ended.code, ended.out) == (0, "configmap/shop/web\n")


def test_a_command_in_the_pod_of_a_controller_needs_no_options(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.yaml"
    monkeypatch.setenv("SHOAL_CONFIG", str(file))
    file.write_text(
        f"{HEAD}kind: Configuration\nfleet: {served.url}\nfleetPath: ops\nfleetSecret: forge\n"
        "secrets: secrets\n"
    )

    ended = served.run("cluster", "rbac", "-c", "dev", "-o", "name")

    assert "role.rbac.authorization.k8s.io/shop/shoal-acme" in ended.out.splitlines()


def test_a_repository_without_documents_says_where_to_look(served: Served) -> None:
    words = ("--fleet", served.url, "--fleet-path", "web", "--fleet-secret", "forge", *served.told)

    ended = served.run("cluster", "rbac", "-c", "dev", *words)

    assert ended.code == 3
    assert f"{served.url}//web holds no fleet that can be read" in ended.err
    assert "next: --fleet-branch and --fleet-path say where" in ended.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("validate", "https://git.example.org/fleet.git"), "`shoal doctor --fleet URL`"),
        (("init", "git@git.example.org:fleet.git"), "`shoal bootstrap URL` begins a fleet there"),
        (("cluster", "rm", "dev", "--fleet", "ssh://git@git.example.org/f"), "clone it"),
        (("cluster", "add", "dev", "--fleet", "https://git.example.org/f"), "clone it"),
        (("cluster", "label", "dev", "a=b", "--fleet", "https://git.example.org/f"), "clone it"),
        (("cluster", "ping", "--fleet", "https://git.example.org/f"), "name a clone"),
    ],
)
def test_a_command_that_takes_a_folder_only_says_what_to_do_instead(
    run: Run, words: tuple[str, ...], says: str
) -> None:
    ended = run(*words)

    assert (ended.code, ended.out) == (2, "")
    assert "a folder is needed here, and this is a repository" in ended.err
    assert says in " ".join(ended.err.split())


@pytest.mark.parametrize("flag", ["--fleet-path", "--fleet-branch", "--fleet-secret"])
@pytest.mark.parametrize("command", [("cluster", "rbac"), ("render",), ("doctor",), ("run",)])
def test_what_only_a_repository_has_is_refused_beside_a_folder(
    run: Run, tmp_path: Path, command: tuple[str, ...], flag: str
) -> None:
    ended = run(*command, "--fleet", str(tmp_path), flag, "main")

    assert (ended.code, ended.out) == (3, "")
    assert f"{flag} is for a fleet by URL, and {tmp_path} is a folder" in ended.err


def test_the_options_are_those_of_run_in_every_spelling() -> None:
    of_run = table()
    known = {each.name: each for each in rbac.params if isinstance(each, click.Option)}

    for name in ("fleet", "fleet_path", "fleet_branch", "fleet_secret", "secrets"):
        assert known[name].opts == [of_run[name].flag]
        assert known[name].envvar == of_run[name].variable
