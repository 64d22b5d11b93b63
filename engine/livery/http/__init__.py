"""The HTTP service: the API and the pages over one engine. Owns who may do what over HTTP, and how errors are told.

Needs the extra `server`. Only `livery serve` and hosts that mount it import it; the engine knows nothing of it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from livery.engine import Engine

__all__ = ["create_app"]


def create_app(engine: "Engine", *, worker: bool = False) -> "FastAPI":
    """The service as an ASGI application, to be served by itself or mounted into the host's under any prefix.

    Args:
        engine: the engine it is a surface of; the caller opens and closes it.
        worker: deliver what is due for as long as the application runs. It follows the application's lifespan,
            which a host that mounts it has to pass on; such a host may as well use `async with engine.worker()`.

    Raises:
        ConfigError: a part of the extra `server` is not installed.

    """
    try:
        from livery.http.app import assembled
    except ModuleNotFoundError as error:
        from livery.errors import ConfigError, Problem

        if (error.name or "").partition(".")[0] in ("livery", ""):
            raise
        said = [Problem("server", "pip install 'livery[server]' for the HTTP service", f"no {error.name}")]
        raise ConfigError("the HTTP service:", said) from None
    return assembled(engine, worker=worker)
