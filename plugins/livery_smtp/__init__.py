"""E-mail over SMTP."""

from livery.plugin import Channel, ChannelType, Format, hookimpl


@hookimpl
def livery_register_channels() -> list[ChannelType]:
    def load() -> type[Channel]:
        from livery_smtp.channel import SmtpChannel

        return SmtpChannel

    return [
        ChannelType(
            name="smtp",
            summary="E-mail over SMTP: HTML and text, To, Cc and Bcc",
            format=Format.EMAIL,
            addressing="persons",
            inline_images=True,
            suffix=".eml",
            # Its own deadline comes before: only the channel knows whether the message may have arrived.
            deadline=32.0,
            load=load,
            # A mail server that is busy says so in seconds (greylisting: minutes); after 4 days people have moved on.
            ladder=(30, 2 * 60, 10 * 60, 30 * 60, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 48 * 3600),
        )
    ]
