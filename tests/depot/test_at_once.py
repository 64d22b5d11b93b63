"""While packs are activated and taken back, every message in every process is wholly of one version."""

import threading

from depot.making import NORTH, SELLER, event, opened, pack_zip

ROUNDS = 9
PART = '[offer_provision_error]\nsubject = "{0}"\ntitle = "{0}"\n[common]\nclosing = "{0}"\nteam = "{0}"\n'


def versioned(version):
    """A pack that says its version in four places; the title comes from another pack behind it, of the same version."""
    return pack_zip("fjord", version, **{"strings/en.toml": PART.format(f"v{version}")})


def words(engine):
    """What a message says in these places, and what fell back."""
    made = engine.preview(event(), locale="en")
    lines = [line for line in made.message.text.splitlines() if line.startswith("v")]
    return {made.wording.subject, *lines}, made.wording.packs[0], made.message.degraded


def judged(engine):
    """The pack of a message that is wholly of one version, and of nothing else."""
    found, pack, degraded = words(engine)
    versions = {one for one in found if one.startswith("v")}
    assert degraded == ()
    if pack.startswith("fjord"):
        assert found == versions == {f"v{pack.removeprefix('fjord ')}"}
    else:
        assert not versions
    return pack


def test_every_message_is_wholly_of_one_version(store_url):
    said, failed, is_over = set(), [], threading.Event()

    def look(other):
        try:
            while not is_over.is_set():
                said.add(judged(other))
        except Exception as error:  # noqa: BLE001 - it is told below, in the thread of the test
            failed.append(error)

    with opened(store_url) as engine, opened(store_url) as one_more, opened(store_url) as other:
        for version in ("1.0.0", "2.0.0"):
            engine.packs.add(NORTH, versioned(version), who="nele")
        looking = [threading.Thread(target=look, args=(each,)) for each in (one_more, other)]
        for one in looking:
            one.start()
        for number in range(ROUNDS):
            engine.packs.activate(NORTH, "fjord", f"{number % 2 + 1}.0.0", who="nele")
            if number % 3 == 2:  # to before there was any, and the setting with it
                engine.packs.roll_back(NORTH, "fjord", who="nele")
            judged(engine)
        until_seen(said, failed)
        is_over.set()
        for one in looking:
            one.join(60)
        assert engine.packs.used(SELLER) == "fjord"
    assert failed == []
    assert {one for one in said if one.startswith("fjord")}, "nobody ever saw an activation"


def until_seen(said, failed):
    """Others hear of it within two seconds; a machine that is busy may take longer."""
    waited = threading.Event()
    for _ in range(600):
        if failed or any(one.startswith("fjord") for one in said):
            return
        waited.wait(0.05)
