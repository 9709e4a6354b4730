"""What was loaded, as readers are shown it: by `shoal plugin list`, and by a running controller."""

from __future__ import annotations

from collections.abc import Sequence

from shoal.composition.loading import FailedPlugin, Plugins
from shoal.engine.views.fleet import PluginView

LOADED, FAILED, NOT_NAMED = "Loaded", "Failed", "NotNamed"


def plugin_views(plugins: Plugins) -> Sequence[PluginView]:
    """What each plugin registered, then those that could not be loaded, then those not named."""
    return [
        *(
            PluginView(
                one.plugin, one.distribution, one.version, LOADED, one.seam, one.name, message=""
            )
            for one in plugins.registrations
        ),
        *(_not_used(one, FAILED) for one in plugins.failed),
        *(_not_used(one, NOT_NAMED) for one in plugins.left_out),
    ]


def _not_used(one: FailedPlugin, state: str) -> PluginView:
    return PluginView(
        one.plugin, one.distribution, one.version, state, seam="", name="", message=one.message
    )
