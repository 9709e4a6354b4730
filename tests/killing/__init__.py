"""SIGKILL at every step of a sync: a real controller, a real database, Git and a real API server.

A *step* is a place where it matters what was durable: before and after the commit of a transaction,
before a request and after its answer, before and after a fetch and a render. `stepping` numbers
them in a child process, which kills itself at the step it was told; `children` forks such
processes; `scenes` says what is being done; `judging` looks at what is there after another start.
Nothing in Shoal knows of this. `python -m tests.killing` (`make kill-steps`) goes through all.
"""
