"""The webhook listener: who may trigger, what is refused, and that all refusals look alike."""

import hashlib
import hmac
from collections.abc import Mapping, MutableMapping
from typing import Any

import anyio
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from shoal.api.webhooks import BODY_BYTES, verified_forge, webhook_application, webhook_secret_name
from shoal.errors import SourceUnavailable
from shoal.telemetry.masking import Masking
from shoal.testing.controllers import FakeController
from shoal.testing.hosts import GivenSecrets
from shoal.testing.views import source_view

SECRET = b"a long enough secret"
BODY = b'{"after":"abc"}'
PARENT = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"


class Listener:
    """The listener as its ASGI application, with a clock that the test moves."""

    def __init__(self, secrets: Mapping[str, Mapping[str, bytes]] | None = None) -> None:
        self.now = 1000.0
        self.controller = FakeController(
            source_list=[source_view(), source_view("application/web")]
        )
        given = {"default/webhook-platform": {"token": SECRET + b"\n"}}
        vault = GivenSecrets(given if secrets is None else secrets)
        self.application = webhook_application(
            self.controller, vault, Masking(), now=lambda: self.now
        )

    async def post(
        self,
        path: str = "/hooks/default/platform",
        body: bytes = BODY,
        method: str = "POST",
        client: str = "10.0.0.1",
        **headers: str,
    ) -> tuple[int, bytes]:
        sent: list[MutableMapping[str, Any]] = []
        parts = [body[:10], body[10:]]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "client": (client, 1),
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        }

        async def receive() -> MutableMapping[str, Any]:
            if parts:
                return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
            await anyio.sleep_forever()
            raise AssertionError

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.application(scope, receive, send)
        return sent[0]["status"], sent[1]["body"]

    @property
    def refreshed(self) -> list[str]:
        return [subject for _, subject, _ in self.controller.calls]


def signed(body: bytes = BODY, secret: bytes = SECRET) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


async def test_github_triggers_a_fetch_and_hands_its_trace_on():
    listener = Listener()
    status, _ = await listener.post(
        x_hub_signature_256=f"sha256={signed()}", x_github_delivery="1", traceparent=PARENT
    )

    assert status == 202
    ((verb, source, given),) = listener.controller.calls
    assert (verb, source) == ("refresh", "default/platform")
    assert given == {"who": "webhook/github", "traceparent": PARENT}


async def test_gitea_and_gitlab_are_known_too():
    listener = Listener()

    assert (await listener.post(x_gitea_signature=signed()))[0] == 202
    assert (await listener.post(body=b"other", x_gitlab_token=SECRET.decode()))[0] == 202
    assert [given["who"] for _, _, given in listener.controller.calls] == [
        "webhook/gitea",
        "webhook/gitlab",
    ]


async def test_a_traceparent_that_is_none_is_dropped():
    listener = Listener()
    await listener.post(x_gitea_signature=signed(), traceparent="00-evil\r\nx")

    assert listener.controller.calls[0][2]["traceparent"] == ""


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/hooks/default/platform", {}),
        ("/hooks/default/platform", {"x_hub_signature_256": "sha256=" + signed(b"other")}),
        ("/hooks/default/platform", {"x_hub_signature_256": signed()}),
        ("/hooks/default/platform", {"x_gitlab_token": "wrong"}),
        ("/hooks/default/platform", {"x_gitlab_token": ""}),
        ("/hooks/default/platform", {"x_gitea_signature": "ü"}),
        ("/hooks/default/nothing", {"x_gitea_signature": signed()}),
        ("/hooks/other/platform", {"x_gitea_signature": signed()}),
        ("/hooks/default/../../etc/passwd", {"x_gitea_signature": signed()}),
        ("/hooks/default/application/web", {"x_gitea_signature": signed()}),
    ],
)
async def test_all_refusals_are_alike(path, headers):
    listener = Listener()

    answer = await listener.post(path, **headers)

    assert answer == await Listener().post("/hooks/nowhere/nobody")
    assert answer[0] == 403
    assert listener.refreshed == []


@pytest.mark.parametrize("token", [b"", b"\n", b"short"])
async def test_an_empty_or_short_secret_closes_the_door(token):
    listener = Listener({"default/webhook-platform": {"token": token}})

    status, _ = await listener.post(x_gitea_signature=signed(secret=token.strip()))
    assert status == 403


async def test_a_source_that_is_gone_is_refused_like_a_wrong_signature():
    listener = Listener()
    listener.controller.source_list = []

    assert (await listener.post(x_gitea_signature=signed()))[0] == 403


async def test_an_inline_source_has_a_secret_of_its_own():
    assert webhook_secret_name("application/web") == "webhook-application.web"
    listener = Listener({"default/webhook-application.web": {"token": SECRET}})

    await listener.post("/hooks/default/application/web", x_gitea_signature=signed())
    assert listener.refreshed == ["default/application/web"]


async def test_a_replay_is_accepted_once():
    listener = Listener()
    first = await listener.post(x_gitea_signature=signed(), x_gitea_delivery="1")
    same_body = await listener.post(x_gitea_signature=signed(), x_gitea_delivery="2")
    same_id = await listener.post(
        body=b"other body", x_gitea_signature=signed(b"other body"), x_gitea_delivery="1"
    )

    assert [status for status, _ in (first, same_body, same_id)] == [202, 202, 202]
    assert len(listener.refreshed) == 1


async def test_after_the_window_a_delivery_counts_again():
    listener = Listener()
    await listener.post(x_gitea_signature=signed())
    listener.now += 601
    await listener.post(x_gitea_signature=signed())

    assert len(listener.refreshed) == 2


async def test_a_delivery_that_failed_may_be_sent_again():
    listener = Listener()
    listener.controller.failing = SourceUnavailable("down: token=abc")
    status, content = await listener.post(x_gitea_signature=signed())
    assert status == 503
    assert b"abc" not in content

    listener.controller.failing = None
    assert (await listener.post(x_gitea_signature=signed()))[0] == 202
    assert len(listener.refreshed) == 1


async def test_a_bug_is_told_to_the_log_and_not_to_the_stranger():
    listener = Listener()
    listener.controller.failing = RuntimeError("secret detail")
    with structlog.testing.capture_logs() as logs:
        status, content = await listener.post(x_gitea_signature=signed())

    assert status == 500
    assert b"secret detail" not in content
    assert logs[0]["event"] == "a webhook request failed"


async def test_a_body_that_is_too_large_is_refused_before_it_is_kept():
    listener = Listener()

    assert (await listener.post(content_length=str(BODY_BYTES + 1)))[0] == 413
    assert (await listener.post(content_length="-1"))[0] == 413
    assert (await listener.post(body=b"x" * (BODY_BYTES + 1)))[0] == 413


async def test_an_address_that_asks_too_often_is_slowed_down_alone():
    listener = Listener()
    answers = [(await listener.post())[0] for _ in range(70)]

    assert answers.count(429) == 10
    assert (await listener.post(client="10.0.0.2"))[0] == 403
    listener.now += 10
    assert (await listener.post())[0] == 403


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_there_is_one_route_and_one_method(method):
    assert (await Listener().post(method=method))[0] == 405
    assert (await Listener().post("/api/v1/fleet", method=method))[0] == 404


@given(
    st.dictionaries(
        st.sampled_from(["x-hub-signature-256", "x-gitea-signature", "x-gitlab-token"]), st.text()
    ),
    st.binary(),
)
def test_nothing_but_the_right_signature_is_right(headers, body):
    assert verified_forge(headers, body, SECRET) == ""
