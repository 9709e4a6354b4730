"""Where the canaries stand: a fleet with one wherever a secret may be, right and wrong."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import yaml
from tests.fleet.harness import FleetUnderTest, config_map, deployment, document, job

from shoal.composition.configuring import Configured
from shoal.composition.engine import open_engine
from shoal.composition.reloading import LiveConfiguration
from shoal.composition.serving import serve
from shoal.composition.settings import Settings
from shoal.engine.controller import Controller
from shoal.model.alerts import EventKind
from shoal.telemetry.masking import Masking
from shoal_clusters.demo.git_server import GitServer

WORD = "canary+"
_CHART = "apiVersion: v2\nname: chart\nversion: 1.0.0\n"


def plant(place: str) -> str:
    """The canary of one place; it reads otherwise in base64, in a URL and in JSON."""
    return f'{WORD}{place}/"7'


@cache
def forms(place: str) -> Sequence[str]:
    """The canary of a place as it may stand in a text, in base64 at any offset."""
    canary = plant(place)
    encoded = [base64.b64encode(b"x" * by + canary.encode()).decode() for by in range(3)]
    # The first four characters and the last ones depend on what stands beside it.
    return [canary, quote(canary, safe=""), canary[:-2], *(each[4:-4] for each in encoded)]


PLACES = (
    "alert-key", "alert-url", "annotation", "chart-file", "chart-value", "copied", "data",
    "drift", "env", "fleet-field", "git-password", "git-token", "job-env", "job-new-env",
    "kubeconfig-token", "nested", "new-data", "override-test", "override-value",
    "refused-base64", "refused-env", "refused-field", "refused-long", "string-data",
    "unfetched-token", "watched", "watched-drift", "webhook",
)  # fmt: skip


def encoded(place: str) -> str:
    return base64.b64encode(plant(place).encode()).decode()


def secret(name: str, namespace: str, **fields: Any) -> Any:
    plain = {**config_map(name, namespace), "kind": "Secret", **fields}
    return plain if "data" in fields else {key: plain[key] for key in plain if key != "data"}


def web(name: str, namespace: str, env: list[dict[str, str]]) -> Any:
    body = deployment(name, namespace)
    body["spec"]["template"]["spec"]["containers"][0]["env"] = env
    return body


@dataclass
class Planted:
    """The fleet, its forge, and what was written where."""

    fleet: FleetUnderTest
    forge: GitServer
    namespace: str
    webhook_port: int = 0

    def write(self) -> None:
        """Everything that is there before the controller starts."""
        self.shop()
        self.once("job-env")
        self.fleet.declare_application("once")
        self.watched()
        self._refused()
        self._charts()
        self._overrides()
        self.fleet.repository.commit("Open the shop")
        self._private_source()
        self._wrong_documents()
        self._secrets()

    def shop(self, *, data: str = "data", with_secret: bool = True) -> Any:
        """The application that works; what it holds changes, drifts and goes."""
        space = self.namespace
        login = secret(
            "login", space, data={"password": encoded(data)},
            stringData={"token": plant("string-data")},
        )  # fmt: skip
        login["metadata"]["annotations"] = {"note": plant("annotation")}
        manifests = [
            web("web", space, [{"name": "PASSWORD", "value": plant("env")}]),
            config_map("settings", space, colour=data),
        ]
        self.fleet.repository.write("shop/all.yaml", *manifests, *([login] if with_secret else []))
        return login

    def once(self, place: str) -> None:
        """A Job, which is deleted and made anew when its template changes."""
        body = job("once", self.namespace)
        (container,) = body["spec"]["template"]["spec"]["containers"]
        container["env"] = [{"name": "PASSWORD", "value": plant(place)}]
        self.fleet.repository.write("once/all.yaml", body)

    def watched(self) -> Any:
        """A Secret whose drift is shown and not undone."""
        left = secret("left", self.namespace, stringData={"key": plant("watched")})
        self.fleet.repository.write("watched/all.yaml", left)
        self.fleet.declare_application("watched", sync={"whenDrifted": "Report"})
        return left

    def _refused(self) -> None:
        """One application for each way in which a server, or we ourselves, refuse."""
        space, env = self.namespace, {"name": "A", "value": plant("refused-env")}
        immovable = web("immovable", space, [env])
        immovable["spec"]["selector"]["matchLabels"] = {"app": "another"}
        wrong = {
            "base64": secret("base64", space, data={"key": plant("refused-base64")}),
            "field": secret("field", space, data={}, stringdata={"key": plant("refused-field")}),
            "typed": secret("typed", space, data={"key": {"nested": plant("refused-field")}}),
            "long": secret(
                "long", space, stringData={"key": plant("refused-long") + "x" * (1 << 20)}
            ),
            "immovable": immovable,
            # Its words are shown, and by no place in them can the password be told.
            "copied": config_map("copied", space, **{plant("copied"): "x"}),
            "twice": web("twice", space, [env, env]),
            "odd": web("odd", space, [{**env, "valu": plant("refused-env")}]),
        }
        for name, manifest in wrong.items():
            with_it = [secret("copy", space, stringData={"key": plant("copied")})]
            self.fleet.repository.write(
                f"refused-{name}/all.yaml", manifest, *(with_it if name == "copied" else [])
            )
            self.fleet.declare_application(f"refused-{name}")

    def _charts(self) -> None:
        repository = self.fleet.repository
        said = {
            "chart-fails": '{{ fail (printf "no good: %s" .Values.db.password) }}',
            "chart-names": "a: {{ include .Values.db.password . }}",
            "chart-breaks": "kind: {{ .Values.db.password }}\nmetadata: {name: [a}\n",
        }
        for name, template in said.items():
            for place in ("chart-file", "chart-value"):
                folder = f"{name}-{place}"
                repository.write(f"{folder}/Chart.yaml", _CHART)
                repository.write(f"{folder}/templates/a.yaml", template)
                values = {"db": {"password": plant(place)}}
                if place == "chart-file":
                    repository.write(f"{folder}/values.yaml", yaml.safe_dump(values))
                render = {"helm": {"values": values if place == "chart-value" else {}}}
                self.fleet.declare_application(folder, render=render)

    def _overrides(self) -> None:
        login = secret("other", self.namespace, stringData={"key": plant("nested")})
        self.fleet.repository.write("overridden/all.yaml", login)
        target = {"kind": "Secret"}
        test = {"op": "test", "path": "/stringData/key", "value": plant("override-test")}
        add = {"op": "add", "path": "/stringData/a/b", "value": plant("override-value")}
        for name, operation in {"tested": test, "added": add}.items():
            override = {"patches": [{"target": target, "operations": [operation]}]}
            self.fleet.declare_application(
                f"override-{name}", "overridden", overrides=[{"clusterSelector": {}, **override}]
            )

    def _private_source(self) -> None:
        bare = self.forge.folder / "private.git"
        identity = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        clone = ["git", "clone", "-q", "--bare", str(self.fleet.repository.folder), str(bare)]
        subprocess.run(clone, check=True, env=identity)
        url = self.forge.url("private")
        self.fleet.declare_source("private", url=url, secretRef={"name": "forge"})
        self.fleet.declare_source("locked", url=url, secretRef={"name": "wrong"})
        away = "http://127.0.0.1:9/away.git"
        self.fleet.declare_source("away", url=away, secretRef={"name": "wrong"})
        password = quote(plant("git-password"), safe="")
        self.fleet.declare_source("login", url=f"http://me:{password}@127.0.0.1:9/x.git")

    def _wrong_documents(self) -> None:
        dev = self.fleet.clusters["dev"]
        kubeconfig = yaml.safe_load((dev.folder / "kubeconfig-shoal").read_text())
        for user in kubeconfig["users"]:
            user["user"] = {"token": plant("kubeconfig-token")}
        path = self.fleet.folder / "kubeconfig-wrong"
        path.write_text(yaml.safe_dump(kubeconfig))
        access = {"kubeconfig": {"path": str(path)}}
        self.fleet.write("cluster-locked.yaml", document("Cluster", "locked", {"access": access}))
        inside = {"kubeconfig": {"path": str(path), "token": plant("fleet-field")}}
        self.fleet.write("cluster-odd.yaml", document("Cluster", "odd", {"access": inside}))
        self.fleet.declare_application("odd", password=plant("fleet-field"))
        self.fleet.declare_application("odder", sync=plant("fleet-field"))

    def alert(self, url: str) -> None:
        """Everything is told to a program, in either mode, and to people; each by a secret."""
        signed = {"url": url, "secretRef": {"name": "pager"}}
        to = [
            {"webhook": signed},
            {"webhook": {**signed, "mode": "Batched"}},
            {"slack": {"secretRef": {"name": "slack"}}},
        ]
        told = {"to": to, "events": list(EventKind), "groupFor": "0s"}
        self.fleet.write("alert.yaml", document("Alert", "on-call", told))
        self._secret("pager", "key", plant("alert-key"))
        self._secret("slack", "url", f"{url}?token={quote(plant('alert-url'), safe='')}")

    def _secrets(self) -> None:
        self._secret("forge", "token", plant("git-token"))
        self._secret("wrong", "token", plant("unfetched-token"))
        self._secret("webhook-apps", "token", plant("webhook"))

    def _secret(self, name: str, key: str, value: str) -> None:
        folder = self.fleet.folder / "secrets" / "default" / name
        folder.mkdir(parents=True)
        (folder / key).write_text(f"{value}\n")

    @asynccontextmanager
    async def served(self, masking: Masking) -> AsyncIterator[Controller]:
        """The controller in this very process, with its API and its webhooks."""
        settings = Settings(
            fleet=str(self.fleet.documents),
            state=self.state,
            secrets=self.fleet.folder / "secrets",
            webhook_listen=("127.0.0.1", self.webhook_port),
        )
        configuration = LiveConfiguration(Configured.by_default(settings))
        start = partial(serve, announced_below=self.fleet.folder / "root")
        async with anyio.create_task_group() as group:
            controller = await group.start(
                start, configuration, self.fleet.plugins, open_engine, masking
            )
            self.fleet._controller = controller
            yield controller
            group.cancel_scope.cancel()

    @property
    def state(self) -> Path:
        return self.fleet.folder / "state"
