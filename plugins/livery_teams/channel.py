"""The Teams channel: an Adaptive Card to the webhook of a Workflow.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
"""

from livery.plugin import ChatHook


class TeamsChannel(ChatHook):
    """202 says that the workflow took the card, not that anybody saw it: `accepted`, never `delivered`."""

    success = "accepted"
