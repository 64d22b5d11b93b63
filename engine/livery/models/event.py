"""Event: something that happened on the host. A CloudEvents 1.0 envelope around typed data.

Rules of the envelope: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, SerializeAsAny, StringConstraints

from livery.models.base import Model
from livery.models.classification import Classified

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
"""A name a person reads: 1 to 400 characters after trimming."""
Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class EventPart(Model):
    """A part of an event. Fields we do not know are kept: hosts add fields before Livery learns of them."""

    model_config = ConfigDict(extra="allow", strict=True, ser_json_inf_nan="constants")

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Without secret fields: a repr ends in logs."""
        for name, value in super().__repr_args__():
            field = type(self).model_fields.get(name or "")
            marks = [one for one in field.metadata if isinstance(one, Classified)] if field else []
            if not any(one.level == "secret" for one in marks):
                yield name, value


class Party(EventPart):
    """An organisation on the host: a seller or a customer."""

    id: Id = Field(description="The host's id of the organisation.")
    name: Name = Field(description="Its name as people know it.")


class User(EventPart):
    """The platform user who did what led to the event."""

    id: Id = Field(description="The host's id of the user.")
    name: str = Field(default="", max_length=400, description="The user's name; may be empty.")
    email: str | None = Field(
        default=None,
        max_length=1000,
        description="Where the user reads mail. An address nobody can be reached at is left out of the "
        "audience with a reason; it never refuses the event.",
    )
    locale: str | None = Field(default=None, max_length=85, description="BCP 47 tag of the language the user reads.")


class EventData(EventPart):
    """What the data of every event type has: whose customer it concerns, and who was involved."""

    seller: Party = Field(description="The seller in whose name people are told. Its id is a tenant.")
    customer: Party = Field(description="The customer organisation concerned.")
    user: User | None = Field(
        default=None, description="The platform user involved; absent when the platform acted by itself."
    )


class Event(Model):
    """One accepted event. Immutable; (seller, source, id) makes it unique."""

    model_config = ConfigDict(extra="allow", strict=True, ser_json_inf_nan="constants")

    specversion: Literal["1.0"] = Field(description="CloudEvents version: always `1.0`.")
    id: Id = Field(description="Unique within `source`; with it, the idempotency key.")
    source: Id = Field(description="URI reference of what produced the event.")
    type: Id = Field(description="The event type, such as `OfferProvisionError`.")
    subject: str | None = Field(default=None, min_length=1, description="What in the source it is about.")
    time: AwareDatetime | None = Field(default=None, description="When it happened, RFC 3339 with zone.")
    datacontenttype: Literal["application/json"] = Field(default="application/json", description="Always JSON.")
    dataschema: str | None = Field(default=None, description="URI of the schema `data` keeps to.")
    data: SerializeAsAny[EventData] = Field(description="The data of this event type.")

    @property
    def seller_id(self) -> str:
        return self.data.seller.id

    @property
    def key(self) -> tuple[str, str, str]:
        """The idempotency key: seller, source, id."""
        return (self.seller_id, self.source, self.id)

    def when(self, accepted_at: datetime) -> datetime:
        """When it happened; when we accepted it, if the producer did not say."""
        return self.time or accepted_at.astimezone(UTC)

    def plain(self) -> dict[str, Any]:
        """Plain JSON data: the only form in which an event may enter a template."""
        # `model_dump` without what it makes of its arguments, with every message.
        made: dict[str, Any] = self.__pydantic_serializer__.to_python(self, mode="json", warnings=False)
        return made


class EventType(Model):
    """A kind of event Livery can tell people about."""

    name: Id = Field(description="The CloudEvents `type`.")
    data: type[EventData] = Field(description="The model of its data; documents and validates it.")
    notification: str = Field(description="The notification definition of packs, by file name.")
    critical: bool = Field(default=True, description="Never held back by quiet periods.")
    priority: int = Field(default=0, ge=-100, le=100, description="Higher goes first among one seller's deliveries.")
    thread: str = Field(
        default="",
        pattern=r"^([a-z_]+(\.[a-z_]+)*)?$",
        description="Path in `data` of what events of all types belong together by, such as `order.id`.",
    )
    to: tuple[str, ...] = Field(default=("event_user",), description="Default To selectors.")
    cc: tuple[str, ...] = Field(default=(), description="Default Cc selectors.")
    bcc: tuple[str, ...] = Field(default=(), description="Default Bcc selectors.")

    def thread_of(self, event: Event) -> str:
        """What an event belongs to: the same for all events of one seller that are about one matter; else empty."""
        at: Any = event.data
        for name in filter(None, self.thread.split(".")):
            at = getattr(at, name, None)
        if not self.thread or not isinstance(at, str | int) or at == "":
            return ""
        return sha256(f"{event.seller_id}\n{self.thread}\n{at}".encode()).hexdigest()[:32]

    def schema_of_event(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of an event of this type as webhooks post it: the CloudEvents envelope and its data."""
        envelope, data = Event.model_json_schema(), self.data.model_json_schema()
        parts = {name: part for name, part in envelope.pop("$defs").items() if name in ("Party", "User")}
        parts |= data.pop("$defs", {})
        properties = {**envelope.pop("properties"), "data": data}
        properties["type"] = {"const": self.name, "description": "The event type."}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "description": data.pop("description", ""),
            "type": "object",
            "properties": properties,
            "required": envelope["required"],
            "$defs": parts,
        }
