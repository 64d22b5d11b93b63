"""Secrets at rest: what is sealed opens where it was sealed and nowhere else, with any key of the ring."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery import errors
from livery.vault import SealBroken, Vault, is_sealed, key_name, new_key

KEY, OLD = new_key(), new_key()
CONTEXT = "nordwind\nOfferProvisionError\nwebhook"


@given(secret=st.text(alphabet=st.characters(exclude_categories=["Cs"])), context=st.text(alphabet="abc\n"))
def test_what_is_sealed_opens_again(secret, context):
    vault = Vault([KEY])
    assert vault.open(vault.seal(secret, context=context), context=context) == secret


def test_a_sealed_text_tells_nothing_of_the_secret_and_is_never_twice_the_same():
    vault = Vault([KEY])
    one, other = (vault.seal("whsec_canary", context=CONTEXT) for _ in range(2))
    assert one != other
    assert "canary" not in one
    assert base64.b64encode(b"canary").decode() not in one


@given(other=st.text(alphabet="abcdef\n").filter(lambda text: text != CONTEXT))
def test_a_sealed_text_does_not_open_elsewhere(other):
    vault = Vault([KEY])
    sealed = vault.seal("whsec_canary", context=CONTEXT)
    with pytest.raises(SealBroken, match="stands where it was not put"):
        vault.open(sealed, context=other)


@given(st.data())
def test_a_changed_text_does_not_open(data):
    vault = Vault([KEY])
    sealed = vault.seal("whsec_canary", context=CONTEXT)
    head, _, body = sealed.rpartition(":")
    raw = bytearray(base64.urlsafe_b64decode(body))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        vault.open(f"{head}:{base64.urlsafe_b64encode(bytes(raw)).decode()}", context=CONTEXT)


@pytest.mark.parametrize("stored", ["", "plain", "sealed:1:", "sealed:1:nokey:AAAA", "sealed:2:x:y"])
def test_what_is_no_sealed_secret_is_refused(stored):
    with pytest.raises(SealBroken):
        Vault([KEY]).open(stored, context=CONTEXT)


@pytest.mark.parametrize("body", ["", "AAAA", "%%%", "é", "A" * 15])
def test_a_mutilated_text_is_refused(body):
    vault = Vault([KEY])
    with pytest.raises(SealBroken):
        vault.open(f"sealed:1:{vault.keys[0]}:{body}", context=CONTEXT)


def test_rotation():
    sealed = Vault([OLD]).seal("whsec_canary", context=CONTEXT)
    both = Vault([KEY, OLD])
    assert both.is_stale(sealed)
    renewed = both.resealed(sealed, context=CONTEXT)
    assert not both.is_stale(renewed)
    assert both.resealed(renewed, context=CONTEXT) == renewed
    assert Vault([KEY]).open(renewed, context=CONTEXT) == "whsec_canary"
    with pytest.raises(SealBroken, match=f"needs the key {key_name(sealed)}"):
        Vault([KEY]).open(sealed, context=CONTEXT)


def test_without_a_key_nothing_is_kept():
    with pytest.raises(errors.ConfigError, match="livery secrets new-key"):
        Vault().seal("whsec_canary", context=CONTEXT)


@pytest.mark.parametrize("key", ["", "short", "not base64!", base64.b64encode(b"x" * 31).decode()])
def test_a_wrong_key_is_refused_without_being_told(key):
    with pytest.raises(errors.ConfigError) as caught:
        Vault([KEY, key])
    assert "secret_keys.1" in str(caught.value)
    assert not key or key not in str(caught.value)


def test_no_key_in_a_repr():
    assert KEY not in repr(Vault([KEY]))
    assert is_sealed(Vault([KEY]).seal("", context=""))
    assert not is_sealed("whsec_canary")
