"""The deployment examples call what there is, run as nobody in particular, and write nowhere they may not."""

import re
import shlex
import tomllib

import pytest
import yaml
from typer.main import get_command

from docs.reading import ROOT
from livery import Config, Engine
from livery.cli import app
from livery.http import create_app
from livery.vault import Vault

DEPLOY = ROOT / "examples" / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
MANIFESTS = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8")))
OURS = {name: one for name, one in COMPOSE["services"].items() if one["image"] == "livery"}
PODS = [one["spec"]["template"]["spec"] for one in MANIFESTS if one["kind"] == "Deployment"]


def instructions():
    joined = re.sub(r"\\\n", " ", DOCKERFILE)
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line and not line.startswith("#")]


def commands():
    """Every command line of Livery's that an example gives."""
    yield ["serve", "--host", "0.0.0.0"]
    for one in OURS.values():
        yield one["command"]
    for pod in PODS:
        yield pod["containers"][0]["args"]
    for file in ("compose.yaml", "kubernetes.yaml", "Dockerfile"):
        text = (DEPLOY / file).read_text("utf-8")
        for line in re.findall(r"`(livery [a-z -]+)`|-- (livery .+)$", text, re.MULTILINE):
            yield shlex.split(next(filter(None, line)))[1:]


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_exists_with_its_options(words):
    at, rest = get_command(app), list(words)
    while hasattr(at, "commands"):
        at = at.commands[rest.pop(0)]
    context = at.make_context(at.name, rest, resilient_parsing=False)
    assert context.command is at


def environment(text):
    return re.sub(r"\$\{\w+:-(.*)\}$", r"\1", text)


@pytest.mark.parametrize("where", ["compose", "kubernetes"])
def test_the_configuration_is_one_and_its_keys_are_keys(where, tmp_path, monkeypatch):
    if where == "compose":
        toml, given = (DEPLOY / "livery.toml").read_text("utf-8"), OURS["worker"]["environment"]
    else:
        (config,) = [one["data"] for one in MANIFESTS if one["kind"] == "ConfigMap"]
        (secret,) = [one["stringData"] for one in MANIFESTS if one["kind"] == "Secret"]
        toml, given = config["livery.toml"], secret
    (tmp_path / "livery.toml").write_text(toml)
    for name, value in given.items():
        monkeypatch.setenv(name, environment(value))
    config = Config.load(tmp_path / "livery.toml")
    assert config.database_url.startswith("postgresql://livery:")
    assert config.server.public_url
    assert Vault(one.get_secret_value() for one in config.secret_keys).keys
    with Engine(config) as engine:
        assert not engine.channels.missing("smtp")


def probes():
    for pod in PODS:
        container = pod["containers"][0]
        ports = {one["name"]: one["containerPort"] for one in container["ports"]}
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            if kind in container:
                yield ports[container[kind]["httpGet"]["port"]], container[kind]["httpGet"]["path"]
    for one in OURS.values():
        (found,) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", one["healthcheck"]["test"][-1])
        yield int(found[0]), found[1]


def test_every_probe_asks_for_what_is_served(tmp_path):
    with Engine(Config.load(None, database_url=f"sqlite:///{tmp_path}/livery.db")) as engine:
        served = set(create_app(engine, worker=False).openapi()["paths"])
    asked = set(probes())
    assert {path for port, path in asked if port == 8480} == {"/healthz", "/readyz"}
    assert {"/healthz", "/readyz"} <= served
    assert {path for port, path in asked if port != 8480} == {"/metrics"}
    exposed = next(value for name, value in instructions() if name == "EXPOSE")
    assert {str(port) for port, _ in asked} == set(exposed.split())


def test_nothing_runs_as_root_or_may_write_but_where_it_must():
    user = [value for name, value in instructions() if name == "USER"][-1]
    assert user == "10001:10001"
    for one in OURS.values():
        assert (one["user"], one["read_only"], one["cap_drop"]) == (user, True, ["ALL"])
        assert {place.split(":")[0] for place in one["tmpfs"]} == {"/tmp", "/var/cache/livery"}
    for pod in PODS:
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
        (container,) = pod["containers"]
        allowed = container["securityContext"]
        assert (allowed["readOnlyRootFilesystem"], allowed["allowPrivilegeEscalation"]) == (True, False)
        mounts = {one["name"]: one for one in container["volumeMounts"]}
        assert {one["name"] for one in pod["volumes"]} == set(mounts)
        assert {one["mountPath"] for one in mounts.values() if not one.get("readOnly")} == {"/tmp", "/var/cache/livery"}


def test_what_is_being_sent_may_end():
    assert all(int(one["stop_grace_period"].rstrip("s")) > 30 for one in OURS.values())
    assert all(pod["terminationGracePeriodSeconds"] > 30 for pod in PODS)


def test_there_are_three_workers_and_labels_that_select_them():
    assert OURS["worker"]["deploy"]["replicas"] == 3
    labels = []
    for one in MANIFESTS:
        if one["kind"] == "Deployment":
            assert one["spec"]["selector"]["matchLabels"] == one["spec"]["template"]["metadata"]["labels"]
            labels.append(one["spec"]["selector"]["matchLabels"])
    (service,) = [one for one in MANIFESTS if one["kind"] == "Service"]
    (budget,) = [one for one in MANIFESTS if one["kind"] == "PodDisruptionBudget"]
    assert service["spec"]["selector"] in labels
    assert budget["spec"]["selector"]["matchLabels"] in labels


@pytest.mark.source
def test_the_image_is_built_of_what_there_is():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    (asked,) = re.findall(r"'\.\[([\w,]+)\]'", DOCKERFILE)
    assert set(asked.split(",")) == set(extras)
    assert (ROOT / ".ci/requirements.txt").is_file()
    assert "/src" in DOCKERFILE
    context = (DEPLOY / COMPOSE["services"]["worker"]["build"]["context"]).resolve()
    assert (context, (context / COMPOSE["services"]["worker"]["build"]["dockerfile"]).is_file()) == (ROOT, True)
