"""Traces and metrics over OTLP, if an exporter is installed and configured.

The SDK creates a span for every message; this module adds the exporter and counts calls.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Variables of the OpenTelemetry specification that enable an export."""

SERVICE = "evals-mcp"


def start_export(environ: Mapping[str, str]) -> Callable[[], None]:
    """Start the export if a variable enables it; return a function that flushes and ends it."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return lambda: None
    try:
        from opentelemetry import metrics, trace  # noqa: PLC0415 - only for an export
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
            OTLPMetricExporter,
        )
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        log.warning(
            "an OpenTelemetry endpoint is set, but no exporter is installed: "
            "pip install 'evals-mcp[otel]'"
        )
        return lambda: None
    resource = Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME") or SERVICE})
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(traces)
    readers = [PeriodicExportingMetricReader(OTLPMetricExporter())]
    meters = MeterProvider(metric_readers=readers, resource=resource)
    metrics.set_meter_provider(meters)

    def end() -> None:
        traces.shutdown()
        meters.shutdown()

    return end


class CallMetrics:
    """Counts tool calls and their durations; without an export that costs nothing."""

    def __init__(self) -> None:
        from opentelemetry import metrics  # noqa: PLC0415 - the SDK of MCP has loaded it

        meter = metrics.get_meter("evals_mcp")
        self._durations = meter.create_histogram(
            "evals_mcp.tool.duration", unit="s", description="Duration of tool calls."
        )

    def record(self, tool: str, outcome: str, seconds: float) -> None:
        """Record a call: its tool, `ok` or the kind of its error, and its duration."""
        self._durations.record(seconds, {"tool": tool, "outcome": outcome})
