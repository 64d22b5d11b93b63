"""The routes of the API, one module for each thing it is about."""

from livery.http.api import events, health

ROUTERS = (events.routes, health.open_to_all, health.told)
