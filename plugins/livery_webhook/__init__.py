"""Signed webhooks (Standard Webhooks)."""

from livery.plugin import Channel, ChannelType, Format, hookimpl


@hookimpl
def livery_register_channels() -> list[ChannelType]:
    def load() -> type[Channel]:
        from livery_webhook.channel import WebhookChannel

        return WebhookChannel

    return [
        ChannelType(
            name="webhook",
            summary="Webhook: the event as JSON, with a Standard Webhooks signature",
            format=Format.JSON,
            load=load,
            cumulative=True,
        )
    ]
