"""`livery webhook`: what is tried is what a delivery would do."""

import base64
import json

import pytest
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook

from cli.commands import GOOD, livery

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_configured_webhook_is_tried_with_its_own_secret(home, http):
    done = livery("webhook", "test", http.url("/hook"), "--event", "event.json", cwd=home)
    assert done.returncode == 0, done.stderr
    [request] = http.requests
    assert Webhook(SECRET).verify(request.body, dict(request.headers))["id"] == GOOD["id"]
    assert "answer   200 ok" in done.stdout
    assert "outcome  delivered. A delivery would be done." in done.stdout
    assert "whsec_" not in done.stdout + done.stderr
    assert not (home / "livery.db").exists(), "it stores nothing"


def test_another_url_gets_a_new_secret_and_an_example_of_a_seller_there_is(home, http):
    done = livery("webhook", "test", http.url("/other"), "--body", "platform", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    [request] = http.requests
    body = Webhook(said["secret"]).verify(request.body, dict(request.headers))
    assert body == said["body"]
    assert body["TemplateData"]["HostOrganizationId"] == "res-org-n"
    assert (said["status"], said["code"], said["detail"]) == ("delivered", "200", "ok")


def test_an_example_says_that_it_is_one(home, http):
    done = livery("webhook", "test", http.url("/hook"), "--type", "OfferProvisionError", cwd=home)
    assert done.returncode == 0, done.stderr
    body = json.loads(http.requests[0].body)
    assert (body["type"], body["liverytest"], body["id"].startswith("test_")) == ("OfferProvisionError", True, True)


def test_what_is_refused_exits_1_and_says_what_would_become_of_it(home, http):
    http.answers["/hook"] = [(410, "no more", {})]
    done = livery("webhook", "test", http.url("/hook"), cwd=home)
    assert (done.returncode, "failed (gone). A delivery would be given up." in done.stdout) == (1, True)
    http.answers["/hook"] = [(503, "busy", {})]
    done = livery("webhook", "test", http.url("/hook"), cwd=home)
    assert (done.returncode, "retry (server_error). A delivery would be tried again." in done.stdout) == (1, True)


def test_the_guard_is_the_one_deliveries_have(home, http):
    done = livery("webhook", "test", f"http://localhost:{http.port}/hook", cwd=home)
    assert (done.returncode, "forbidden_target" in done.stdout, http.requests) == (1, True, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("ftp:/x",), "channels.webhook.url"), (("https://x.example/", "--secret", "canary-secret"), "channels.webhook.secret"),
     (("https://x.example/", "--type", "Nothing"), "no event type is called 'Nothing'"),
     (("https://x.example/", "--event", "missing.json"), "cannot read it"), (("https://x.example/", "--body", "a b"), "channels.webhook.body")],
)  # fmt: skip
def test_bad_input_exits_2_says_what_and_repeats_no_secret(home, arguments, said):
    done = livery("webhook", "test", *arguments, cwd=home)
    assert (done.returncode, said in done.stderr, "canary" in done.stderr) == (2, True, False), done.stderr


def test_without_a_configuration_it_works_too(tmp_path, http, monkeypatch):
    monkeypatch.setenv("LIVERY_OUTBOUND__ALLOW", '["127.0.0.1"]')
    monkeypatch.setenv("LIVERY_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("LIVERY_WEBHOOK_AUTHORIZATION", "Bearer tok-1")
    done = livery("webhook", "test", http.url("/hook"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [request] = http.requests
    Webhook(SECRET).verify(request.body, dict(request.headers))
    assert request.headers["Authorization"] == "Bearer tok-1"


def test_the_schema_is_json_schema_and_examples_keep_it(home):
    one = json.loads(livery("webhook", "schema", "OfferProvisionError", cwd=home).stdout)
    every = json.loads(livery("webhook", "schema", cwd=home).stdout)
    for schema in (one, every):
        Draft202012Validator.check_schema(schema)
    assert {"OfferProvisionError", "OfferProvisioned"} <= {kind["title"] for kind in every["oneOf"]}
    assert livery("webhook", "schema", "Nothing", cwd=home).returncode == 2


def test_a_secret_is_one(home):
    made = [livery("webhook", "secret", cwd=home).stdout.strip() for _ in range(2)]
    assert made[0] != made[1]
    assert {len(base64.b64decode(one.removeprefix("whsec_"))) for one in made} == {32}


def test_services_of_every_kind_are_listed(home):
    done = livery("plugin", "list", "--services", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    rows = {one["service"]: one for one in json.loads(done.stdout)}
    assert {"smtp", "slack", "teams", "webhook", "gotify", "discord", "pagerduty"} <= set(rows)
    assert (rows["slack"]["channel"], rows["gotify"]["channel"]) == ("slack", "apprise")
    assert "token host port" in rows["gotify"]["fields"] or "host port token" in rows["gotify"]["fields"]
    assert {"syslog", "json", "mailto"}.isdisjoint(rows)
    table = livery("plugin", "list", "--services", cwd=home).stdout
    assert "gotify" in table
    assert "Slack: Block Kit" in table
