"""Slack by incoming webhook."""

from livery.plugin import Channel, ChannelType, Format, Limits, hookimpl


@hookimpl
def livery_register_channels() -> list[ChannelType]:
    def load() -> type[Channel]:
        from livery_slack.channel import SlackChannel

        return SlackChannel

    return [
        ChannelType(
            name="slack",
            summary="Slack: Block Kit by incoming webhook or a bot's token",
            format=Format.BLOCK_KIT,
            load=load,
            threads=True,
            limits=Limits(total=12_000, text=3000, title=150, blocks=50),
        )
    ]
