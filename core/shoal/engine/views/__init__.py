"""What readers are shown: the state of the fleet as plain values, made from the engine's state.

The API and the command line know these and nothing else of the engine. Field names are the JSON
names in snake case; times are aware datetimes in UTC. Reading order: `applications`, `clusters`,
`fleet`; `changes`, `whereabouts`, `alerts`.
"""
