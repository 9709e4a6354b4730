"""The door to a running controller: a local HTTP API, its client, and what else listens.

Reading order: `facade` (what a controller must offer), `answers` (values and errors as JSON),
`routes` (the API itself), with what can be asked of lists: `lists` and `record_lists`, on `listing`
(narrowed, sorted, cut into pages), `where`, `label_selecting` and `fields`; then `listening`
(sockets, peer credentials, the HTTP server in our loop), `webhooks` and `monitoring` (the other
listeners), `running` (which controllers run on this machine) and `client` (what the command line
uses). `running` and `client` are light on purpose: every command imports them, so they import
neither starlette nor pydantic.
"""
