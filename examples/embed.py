import json
from pathlib import Path

from livery import Config, Engine
from livery.testing import MailServer

event = json.loads(Path("examples/events/offer_provision_error.de.json").read_text("utf-8"))

with MailServer() as mail:  # a real SMTP server on this machine; yours in production
    config = Config(
        database_url="sqlite:///embed.db",
        channels={"smtp": {"host": "127.0.0.1", "port": mail.port}},
        tenants={"platform": {}, "nordwind": {"parent": "platform", "pack": "nordwind", "locale": "de"}},
    )
    with Engine.open(config) as engine:
        receipt = engine.accept(event)  # stored before it returns; accepting it again adds nothing
        engine.drain()  # deliver what is due; a server runs `async with engine.worker(): ...` instead
        for delivery in engine.deliveries(event_id=receipt.event_id):
            print(delivery.channel, delivery.destination, delivery.state)
        for received in mail.mails:
            print(received.parsed["Subject"])
