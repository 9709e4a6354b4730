"""What Shoal tells about itself: traces, metrics, logs, and the words used in them.

`composition` builds tracing and metering once and hands a Tracer and a Meter on; nothing here is
set globally but structlog's configuration. Nothing that leaves through here holds a secret:
`masking` is applied to every span, every label of a metric and every log line, whoever wrote it.

Reading order: `names`, `measures`, `known`, `masking`, `exporting`; traces: `spans`, `tracing`,
`guard`, `ring`, `views`, `waterfall`; metrics: `metering`, `readings`, `process`, `stages`,
`prometheus`, `pushing`; logs: `logs`, `shipping`.
"""
