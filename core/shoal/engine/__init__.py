"""The engine: three loops over one queue class, and one supervisor per cluster.

Sources, applications and targets each have a loop; a loop writes state and adds a key to another's
queue, and never calls another loop. What is decided is decided in `shoal.planning`; here it is
carried out. Reading order: `queueing`, `guarding`, `state`; `fleet`, `cataloguing`, `sources`;
`choosing`, `folders`, `rendering`, `applications`; `targets`, `deciding`, `budgeting`, `depending`,
`validating`, `carrying_out`, `concluding`, `reaching`, `previewing`; `clusters`, `connections`,
`renewing`, `identifying`, `observing`; `recording`, `owing`, `telling`; `views`, `viewing`,
`saying`; `controller`.
"""
