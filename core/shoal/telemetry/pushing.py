"""Exporters by OTLP over HTTP that send nothing as it was written, but masked.

Imported only by a process that exports: it brings protobuf.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData

from shoal.telemetry.guard import masked_metrics
from shoal.telemetry.masking import Masking


class MaskedMetricExporter(OTLPMetricExporter):
    """The SDK's, which reads its endpoint and temporality from the environment by itself."""

    def __init__(self, masking: Masking) -> None:
        super().__init__()
        self._masking = masking

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """Mask, then send."""
        masked = masked_metrics(metrics_data, self._masking)
        return super().export(masked, timeout_millis, **kwargs)
