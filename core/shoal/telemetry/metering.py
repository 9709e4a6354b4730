"""Building the metrics of a process from the standard `OTEL_*` variables, and ending them.

Numbers leave in two ways, and both pass the process's one `Masking`: pushed by OTLP when the
variables say so (`exporting`), and pulled by Prometheus when the controller serves them. With
neither, counting costs a look-up and keeps nothing. Nothing is set globally: a Meter is handed to
whoever counts, plugins included, so the number of series is bounded here and not by good will.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Sequence

from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, Observation
from opentelemetry.sdk.metrics import (
    Counter as SdkCounter,
)
from opentelemetry.sdk.metrics import (
    MeterProvider,
    ObservableCounter,
    ObservableGauge,
)
from opentelemetry.sdk.metrics.export import (
    CardinalityLimits,
    InMemoryMetricReader,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource

from shoal.model.metrics import Attributes, Kind, Metric
from shoal.telemetry.exporting import Signal, ended, wants_export
from shoal.telemetry.guard import masked_metrics
from shoal.telemetry.masking import Masking
from shoal.telemetry.measures import METRICS
from shoal.telemetry.prometheus import exposition
from shoal.telemetry.readings import Latest, Readings

MOST_SERIES = 20_000
"""Of one counter or gauge, enough for two thousand clusters; what is beyond is added up in one
series, `otel.metric.overflow`. A histogram, of fifteen numbers each, has the SDK's 2,000."""

_LIMITS: CardinalityLimits = {
    SdkCounter: MOST_SERIES,
    ObservableCounter: MOST_SERIES,
    ObservableGauge: MOST_SERIES,
}


class Metering:
    """The metrics of a process. `exports` says whether they leave it by themselves."""

    def __init__(
        self,
        provider: MeterProvider,
        version: str,
        pulled: InMemoryMetricReader | None,
        masking: Masking,
        *,
        exports: bool,
    ) -> None:
        self.exports = exports
        self.meter = provider.get_meter("shoal", version)
        self._provider = provider
        self._pulled = pulled
        self._masking = masking
        self._counted = {
            each.name: recorder(self.meter, each) for each in METRICS if not each.is_read
        }

    @property
    def is_looked_at(self) -> bool:
        """Whether anybody is told: reading the state for nobody would be work for nothing."""
        return self.exports or self._pulled is not None

    def meter_of(self, name: str) -> Meter:
        """The meter of a part that counts by itself, a plugin for instance."""
        return self._provider.get_meter(name)

    def record(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """Something happened; from any thread, in microseconds."""
        self._counted[metric.name](value, attributes)

    def observe(
        self, read: Callable[[], Awaitable[Readings]], beside: Callable[[], Readings]
    ) -> None:
        """From now on both are asked how things stand whenever somebody looks.

        `read` in this loop, `beside` in the thread of who looks.
        """
        if not self.is_looked_at:
            return
        latest = Latest(read, beside)
        for metric in METRICS:
            if metric.is_read:
                _observe(self.meter, metric, latest)

    def exposition(self) -> bytes:
        """All metrics as Prometheus reads them. Blocks: call it in a thread. Empty: not pulled."""
        data = self._pulled.get_metrics_data() if self._pulled is not None else None
        return b"" if data is None else exposition(masked_metrics(data, self._masking))

    async def shutdown(self, *, timeout_seconds: float = 5.0) -> bool:
        """Export what is left, off the loop; False when the deadline cut it short."""
        return await ended(self._provider.shutdown, timeout_seconds=timeout_seconds)


def build_metering(
    masking: Masking, resource: Resource, *, version: str = "", serves: bool = False
) -> Metering:
    """Build the metering as the environment says; `serves`: it will be pulled, too.

    Blocks shortly: imports an exporter if needed.
    """
    exports = wants_export(os.environ, Signal.METRICS)
    pulled = InMemoryMetricReader(cardinality_limits=_LIMITS) if serves else None
    readers: list[MetricReader] = [] if pulled is None else [pulled]
    if exports:
        readers.append(_exporting_reader(masking))
    provider = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    return Metering(provider, version, pulled, masking, exports=exports)


def recorder(meter: Meter, metric: Metric) -> Callable[[float, Attributes], None]:
    """What counts a metric when it happens."""
    if metric.kind is Kind.HISTOGRAM:
        histogram: Histogram = meter.create_histogram(
            metric.name,
            metric.unit,
            metric.meaning,
            explicit_bucket_boundaries_advisory=metric.boundaries,
        )
        return histogram.record
    counter: Counter = meter.create_counter(metric.name, metric.unit, metric.meaning)
    return counter.add


def _observe(meter: Meter, metric: Metric, latest: Latest) -> None:
    def observations(options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, attributes) for value, attributes in latest.of(metric)]

    callbacks: Sequence[Callable[[CallbackOptions], Iterable[Observation]]] = [observations]
    create = (
        meter.create_observable_counter
        if metric.kind is Kind.COUNTER
        else meter.create_observable_gauge
    )
    create(metric.name, callbacks, metric.unit, metric.meaning)


def _exporting_reader(masking: Masking) -> MetricReader:
    # 0.2 s and protobuf, which a process that exports nothing does not pay for.
    from shoal.telemetry.pushing import MaskedMetricExporter

    return PeriodicExportingMetricReader(MaskedMetricExporter(masking), cardinality_limits=_LIMITS)
