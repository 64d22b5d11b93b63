"""`livery worker`, `plugin`, `doctor`: commands about the installation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livery.cli import output, plugin_new
from livery.cli.output import BAD_INPUT, FAILED, ConfigOption, JsonOption
from livery.errors import LiveryError, StoreAway

if TYPE_CHECKING:
    from livery.engine import Engine
    from livery.packs.chain import Changes
    from livery.ports import Duty

_CLOCKS_APART = 5
"""Seconds by which two clocks may differ without harm."""
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 10.0
"""Seconds between two tries of a worker whose store is away."""
_COLLECT = 10_000
"""Objects made and not yet gone, from which on garbage is looked for among them."""
plugin = typer.Typer(no_args_is_help=True, help="Plugins: channels, event types and packs that are installed.")


def add_to(app: typer.Typer) -> None:
    app.command()(output.command(worker))
    app.command()(output.command(doctor))
    plugin.command("list")(output.command(plugin_list))
    plugin_new.add_to(plugin)
    plugin.callback()(lambda: None)
    app.add_typer(plugin, name="plugin")


def worker(
    config: ConfigOption = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Serve Prometheus metrics on this port.")
    ] = None,
    metrics_host: Annotated[str, typer.Option(help="The address to serve metrics on.")] = "127.0.0.1",
    *,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Deliveries at once; `concurrency` of livery.toml if not given.")
    ] = None,
    channels: Annotated[
        str, typer.Option(metavar="NAMES", help="Deliver by these channels alone, with commas between.")
    ] = "",
    tenants: Annotated[str, typer.Option(metavar="IDS", help="Deliver for these sellers alone, with commas.")] = "",
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Log every attempt and alarm to standard error, one JSON object a line.")
    ] = False,
) -> None:
    """Deliver what is due, until stopped.

    On PostgreSQL any number of workers share the work, each all of it or the part it is for. On SQLite one process
    works; is another at it, this one stands by.
    """
    import asyncio
    import signal

    from livery.ports import Duty

    async def run(engine: "Engine") -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio.run made it"
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, lambda: reload(engine))
        output.note("Working; Ctrl-C or SIGTERM stops after what is being sent, SIGHUP reads the packs again.")
        try:
            await _work(engine, Duty(concurrency, _names(channels), _names(tenants)))
        except asyncio.CancelledError:
            output.note("Stopped.")

    if log_json:
        log_as_json()
    with output.opened(config) as engine:
        if metrics_port is not None:
            _serve_metrics(engine, metrics_host, metrics_port)
        stay()
        asyncio.run(run(engine))


def stay() -> None:
    """Collect garbage as suits a process that is here for long.

    What there is by now stays, and nearly all that is made goes with its delivery: to look for the rest at every turn
    took a tenth of a worker's time.
    """
    import gc

    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT, 20, 20)


async def _work(engine: "Engine", duty: "Duty") -> None:
    """Work; while the store is away, wait for it, and say so once."""
    import asyncio

    wait, is_said = _FIRST_WAIT, False
    while True:
        try:
            await engine.work(duty=duty)
        except StoreAway as error:
            if not is_said:
                output.note(f"{error}. The worker waits for it.")
            is_said = True
        else:
            return
        await asyncio.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT)


def _names(listed: str) -> frozenset[str] | None:
    return frozenset(name for one in listed.split(",") if (name := one.strip())) or None


def log_as_json() -> None:
    """Log to standard error, one JSON object a line."""
    import logging

    from livery.telemetry import Fields

    handler = logging.StreamHandler()
    handler.setFormatter(Fields())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _serve_metrics(engine: "Engine", host: str, port: int) -> None:
    from prometheus_client import start_http_server

    try:
        start_http_server(port, host, registry=engine.registry)
    except OSError as error:
        raise LiveryError(f"metrics cannot be served on {host}:{port}: {error.strerror}") from None
    output.note(f"Metrics at http://{host}:{port}/metrics.")


def reload(engine: "Engine") -> None:
    """Read the packs again, and say what is different."""
    changes = engine.reload_packs()
    said = "; ".join(f"{what}: {', '.join(ids)}" for what, ids in _parts(changes) if ids)
    output.note(f"Packs read again. {said or 'Nothing changed.'}")


def _parts(changes: "Changes") -> list[tuple[str, tuple[str, ...]]]:
    return [("added", changes.added), ("changed", changes.changed), ("removed", changes.removed)]


def plugin_list(
    config: ConfigOption = None,
    *,
    services: Annotated[
        bool, typer.Option("--services", help="List the services that can be reached, and by which channel.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List every plugin found, what it implements, and the channels there are."""
    if services:
        _services(config, as_json=as_json)
        return
    with output.opened(config) as engine:
        plugins, kinds = list(engine.plugins), engine.channels.types
        order = {
            hook: [name for name, _, _ in engine.hooks.implementations(hook)] for one in plugins for hook in one.hooks
        }
        missing = {name: engine.channels.missing(name) for name in kinds}
    if as_json:
        fields = ("name", "distribution", "version", "hooks", "error")
        output.emit(
            {
                "plugins": [{field: getattr(one, field) for field in fields} for one in plugins],
                "channels": [
                    {"name": kind.name, "summary": kind.summary, "missing": missing[kind.name]}
                    for kind in kinds.values()
                ],
                "hook_order": order,
            }
        )
        return
    rows = [
        (
            one.name,
            f"{one.distribution} {one.version}",
            one.error or ", ".join(hook.removeprefix("livery_") for hook in one.hooks),
        )
        for one in plugins
    ]
    output.table(("plugin", "from", "hooks"), rows)
    channels = [(kind.name, kind.summary, missing[kind.name] or "ready") for kind in kinds.values()]
    output.table(("channel", "what it is", "state"), channels)
    if any(one.error and "blocked" not in one.error for one in plugins):
        output.complain("A plugin was skipped; its error stands beside it.")


def _services(config: Path | None, *, as_json: bool) -> None:
    from livery.channel import Offer

    with output.opened(config) as engine:
        kinds = sorted(engine.channels.types.values(), key=lambda kind: (kind.offers is not None, kind.name))
        missing = {kind.name: engine.channels.missing(kind.name) for kind in kinds}
    rows = [
        (kind, one) for kind in kinds for one in (kind.offers() if kind.offers else [Offer(kind.name, kind.summary)])
    ]
    if as_json:
        output.emit(
            [
                {"service": one.key, "name": one.name, "channel": kind.name, "fields": one.fields,
                 "options": one.options, "missing": missing[kind.name]}
                for kind, one in rows
            ]
        )  # fmt: skip
        return
    shown = [(one.key, one.name, kind.name, " | ".join(one.fields), ", ".join(one.options)) for kind, one in rows]
    output.table(("service", "what it is", "channel", "fields, one set of", "options"), shown)
    for said in sorted({said for said in missing.values() if said}):
        output.note(f"Not all can be used yet: {said}")


def doctor(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Check configuration, plugins, packs, channels and the store; say what to do about each finding."""
    from livery.engine import Engine

    checks: list[dict[str, Any]] = []

    def check(name: str, job: Any) -> Any:
        try:
            answer = job()
        except LiveryError as error:
            checks.append({"check": name, "ok": False, "says": str(error)})
            return None
        checks.append(
            {
                "check": name,
                "ok": not isinstance(answer, str) or not answer,
                "says": answer if isinstance(answer, str) else "",
            }
        )
        return answer

    engine = check("configuration, plugins and packs open", lambda: Engine.open(config))
    if engine is not None:
        with engine:
            _check_engine(engine, check)
            if _is_there(engine):  # else each would only say so again
                _check_store(engine, check)
    wrong = [one for one in checks if not one["ok"]]
    if as_json:
        output.emit(checks)
    else:
        for one in checks:
            typer.echo(f"{'✓' if one['ok'] else '✗'} {one['check']}" + (f": {one['says']}" if one["says"] else ""))
    if engine is None:
        raise typer.Exit(BAD_INPUT)
    if wrong:
        raise typer.Exit(FAILED)


def _check_engine(engine: "Engine", check: Any) -> None:
    for one in engine.plugins:
        if "blocked" not in one.error:
            check(f"plugin {one.name}", lambda error=one.error: error)
    for folder, error in engine.library.broken.items():
        check(f"pack in {folder}", lambda said=str(error): said)
    for tenant in engine.config.tenants.values():
        if tenant.pack:
            check(
                f"pack {tenant.pack} of tenant {tenant.id}",
                lambda name=tenant.pack: engine.library.chain(name),
            )
    for kind in engine.channels.enabled():
        check(
            f"channel {kind.name}",
            lambda name=kind.name: engine.channels.missing(name) or engine.channels.open(name),
        )
    check("packs can be compiled", engine.press.warm)
    for finding in engine.library.findings():
        if finding.severity == "error":
            check(f"pack {finding.pack}", lambda said=str(finding): said)
    check("store opens", engine.counts)


def _check_store(engine: "Engine", check: Any) -> None:
    dead = check("store is read", engine.counts) or {}
    none = "there are none; livery tenant add, or [tenants.…] in livery.toml"
    check("tenants", lambda: "" if engine.tenants.list() else none)
    check("sender domains", lambda: _lost(engine))
    check("service", lambda: _service(engine))
    check("clock", lambda: _clock(engine))
    check(
        "deliveries given up",
        lambda: f"{dead['dead']}: see livery deliveries list --state dead" if dead.get("dead") else "",
    )


def _is_there(engine: "Engine") -> bool:
    """Whether the store answers; if not, a check of its own tells why."""
    try:
        engine.counts()
    except LiveryError:
        return False
    return True


def _clock(engine: "Engine") -> str:
    ahead = engine.clock_ahead().total_seconds()
    if abs(ahead) <= _CLOCKS_APART:
        return ""
    way = "ahead of" if ahead > 0 else "behind"
    return f"this machine's is {abs(ahead):,.0f} s {way} the store's: let NTP set both, or retries come at odd times"


def _lost(engine: "Engine") -> str:
    """Domains that were verified and are so no more; those that are due are asked for first."""
    engine.domains.recheck()
    return "; ".join(f"{one.domain} of {one.tenant}: {one.detail}" for one in engine.domains.find() if one.is_lost)


def _service(engine: "Engine") -> str:
    """Whether the HTTP service could be opened as it is configured, and which tokens end soon."""
    from datetime import timedelta

    from livery.cli.serve import check_bind

    check_bind(engine, engine.config.server.host)
    now = engine.now()
    soon = [
        f"token {one.name} ({one.id}) ends on {one.expires_at:%Y-%m-%d}; livery token create makes another"
        for one in engine.identity.tokens()
        if one.expires_at is not None and one.counts(now) and one.expires_at < now + timedelta(days=14)
    ]
    return "; ".join(soon)
