"""The Slack channel: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""

from livery.plugin import ChatHook


class SlackChannel(ChatHook):
    """Slack answers 200 once the message stands in the channel."""
