"""What an account must be allowed on one cluster, from what is rendered for it: offline.

Every application that is placed there is rendered as the controller would, and the target type says
which rights it takes. Called by `shoal cluster rbac`.
"""

from __future__ import annotations

from collections.abc import Sequence

from shoal.composition.loading import Plugins
from shoal.composition.offline import Given, Offline, open_offline
from shoal.documents import Catalog
from shoal.engine import answers
from shoal.errors import ShoalError, UnknownName
from shoal.hooks.targets import GrantingTargetType
from shoal.model.artifacts import Artifact
from shoal.model.documents import Application
from shoal.model.identity import Ref
from shoal.model.policies import SyncMode
from shoal.model.rights import Delivered, Grants, Reach
from shoal.planning.placing import place


async def grants_for(
    cluster: str, catalog: Catalog, given: Given, plugins: Plugins, reach: Reach
) -> Grants:
    """The grants for one cluster; raises every error of every application at once.

    One that cannot be rendered would lack its rights, and nobody would see it.
    """
    target_types = plugins.targets.values()
    granting = next((one for one in target_types if isinstance(one, GrantingTargetType)), None)
    if granting is None:
        raise UnknownName("no plugin that is loaded can say which rights it needs")
    documents = [
        document
        for _, document in sorted(catalog.applications.items())
        if cluster in place(document, catalog.clusters)
    ]
    async with open_offline(given, plugins) as offline:
        delivered = await _delivered(documents, cluster, catalog, offline)
        return offline.guard.say(
            "target",
            granting.name,
            f"cluster {cluster}",
            lambda: granting.grants(delivered, reach),
            answers.grants,
        )


async def _delivered(
    documents: Sequence[Application], cluster: str, catalog: Catalog, offline: Offline
) -> list[Delivered]:
    artifacts: dict[Ref, Artifact] = {}
    found: list[Delivered] = []
    errors: list[ShoalError] = []
    for document in documents:
        ref = document.source_ref
        try:
            if ref not in artifacts:
                artifacts[ref] = await offline.artifact(catalog, document)
            wishes = await offline.desire(catalog, document, artifacts[ref], (cluster,))
            if error := wishes.error():
                raise error
        except ShoalError as error:
            errors.append(error)
            continue
        is_observed = document.spec.sync.mode is SyncMode.OBSERVE
        found.append(Delivered(wishes.contents[cluster].manifests, is_observed))
    if errors:
        raise errors[0] if len(errors) == 1 else ExceptionGroup("not all can be rendered", errors)
    return found
