"""What Shoal tells about itself: traces, logs, and the words used in both.

`composition` builds the tracing once and hands a Tracer on; nothing here is set globally but
structlog's configuration. Nothing that leaves through here holds a secret: `masking` is applied to
every span and every log line, whoever wrote it.

Reading order: `names`, `known`, `masking`, `spans`, `tracing`, `guard`, `ring`, `views`,
`waterfall`, `logs`.
"""
