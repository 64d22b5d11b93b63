"""Everything else that can be notified, through Apprise."""

from livery.plugin import Channel, ChannelType, Format, hookimpl


@hookimpl
def livery_register_channels() -> list[ChannelType]:
    def load() -> type[Channel]:
        from livery_apprise.channel import AppriseChannel

        return AppriseChannel

    return [
        ChannelType(
            name="apprise",
            summary="170 more services by Apprise, as plain text; targets are the operator's",
            format=Format.TEXT,
            suffix=".txt",
            load=load,
            needs=("apprise",),
            extra="apprise",
        )
    ]
