"""What plugin authors test with; comes with the pytest plugin `shoal`, which is always on.

`pytest_plugin` has the fixtures, `hosts` the host a plugin is lent, `controllers` a controller made
of plain values, served on a real socket, for commands.
"""
