"""A controller with the example, and with a rude plugin beside it, on a real API server."""

from __future__ import annotations

import secrets
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from anyio import to_thread
from tests.fleet.harness import config_map, document, eventually, until_data
from tests.outsiders.conftest import Outside

from shoal.api.client import Client as Api
from shoal_clusters.controlplane.apiserver import ControlPlane

RUDE = ("raises", "exits", "hangs", "blocks")


class Release(ThreadingHTTPServer):
    """Serves one manifest to whoever asks, and takes what is posted."""

    content = b""
    posted: list[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/install.yaml"


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = self.server.content  # type: ignore[attr-defined]  # a Release
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        told = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append(told)  # type: ignore[attr-defined]  # a Release
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is said."""


@pytest.fixture
def release() -> Iterator[Release]:
    with Release(("127.0.0.1", 0), _Answer) as serving:
        serving.posted = []
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@contextmanager
def controller(outside: Outside, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`shoal run` of the environment, with both plugins."""
    named = ("--plugin", "shoal-example", "--plugin", "acme-rude")
    paths = ("--fleet", str(folder / "fleet"), "--state", str(folder / "state"))
    words = (outside.program("shoal"), *named, "run", *paths)
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(words, cwd=folder, env=outside.environment, stderr=log) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def written(folder: Path, cluster: ControlPlane, release: Release) -> None:
    """A fleet that uses all of the example, and has sources that are rude."""
    (folder / "fleet").mkdir()
    access = {"access": {"kubeconfig": {"path": str(cluster.kubeconfig)}}}
    http = {"http": {"url": release.url}, "interval": "1s"}
    web = {
        "source": {"ref": "release", "path": "."},
        "render": {"substitute": {"values": {"REGION": "${cluster.labels.region}"}}},
        "placement": {"clusterSelector": {}},
    }
    server = release.url.removesuffix("/install.yaml")
    team = {
        "to": [{"ntfy": {"server": server, "topic": "team"}}],
        "events": ["Synced"],
        "groupFor": "0s",
    }
    documents = [
        document("Fleet", f"outside-{secrets.token_hex(4)}"),
        document("Cluster", cluster.name, access, labels={"region": "eu"}),
        document("Source", "release", http),
        document("Application", "web", web),
        document("Alert", "team", team),
        *(document("Source", does, {"rude": {"does": does}, "interval": "1h"}) for does in RUDE),
    ]
    (folder / "fleet" / "fleet.yaml").write_text("\n---\n".join(documents))


def messages(state: Path) -> dict[str, str]:
    """What is said of each source."""
    with Api(state) as api:
        return {item["name"]: item["message"] for item in api.items("sources")}


async def posted(release: Release) -> bool:
    """Whether the team was told that web is synced."""
    return any(b"web" in each and b'"topic": "team"' in each for each in release.posted)


async def test_it_syncs_whatever_another_plugin_does(
    outside: Outside,
    clusters: Mapping[str, ControlPlane],
    namespace: str,
    release: Release,
    tmp_path: Path,
) -> None:
    wanted = config_map("web", namespace, region="${REGION}", version="1")
    release.content = orjson.dumps(wanted)
    written(tmp_path, clusters["dev"], release)

    with controller(outside, tmp_path) as process:
        async with clusters["dev"].client() as admin:
            await until_data(admin, wanted, {"region": "eu", "version": "1"})
            release.content = orjson.dumps(config_map("web", namespace, region="-", version="2"))
            await until_data(admin, wanted, {"region": "-", "version": "2"})
        await eventually(lambda: posted(release), "a message to the team")
        told = await to_thread.run_sync(messages, tmp_path / "state")
        process.terminate()
        code = await to_thread.run_sync(process.wait, 30)

    assert told["release"] == told["hangs"] == ""
    assert "source rude (acme-rude 1.2) failed for default/raises: ZeroDiv" in told["raises"]
    assert "source rude (acme-rude 1.2) failed for default/exits: SystemExit" in told["exits"]
    assert "source rude (acme-rude 1.2) failed for default/blocks: ZeroDiv" in told["blocks"]
    assert code == 0, (tmp_path / "log").read_text()
