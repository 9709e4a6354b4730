"""The render workers: a few processes with the real Helm, Kustomize and Kubernetes YAML libraries.

Each process renders one application at a time, so that one which runs wild is killed without
disturbing a neighbour. There are as many as the engine renders at once, and they end by themselves
when nobody needs them. A worker that somebody else killed is replaced and the render begun anew,
once. A render that needs too much memory or time fails by itself alone. Used by the renderers
beside this module.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import anyio
import orjson

from shoal.binaries import Binary, locate
from shoal.errors import (
    BinaryUnavailable,
    BudgetExceeded,
    InvalidManifest,
    InvalidSource,
    PluginFailed,
    ShoalError,
)
from shoal.hooks.host import Host
from shoal.hooks.renderers import ClusterFacts, Folder
from shoal.model.manifests import Manifest
from shoal_plugins.rendering.answering import Answers
from shoal_plugins.rendering.frames import Frame
from shoal_plugins.rendering.processes import WorkerEnded, WorkerProcess

_OUT_OF_MEMORY = ("out of memory", "cannot allocate memory")
_PARSED_AT_ONCE = 256 * 1024  # bytes of output that the event loop parses itself: some 2 ms
_FAILURES: Mapping[str, type[ShoalError]] = {
    "InvalidManifest": InvalidManifest,
    "InvalidSource": InvalidSource,
    "BudgetExceeded": BudgetExceeded,
}


@dataclass(frozen=True, slots=True)
class Budget:
    """What one render may take and make; what it reads is counted by the core's folder as well."""

    files: int = 10_000
    read_bytes: int = 64 << 20
    file_bytes: int = 16 << 20
    documents: int = 10_000
    output_bytes: int = 64 << 20
    seconds: float = 20.0

    def as_header(self) -> Mapping[str, int]:
        """As the worker reads it."""
        return {
            "files": self.files,
            "readBytes": self.read_bytes,
            "fileBytes": self.file_bytes,
            "documents": self.documents,
            "outputBytes": self.output_bytes,
        }


class Job(NamedTuple):
    """What a worker is asked to render; `files` are handed over with it and not asked for."""

    render: str
    parameters: Mapping[str, Any]
    files: Sequence[tuple[str, bytes]] = ()


@dataclass(slots=True)
class Workers:
    """The pool; one for all renderers of a controller.

    `starts` counts processes that were started; `waiting` and `busy` are those that are there.
    """

    binary: Binary
    budget: Budget = field(default_factory=Budget)
    starts: int = 0
    waiting: list[WorkerProcess] = field(default_factory=list[WorkerProcess])
    busy: list[WorkerProcess] = field(default_factory=list[WorkerProcess])
    _is_closed_with_host: bool = False

    async def render(
        self, job: Job, folder: Folder, facts: ClusterFacts, host: Host
    ) -> list[Manifest]:
        """The objects, in the library's order.

        Raises InvalidManifest, InvalidSource or BudgetExceeded with the worker's sentence, what a
        guard of the folder raises, and PluginFailed when workers keep ending.
        """
        root = await folder.find("")
        answers = Answers(folder, root.name if root else "", facts)
        header = {
            "render": job.render,
            "root": root.name if root else "",
            "parameters": job.parameters,
            "budget": self.budget.as_header(),
            "files": [{"path": path, "size": len(content)} for path, content in job.files],
        }
        parts = [content for _, content in job.files]
        done = await self._rendered(header, parts, answers, host)
        told = done.header["done"] or ()
        sizes = [each["size"] for each in told]
        origins = [each["origin"] for each in told]
        if len(done.body) <= _PARSED_AT_ONCE:
            return _manifests(done, sizes, origins)
        return await host.run_in_thread(_manifests, done, sizes, origins)

    async def close(self) -> None:
        """End the processes that wait for work."""
        while self.waiting:
            await self.waiting.pop().end()
        self._is_closed_with_host = False

    async def _rendered(
        self, header: Mapping[str, Any], parts: Sequence[bytes], answers: Answers, host: Host
    ) -> Frame:
        """The last frame of a render; a worker that just ended is replaced, a fresh one once."""
        fresh = 0
        while True:
            worker = self._rested()
            fresh += worker is None
            try:
                async with self._borrowed(worker, host) as worker:
                    last = await self._converse(worker, header, parts, answers)
            except WorkerEnded as ended:
                if answers.refusal is not None:
                    raise answers.refusal from None
                if error := _blown(ended, host.render_memory_mib):
                    raise error from None
                if fresh > 1:
                    raise PluginFailed(
                        f"the render worker ended twice while it rendered (status {ended.status})",
                        next_step="see whether something kills it; it is tried again by itself",
                    ) from ended
            else:
                if "failed" in last.header:
                    raise answers.refusal or _failure(
                        last.header["failed"], answers, header["parameters"]
                    )
                return last

    async def _converse(
        self,
        worker: WorkerProcess,
        header: Mapping[str, Any],
        parts: Sequence[bytes],
        answers: Answers,
    ) -> Frame:
        """Ask for a render, answer what the worker asks, and return what it came to."""
        seconds = self.budget.seconds
        with anyio.move_on_after(seconds):
            await worker.say(header, parts)
            while True:
                frame = await worker.hear()
                if "done" in frame.header or "failed" in frame.header:
                    return frame
                answer = await answers.answer(frame)
                await worker.say(answer.header, answer.parts)
        # Permanent, unlike a plugin that is late: the same input would only take as long again.
        raise BudgetExceeded(
            f"the render took longer than {seconds:g} s",
            next_step="look for a template that loops, or split the application",
        )

    def _rested(self) -> WorkerProcess | None:
        while self.waiting:
            worker = self.waiting.pop()
            if worker.is_running:
                return worker
        return None

    @asynccontextmanager
    async def _borrowed(
        self, worker: WorkerProcess | None, host: Host
    ) -> AsyncIterator[WorkerProcess]:
        worker = worker or await self._started(host)
        is_whole = False
        self.busy.append(worker)
        try:
            yield worker
            is_whole = True
        finally:
            self.busy.remove(worker)
            if is_whole and worker.is_running:
                self.waiting.append(worker)
            else:
                await worker.end()

    async def _started(self, host: Host) -> WorkerProcess:
        if not self._is_closed_with_host:
            host.at_end(self.close)
            self._is_closed_with_host = True
        program = await locate(self.binary)
        try:
            worker = await WorkerProcess.start(program, "--memory", str(host.render_memory_mib))
        except OSError as error:
            raise BinaryUnavailable(
                f"{program} cannot be run: {error.strerror}",
                next_step="remove it, so that it is made anew",
            ) from error
        self.starts += 1
        return worker


def _blown(ended: WorkerEnded, memory_mib: int) -> ShoalError | None:
    if not any(words in ended.said for words in _OUT_OF_MEMORY):
        return None
    return BudgetExceeded(
        f"the render needs more than {memory_mib} MiB of memory",
        next_step="look for a template that repeats without end, or give renders more memory "
        "(renderMemoryMib of the controller's configuration)",
    )


def _failure(
    told: Mapping[str, str], answers: Answers, parameters: Mapping[str, Any]
) -> ShoalError:
    kind = _FAILURES.get(told.get("kind", ""), InvalidManifest)
    message = answers.without_secrets(told["message"], parameters)
    return kind(message, next_step=told.get("nextStep", ""))


def _manifests(done: Frame, sizes: Sequence[int], origins: Sequence[str]) -> list[Manifest]:
    texts = done.parts(sizes)
    return [
        Manifest(orjson.loads(text), origin) for text, origin in zip(texts, origins, strict=True)
    ]
