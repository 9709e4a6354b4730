"""The engine: three loops over one queue class, and one supervisor per cluster.

Sources, applications and targets each have a loop; they write state and add a key to another's queue
and never call one another. What is decided is decided in `shoal.planning`; here it is carried out.
Reading order: `queueing`, `state`, `fleet`, `sources`, `applications`, `targets`, `clusters`,
`recording`, `controller`.
"""
