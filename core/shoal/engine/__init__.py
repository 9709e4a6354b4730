"""The engine: loops over one queue class, and one supervisor per cluster.

Sources, applications and targets each have a loop; a loop writes state and adds a key to another's
queue, and never calls another loop. What is decided is decided in `shoal.planning`; here it is
carried out. Reading order: `queueing`; `guarding`, `driving`, `keeping`, `answers`;
`state`, `target_state`; `fleet`, `fleet_folder`, `cataloguing`, `shrinking`, `sources`; `choosing`,
`folders`, `rendering`, `applications`, `removing`; `targets`, `deciding`, `budgeting`, `depending`,
`validating`, `carrying_out`, `concluding`, `reaching`, `previewing`; `clusters`, `connections`,
`probing`, `renewing`, `identifying`, `recovering`, `orphaning`, `observing`; `recording`, `holds`,
`owing`, `telling`, `recalling`; `views`, `viewing`, `phasing`, `warning`, `saying`; `measuring`,
`gauging`; `alerting`, `delivering`, `resending`; `ancestry`, `descending`; `controller`,
`approving`, `urging`.
"""
