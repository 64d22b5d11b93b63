"""Spans, metrics and log records of the flow, as a host's own instruments see them; none tells a secret."""

import json
import logging

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from flow.test_delivery import GOOD, SECRET, Clock, configured, events
from livery import Engine
from livery.models.delivery import Reason
from livery.telemetry import Fields

ADDRESS, PASSWORD = "ada.buyer@custo.example", "hunter2-canary"


@pytest.fixture(scope="module")
def exporter():
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    return kept


@pytest.fixture
def engine(tmp_path, http, mail):
    channels = {"smtp": {"port": mail.port}}
    with Engine.open(configured(tmp_path, http, channels=channels), now=Clock()) as opened:
        yield opened


def samples(engine):
    """(name, labels, value) of every sample."""
    families = text_string_to_metric_families(engine.metrics())
    return [(one.name, one.labels, one.value) for family in families for one in family.samples]


def value(engine, name, **labels):
    return sum(got for called, has, got in samples(engine) if called == name and labels.items() <= has.items())


def test_deliveries_are_counted_by_channel_outcome_and_reason(engine, http):
    http.answers["/hook"] = [(400, f"no: {PASSWORD}", {}), (200, "", {})]
    engine.accept_all(events(2))
    assert value(engine, "livery_queue_depth", lane="webhook", due="now") == 2
    engine.drain()
    assert value(engine, "livery_queue_depth") == 0
    assert value(engine, "livery_events_accepted_total", type="OfferProvisionError", duplicate="false") == 2
    assert value(engine, "livery_attempts_total", channel="webhook", outcome="failed", reason="invalid") == 1
    assert value(engine, "livery_deliveries_total", channel="webhook", state="delivered") == 1
    assert value(engine, "livery_deliveries_total", channel="smtp", state="accepted") == 2
    assert value(engine, "livery_attempt_duration_seconds_count", channel="smtp") == 2
    assert value(engine, "livery_alarms", kind="dead") == 1


def test_a_paused_destination_is_a_metric(engine, http):
    http.answers["/hook"] = [(503, "", {})]
    engine.accept_all(events(6))
    engine.drain()
    assert value(engine, "livery_destinations", channel="webhook", state="paused") == 1
    assert value(engine, "livery_queue_depth", lane="webhook", due="later") == 6


def test_no_label_tells_an_address_a_secret_or_anything_without_bound(engine, http):
    http.answers["/hook"] = [(503, PASSWORD, {}), (400, ADDRESS, {}), (200, "", {})]
    engine.accept_all(events(4))
    engine.drain()
    text = engine.metrics()
    for secret in (ADDRESS, "custo.example", PASSWORD, SECRET, "127.0.0.1", "/hook", "evt-0", "dlv_"):
        assert secret not in text
    known = {*(str(one) for one in Reason), ""}
    assert {has["reason"] for _, has, _ in samples(engine) if "reason" in has} <= known


def test_an_attempt_is_one_log_record_with_its_ids(engine, caplog):
    with caplog.at_level(logging.INFO, "livery.delivery"):
        engine.accept(GOOD)
        engine.drain()
    records = [one for one in caplog.records if one.name == "livery.delivery"]
    assert {one.livery_channel for one in records} == {"smtp", "webhook"}
    one = next(one for one in records if one.livery_channel == "smtp")
    assert (one.livery_tenant, one.livery_event, one.livery_attempt) == ("res-org-n", GOOD["id"], 1)
    said = json.loads(Fields().format(one))
    assert (said["livery_outcome"], said["livery_delivery"]) == ("accepted", one.livery_delivery)
    assert ADDRESS not in json.dumps(said)


def test_spans_lead_from_the_accepting_call_to_every_delivery(engine, exporter):
    exporter.clear()
    with trace.get_tracer("host").start_as_current_span("order") as order:
        engine.accept(GOOD)
    engine.drain()
    spans = exporter.get_finished_spans()
    assert {one.name for one in spans} >= {"order", "livery.accept", "livery.deliver", "livery.render", "livery.send"}
    assert {one.context.trace_id for one in spans} == {order.get_span_context().trace_id}
    delivered = [one for one in spans if one.name == "livery.deliver"]
    assert {one.attributes["livery.channel"] for one in delivered} == {"smtp", "webhook"}
    assert {one.attributes["livery.outcome"] for one in delivered} == {"accepted", "delivered"}
    assert ADDRESS not in json.dumps([dict(one.attributes) for one in spans])
