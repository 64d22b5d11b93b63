"""A sender's domain is its own if its DNS says so: asked of a real name server on this machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery import domains
from livery.domains import Lookup, WrongDomain

TOKEN = "c0ffee" * 5 + "00"


def asking(port, seconds=2.0):
    return domains.resolver(["127.0.0.1"], port=port, seconds=seconds)


def test_a_published_record_verifies(name_server):
    table, port = name_server
    name, text = domains.record("seller.example", TOKEN)
    table[name] = [["v=spf1 -all"], [text[:20], text[20:]]]
    assert domains.check("seller.example", TOKEN, asking(port)).status == "verified"


def test_no_record_says_what_to_publish(name_server):
    _, port = name_server
    verdict = domains.check("seller.example", TOKEN, asking(port))
    assert verdict.status == "missing"
    assert "_livery.seller.example has no such record" in verdict.detail
    assert f"livery-domain={TOKEN}" in verdict.detail


def test_another_tenants_record_does_not_count(name_server):
    table, port = name_server
    table["_livery.seller.example"] = [[f"{domains.PREFIX}{'0' * 32}"]]
    verdict = domains.check("seller.example", TOKEN, asking(port))
    assert verdict.status == "missing"
    assert "another tenant's or an older record" in verdict.detail


def test_a_name_server_that_does_not_answer_says_nothing_of_the_domain(name_server):
    table, port = name_server
    table["_livery.seller.example"] = None
    assert domains.check("seller.example", TOKEN, asking(port, 0.2)).status == "unknown"


@given(st.lists(st.text(max_size=60)))
def test_only_the_very_text_verifies(texts):
    _, text = domains.record("seller.example", TOKEN)
    verdict = domains.check("seller.example", TOKEN, lambda _: Lookup(tuple(texts)))
    assert (verdict.status == "verified") == (text in [one.strip() for one in texts])


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Seller.Example", "seller.example"),
        ("seller.example.", "seller.example"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_one_form_for_a_domain(written, kept):
    assert domains.domain_of(written) == kept


@pytest.mark.parametrize(
    "text",
    ["", "example", "a@b.example", "127.0.0.1", "b..example", "-a.example", "a_b.example", "*.example", "a b.example",
     "x" * 64 + ".example", "a." * 130 + "example", "a.example\r\nx", "\u202e.example"],
)  # fmt: skip
def test_what_is_no_domain(text):
    with pytest.raises(WrongDomain):
        domains.domain_of(text)


@given(st.text(max_size=80))
def test_what_is_kept_is_kept_again(text):
    try:
        kept = domains.domain_of(text)
    except WrongDomain:
        return
    assert domains.domain_of(kept) == kept
    assert kept.isascii()
