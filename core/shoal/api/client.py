"""The command line's way to a running controller: HTTP over its Unix socket.

Standard library only, one connection per command, a deadline on each answer. What the controller
raised is raised here again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

from shoal.api.answers import raise_error
from shoal.api.running import START_ONE, connect
from shoal.errors import NotRunning, Permanent

_ANSWER_SECONDS = 30.0  # views are answered from memory in milliseconds; verbs write to a disk


class _UnixConnection(HTTPConnection):
    """An HTTP connection whose socket is the controller's."""

    def __init__(self, state: Path, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._state = state
        self._seconds = timeout_seconds

    def connect(self) -> None:
        """Connect to the socket instead of a TCP port."""
        self.sock = connect(self._state, self._seconds)

    def answer_within(self, timeout_seconds: float) -> None:
        """The deadline of each answer from now on."""
        self._seconds = timeout_seconds
        if self.sock is not None:
            self.sock.settimeout(timeout_seconds)


class Client:
    """One conversation with the controller whose state is in `state`; use it as a context.

    `waiting` gives a context that lasts as long as each answer takes to come.

    Every method raises NotRunning when nobody answers, TimeoutError when the answer does not come,
    and otherwise the ShoalError that the controller raised.
    """

    def __init__(
        self,
        state: Path,
        *,
        timeout_seconds: float = _ANSWER_SECONDS,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.state = state
        self._waiting = waiting
        self._seconds = timeout_seconds
        self._connection = _UnixConnection(state, timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def get(self, what: str, **query: Given) -> dict[str, Any]:
        """Read `/api/v1/<what>`; parameters that are None are left out, lists are repeated."""
        return self._ask("GET", _path(what, query))

    def items(self, what: str, **query: Given) -> list[dict[str, Any]]:
        """The items of a list."""
        return list(self.get(what, **query)["items"])

    def lines(self, what: str, **query: Given) -> Iterator[dict[str, Any]]:
        """Read `/api/v1/<what>` for as long as it goes on: a value per line, as each comes.

        Ends, or raises as the others do, when the controller goes away: its silence is told from a
        quiet time by the empty lines that it sends.
        """
        try:
            self._connection.request("GET", _path(what, query))
            answer = self._connection.getresponse()
            if answer.status != 200:
                raise_error(json.loads(answer.read()))
            # A line that was cut off is asked for again, by whoever goes on from the one before.
            while (line := answer.readline()).endswith(b"\n"):
                if line.strip():
                    yield json.loads(line)
        except _BROKEN as error:
            raise self._said(error) from error
        finally:
            self._connection.close()

    def post(self, *path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Carry a verb out; each part of the path is quoted."""
        quoted = "/".join(quote(part, safe="") for part in path)
        return self._ask("POST", f"/api/v1/{quoted}", json.dumps(body or {}).encode())

    def post_json(self, *path: str, body: bytes) -> dict[str, Any]:
        """The same with a body that is JSON already."""
        quoted = "/".join(quote(part, safe="") for part in path)
        return self._ask("POST", f"/api/v1/{quoted}", body)

    def wait_for(self, seconds: float) -> None:
        """From now on an answer may take this long, and the usual time on top."""
        self._seconds = seconds + _ANSWER_SECONDS
        self._connection.answer_within(self._seconds)

    def _ask(self, method: str, path: str, content: bytes | None = None) -> dict[str, Any]:
        headers = {} if content is None else {"Content-Type": "application/json"}
        try:
            with self._waiting():
                self._connection.request(method, path, body=content, headers=headers)
                answer = json.loads(self._connection.getresponse().read())
        except _BROKEN as error:
            raise self._said(error) from error
        raise_error(answer)
        return dict(answer)

    def _said(self, error: Exception) -> Exception:
        """What went wrong on the way, as a person is told."""
        if isinstance(error, TimeoutError):
            return TimeoutError(
                f"the controller of {self.state} did not answer within {self._seconds:g} s"
            )
        if isinstance(error, PermissionError):
            return NotRunning(
                f"the controller of {self.state} belongs to another user",
                next_step="run this command as the user who started it",
            )
        if isinstance(error, ValueError):
            return Permanent(
                f"what answers in {self.state} is not a Shoal controller of this version"
            )
        return NotRunning(
            f"no controller answers in {self.state} ({_why(error)})", next_step=START_ONE
        )


_BROKEN = (OSError, HTTPException, ValueError)
Given = str | int | Sequence[str] | None


def _path(what: str, query: Mapping[str, Given]) -> str:
    given = {key: value for key, value in query.items() if value is not None}
    return f"/api/v1/{what}" + (f"?{urlencode(given, doseq=True)}" if given else "")


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no socket"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
