"""The examples do what they say."""

import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys

import pytest

import databases
from docs.reading import ROOT
from livery import Config, Engine

EXAMPLES = ROOT / "examples"
EVENTS = sorted((EXAMPLES / "events").glob("*.json"))


def run(*command, cwd, **options):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LIVERY_")}
    command = [sys.executable, *map(str, command)]
    return subprocess.run(
        command, cwd=cwd, env=clean, capture_output=True, text=True, timeout=60, check=False, **options
    )


def test_a_rolled_back_order_tells_nobody_and_a_committed_one_is_delivered(tmp_path):
    example = runpy.run_path(str(EXAMPLES / "host_orders.py"))
    assert example["main"](tmp_path) == ["Provisioning failed: Mail Plus (order ORD-2)"]


def test_the_host_example_runs_as_a_script(tmp_path):
    done = run(EXAMPLES / "host_orders.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ORD-2-provision-error: accepted" in done.stdout


def test_on_postgresql_every_way_to_write_is_one_transaction(postgres):
    example = runpy.run_path(str(EXAMPLES / "host_orders_postgres.py"))
    with databases.database(postgres) as url:
        assert example["main"](url) == [
            f"Provisioning failed: Mail Plus (order {order})" for order in ("ORD-2", "ORD-3", "ORD-4")
        ]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_the_example_configuration_explains_and_renders_every_example_event(event, tmp_path):
    settings = ("--config", EXAMPLES / "livery.toml")
    done = run("-m", "livery", "explain", event, *settings, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert not found["unreachable"]
    assert all(not one["wording"]["degraded"] for one in found["deliveries"])
    done = run("-m", "livery", "render", event, *settings, "--out", tmp_path / "out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert list((tmp_path / "out").glob("*.html"))


def test_the_example_configuration_has_the_sellers_of_the_example_events():
    config = Config.load(EXAMPLES / "livery.toml")
    with Engine.open(config) as engine:
        told = {event.name: engine.explain(event.read_bytes()) for event in EVENTS}
    german = told["offer_provision_error.de.json"]
    assert german.chain == ("default platform", "distributor north-distribution", "seller nordwind")
    assert [(entry.place, entry.recipient.address) for entry in german.audience.entries] == [
        ("to", "joerg.gross@mueller-soehne.example"),
        ("bcc", "nele@nordwind.example"),
        ("bcc", "archiv@nordwind.example"),
    ]
    assert {one.channel for one in german.deliveries} == {"smtp", "teams", "webhook"}
    assert sum(one.channel == "webhook" for one in german.deliveries) == 2


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def test_the_example_receivers_get_what_the_example_configuration_sends(tmp_path):
    smtp, http = free_ports(2)
    settings = (EXAMPLES / "livery.toml").read_text("utf-8")
    settings = settings.replace("port = 2525", f"port = {smtp}").replace("127.0.0.1:8080", f"127.0.0.1:{http}")
    (tmp_path / "livery.toml").write_text(settings, "utf-8")
    command = [sys.executable, EXAMPLES / "receivers.py", str(smtp), str(http)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as receivers:
        try:
            assert str(smtp) in receivers.stdout.readline()
            done = run("-m", "livery", "send", *EVENTS, "--json", cwd=tmp_path)
        finally:
            receivers.send_signal(signal.SIGINT)
            heard = receivers.stdout.read()
    assert done.returncode == 0, done.stdout + done.stderr
    assert receivers.returncode == 0, heard
    posted = sorted(re.findall(r"^POST (\S+)$", heard, re.MULTILINE))
    twice = ["/slack/res-org-n", "/teams/nordwind", "/webhook/nordwind", *["/webhook/platform"] * 3]
    assert posted == sorted([*twice, *twice]), "each seller has an event of either type"
    assert heard.count("mail to ") == 6
