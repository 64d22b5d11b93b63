"""`/v1/tenants/{tenant}/settings` and `/v1/settings`: what counts and whose word it is; changes, their trail, what if.

The version of what a tenant itself says is its revision. It is the ETag of `/v1/tenants/{tenant}/settings`, and what
`If-Match` says was read: a change that came in between is then told with 412, and nothing is written.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from fastapi import Header, Query, Response
from pydantic import BaseModel, Field

from livery.administration.facade import Settings
from livery.engine import Engine
from livery.errors import NotFound, SettingsConflict
from livery.http.api.common import Limit, Moment, SomeId, TenantFilter, TenantPath, TheEngine, problems, router
from livery.http.gate import Admin, Viewer
from livery.http.problems import Told
from livery.models.explanation import SettingsView
from livery.models.identity import Principal
from livery.settings.changes import Change, Said
from livery.settings.differences import ANY, Difference
from livery.settings.fields import FIELDS

routes = router("settings")
_NEVER = -1
"""No revision there ever was."""
_ETAG = re.compile(r'"(\d{1,18})"')
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description='The ETag of what was read, such as `"12"`; a change that came in between is then a 412.',
    ),
]
Note = Annotated[str, Field(max_length=400, description="Why, for the trail.")]
EventTypeName = Annotated[str, Field(min_length=1, max_length=200, description="`*` for all event types.")]
ChannelName = Annotated[str, Field(min_length=1, max_length=100, description="`*` for all channels.")]


class SettingField(BaseModel):
    """Something that can be set."""

    name: str
    kind: Literal["scalar", "list", "table"] = Field(
        description="`scalar`: one value. `list`: of selectors. `table`: of items by name."
    )
    summary: str = Field(description="What it decides.")
    per_event: bool = Field(description="Whether event types may differ.")
    needs_channel: bool = Field(description="Whether it can only be said of one channel.")


class Words(BaseModel):
    """What stands in a place: an operation and its value; secrets are masked."""

    operation: str
    value: Any = None

    @classmethod
    def of(cls, said: Said) -> Self | None:
        return None if said is None else cls(operation=said[0].value, value=said[1])


class Place(BaseModel):
    """What something that is said is about."""

    tenant: str
    event_type: str
    channel: str
    field: str
    item: str = Field(description="Of a list the selector, of a table the name; empty for the whole setting.")
    is_lock: bool = Field(description="Whether it keeps the levels below from changing it.")
    starts: datetime | None = Field(description="From when on it counts; null for always.")
    ends: datetime | None = Field(description="Until when; null for ever.")


class DifferenceOut(BaseModel):
    """One thing that a tenant says."""

    place: Place
    says: Words
    who: str
    at: datetime | None
    note: str

    @classmethod
    def of(cls, one: Difference) -> Self:
        place, says = Place.model_validate(one.slot, from_attributes=True), Words.of(one.said())
        assert says is not None, "something is said"
        return cls(place=place, says=says, who=one.who, at=one.at, note=one.note)


class OwnSettings(BaseModel):
    """What a tenant itself says, in the order in which it takes effect."""

    tenant: str
    revision: int = Field(description="The version of it; 0 if it never said anything.")
    says: list[DifferenceOut]


class ChangeOut(BaseModel):
    """One place that was changed. Changes that were made at once have one id."""

    id: str = Field(description="For undoing it; empty if it is only planned.")
    revision: int
    at: datetime
    who: str
    place: Place
    before: Words | None = Field(description="What stood there; null if nothing did.")
    after: Words | None = Field(description="What stands there now; null if nothing does.")
    note: str
    undo_of: str = Field(description="The change it took back, if it is an undo.")

    @classmethod
    def of(cls, one: Change) -> Self:
        return cls(
            id=one.id,
            revision=one.revision,
            at=one.at,
            who=one.who,
            place=Place.model_validate(one.slot, from_attributes=True),
            before=Words.of(one.before),
            after=Words.of(one.after),
            note=one.note,
            undo_of=one.undo_of,
        )


class Changed(BaseModel):
    """What was changed; nothing, if it stood so already."""

    changes: list[ChangeOut]
    revision: int | None = Field(description="The version of what the tenant says now.")


class Saying(BaseModel):
    """Something a tenant is to say."""

    operation: Literal["set", "add", "remove", "lock"]
    field: str = Field(max_length=40, description="The setting, such as `bcc`.", examples=["bcc"])
    value: Any = Field(
        default=None,
        description="For `set` the value, list or table; for `add` and `remove` of a list the selector; for `add` of "
        "a table the item.",
        examples=["address:log@nordwind.example"],
    )
    item: str = Field(default="", max_length=400, description="For `add` and `remove` of a table, the item's name.")
    event_type: EventTypeName = ANY
    channel: ChannelName = ANY
    starts: Moment | None = Field(default=None, description="From when on it counts; at once if absent.")
    ends: Moment | None = Field(default=None, description="Until when; for ever if absent.")


class Write(Saying):
    """A change to be made."""

    note: Note = ""


class Reset(BaseModel):
    """What to take back of what a tenant itself says, so that what comes from above counts again."""

    field: str | None = Field(default=None, max_length=40, description="The setting; every one if absent.")
    item: str | None = Field(default=None, max_length=400, description="Only what is said about this.")
    event_type: EventTypeName | None = None
    channel: ChannelName | None = None
    is_lock: bool = Field(default=False, description="Take back locks instead of values.")
    note: Note = ""


class Undo(BaseModel):
    """How to undo."""

    force: bool = Field(default=False, description="Also where it was changed again since.")
    note: Note = ""


class WhatIf(Saying):
    """A change to be tried on the events that came."""

    days: int = Field(default=30, ge=1, le=365, description="On those of the last so many days.")
    limit: int = Field(default=1000, ge=1, le=10_000, description="At most so many events, the newest.")


class Differing(BaseModel):
    """An event that would go out differently."""

    event_id: str
    event_type: str
    seller: str
    differs: list[str]


class Effect(BaseModel):
    """What a change would have done."""

    events: int = Field(description="How many were planned again.")
    differing: int = Field(description="How many of them would go out differently.")
    messages: int = Field(description="Deliveries they make as things are.")
    changed: int = Field(description="Deliveries that would be different, gone or new.")
    kinds: dict[str, int] = Field(description="How often each kind of difference occurs.")
    skipped: int = Field(description="Events that could not be planned again.")
    examples: list[Differing]


class Plan(BaseModel):
    """What an import changes, or would."""

    applied: bool
    changes: list[ChangeOut]


class Import(BaseModel):
    """Settings as code: what each tenant in it is to say, and nothing else."""

    document: dict[str, Any] = Field(
        description="As `/v1/settings/export` gives it.",
        examples=[{"tenants": {"nordwind": {"settings": [{"bcc": {"add": ["address:log@nordwind.example"]}}]}}}],
    )
    apply: bool = Field(default=False, description="Make the changes; else they are only planned.")
    note: Note = ""


@routes.get("/v1/settings/fields", summary="What can be set")
async def fields(who: Viewer) -> list[SettingField]:
    """Every setting there is."""
    return [SettingField.model_validate(one, from_attributes=True) for one in FIELDS.values()]


@routes.get("/v1/tenants/{tenant}/settings", summary="What a tenant itself says", responses=problems(404))
def own(who: Viewer, engine: TheEngine, tenant: TenantPath, response: Response) -> OwnSettings:
    """Only its differences against what comes from above. Secrets are masked."""
    desk = _desk(engine, who)
    revision = desk.revision(tenant)
    response.headers["ETag"] = f'"{revision}"'
    return OwnSettings(tenant=tenant, revision=revision, says=[DifferenceOut.of(one) for one in desk.own(tenant)])


@routes.get(
    "/v1/tenants/{tenant}/settings/resolved",
    summary="What counts at a tenant, and whose word it is",
    responses=problems(404),
)
def resolved(
    who: Viewer,
    engine: TheEngine,
    tenant: TenantPath,
    event_type: Annotated[str, Query(min_length=1, max_length=200, description="`*`: what is said of all.")] = ANY,
    channel: Annotated[str, Query(min_length=1, max_length=100, description="`*`: what is said of all.")] = ANY,
    at: Annotated[Moment | None, Query(description="As of then instead of now.")] = None,
) -> SettingsView:
    """Every value with its origin, who locked it, and what is left out and why. Shows no secret."""
    return _desk(engine, who).resolved(tenant, event_type, channel, at=at)


@routes.post("/v1/tenants/{tenant}/settings", summary="Say something at a level", responses=problems(404, 409, 412))
def change(
    who: Admin, engine: TheEngine, tenant: TenantPath, write: Write, response: Response, if_match: IfMatch = None
) -> Changed:
    """Only this difference is stored, and nothing that comes from above. What is said already makes no change."""
    desk = _desk(engine, who)
    given = write.model_dump(exclude={"operation", "field", "value"})
    with _told(desk, tenant, if_match) as revision:
        made = desk.change(tenant, write.operation, write.field, write.value, **given, expected_revision=revision)
    return _changed(desk, made, tenant, response)


@routes.post(
    "/v1/tenants/{tenant}/settings/reset", summary="Take back what a tenant says", responses=problems(404, 409, 412)
)
def reset(
    who: Admin, engine: TheEngine, tenant: TenantPath, what: Reset, response: Response, if_match: IfMatch = None
) -> Changed:
    """What comes from above counts again. What is not said needs no taking back: that changes nothing."""
    desk = _desk(engine, who)
    with _told(desk, tenant, if_match) as revision:
        made = desk.reset(tenant, **what.model_dump(), expected_revision=revision)
    return _changed(desk, made, tenant, response)


@routes.post(
    "/v1/tenants/{tenant}/settings/what-if", summary="Count what a change would have done", responses=problems(404)
)
def try_out(who: Viewer, engine: TheEngine, tenant: TenantPath, what: WhatIf) -> Effect:
    """The events that came are planned again, as things are and as they would be. Changes nothing."""
    desk = _desk(engine, who)
    given = what.model_dump(exclude={"operation", "field", "value", "days", "limit"})
    with _told(desk, tenant, None):
        proposal = desk.propose(tenant, what.operation, what.field, what.value, **given)
    report = desk.what_if(proposal, since=engine.now() - timedelta(days=what.days), limit=what.limit)
    return Effect.model_validate(report.plain())


@routes.get("/v1/settings/history", summary="Who changed what, newest first", responses=problems(404))
def history(
    who: Viewer,
    engine: TheEngine,
    tenant: Annotated[str | None, Query(min_length=1, max_length=200, description="Only this tenant's.")] = None,
    since: Annotated[int, Query(ge=0, le=2**53, description="Only after this revision.")] = 0,
    limit: Limit = 100,
) -> list[ChangeOut]:
    """From what to what, when and why. Secrets are masked."""
    return [ChangeOut.of(one) for one in _desk(engine, who).history(tenant, limit=limit, since=since)]


@routes.post(
    "/v1/settings/history/{change}/undo",
    summary="Let stand again what stood before a change",
    responses=problems(404, 409),
)
def undo(who: Admin, engine: TheEngine, change: SomeId, how: Undo) -> Changed:
    """Itself a change, which can be undone."""
    made = _desk(engine, who).undo(change, force=how.force, note=how.note)
    revision = max((one.revision for one in made), default=None)
    return Changed(changes=[ChangeOut.of(one) for one in made], revision=revision)


@routes.get("/v1/settings/export", summary="What tenants say, as a document", responses=problems(404))
def export(who: Viewer, engine: TheEngine, tenant: TenantFilter = None) -> dict[str, Any]:
    """To be kept under version control, edited, and imported. Secrets are masked, and kept by an import as they are."""
    return _desk(engine, who).export(tenant)


@routes.post("/v1/settings/import", summary="Let tenants say just what a document says", responses=problems(404, 409))
def import_(who: Admin, engine: TheEngine, what: Import) -> Plan:
    """Plans the changes, and makes them if asked to, all or none."""
    desk = _desk(engine, who)
    proposal = desk.plan_import(what.document)
    made: Sequence[Change] = desk.apply(proposal, note=what.note) if what.apply else proposal.changes
    return Plan(applied=what.apply, changes=[ChangeOut.of(one) for one in made])


def _desk(engine: Engine, who: Principal) -> Settings:
    return engine.settings.by(who.name) if who.tenant is None else engine.settings.scoped(who.tenant, who=who.name)


@contextmanager
def _told(desk: Settings, tenant: str, if_match: str | None) -> Iterator[int | None]:
    """The revision that was read, None if that does not matter; and what is wrong with a change, told by its status."""
    standing, read = desk.revision(tenant), None  # a tenant that is not there is a 404
    if if_match is not None and if_match.strip() != "*":
        named = [int(one) for one in _ETAG.findall(if_match)]
        read = standing if standing in named else next(iter(named), _NEVER)
    try:
        yield read
    except NotFound as error:
        raise Told(error, 422) from error
    except SettingsConflict as error:
        raise Told(error, 412) from error


def _changed(desk: Settings, made: Sequence[Change], tenant: str, response: Response) -> Changed:
    revision = desk.revision(tenant)
    response.headers["ETag"] = f'"{revision}"'
    return Changed(changes=[ChangeOut.of(one) for one in made], revision=revision)
