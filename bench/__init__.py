"""Measures Shoal beside a bare client, on the same API servers in the same run.

`python -m bench` runs all rows and prints a table; docs/operations/performance.md says what they
mean. What rows stand on: `workload` makes what is synced, `scene` holds servers, repository and
controller, `adapters` says what a controller must do to be measured and `loading` finds one,
`controller` is Shoal as a process and `bare` a controller to compare it with, `floor` and
`rendering` are what is measured beside it, `reading` takes figures from audit logs and the
operating system, `figures` and `limits` judge them, `running` takes one family of rows after the
other. The families, one module each (`families` lists what they need): `start`, `cold` (with loop
and growth), `change`, `drift`, `prune`, `restart`, `memory`, `noop`; `profiling` writes profiles.
"""
