"""Microsoft Teams by Workflows webhook."""

from livery.plugin import Channel, ChannelType, Format, Limits, hookimpl


@hookimpl
def livery_register_channels() -> list[ChannelType]:
    def load() -> type[Channel]:
        from livery_teams.channel import TeamsChannel

        return TeamsChannel

    return [
        ChannelType(
            name="teams",
            summary="Microsoft Teams: Adaptive Card by Workflows webhook",
            format=Format.ADAPTIVE_CARD,
            load=load,
            limits=Limits(total=24_000),
        )
    ]
