"""What Shoal decides, as functions without I/O and without a clock.

The engine asks and carries out; here it is said where an application belongs (`placing`), which
revision a target may have (`granting`), what differs there (`overriding`), what must wait for a
person (`holding`, `budgeting`, `fighting`) or for health (`pruning`, `waving`), what is tried out
before it is written (`validating`), when to try again (`backing_off`, `circuits`, `credentials`),
and who is told of what (`noticing`, `concerning`, `alerting`, `wording`). Time and chance are
handed in.
"""
