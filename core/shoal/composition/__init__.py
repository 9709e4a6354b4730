"""The only part that loads plugins, and the place where everything is wired together.

`loading` finds plugins by entry point and checks what they register; `hosting` makes what each
plugin is lent; `secret_files` reads each `secretRef` from a folder; `serving` runs a controller
with its API. The command line is the only caller.
"""

from shoal.composition.hosting import Hosts
from shoal.composition.loading import FailedPlugin, Plugins, Registration, load_plugins
from shoal.composition.serving import Foundation, OpenEngine, Settings, serve

__all__ = [
    "FailedPlugin",
    "Foundation",
    "Hosts",
    "OpenEngine",
    "Plugins",
    "Registration",
    "Settings",
    "load_plugins",
    "serve",
]
