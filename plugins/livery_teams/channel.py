"""The Teams channel: an Adaptive Card to the webhook of a Workflow.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
"""

import re
from dataclasses import replace

from livery.plugin import Answer, ChatHook, Outcome, outcome_of

# Teams' own answer stands in the text of one whose status is 200 or 202: “… delivery failed with error: Microsoft Teams
# endpoint returned HTTP error 429 with ContextId …”
_INNER = re.compile(rb"HTTP error (\d{3})\b")


class TeamsChannel(ChatHook):
    """202 says that the workflow took the card, not that anybody saw it: `accepted`, never `delivered`."""

    success = "accepted"

    def read(self, answer: Answer) -> Outcome:
        inner = _INNER.search(answer.body) if answer.status in (200, 202) else None
        return outcome_of(replace(answer, status=int(inner[1])) if inner else answer, success=self.success)
