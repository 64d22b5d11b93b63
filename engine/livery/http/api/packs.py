"""Packs: what a tenant may use, what is in the store of it, and which version is live."""

import binascii
import re
from base64 import b64decode
from datetime import datetime
from typing import Annotated, Any

from fastapi import Header, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from livery.http.api.common import Limit, TenantFilter, TenantPath, TheEngine, problems, router
from livery.http.gate import Designer, Viewer
from livery.http.limits import UPLOADS
from livery.packs.findings import Finding
from livery.packs.manifest import PACK_ID
from livery.packs.stored import Active, PackChange, PackVersion
from livery.packtools import drift, uploading
from livery.packtools.checking import Report
from livery.trying import example
from livery.writing import Reading

routes = router("packs")
ZIP = "application/zip"
UPLOADS.append(re.compile(r"/v1/tenants/[^/]+/packs(/check)?"))
_BODY = {"requestBody": {"required": True, "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}}
Note = Annotated[str, Query(max_length=2000, description="Why, for the trail.")]
PackPath = Annotated[str, Path(pattern=PACK_ID, description="The id in the `pack.toml` of the pack.")]
PackFilter = Annotated[str | None, Query(pattern=PACK_ID, description="Only of this pack.")]
VersionPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_]{1,40}$", description="The id of a version.")]


class FindingOut(BaseModel):
    """One thing that was found in a pack."""

    severity: str = Field(description="`error`, `warning` or `note`; a pack with errors is not kept.")
    rule: str = Field(description="Names the rule, for programs.")
    message: str = Field(description="What is wrong.")
    fix: str = Field(description="What to do; empty if the message says it.")
    file: str = Field(description="The path inside the pack.")
    line: int = Field(description="Counted from 1; 0 for the whole file.")
    column: int = Field(description="Counted from 1; 0 for the whole line.")

    @classmethod
    def of(cls, one: Finding) -> "FindingOut":
        return cls.model_validate({name: getattr(one, name) for name in cls.model_fields})


class VersionOut(BaseModel):
    """A version of a pack in the store; it never changes."""

    id: str = Field(description="Of this very upload.")
    tenant: str = Field(description="Who owns it; it and all below it may use it.")
    pack: str = Field(description="The id in its `pack.toml`.")
    version: str = Field(description="The version in its `pack.toml`.")
    title: str = Field(description="What people call it.")
    digest: str = Field(description="sha256 over its files; deliveries name it.")
    sha256: str = Field(description="sha256 of the zip.")
    size: int = Field(description="Bytes of the zip.")
    who: str = Field(description="Uploaded it.")
    at: datetime = Field(description="When it was uploaded.")
    note: str = Field(description="Why, as whoever uploaded it said.")
    signed_by: str = Field(description="The trusted key that signed it; empty if none did.")
    findings: dict[str, int] = Field(description="How many of each severity there were when it was uploaded.")

    @classmethod
    def of(cls, one: PackVersion) -> "VersionOut":
        return cls.model_validate(one.plain())


class ActiveOut(BaseModel):
    """Which version the id of a pack means at a tenant."""

    tenant: str = Field(description="Whose word it is: the tenant's own, or of one above it.")
    pack: str = Field(description="The id in its `pack.toml`.")
    version: str = Field(description="The version in its `pack.toml`.")
    id: str = Field(description="The version's own id.")
    digest: str = Field(description="sha256 over its files; deliveries name it.")
    who: str = Field(description="Activated it.")
    at: datetime = Field(description="When.")

    @classmethod
    def of(cls, one: Active) -> "ActiveOut":
        return cls.model_validate(one.plain())


class Installed(BaseModel):
    """A pack that whoever runs the service has installed, for everybody."""

    pack: str = Field(description="The id in its `pack.toml`.")
    version: str = Field(description="The version in its `pack.toml`.")
    title: str = Field(description="What people call it.")


class PacksOut(BaseModel):
    """What a tenant may use."""

    used: str = Field(description="The pack its messages are made with, where no event type says otherwise.")
    installed: list[Installed] = Field(description="By id.")
    active: list[ActiveOut] = Field(description="By pack; what the nearest tenant says.")
    versions: list[VersionOut] = Field(description="Its own and those of tenants above it, by pack, newest first.")


class ReportOut(BaseModel):
    """What was found in a pack, as its tenant would use it."""

    pack: str = Field(description="Id and version.")
    ok: bool = Field(description="Whether there is no error, so that it would be kept.")
    messages: int = Field(description="How many messages were made of it.")
    findings: list[FindingOut] = Field(description="Each thing that was found.")


class UploadedOut(BaseModel):
    """A version that is kept now. Nothing is said in it until it is activated."""

    version: VersionOut
    report: ReportOut


class ChangeOut(BaseModel):
    """One line of the trail of packs."""

    id: str = Field(description="Of the line.")
    at: datetime = Field(description="When.")
    who: str = Field(description="Did it.")
    tenant: str = Field(description="At whom.")
    pack: str = Field(description="The id of the pack.")
    action: str = Field(description="`upload`, `activate`, `roll back` or `remove`.")
    before: str | None = Field(description="The version that was active before.")
    after: str | None = Field(description="The version it is about, or that is active since.")
    note: str = Field(description="Why, as they said.")

    @classmethod
    def of(cls, one: PackChange) -> "ChangeOut":
        return cls.model_validate(one.plain())


class RestOut(BaseModel):
    """A piece that a pack has copied from a parent."""

    piece: str = Field(description="The file, block or text.")
    of: str = Field(description="The pack and version it was copied from.")
    state: str = Field(description="`same`, `moved` (the parent has another now), `gone`, or `dropped`.")
    now: str = Field(description="The pack and version that has the piece now.")


class StencilOut(BaseModel):
    """What messages of one event type are made of."""

    digest: str = Field(description="Names the compiled pack.")
    packs: list[str] = Field(description="Id and version of the pack and those behind it, nearest first.")
    digests: list[str] = Field(description="sha256 over the files of each.")


class Activation(BaseModel):
    """Which version is to be live."""

    version: str | None = Field(default=None, max_length=200, description="A version, or its id; the newest upload.")
    use: bool = Field(default=True, description="Also let the tenant's setting `pack` name it.")
    note: str = Field(default="", max_length=2000, description="Why, for the trail.")


@routes.get("/v1/tenants/{tenant}/packs", summary="The packs a tenant may use", responses=problems(404))
def packs_of(engine: TheEngine, who: Viewer, tenant: TenantPath) -> PacksOut:
    """What is installed for everybody, what is in the store for it, which versions are live, and what is used."""
    active = engine.packs.active(tenant, within=who.tenant)
    return PacksOut(
        used=engine.packs.used(tenant, within=who.tenant),
        installed=[
            Installed(pack=id_, version=one.manifest.version, title=one.manifest.title or id_)
            for id_, one in sorted(engine.library.packs.items())
        ],
        active=[ActiveOut.of(one) for one in active],
        versions=[VersionOut.of(one) for one in engine.packs.list(tenant, within=who.tenant)],
    )


@routes.post(
    "/v1/tenants/{tenant}/packs/check",
    summary="Check a pack",
    responses=problems(404, 408, 415),
    openapi_extra=_BODY,
)
async def check_pack(request: Request, engine: TheEngine, who: Designer, tenant: TenantPath) -> ReportOut:
    """Check a pack as the tenant would use it: files, texts, tokens, templates, and every message. Keeps nothing."""
    content = await _zip(request)
    return _report(await in_turn(request, uploading.check, engine, tenant, content, within=who.tenant))


@routes.post(
    "/v1/tenants/{tenant}/packs",
    status_code=201,
    summary="Upload a pack",
    responses=problems(404, 408, 409, 415),
    openapi_extra=_BODY,
)
async def upload_pack(
    request: Request,
    engine: TheEngine,
    who: Designer,
    tenant: TenantPath,
    signature: Annotated[
        str | None,
        Header(alias="Livery-Signature", max_length=200, description="Base64 of the `.sig` beside the zip."),
    ] = None,
    note: Note = "",
) -> UploadedOut:
    """Check a pack, and keep it if it has no error. The same version with the same files is kept once.

    If something is wrong, `errors` of the problem say each thing with its file, line and column.
    """
    content = await _zip(request)
    made = await in_turn(
        request, uploading.upload, engine, tenant, content, who=who.name, signature=_signature(signature), note=note,
        within=who.tenant,
    )  # fmt: skip
    return UploadedOut(version=VersionOut.of(made.version), report=_report(made.report))


@routes.post(
    "/v1/tenants/{tenant}/packs/{pack}/activate",
    summary="Let a version be live",
    responses=problems(404, 409),
)
def activate_pack(
    engine: TheEngine, who: Designer, tenant: TenantPath, pack: PackPath, wanted: Activation
) -> ActiveOut:
    """Let every message of a tenant, and of those below it, be made with a version: at once, in every process."""
    return ActiveOut.of(
        engine.packs.activate(
            tenant, pack, wanted.version, who=who.name, use=wanted.use, note=wanted.note, within=who.tenant
        )
    )


@routes.post(
    "/v1/tenants/{tenant}/packs/{pack}/rollback",
    summary="Let stand again what was active before",
    responses=problems(404, 409),
)
def roll_back_pack(
    engine: TheEngine, who: Designer, tenant: TenantPath, pack: PackPath, note: Note = ""
) -> ActiveOut | None:
    """Take the last activation back; `null` if nothing was active before it. Done twice, it changes nothing."""
    made = engine.packs.roll_back(tenant, pack, who=who.name, note=note, within=who.tenant)
    return ActiveOut.of(made) if made else None


@routes.get("/v1/tenants/{tenant}/packs/{pack}/drift", summary="What has moved on", responses=problems(404))
def drift_of_pack(engine: TheEngine, who: Viewer, tenant: TenantPath, pack: PackPath) -> list[RestOut]:
    """What the pack has copied from its parents, and whether they have another now."""
    found = drift.rests(engine.packs.chain(tenant, pack, within=who.tenant))
    return [RestOut(piece=one.piece, of=one.record.of, state=one.state, now=one.now) for one in found]


@routes.get(
    "/v1/tenants/{tenant}/packs/stencil",
    summary="Names the compiled pack",
    responses=problems(404),
)
def stencil_of(
    engine: TheEngine,
    who: Viewer,
    tenant: TenantPath,
    type_: Annotated[str, Query(alias="type", max_length=200, description="An event type.")],
    locale: Annotated[str | None, Query(max_length=85, description="A language; the tenant's own if absent.")] = None,
    channel: Annotated[str, Query(max_length=100, description="A channel, where settings differ by it.")] = "*",
) -> StencilOut:
    """The digest of all that a message of an event type is made of: the same digest gives the same messages."""
    engine.packs.used(tenant, within=who.tenant)
    event, now = engine.read(example(engine, type_, seller=tenant)), engine.now()
    chain = engine.planner.settled(event, channel, now)
    reading = Reading(now, asked_locale=locale)
    packs = engine.writer.packs(chain)[0].packs
    return StencilOut(
        digest=engine.writer.digest(event, chain, reading), packs=[one.label for one in packs],
        digests=[one.digest for one in packs],
    )  # fmt: skip


@routes.get("/v1/packs/history", summary="The trail of packs, newest first", responses=problems(404))
def pack_history(
    engine: TheEngine, who: Viewer, tenant: TenantFilter = None, pack: PackFilter = None, limit: Limit = 100
) -> list[ChangeOut]:
    """Uploads, activations, what was rolled back and removed: of the tenants one may see."""
    found = engine.packs.history(tenant, pack=pack, within=who.tenant, limit=limit)
    return [ChangeOut.of(one) for one in found]


@routes.get("/v1/packs/{version}", summary="One version", responses=problems(404))
def pack_version(engine: TheEngine, who: Viewer, version: VersionPath) -> VersionOut:
    """What is known of an upload: whose it is, its digests, who signed it, what was found in it."""
    return VersionOut.of(engine.packs.show(version, within=who.tenant))


@routes.get(
    "/v1/packs/{version}/zip",
    summary="The zip, byte for byte as it was uploaded",
    responses={**problems(404), 200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}},
    response_class=Response,
)
def zip_of_pack(engine: TheEngine, who: Viewer, version: VersionPath) -> Response:
    """The very bytes, whose sha256 the version names."""
    one = engine.packs.show(version, within=who.tenant)
    name = re.sub(r"[^A-Za-z0-9._-]", "-", f"{one.pack}-{one.version}")
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.zip"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(engine.packs.content(one.id, within=who.tenant), media_type=ZIP, headers=headers)


@routes.delete("/v1/packs/{version}", status_code=204, summary="Remove a version", responses=problems(404, 409))
def remove_pack(engine: TheEngine, who: Designer, version: VersionPath, note: Note = "") -> None:
    """Remove a version that is active nowhere."""
    engine.packs.remove(version, who=who.name, note=note, within=who.tenant)


async def in_turn(request: Request, call: Any, *args: Any, **options: Any) -> Any:
    """A call that makes a pack, which takes seconds: few at once, and nobody else waits for them."""
    from starlette.concurrency import run_in_threadpool

    def made() -> Any:
        with request.app.state.viewing.turn():
            return call(*args, **options)

    return await run_in_threadpool(made)


async def _zip(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (ZIP, "application/octet-stream", "application/x-zip-compressed"):
        raise HTTPException(415, f"Send the zip itself, as {ZIP}.", {"Accept": ZIP})
    return await request.body()


def _signature(text: str | None) -> bytes | None:
    if not text:
        return None
    try:
        return b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise HTTPException(422, "Livery-Signature holds the .sig file in base64.") from None


def _report(report: Report) -> ReportOut:
    findings = [FindingOut.of(one) for one in report.findings]
    return ReportOut(pack=report.label or report.pack, ok=report.is_fine(), messages=report.messages, findings=findings)
