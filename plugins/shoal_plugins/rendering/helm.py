"""The renderer `helm`: what `helm template` makes of the chart in the folder, without a cluster.

Values come from the chart, from value files in the source, from the document, and from overrides;
`${cluster.…}` stands for a fact of the cluster in all of the latter. Objects without a namespace
get the release's, as `helm install` puts them there. The worker refuses what would not be the same
tomorrow: random and clock functions, `lookup`, and charts that are not in the source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from pydantic import Field

from shoal.errors import InvalidSource
from shoal.hooks.host import Host
from shoal.hooks.renderers import ClusterFacts, Folder, ValuedSpec
from shoal.model.facts import APPLICATION, references, substituted
from shoal.model.manifests import Manifest
from shoal_plugins.rendering.namespacing import in_namespace
from shoal_plugins.rendering.worker import Job, Workers

_RELEASE_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,51}[a-z0-9])?")  # Helm's own rule
_DEFAULT_NAMESPACE = "default"


class MissingFilePolicy(StrEnum):
    """What happens when a value file is not there."""

    FAIL = "Fail"
    IGNORE = "Ignore"


class CrdPolicy(StrEnum):
    """What happens with the folder `crds` of a chart."""

    INCLUDE = "Include"
    SKIP = "Skip"


class HookPolicy(StrEnum):
    """What happens with objects that Helm would run around an install or an upgrade."""

    REFUSE = "Refuse"
    SKIP = "Skip"


class HelmSpec(ValuedSpec):
    """How a chart is rendered."""

    release_name: str | None = Field(
        default=None, description="The name of the release; that of the application if left out."
    )
    namespace: str | None = Field(
        default=None,
        description="The namespace of the release, and of its objects that name none; "
        "`default` if left out.",
    )
    value_files: tuple[str, ...] = Field(
        default=(),
        description="Value files, from the chart's folder, inside the source; later ones win over "
        "earlier ones, and `values` over all of them.",
    )
    when_value_file_missing: MissingFilePolicy = Field(
        default=MissingFilePolicy.FAIL,
        description="When a value file is not there: Fail, or Ignore it.",
    )
    crds: CrdPolicy = Field(
        default=CrdPolicy.INCLUDE, description="The chart's folder crds: Include or Skip it."
    )
    hooks: HookPolicy = Field(
        default=HookPolicy.REFUSE,
        description="When the chart has hooks of install or upgrade: Refuse the chart, because "
        "they would not run, or Skip them. Hooks of test, delete and rollback are always skipped.",
    )


class HelmRenderer:
    """Renders a chart; chosen where a folder has a Chart.yaml."""

    name = "helm"
    spec = HelmSpec
    markers = ("Chart.yaml",)

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    @property
    def version(self) -> str:
        """That of the worker, which holds the library."""
        return self._workers.binary.version

    async def render(
        self, parameters: HelmSpec, folder: Folder, facts: ClusterFacts, host: Host
    ) -> Sequence[Manifest]:
        """All objects, in the order of `helm template`."""
        written = await _with_facts(parameters, facts)
        release = written["releaseName"]
        if not isinstance(release, str) or not _RELEASE_NAME.fullmatch(release):
            raise InvalidSource(
                f"{str(release)[:80]!r} cannot be the name of a Helm release: lower-case letters, "
                "digits, hyphens and dots, at most 53",
                next_step="set render.helm.releaseName",
            )
        manifests = await self._workers.render(Job("helm", written), folder, facts, host)
        if parameters.namespace is None:
            return manifests
        return [in_namespace(each, written["namespace"]) for each in manifests]


async def _with_facts(parameters: HelmSpec, facts: ClusterFacts) -> Mapping[str, Any]:
    """The parameters as the worker reads them, every reference replaced."""
    plain = parameters.model_dump(mode="json")
    found = {name: await facts.look(name) for name in sorted(references(plain))}
    written: dict[str, Any] = substituted(plain, found.__getitem__)
    if parameters.release_name is None:
        written["releaseName"] = await facts.look(APPLICATION)
    if parameters.namespace is None:
        written["namespace"] = _DEFAULT_NAMESPACE
    texts = {"namespace": written["namespace"]} | {
        f"valueFiles[{number}]": file for number, file in enumerate(written["valueFiles"])
    }
    for where, value in texts.items():
        if not isinstance(value, str):
            raise InvalidSource(
                f"render.helm.{where} is no text once its fact stands in it",
                next_step="refer to a label, or to a value that is text",
            )
    return written
