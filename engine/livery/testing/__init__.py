"""For tests of hosts and plugins: real servers on loopback, and the contract every channel keeps.

`contract` says how to test a channel of your own. Nothing here needs pytest to be imported.
"""

from livery.testing.contract import ChannelContract
from livery.testing.far_side import Arrival, FarSide, HttpFarSide, Says, drip, reset
from livery.testing.servers import HttpReceiver, MailServer, Received, ReceivedMail

__all__ = [
    "Arrival",
    "ChannelContract",
    "FarSide",
    "HttpFarSide",
    "HttpReceiver",
    "MailServer",
    "Received",
    "ReceivedMail",
    "Says",
    "drip",
    "reset",
]
