"""Local control planes: real API servers without nodes, for the demo, for tests, for trying out.

`local.local_fleet` starts some of them on one etcd, `apiserver.ControlPlane` is one of them and
what may be done to it, `workload_simulator` plays the controllers and kubelets that are not there,
`audit` counts what was asked of a server, and `commands` is `shoal cluster local` for people. The
programs are found, downloaded or built by `shoal.binaries`. `shoal run` never uses any of this.

This module is loaded at every start of `shoal`, so it imports nothing but the hook.
"""

from collections.abc import Mapping

from shoal.hooks import hookimpl


@hookimpl
def shoal_commands() -> Mapping[str, str]:
    """`shoal cluster local`, imported when it is used."""
    return {"cluster local": "shoal_clusters.controlplane.commands:local"}
