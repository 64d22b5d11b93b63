"""A channel that appends every message to a file, one line each."""

from livery.plugin import Channel, ChannelType, Format, hookimpl


@hookimpl
def livery_register_channels() -> list[ChannelType]:
    def load() -> type[Channel]:
        from livery_channel_logfile.channel import LogfileChannel

        return LogfileChannel

    return [
        ChannelType(
            name="logfile",
            summary="A line for every message, in a file of the operator's",
            format=Format.TEXT,
            suffix=".log",
            load=load,
            ladder=(60, 300, 3600),
        )
    ]
