"""The service put together: routes, gate, limits, problem details, and the worker that may run beside."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from livery._version import __version__
from livery.engine import Engine
from livery.http import problems
from livery.http.api import ROUTERS
from livery.http.attendant import Attendant
from livery.http.describing import describer
from livery.http.front import Front
from livery.http.gate import Gate, every_route, rule_of
from livery.http.intake import Intake
from livery.http.limits import Limits
from livery.http.pages import ROUTERS as PAGES
from livery.http.pages.routes import unrouted
from livery.http.sessions import recognise
from livery.packtools.viewing import Viewing

_ABOUT = """Hand events in, see what became of them, and say who is told of what.

Every request but those for `/healthz`, `/readyz` and this description carries a token
(`Authorization: Bearer livery_…`), which acts for one tenant and all below it. What is not theirs is answered like
what does not exist. Errors are problem details (RFC 9457)."""


def assembled(engine: Engine, *, worker: bool) -> FastAPI:
    """The application; see `livery.http.create_app`."""
    attendant, intake, viewing = Attendant(engine), Intake(engine), Viewing(engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(intake.close)
            stack.callback(viewing.close)
            if worker:
                await stack.enter_async_context(attendant.at_work())
            yield

    app = FastAPI(
        title="Livery",
        version=__version__,
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,  # both load scripts from a CDN
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.engine, app.state.gate, app.state.intake, app.state.attendant = engine, Gate(engine), intake, attendant
    app.state.viewing = viewing
    app.state.gate.recognisers.insert(0, recognise)
    app.add_middleware(Front)
    app.add_middleware(Limits, policy=engine.config.server)
    problems.install(app)
    app.add_exception_handler(HTTPException, unrouted)
    for router in (*ROUTERS, *PAGES):
        app.include_router(router)
    check_rules(app)
    app.openapi = describer(app, engine)  # type: ignore[method-assign]
    return app


def check_rules(app: FastAPI) -> None:
    """That every route says whom it is for.

    Raises:
        LookupError: names the first that does not.

    """
    for route in every_route(app.routes):
        rule_of(route)
