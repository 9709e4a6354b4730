"""Measures Shoal beside a bare client, on the same API servers in the same run.

`python -m bench` runs all rows and prints a table; `workload` makes what is synced, `floor` is the
bare client, `controller` is Shoal as a process, `reading` takes figures from audit logs and the
operating system, `cold` is the first row.
"""
