"""The contract over every pack that comes with Livery; one that is installed and not here fails."""

from livery import Config, Engine
from livery.testing.packs import PackContract

with Engine.open(Config()) as engine:
    INSTALLED = {id_ for id_, pack in engine.library.packs.items() if pack.folder.name.startswith("livery_pack_")}


class TestBase(PackContract):
    pack = "base"
    strict = True


class TestNordwind(PackContract):
    pack = "nordwind"
    strict = True


class TestSouqCloud(PackContract):
    pack = "souq-cloud"
    strict = True


class TestPolar(PackContract):
    pack = "polar"
    strict = True


class TestAtelier(PackContract):
    pack = "atelier"
    strict = True


class TestOfferProvisioned(PackContract):
    pack = "offer-provisioned"
    strict = True


def test_every_pack_is_here():
    assert {one.pack for one in PackContract.__subclasses__()} >= INSTALLED
