"""How it runs: within a host's application, at most so often, with a worker beside it, until it is told to stop."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import urllib.request
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from livery import Engine
from livery.cli.system import _service
from livery.errors import ConfigError, StoreError
from livery.http.attendant import Attendant
from livery.http.limits import Buckets
from service.served import TENANTS, Service, event, problem


async def asked(app, method, path, **options):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://host.test") as client:
        return await client.request(method, path, **options)


def test_a_host_mounts_it_under_any_prefix(service):
    host = Starlette(routes=[Mount("/some/where", service.app)])
    answer = asyncio.run(asked(host, "POST", "/some/where/v1/events", json=event(), headers=service.bearer("sender")))
    assert answer.status_code == 202
    described = asyncio.run(asked(host, "GET", "/some/where/openapi.json")).json()
    assert described["servers"] == [{"url": "/some/where"}]
    assert asyncio.run(asked(host, "GET", "/v1/events")).status_code == 404


def test_an_id_with_a_slash_is_written_with_a_tilde(service):
    service.engine.tenants.add("org/1~2", parent="north")
    assert service.ask("GET", "/v1/tenants/org~2F1~7E2").json()["id"] == "org/1~2"
    assert service.ask("GET", "/v1/tenants/org~2f1~7e2", tenant="south").status_code == 404


def test_whoever_asks_too_often_is_told_when_to_come_again(tmp_path):
    service = Service(tmp_path, server={"rate": 0.5, "burst": 2, "stranger_rate": 0.5, "stranger_burst": 2})
    mine, other = service.bearer("viewer"), service.bearer("viewer")
    assert [service.request("GET", "/v1/me", headers=mine).status_code for _ in range(2)] == [200, 200]
    answer = service.request("GET", "/v1/me", headers=mine)
    problem(answer, 429, "too-many-requests")
    assert answer.headers["retry-after"] == "2"
    assert service.request("GET", "/v1/me", headers=other).status_code == 200
    assert [service.request("GET", "/v1/me").status_code for _ in range(3)] == [401, 401, 429]
    service.close()


def test_a_bucket_fills_again_and_holds_no_more_than_its_burst():
    now = [0.0]
    bucket = Buckets(2, 3, clock=lambda: now[0])
    assert [bucket.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]
    now[0] = 0.5
    assert [bucket.wait("a"), bucket.wait("a"), bucket.wait("b")] == [0, 0.5, 0]
    now[0] = 1000.0
    assert [bucket.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_metrics_are_open_where_the_configuration_says_so(tmp_path):
    service = Service(tmp_path, server={"metrics": "open"})
    answer = service.request("GET", "/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "livery_" in answer.text
    service.close()


async def test_a_worker_that_fails_is_told_and_started_again(service, monkeypatch):
    tries = []

    async def work(*, until_idle=False):
        tries.append(1)
        if len(tries) == 1:
            raise StoreError("away")
        at_work.set()
        await asyncio.Event().wait()

    at_work = asyncio.Event()
    monkeypatch.setattr(service.engine, "work", work)
    monkeypatch.setattr("livery.http.attendant._SOONEST", 0.01)
    attendant = Attendant(service.engine)
    async with attendant.at_work():
        await asyncio.wait_for(at_work.wait(), 20)
        assert attendant.failure == ""
    assert (len(tries), attendant.is_wanted) == (2, False)


def test_what_is_stored_while_the_service_ends_is_answered_or_refused_but_never_waited_for(service):
    intake = service.app.state.intake
    intake.close()
    assert service.ask("POST", "/v1/events", "sender", json=event()).status_code == 202
    pool = intake._pool
    intake.close()
    pool.shutdown()  # who was answered may be before the thread sees that nobody waits any more

    async def refused():
        intake._pool = type("Ended", (), {"submit": staticmethod(lambda *_: 1 / 0)})()
        with pytest.raises(ZeroDivisionError):
            await intake.accept([json.dumps(event(id_="evt-2")).encode()], None)
        intake._pool = None
        assert len(await intake.accept([json.dumps(event(id_="evt-2")).encode()], None)) == 1

    asyncio.run(refused())


def test_what_would_end_the_thread_leaves_nobody_waiting(service, monkeypatch):
    intake, real = service.app.state.intake, service.engine.accept_groups

    def ends(groups):
        monkeypatch.setattr(service.engine, "accept_groups", real)
        raise SystemExit

    monkeypatch.setattr(service.engine, "accept_groups", ends)

    async def asked(number):
        return await intake.accept([json.dumps(event(id_=f"evt-{number}")).encode()], None)

    async def all_asked():
        with pytest.raises(StoreError, match="send it again"):
            await asked(0)
        return await asyncio.gather(*map(asked, range(20)))

    assert [len(one) for one in asyncio.run(all_asked())] == [1] * 20


# ------------------------------------------------------------------ livery serve


def configured(folder, host="127.0.0.1"):
    lines = ["[channels.smtp]", 'host = "127.0.0.1"', "port = 9"]
    for id_, one in TENANTS.items():
        lines += [f"[tenants.{id_}]", *([f'parent = "{one["parent"]}"'] if "parent" in one else [])]
    (folder / "livery.toml").write_text("\n".join([*lines, "[server]", f'host = "{host}"']), "utf-8")


def livery(folder, *arguments):
    return [sys.executable, "-m", "livery", *arguments, "--config", str(folder / "livery.toml")]


def test_serve_takes_events_and_stops_when_it_is_told_to(tmp_path):
    configured(tmp_path)
    token = subprocess.run(
        livery(tmp_path, "token", "create", "test", "--role", "sender"), capture_output=True, text=True, check=True
    ).stdout.strip()
    with subprocess.Popen(livery(tmp_path, "serve", "--port", "0"), stderr=subprocess.PIPE, text=True) as process:
        try:
            at = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())[0]
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents+json"}
            asked = urllib.request.Request(f"{at}/v1/events", json.dumps(event()).encode(), headers)
            with urllib.request.urlopen(asked, timeout=60) as answer:
                assert (answer.status, json.load(answer)["duplicate"]) == (202, False)
            with urllib.request.urlopen(f"{at}/readyz", timeout=60) as answer:
                assert json.load(answer) == {"status": "ready", "store": "ok", "worker": "ok"}
        finally:
            process.send_signal(signal.SIGTERM)
            said = process.stderr.read()
            assert process.wait(60) == 0, said
    assert "Stopped." in said
    assert token not in said


def test_serve_is_not_opened_to_other_machines_before_anybody_may_use_it(tmp_path):
    configured(tmp_path, "0.0.0.0")
    done = subprocess.run(livery(tmp_path, "serve"), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "livery token create" in done.stderr
    assert "--without-tokens" in done.stderr


def test_doctor_says_what_is_to_be_done_about_the_service(tmp_path):
    configured(tmp_path, "0.0.0.0")
    with Engine.open(tmp_path / "livery.toml") as engine:
        with pytest.raises(ConfigError, match="livery token create"):
            _service(engine)
        engine.identity.create_token("soon over", roles=["viewer"], lasts=timedelta(days=3), by="test")
        assert "soon over" in _service(engine)
        engine.identity.create_token("long", roles=["viewer"], by="test")
        assert "long" not in _service(engine)
