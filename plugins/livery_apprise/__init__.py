"""Everything else that can be notified, through Apprise."""

from collections.abc import Sequence

from livery.plugin import Channel, ChannelType, Format, Offer, hookimpl


@hookimpl
def livery_register_channels() -> list[ChannelType]:
    def load() -> type[Channel]:
        from livery_apprise.channel import AppriseChannel

        return AppriseChannel

    def carry(kind: ChannelType) -> ChannelType | None:
        from livery_apprise.carrying import carried

        return carried(kind)

    def offers() -> Sequence[Offer]:
        from livery_apprise.services import fields_of, services

        return [
            Offer(one.key, one.name, tuple(" ".join(way) for way in fields_of(one)), one.options)
            for one in services().values()
        ]

    return [
        ChannelType(
            name="apprise",
            summary="147 more services by Apprise, as plain text; targets are the operator's",
            format=Format.TEXT,
            suffix=".txt",
            load=load,
            needs=("apprise",),
            extra="apprise",
            carries=carry,
            offers=offers,
        )
    ]
