"""Which hosts images may be shown from, and the settings of the operator that say so."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from livery.config import Config
from livery.errors import ConfigError
from livery.packs import assets
from livery.packs.assets import Policy, reference, why_refused
from unit.pictures import INLINE, LINK, png

# --------------------------------------------------------------------------- which hosts

HOSTS = Policy(hosts=("img.example.com", "*.cdn.example", "xn--bcher-kva.example"))
REFUSED = {
    "http://img.example.com/a.png": "http: is not https:",
    "ftp://img.example.com/a.png": "ftp: is not https:",
    "data:image/png;base64,AAAA": "data: is not https:",
    "javascript:alert(1)": "javascript: is not https:",
    "cid:a@livery": "cid: is not https:",
    "": "neither a file in assets/ nor a URL",
    "logo.png": "neither a file in assets/ nor a URL",
    "../assets/logo.png": "neither a file in assets/ nor a URL",
    "//img.example.com/a.png": "neither a file in assets/ nor a URL",
    "https:/img.example.com/a.png": "neither a file in assets/ nor a URL",
    "https:img.example.com/a.png": "neither a file in assets/ nor a URL",
    "https:///img.example.com/a.png": "is no name of a host",
    "https://": "is no name of a host",
    "http\u017f://img.example.com/a.png": ": is not https:",  # a long s
    "https://other.example/a.png": "other.example is not in the operator's images.hosts",
    "https://img.example.com.evil.example/a.png": "is not in the operator's images.hosts",
    "https://evil.example/img.example.com": "is not in the operator's images.hosts",
    "https://evil.example?img.example.com": "is not in the operator's images.hosts",
    "https://evil.example#@img.example.com": "is not in the operator's images.hosts",
    "https://example.com/a.png": "is not in the operator's images.hosts",
    "https://a.img.example.com/a.png": "is not in the operator's images.hosts",
    "https://cdn.example/a.png": "is not in the operator's images.hosts",
    "https://a.b.cdn.example/a.png": "is not in the operator's images.hosts",
    "https://*.cdn.example/a.png": "is no name of a host",
    "https://xcdn.example/a.png": "is not in the operator's images.hosts",
    "https://user@img.example.com/a.png": "no user name or password",
    "https://img.example.com@evil.example/a.png": "no user name or password",
    "https://user:secret@img.example.com/a.png": "no user name or password",
    "https://img.example.com:8443/a.png": "only port 443",
    "https://img.example.com:/a.png": "only port 443",
    "https://img.example.com:0443/a.png": "only port 443",
    "https://img.example.com:443:443/a.png": "only port 443",
    "https://127.0.0.1/a.png": "not its address in numbers",
    "https://[::1]/a.png": "not its address in numbers",
    "https://[::ffff:127.0.0.1]:443/a.png": "not its address in numbers",
    "https://2130706433/a.png": "not its address in numbers",
    "https://0x7f.1/a.png": "not its address in numbers",
    "https://127.1./a.png": "not its address in numbers",
    "https://img.example.com\\@evil.example/a.png": "backslashes",
    "https://evil.example\\.cdn.example/a.png": "backslashes",
    " https://img.example.com/a.png": "no spaces",
    "https://img.example.com/a b.png": "no spaces",
    "ht\ttps://img.example.com/a.png": "no spaces",
    "https://img.example.com\n.evil.example/": "control characters",
    "https://img.example.com\0/": "control characters",
    "https://img%2eexample.com/a.png": "is no name of a host",
    "https://evil.example%2f.cdn.example/a.png": "is no name of a host",
    "https://img..example.com/a.png": "is no name of a host",
    "https://-a.cdn.example/a.png": "is no name of a host",
    f"https://{'a' * 64}.cdn.example/a.png": "is no name of a host",
    f"https://{'a.' * 130}cdn.example/a.png": "is no name of a host",
    "https://іmg.example.com/a.png": "is not in the operator's images.hosts",  # with a Cyrillic letter
    "https://\ud800.cdn.example/": "is no name of a host",
}  # fmt: skip


@pytest.mark.parametrize(("url", "why"), REFUSED.items(), ids=[ascii(url) for url in REFUSED])
def test_an_image_from_elsewhere_is_refused_with_the_reason(url, why):
    assert why in why_refused(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "https://img.example.com/a.png",
        "https://img.example.com",
        "https://img.example.com?x",
        "https://img.example.com#x",
        "HTTPS://IMG.Example.COM/a.png",
        "https://img.example.com:443/a.png",
        "https://img.example.com./a.png",
        "https://img.example.com/a@b:c/../d.png?https://evil.example#\u00e4",
        "https://one.cdn.example/a.png",
        "https://my_bucket.cdn.example/a.png",
        "https://bücher.example/a.png",
        "https://bu\u0308cher.example/a.png",
        "https://BÜCHER.example/a.png",
        "https://xn--bcher-kva.example/a.png",
        "https://ｉｍｇ.example.com/a.png",
        "https://img。example。com/a.png",
    ],
)
def test_an_image_from_a_listed_host_is_shown(url):
    assert why_refused(url, HOSTS) == ""


def test_no_host_is_listed_unless_the_operator_says_so():
    assert "ask for it, or put the file into assets/" in why_refused("https://fonts.example/css?family=Inter", INLINE)


def test_hosts_of_tenants_tokens_count_as_listed():
    tokens = {
        "logo": "https://Logos.Example:443/x.png",
        "hero": "https://bücher.example/h.jpg",
        "own": "assets/logo.png",
        "primary": "#123456",
        "plain": "http://plain.example/x.png",
        "port": "https://port.example:8443/x.png",
        "user": "https://u@user.example/x.png",
        "number": "https://10.0.0.1/x.png",
        "text": "see https://text.example/x",
    }
    hosts = assets.hosts_of(tokens.values())
    assert hosts == {"logos.example", "xn--bcher-kva.example"}
    assert why_refused("https://logos.example/other.png", INLINE, hosts) == ""
    assert why_refused("https://a.logos.example/other.png", INLINE, hosts) != ""


def test_where_the_operator_serves_packs_only_files_of_packs_are_shown():
    served = reference("assets/logo.png", png(), "acme", LINK).url
    assert why_refused(served, LINK) == ""
    for url in (
        "https://static.example/",
        "https://static.example/packs/acme/logo.png",
        served.replace("acme", "acme/../../other"),
        served.replace("acme", "%2e%2e"),
        f"{served}?track=1",
        f"{served}/../../x",
        served.replace("/packs/", "/other/"),
    ):
        assert why_refused(url, LINK) != "", url


PIECES = st.sampled_from(
    ["https://", "http://", "HTTPS:", "https:/", "//", "/", "\\", "@", ":", ":443", ":80", "?", "#", "%2e", "%40", ".", "。",
     "img.example.com", "cdn.example", "a.cdn.example", "evil.test", "bücher.example", "[::1]", "127.0.0.1", "0x7f", "\t",
     "\n", " ", "\u00ad", "\u200d", "*", "a", "é", "ß", "①", "xn--", "user"]
)  # fmt: skip


@given(url=st.lists(PIECES, max_size=8).map("".join))
@settings(max_examples=500)
def test_what_is_shown_is_of_a_listed_host_for_other_readers_of_urls_too(url):
    if why_refused(url, HOSTS):
        return
    for scheme, host, user in (
        (URL(url).scheme, URL(url).raw_host, URL(url).user),
        (urlsplit(url).scheme, urlsplit(url).hostname, urlsplit(url).username),
    ):
        name = Policy.of({"hosts": [host.rstrip(".")]}).hosts[0]
        assert (scheme, user) == ("https", None)
        assert name in HOSTS.hosts or (name.endswith(".cdn.example") and name.count(".") == 2)


@given(url=st.text(max_size=60))
def test_any_text_is_answered(url):
    assert isinstance(why_refused(f"https://{url}", HOSTS), str)
    assert why_refused(url, INLINE), "with no host listed, nothing from elsewhere is shown"


# --------------------------------------------------------------------------- settings


def refused(**images):
    with pytest.raises(ConfigError) as caught:
        Policy.of(Config.load(None, images=images).images.model_dump())
    return [(one.path, one.expected, one.came) for one in caught.value.problems]


def test_packs_images_travel_inside_and_no_host_is_listed_by_default():
    assert Policy.of(Config().images.model_dump()) == INLINE == Policy.of({})


def test_hosts_are_compared_as_the_dns_knows_them():
    given_hosts = ["IMG.example.com", "*.CDN.example", "bücher.example", "xn--bcher-kva.example", "localhost"]
    policy = Policy.of(Config.load(None, images={"hosts": given_hosts}).images.model_dump())
    assert policy.hosts == ("img.example.com", "*.cdn.example", "xn--bcher-kva.example", "localhost")
    assert Policy.of(policy.plain()) == policy


@pytest.mark.parametrize(
    "base_url", ["https://static.example", "https://static.example/", "https://static.example:443/a/b/"]
)
def test_images_are_linked_below_the_base_url(base_url):
    policy = Policy.of(Config.load(None, images={"mode": "link", "base_url": base_url}).images.model_dump())
    assert reference("assets/logo.png", png(), "acme", policy).src.startswith(f"{base_url.rstrip('/')}/acme/")


def test_settings_come_from_the_environment_too(monkeypatch):
    monkeypatch.setenv("LIVERY_IMAGES__MODE", "link")
    monkeypatch.setenv("LIVERY_IMAGES__BASE_URL", "https://static.example/packs")
    monkeypatch.setenv("LIVERY_IMAGES__HOSTS", '["img.example.com"]')
    policy = Policy.of(Config.load(None).images.model_dump())
    assert policy == Policy("link", "https://static.example/packs", ("img.example.com",))


def test_links_need_a_base_url():
    [(path, expected, _)] = refused(mode="link")
    assert path == "images.base_url"
    assert expected.endswith('since mode is "link"')


@pytest.mark.parametrize(
    "base_url",
    ["http://static.example", "static.example", "https://", "https://u@static.example", "https://static.example:8443",
     "https://10.0.0.1/", "https://[::1]/", "https://*.static.example/", "https://static.example/a?b", "https://static.example/#",
     'https://static.example/"onerror=', "https://static.example/a b", "https://static.example/)"],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["inline", "link"])
def test_a_base_url_is_https_and_a_plain_path(mode, base_url):
    [(path, _, came)] = refused(mode=mode, base_url=base_url)
    assert (path, came) == ("images.base_url", repr(base_url))


@pytest.mark.parametrize(
    "host",
    ["", "*", "*.", "*.com", "*.*.cdn.example", "a.*.example", "https://img.example.com", "img.example.com/a", "a b",
     "img.example.com:443", "10.0.0.1", "::1", "a..b", ".example", "a" * 64, "a." * 127 + "com", "-a.example", "①.example-"],
)  # fmt: skip
def test_what_is_no_host_is_refused_by_its_place_in_the_list(host):
    assert refused(hosts=["img.example.com", host])[0][0] == "images.hosts.1"
    with pytest.raises(ConfigError, match=r"images\.hosts\.1: expected a host name"):
        Policy.of({"hosts": ["img.example.com", host]})


def test_a_name_the_dns_has_no_form_for_is_refused_where_the_policy_is_made():
    assert refused(hosts=["xn\u2013.example", "a\u0301\u06dd.example"])[0][0].startswith("images.hosts.")


def test_an_unknown_mode_names_the_known_ones():
    assert refused(mode="attach") == [("images.mode", "'inline' or 'link'", "'attach'")]
