"""Packs over HTTP: checked, uploaded, let be live and taken back; by those who may, of tenants that are theirs."""

import base64
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from depot.making import pack_zip, tiny_zip
from livery.packtools.signing import make_keys, sign
from livery.packtools.viewing import Viewing
from service.served import Service, event, problem
from waiting import until

ZIP = {"content-type": "application/zip"}
WRONG = {"strings/en.toml": '[tiny]\nsubject = "Order {{ event.order.idd }}"\ntext = "."\nclosing = "."\n'}


def kept(service, tenant="north", **options):
    content = pack_zip(**options)
    return service.engine.packs.add(tenant, content, who="nele"), content


def test_a_pack_goes_live_and_back(service):
    content = tiny_zip()
    checked = service.ask("POST", "/v1/tenants/north/packs/check", "designer", "north", content=content, headers=ZIP)
    assert checked.json() | {"messages": 0} == {"pack": "fjord 1.0.0", "ok": True, "messages": 0, "findings": []}
    assert service.engine.packs.list() == []
    sent = service.ask("POST", "/v1/tenants/north/packs?note=new", "designer", "north", content=content, headers=ZIP)
    assert sent.status_code == 201, sent.text
    version = sent.json()["version"]
    assert (version["pack"], version["version"], version["note"]) == ("fjord", "1.0.0", "new")
    assert service.ask("GET", f"/v1/packs/{version['id']}", "viewer", "shop").json() == version
    zip_ = service.ask("GET", f"/v1/packs/{version['id']}/zip", "viewer", "shop")
    assert zip_.content == content
    assert "sandbox" in zip_.headers["content-security-policy"]
    assert zip_.headers["content-disposition"] == 'attachment; filename="fjord-1.0.0.zip"'
    live = service.ask("POST", "/v1/tenants/north/packs/fjord/activate", "designer", "north", json={})
    assert (live.json()["tenant"], live.json()["version"]) == ("north", "1.0.0")
    shown = service.ask("GET", "/v1/tenants/shop/packs", "viewer", "shop").json()
    assert shown["used"] == "fjord"
    assert [one["id"] for one in shown["active"]] == [one["id"] for one in shown["versions"]] == [version["id"]]
    assert "base" in [one["pack"] for one in shown["installed"]]
    assert service.engine.preview(event("shop")).wording.packs == ("fjord 1.0.0",)
    problem(service.ask("DELETE", f"/v1/packs/{version['id']}", "designer", "north"), 409, "refused")
    back = service.ask("POST", "/v1/tenants/north/packs/fjord/rollback", "designer", "north")
    assert back.json() is None
    assert service.ask("GET", "/v1/tenants/shop/packs", "viewer", "shop").json()["used"] == "base"
    assert service.ask("DELETE", f"/v1/packs/{version['id']}", "designer", "north").status_code == 204
    told = service.ask("GET", "/v1/packs/history?tenant=north", "viewer", "north").json()
    assert [one["action"] for one in told] == ["remove", "roll back", "activate", "upload"]


def test_what_is_wrong_is_told_with_its_place(service):
    wrong = tiny_zip(**WRONG)
    report = service.ask("POST", "/v1/tenants/north/packs/check", "designer", content=wrong, headers=ZIP).json()
    assert not report["ok"]
    (found,) = [one for one in report["findings"] if one["severity"] == "error"]
    assert (found["file"], found["line"], found["column"]) == ("strings/en.toml", 2, 21)
    body = problem(
        service.ask("POST", "/v1/tenants/north/packs", "designer", content=wrong, headers=ZIP), 422, "pack-invalid"
    )
    assert body["errors"] == [
        {
            "detail": "error: there is no event.order.idd; did you mean event.order.id?",
            "about": "strings/en.toml:2:21",
        }
    ]
    assert service.engine.packs.list() == []


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_pack_is_refused(service, content):
    answer = service.ask("POST", "/v1/tenants/north/packs", "designer", content=content, headers=ZIP)
    problem(answer, 422, "pack-invalid")
    assert "/tmp" not in answer.text


def test_bodies_have_a_form_and_a_bound(service):
    answer = service.ask("POST", "/v1/tenants/north/packs", "designer", content=b"x", headers={"content-type": "a/b"})
    problem(answer, 415, "unsupported-media-type")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        opened.writestr("pack.toml", b"x" * 40_000_000)
    answer = service.ask("POST", "/v1/tenants/north/packs", "designer", content=made.getvalue(), headers=ZIP)
    problem(answer, 413, "too-large")


def test_signatures_come_in_a_header(tmp_path):
    keys, content = make_keys(tmp_path / "keys"), tiny_zip()
    made = Service(tmp_path, packs={"require_signature": True, "trusted_keys": [str(keys.public)]})
    try:
        ask = {"content": content, "headers": ZIP}
        problem(made.ask("POST", "/v1/tenants/north/packs", "designer", **ask), 422, "pack-invalid")
        for text, status in (("no base64!", 422), (base64.b64encode(sign(content, keys.private)).decode(), 201)):
            ask["headers"] = {**ZIP, "Livery-Signature": text}
            answer = made.ask("POST", "/v1/tenants/north/packs", "designer", **ask)
            assert answer.status_code == status, answer.text
        assert answer.json()["version"]["signed_by"] == "keys"
    finally:
        made.close()


def test_a_stencil_is_named_by_all_that_it_is_made_of(service):
    at = "/v1/tenants/shop/packs/stencil?type=OfferProvisionError"
    first = service.ask("GET", at, "viewer", "shop").json()
    assert service.ask("GET", at, "viewer", "shop").json() == first
    assert service.ask("GET", f"{at}&locale=de", "viewer", "shop").json()["digest"] != first["digest"]
    one, _ = kept(service)
    service.engine.packs.activate("north", "fjord", who="nele")
    after = service.ask("GET", at, "viewer", "shop").json()
    assert after["digest"] != first["digest"]
    assert (after["packs"][0], after["digests"][0]) == (one.label, one.digest)
    problem(service.ask("GET", at.replace("Offer", "No"), "viewer", "shop"), 404, "not-found")


def test_what_was_copied_and_has_moved_on_is_told(service):
    kept(service)
    service.engine.packs.activate("north", "fjord", who="nele")
    assert service.ask("GET", "/v1/tenants/shop/packs/fjord/drift", "viewer", "shop").json() == []


def test_who_looks_at_packs_waits_for_a_turn_and_takes_no_thread_from_others(service):
    viewing = Viewing(service.engine, at_once=1, waiting=2)
    service.app.state.viewing, was = viewing, service.app.state.viewing
    try:
        with ThreadPoolExecutor(1) as thread:
            with viewing.turn():
                second = thread.submit(viewing.report, "north", "base")
                until(lambda: viewing._places._value == 0)
                answer = service.ask("GET", "/t/north/packs/findings/base")
                assert answer.status_code == 503
                assert "try again in half a minute" in answer.text
                sent = service.ask("POST", "/v1/tenants/north/packs/check", content=tiny_zip(), headers=ZIP)
                assert problem(sent, 503, "backlogged")
                assert sent.headers["retry-after"] == "30"
            assert second.result().is_fine()
        assert service.ask("GET", "/t/north/packs/findings/base").status_code == 200
    finally:
        viewing.close()
        service.app.state.viewing = was
