"""A secret planted everywhere is found in nothing that leaves the process, and in no file of ours.

The canary stands in Secrets, in the environment, in credentials, in values, in documents and in
patches; right, refused by the API server, refused by us, changed, drifted and removed. Looked
through are log lines of every level, spans, the ledger, each route of the API, each command in each
format, what alerts deliver, and the state folder. What a repository itself holds its mirror holds,
too: that is Git's.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from functools import partial

from anyio import to_thread
from tests.fleet.harness import eventually, path_of
from tests.notifying.conftest import Receiver
from tests.security.planting import Planted, plant
from tests.security.watching import Hunt, Outlets, ask, kept, post, shoal

from shoal.api.listening import open_tcp_socket
from shoal.api.routes import LISTS
from shoal.cli.options import FORMATS
from shoal.engine.views.applications import TargetPhase
from shoal.model.identity import Ref
from shoal.model.records import Deed
from shoal_clusters.controlplane.client import Client

TARGET = "default/shop@dev"
SINGLE = "application/cloudevents+json"
APPLICATIONS = "/api/v1/applications/default"


async def test_a_canary_is_found_nowhere(
    planted: Planted, outlets: Outlets, admin: Client, receiver: Receiver
) -> None:
    with open_tcp_socket("127.0.0.1", 0) as listener:
        planted.webhook_port = listener.getsockname()[1]
    planted.alert(receiver.url)
    await to_thread.run_sync(planted.write)
    hunt = Hunt()

    async with planted.served(outlets.masking):
        await everything_has_failed(planted)
        await the_secret_lives(planted, admin)
        await webhooks_are_sent(planted, hunt)
        await the_api_is_asked(planted, hunt)
        await commands_are_typed(hunt, online(planted))
        await alerts_arrive(planted, receiver, hunt)
        controller = planted.fleet.controller
        hunt.add("the ledger", *map(str, await controller.records(limit=1000)))
        for name in ("shop", "refused-field", "chart-fails-chart-value"):
            hunt.add("the ring", *map(str, controller.trace(Ref("default", name))))
    hunt.add("log lines", *outlets.lines.getvalue().splitlines())
    hunt.add("spans", *outlets.spans())
    await commands_are_typed(hunt, offline(planted))
    for name, content in (await to_thread.run_sync(kept, planted.state)).items():
        hunt.add(f"the file {name}", content)

    assert hunt.found() == []
    assert {"log lines", "spans", "the ledger", "the ring", "alerts"} <= set(hunt.seen)
    assert all(hunt.seen.values())
    assert any("shoal.db" in where for where in hunt.seen)


async def everything_has_failed(planted: Planted) -> None:
    """Each planted mistake has been met and told of."""
    fleet = planted.fleet
    await fleet.until_phase("Synced", "shop", ["dev"])
    for name in ("once", "watched"):
        await fleet.until_phase("Synced", name, ["dev"])
    refused = [path.name for path in fleet.repository.folder.glob("refused-*")]

    def failed() -> bool:
        views = {each.name: each for each in fleet.controller.applications()}
        names = [name for name in views if name.startswith(("chart-", "override-"))]
        targets = [fleet.target(name, "dev") for name in refused]
        sources = [each for each in fleet.controller.sources() if each.name != "apps"]
        return (
            len(names) == 8
            and all(views[name].message for name in names)
            and all(each and each.phase is TargetPhase.FAILED for each in targets)
            and all(each.message or each.ready == "True" for each in sources)
            and any(each.name == "locked" and each.message for each in fleet.controller.clusters())
        )

    await fleet.until(failed, "each mistake told")


async def the_secret_lives(planted: Planted, admin: Client) -> None:
    """A Secret is changed in Git, changed by hand, and removed."""
    fleet = planted.fleet
    login = planted.shop(data="new-data")
    planted.once("job-new-env")
    revision = await fleet.push("Change the password")
    for name in ("shop", "once"):
        await fleet.until_revision(revision, name, ["dev"])
    by_hand = {"stringData": {"password": plant("drift")}}
    await admin.patch(path_of(login), by_hand, fieldManager="kubectl-edit")
    await fleet.until_recorded(Deed.TARGET_CORRECTED, TARGET)
    reported = {"stringData": {"key": plant("watched-drift"), "new": plant("watched-drift")}}
    await admin.patch(path_of(planted.watched()), reported, fieldManager="kubectl-edit")
    await fleet.until_phase("Drifted", "watched", ["dev"])
    planted.shop(data="new-data", with_secret=False)
    await fleet.push("Remove the password")

    async def is_gone() -> bool:
        return await admin.find(path_of(login)) is None

    await eventually(is_gone, "the Secret pruned")


async def alerts_arrive(planted: Planted, receiver: Receiver, hunt: Hunt) -> None:
    """Each destination has been told of all that happened, and of a test."""
    fleet, ref = planted.fleet, Ref("default", "on-call")
    trials = await fleet.controller.test_alert(ref, who=plant("webhook")[:8])
    assert all(each.arrived for each in trials)

    def are_told() -> bool:
        (view,) = fleet.controller.alerts()
        return all(each.delivered_at and not each.waiting for each in view.destinations)

    await fleet.until(are_told, "all that happened told")
    told = [each.json["data"] for each in receiver.taken if SINGLE in each.headers["Content-Type"]]
    kinds = {event["kind"] for data in told for event in data["events"]}
    assert {"Failed", "Synced", "Corrected", "Drifted", "Held", "Unreachable", "Invalid"} <= kinds
    # The address is where it was sent to; what was sent is the rest.
    hunt.add("alerts", *(f"{each.headers} {each.body.decode()}" for each in receiver.received))


async def webhooks_are_sent(planted: Planted, hunt: Hunt) -> None:
    body, port = plant("webhook").encode(), planted.webhook_port
    signature = hmac.new(body, body, hashlib.sha256).hexdigest()
    for path in ("/hooks/default/apps", "/hooks/default/nothing", f"/{plant('webhook')[:8]}"):
        for headers in (
            {"X-Gitlab-Token": plant("webhook")},
            {"X-Hub-Signature-256": f"sha256={signature}"},
            {"X-Gitlab-Token": "wrong"},
            {},
        ):
            hunt.add("webhooks", await to_thread.run_sync(post, port, path, headers, body))


async def the_api_is_asked(planted: Planted, hunt: Hunt) -> None:
    records = ["records?limit=1000", "syncs?limit=1000"]
    reads = ["fleet", *records, "trace?name=shop", "tree?name=shop", *LISTS]
    why = {"reason": f"it is {plant('git-token')}", "until": "2100-01-01T00:00:00Z"}
    requests = [("GET", f"/api/v1/{each}", None) for each in reads]
    requests += [
        ("POST", f"{APPLICATIONS}/shop/suspend", why),
        ("GET", "/api/v1/holds", None),
        ("POST", f"{APPLICATIONS}/shop/resume", {"reason": f"no {plant('webhook')}"}),
        ("POST", f"{APPLICATIONS}/refused-field/sync", {}),
        ("POST", f"{APPLICATIONS}/shop/sync", {"password": plant("git-token")}),
        ("POST", "/api/v1/sources/default/private/refresh", {}),
        ("POST", "/api/v1/holds/nothing/approve", {"reason": plant("git-token")}),
        ("GET", "/api/v1/nothing", None),
    ]
    for method, path, body in requests:
        answer = await to_thread.run_sync(partial(ask, planted.state, method, path, body))
        hunt.add(f"{method} {path.partition('?')[0]}", answer)


async def commands_are_typed(hunt: Hunt, commands: Iterator[tuple[str, ...]]) -> None:
    for words in commands:
        hunt.add(f"shoal {words[0]}", await to_thread.run_sync(partial(shoal, *words)))


def online(planted: Planted) -> Iterator[tuple[str, ...]]:
    """Every command that asks the controller, in every format."""
    kinds = ("app", "tg", "cl", "src", "hold", "dr", "events", "alert")
    asked: list[tuple[str, ...]] = [("status",), ("history",), ("history", "shop")]
    asked += [("get", kind) for kind in kinds]
    for name in ("shop", "once", "refused-field", "override-tested", "chart-fails-chart-value"):
        asked += [("describe", "app", name), ("trace", name)]
    asked += [("describe", "cl", "locked"), ("describe", "src", "locked")]
    asked += [("drift", "list"), ("drift", "ignore", "watched"), ("drift", "adopt", "watched")]
    asked += [("diff", "watched"), ("describe", "alert", "on-call")]
    asked += [("diff", "shop"), ("diff", "refused-immovable"), ("diff", "override-tested")]
    asked += [("wait", "refused-immovable", "--timeout", "1s")]
    asked += [("sync", "refused-field", "--wait", "--timeout", "20s")]
    for words in asked:
        for format in FORMATS if words[0] != "sync" else ("table",):
            yield (*words, "-o", format, "--state", str(planted.state))


def offline(planted: Planted) -> Iterator[tuple[str, ...]]:
    """Every command that asks nobody, in every format."""
    documents, folder = str(planted.fleet.documents), planted.fleet.folder
    names = ["shop", "override-tested", "override-added"]
    names += [path.name for path in planted.fleet.repository.folder.glob("chart-*")]
    names += [path.name for path in planted.fleet.repository.folder.glob("refused-*")]
    names.remove("refused-copied")  # what stands openly in a ConfigMap is printed
    for format in FORMATS:
        yield ("validate", documents, "-o", format)
        yield ("render", "shop", "-c", "dev", "--fleet", documents, "-o", format)
        yield ("plugin", "list", "-o", format)
    for name in names:
        render = ("render", name, "-c", "dev", "--fleet", documents)
        yield (*render, "--secrets", str(folder / "secrets"))
        yield (*render, "--explain")
