"""What an operator's instruments see: spans, metrics and log records. Owns their names; the flow uses it.

Nothing in a label, a span or a log record is a secret or a person's address: channels, states, reasons and ids only.
Spans need the host's own OpenTelemetry SDK and cost nothing without one.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from livery.models.delivery import OPEN, Delivery, Destination
from livery.ports import Depth, Settlement

log = logging.getLogger("livery.delivery")
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
FIELDS = (
    "delivery", "event", "event_type", "tenant", "channel", "attempt", "state", "outcome", "reason", "code", "ms",
)  # fmt: skip
"""Of the log record of an attempt, each with `livery_` before it."""
_CONTEXT = TraceContextTextMapPropagator()
_NO_SPAN = nullcontext(trace.INVALID_SPAN)
TRACE = "traceparent"
"""Where a delivery's trace keeps the W3C context of the call that accepted its event."""


class Telemetry:
    """The instruments of one engine.

    Args:
        depths: how much work waits, by lane; asked when metrics are read.
        destinations: those paused or disabled; asked when metrics are read.
        alarms: how many alarms of each kind there were.

    """

    def __init__(
        self,
        *,
        depths: Callable[[], Sequence[Depth]] = tuple,
        destinations: Callable[[], Sequence[Destination]] = tuple,
        alarms: Mapping[str, int] | None = None,
    ) -> None:
        self._tracer = trace.get_tracer("livery")
        self.registry = CollectorRegistry()
        self._accepted = Counter(
            "livery_events_accepted", "Events accepted.", ["type", "duplicate"], registry=self.registry
        )
        self._attempts = Counter(
            "livery_attempts", "Attempts that ended.", ["channel", "outcome", "reason"], registry=self.registry
        )
        self._deliveries = Counter(
            "livery_deliveries", "Deliveries that are settled.", ["channel", "state", "reason"], registry=self.registry
        )
        self._duration = Histogram(
            "livery_attempt_duration_seconds",
            "How long attempts took.",
            ["channel"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._degraded = Counter(
            "livery_degraded_renders", "Messages written with something left out.", ["channel"], registry=self.registry
        )
        self.registry.register(_Store(depths, destinations, {} if alarms is None else alarms))

    def text(self) -> str:
        """The metrics, in Prometheus' text format."""
        return generate_latest(self.registry).decode()

    def span(self, name: str, *, parent: str = "", **attributes: str | int) -> AbstractContextManager[Span]:
        """A span around a piece of the flow; `parent` is a W3C `traceparent`."""
        if not parent and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            return _NO_SPAN  # the host has no SDK, and nothing to hang it on either
        return self._span(name, parent, attributes)

    @contextmanager
    def _span(self, name: str, parent: str, attributes: Mapping[str, str | int]) -> Iterator[Span]:
        context = _CONTEXT.extract({TRACE: parent}) if parent else None
        named = {f"livery.{key}": value for key, value in attributes.items()}
        with self._tracer.start_as_current_span(f"livery.{name}", context, attributes=named) as span:
            yield span

    def context(self) -> dict[str, str]:
        """The current span as `{"traceparent": …}`; empty if nobody traces."""
        carrier: dict[str, str] = {}
        _CONTEXT.inject(carrier)
        return {TRACE: carrier[TRACE]} if TRACE in carrier else {}

    def accepted(self, kind: str, *, duplicate: bool) -> None:
        self._accepted.labels(kind, str(duplicate).lower()).inc()

    def degraded(self, channel: str) -> None:
        self._degraded.labels(channel).inc()

    def ended(self, delivery: Delivery, end: Settlement, span: Span | None = None) -> None:
        """An attempt ended and is on record."""
        outcome, channel = end.attempt.outcome, delivery.channel
        reason = str(outcome.reason or "")
        self._attempts.labels(channel, outcome.status, reason).inc()
        self._duration.labels(channel).observe(end.attempt.duration_ms / 1000)
        if end.state not in OPEN:
            self._deliveries.labels(channel, str(end.state), str(end.reason or "")).inc()
        if span is not None and span.is_recording():
            span.set_attributes({"livery.outcome": outcome.status, "livery.reason": reason})
            if outcome.status not in ("delivered", "accepted"):
                span.set_status(StatusCode.ERROR, reason)
        if not log.isEnabledFor(logging.INFO):
            return
        values = (
            delivery.id, delivery.event_id, delivery.event_type, delivery.tenant, channel, end.attempt.number,
            str(end.state), outcome.status, reason, outcome.code, round(end.attempt.duration_ms, 1),
        )  # fmt: skip
        fields = {f"livery_{name}": value for name, value in zip(FIELDS, values, strict=True)}
        log.info("delivery %s by %s: %s", delivery.id, channel, end.state, extra=fields)


class _Store(Collector):
    """What the store knows, read when metrics are."""

    def __init__(
        self,
        depths: Callable[[], Sequence[Depth]],
        destinations: Callable[[], Sequence[Destination]],
        alarms: Mapping[str, int],
    ) -> None:
        self._depths, self._destinations, self._alarms = depths, destinations, alarms

    def describe(self) -> Iterable[Metric]:
        return ()  # asked at registration; the store need not be read for that

    def collect(self) -> Iterable[Metric]:
        depth = GaugeMetricFamily("livery_queue_depth", "Pieces of work stored.", labels=["lane", "due"])
        age = GaugeMetricFamily("livery_queue_age_seconds", "How long the oldest due work has been.", labels=["lane"])
        for one in self._depths():
            depth.add_metric([one.lane, "now"], one.due)
            depth.add_metric([one.lane, "later"], one.waiting - one.due)
            age.add_metric([one.lane], one.oldest)
        yield from (depth, age)
        breakers = GaugeMetricFamily(
            "livery_destinations", "Destinations that are paused or disabled.", labels=["channel", "state"]
        )
        counted: dict[tuple[str, str], int] = {}
        for where in self._destinations():
            key = (where.channel, "disabled" if where.disabled_at else "paused")
            counted[key] = counted.get(key, 0) + 1
        for labels, count in counted.items():
            breakers.add_metric(list(labels), count)
        yield breakers
        alarms = GaugeMetricFamily("livery_alarms", "Alarms raised by this process.", labels=["kind"])
        for kind, count in self._alarms.items():
            alarms.add_metric([kind], count)
        yield alarms


class Fields(logging.Formatter):
    """One JSON object a line: time, level, logger, message and every field of Livery's."""

    def format(self, record: logging.LogRecord) -> str:
        import json

        fields: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {key: value for key, value in vars(record).items() if key.startswith("livery_")}
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)
