"""For tests of hosts and plugins: real servers on loopback."""

from livery.testing.servers import HttpReceiver, MailServer, Received, ReceivedMail

__all__ = ["HttpReceiver", "MailServer", "Received", "ReceivedMail"]
