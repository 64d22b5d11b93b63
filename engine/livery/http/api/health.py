"""`/healthz`, `/readyz`, `/metrics`, `/openapi.json`: for those who run the service, and programs that call it."""

import logging
from typing import Any, Literal

from fastapi import Depends, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from livery.engine import Engine
from livery.errors import LiveryError
from livery.http.api.common import TheEngine, router
from livery.http.attendant import Attendant
from livery.http.gate import PUBLIC, Needs
from livery.models.identity import Principal, Role

log = logging.getLogger("livery.http")
open_to_all, told = router("service", needs_token=False), router("service")


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether requests should come here."""

    status: Literal["ready", "not ready"]
    store: str = Field(description="`ok`, or that it fails.")
    worker: str = Field(description="`ok`, `none here`, or that it fails and is started again.")


@open_to_all.get("/healthz", summary="Whether the process answers", dependencies=[PUBLIC])
async def healthz() -> Health:
    """For a supervisor that restarts what hangs. It looks no further: no restart brings a store back."""
    return Health()


@open_to_all.get(
    "/readyz",
    summary="Whether requests should come here",
    dependencies=[PUBLIC],
    responses={503: {"model": Readiness, "description": "Not now."}},
)
async def readyz(request: Request, response: Response, engine: TheEngine) -> Readiness:
    """For a load balancer: whether the store answers, and the worker of this process, if it has one, is at work."""
    attendant: Attendant = request.app.state.attendant
    worker = "none here" if not attendant.is_wanted else "failing" if attendant.failure else "ok"
    store = await run_in_threadpool(_store, engine)
    is_ready = store == "ok" and worker != "failing"
    response.status_code = 200 if is_ready else 503
    return Readiness(status="ready" if is_ready else "not ready", store=store, worker=worker)


def _store(engine: Engine) -> str:
    try:
        engine.migrate()
        engine.tenants.chain("-")
    except LiveryError as error:
        log.warning("the store fails: %s", error)
        return "failing"
    return "ok"


class _MayReadMetrics(Needs):
    """An operator; or everybody, where the configuration says so."""

    async def __call__(self, request: Request) -> Principal:
        if request.app.state.engine.config.server.metrics == "open":
            return _ANYBODY
        return await super().__call__(request)


_ANYBODY = Principal(name="anybody", roles=frozenset(), via="none")


@told.get(
    "/metrics",
    summary="Metrics of this process",
    response_class=PlainTextResponse,
    dependencies=[Depends(_MayReadMetrics(Role.OPERATOR))],
    responses={200: {"description": "In Prometheus' text format.", "content": {"text/plain": {}}}},
)
def metrics(engine: TheEngine) -> PlainTextResponse:
    """For Prometheus. With `server.metrics = "open"` everybody who can reach the port may read it."""
    return PlainTextResponse(engine.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


@open_to_all.get("/openapi.json", summary="This description", dependencies=[PUBLIC])
async def openapi(request: Request) -> dict[str, Any]:
    """OpenAPI 3.1 of the API."""
    document: dict[str, Any] = request.app.openapi()
    root = request.scope.get("root_path", "").rstrip("/")
    return {**document, "servers": [{"url": root or "/"}]}
