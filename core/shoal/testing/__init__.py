"""What plugin authors test with; comes with the pytest plugin `shoal`, which is always on.

`pytest_plugin` has the fixtures, `hosts` the host a plugin is lent, `facts` what is known of a
cluster, `controllers` a controller made of plain values, served on a real socket, for commands.
A suite per seam says what the engine relies on: `source_conformance`, `renderer_conformance`,
`access_conformance`, `gate_conformance`, `health_conformance`, `notifier_conformance`,
`target_conformance`; and `store_conformance` for stores. They need what the extra `shoal[testing]`
brings.
"""
