"""The routes of the API, one module for each thing it is about."""

from livery.http.api import (
    asking,
    catalogue,
    deliveries,
    directory,
    domains,
    events,
    health,
    packs,
    settings,
    suppressions,
    tenants,
    tokens,
)

_PARTS = (events, asking, deliveries, settings, packs, tenants, directory, suppressions, domains, tokens, catalogue)
ROUTERS = (*(one.routes for one in _PARTS), health.open_to_all, health.told)
