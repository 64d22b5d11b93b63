"""Configuration: every wrong setting is listed at once, the environment wins, secrets stay unsaid."""

from pathlib import Path

import pytest

from livery.config import Config, find_file
from livery.errors import ConfigError


@pytest.fixture
def load(tmp_path):
    """Load a livery.toml with this text."""

    def loaded(text: str = "", **overrides) -> Config:
        file = tmp_path / "livery.toml"
        file.write_text(text, encoding="utf-8")
        return Config.load(file, **overrides)

    return loaded


@pytest.fixture
def refused(load):
    """What the error says of a livery.toml with this text."""

    def said(text: str, **overrides) -> str:
        with pytest.raises(ConfigError) as caught:
            load(text, **overrides)
        return str(caught.value)

    return said


def test_an_empty_file_is_a_whole_configuration(load, tmp_path):
    config = load()
    assert config.database_url == f"sqlite:///{tmp_path / 'livery.db'}"
    assert (config.default_pack, config.default_locale, config.tenants, config.channels) == ("base", "en", {}, {})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.toml does not exist"):
        Config.load(tmp_path / "absent.toml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        Config.load(tmp_path)


def test_a_file_that_is_not_utf8_cannot_be_read(tmp_path):
    (tmp_path / "livery.toml").write_bytes(b'default_pack = "\xff"')
    with pytest.raises(ConfigError, match=r"livery\.toml cannot be read"):
        Config.load(tmp_path / "livery.toml")


@pytest.mark.parametrize(
    "text",
    [
        "concurrency",
        "= 1",
        "[tenants",
        "concurrency = 1\nconcurrency = 2",
        "a = " + "[" * 5000,
        "concurrency = " + "1" * 5000,
    ],
    ids=["no value", "no key", "open table", "twice", "nested without end", "a number without end"],
)
def test_what_is_not_toml_says_so_and_names_the_file(refused, text):
    said = refused(text)
    assert "livery.toml is not TOML" in said


@pytest.mark.parametrize(
    ("text", "path", "expected", "came"),
    [
        ("concurrency = 0", "concurrency", "greater than or equal to 1", "0"),
        ("concurrency = 1001", "concurrency", "less than or equal to 1000", "1001"),
        ("concurrency = 'many'", "concurrency", "valid integer", "'many'"),
        ("lease_seconds = 4", "lease_seconds", "greater than or equal to 5", "4"),
        ("message_id_domain = 'a b'", "message_id_domain", "match pattern", "'a b'"),
        ("default_pack = 5", "default_pack", "valid string", "5"),
        ("verified_domains = 'a.example'", "verified_domains", "tuple", "'a.example'"),
        ("sender = 'a@b.example'", "sender", "dictionary", "'a@b.example'"),
        ("[sender]\naddres = 'a@b.example'", "sender.addres", "no such setting", "'a@b.example'"),
        ("[outbound]\ntimeout = 0", "outbound.timeout", "greater than 0", "0"),
        ("unheard_of = 1", "unheard_of", "no such setting", "1"),
        ("tenants = ['a']", "tenants", "dictionary", "['a']"),
        ("tenants = {a = 'x'}", "tenants.a", "dictionary", "'x'"),
        ("[tenants.a]\nparent = 5", "tenants.a.parent", "valid string", "5"),
        ("[tenants.a]\nparent = ['b']", "tenants.a.parent", "valid string", "['b']"),
        ("[tenants.a]\nparent = {b = 1}", "tenants.a.parent", "valid string", "{'b': 1}"),
        ("[tenants.a]\nname = ''", "tenants.a.name", "at least 1 character", "''"),
        ("[tenants.a]\nname = 7", "tenants.a.name", "valid string", "7"),
        ("[tenants.a]\nlocal = 'de'", "tenants.a.local", "no such setting", "'de'"),
        ("[tenants.a]\nlevel = 'king'", "tenants.a.level", "'default', 'distributor' or 'seller'", "'king'"),
        ("[tenants.a.brand]\nradius = [12]", "tenants.a.brand.radius", "valid string", "[12]"),
        ("[tenants.a.contacts]\nprimary = 'a@b.example'", "tenants.a.contacts.primary", "dictionary", "'a@b.example'"),
        ("[tenants.a.settings.'*']\nenabled = 'perhaps'", "tenants.a.settings.*.enabled", "valid boolean", "'perhaps'"),
        ("[tenants.a.settings.'*']\nto = ['who']", "tenants.a.settings.*.to.set.0", "event_user", "'who'"),
        ("[tenants.a.settings.X]\ncc = {add = ['role']}", "tenants.a.settings.X.cc.add.0", "role:", "'role'"),
        ("[tenants.a.settings.X]\nbcc = {drop = []}", "tenants.a.settings.X.bcc.drop", "no such setting", "[]"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_expected_and_what_came(refused, text, path, expected, came):
    lines = [line.strip() for line in refused(text).splitlines() if line.strip().startswith(f"{path}: ")]
    assert len(lines) == 1
    assert expected in lines[0]
    assert lines[0].endswith(f"got {came}")


def test_all_wrong_settings_are_listed_at_once(refused):
    said = refused(
        """
        concurrency = 0
        lease_seconds = "x"
        unheard_of = 1
        [outbound]
        timeout = 99
        [tenants.a]
        locale = 5
        [tenants.a.settings."*"]
        to = ["who"]
        cc = {add = ["x"], remove = ["y"]}
        [tenants.b]
        channels = "smtp"
        """
    )
    for path in (
        "concurrency",
        "lease_seconds",
        "unheard_of",
        "outbound.timeout",
        "tenants.a.locale",
        "tenants.a.settings.*.to.set.0",
        "tenants.a.settings.*.cc.add.0",
        "tenants.a.settings.*.cc.remove.0",
        "tenants.b.channels",
    ):
        assert f"\n  {path}: expected " in said


@pytest.mark.parametrize("value", ["'smtp'", "['smtp']", "5", "true"])
def test_channels_of_a_tenant_that_are_no_table_are_refused(refused, value):
    assert "tenants.a.channels: expected" in refused(f"[tenants.a]\nchannels = {value}")


# ------------------------------------------------------------------ the environment


def test_the_environment_wins_over_the_file(load, monkeypatch):
    monkeypatch.setenv("LIVERY_DATABASE_URL", "postgresql+psycopg://db.example/livery")
    monkeypatch.setenv("LIVERY_CONCURRENCY", "7")
    config = load('database_url = "sqlite:///other.db"\nconcurrency = 3\nlease_seconds = 9')
    assert (config.database_url, config.concurrency, config.lease_seconds) == (
        "postgresql+psycopg://db.example/livery",
        7,
        9,
    )


def test_a_nested_setting_of_the_environment_is_laid_over_the_file(load, monkeypatch):
    monkeypatch.setenv("LIVERY_CHANNELS__SMTP__HOST", "mail.example")
    monkeypatch.setenv("LIVERY_SENDER__REPLY_TO", "help@b.example")
    config = load('[channels.smtp]\nhost = "127.0.0.1"\nport = 2525\n[sender]\naddress = "a@b.example"')
    assert config.channels == {"smtp": {"host": "mail.example", "port": 2525}}
    assert (config.sender.address, config.sender.reply_to) == ("a@b.example", "help@b.example")


def test_a_list_in_the_environment_is_json(load, monkeypatch):
    monkeypatch.setenv("LIVERY_VERIFIED_DOMAINS", '["a.example", "b.example"]')
    assert load().verified_domains == ("a.example", "b.example")


def test_the_environment_is_enough(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVERY_DEFAULT_LOCALE", "de")
    config = Config.load()
    assert (config.default_locale, config.database_url) == ("de", f"sqlite:///{tmp_path / 'livery.db'}")


def test_what_the_caller_says_wins_over_the_environment(load, monkeypatch):
    monkeypatch.setenv("LIVERY_CONCURRENCY", "7")
    assert load("concurrency = 3", concurrency=11).concurrency == 11


@pytest.mark.parametrize(
    ("name", "value"),
    [("LIVERY_CONCURRENCY", "many"), ("LIVERY_OUTBOUND__TIMEOUT", "-1"), ("LIVERY_LEASE_SECONDS", "")],
)
def test_a_wrong_setting_in_the_environment_is_refused_like_one_in_the_file(refused, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert f"{name.removeprefix('LIVERY_').lower().replace('__', '.')}: expected" in refused("")


def test_a_list_in_the_environment_that_is_no_json_is_refused(refused, monkeypatch):
    monkeypatch.setenv("LIVERY_VERIFIED_DOMAINS", "a.example, b.example")
    assert "verified_domains" in refused("")


def test_the_file_of_the_environment_is_found_before_the_one_here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert find_file() is None
    (tmp_path / "livery.toml").write_text("")
    assert find_file() == Path("livery.toml")
    monkeypatch.setenv("LIVERY_CONFIG", "elsewhere.toml")
    assert find_file() == Path("elsewhere.toml")


# ------------------------------------------------------------------ paths


@pytest.mark.parametrize(
    ("url", "anchored"),
    [
        ("sqlite:///livery.db", "sqlite:///{folder}/livery.db"),
        ("sqlite:///var/livery.db", "sqlite:///{folder}/var/livery.db"),
        ("sqlite+pysqlite:///x.db", "sqlite+pysqlite:///{folder}/x.db"),
        ("sqlite:////var/livery.db", "sqlite:////var/livery.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("postgresql+psycopg://h/db", "postgresql+psycopg://h/db"),
    ],
)
def test_a_relative_database_lies_beside_the_file(load, tmp_path, url, anchored):
    assert load(f'database_url = "{url}"').database_url == anchored.format(folder=tmp_path)


def test_paths_do_not_depend_on_where_the_program_was_started(tmp_path, monkeypatch):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/livery.toml").write_text('pack_paths = ["packs/a", "/srv/b"]')
    monkeypatch.chdir(tmp_path)
    config = Config.load("etc/livery.toml")
    assert config.database_url == f"sqlite:///{tmp_path / 'etc/livery.db'}"
    assert config.pack_paths == (tmp_path / "etc/packs/a", Path("/srv/b"))


# ------------------------------------------------------------------ secrets

SECRETS = """
database_url = "postgresql+psycopg://livery:geheim@db.example/livery"
[channels.smtp]
password = "geheim"
[tenants.platform]
[tenants.platform.channels.slack]
url = "https://hooks.slack.com/services/geheim"
"""


@pytest.mark.parametrize(
    "show", [repr, str, lambda config: repr(config.tenants), lambda config: f"{config.tenants['platform']}"]
)
def test_no_secret_is_in_what_a_configuration_shows_of_itself(load, show):
    assert "geheim" not in show(load(SECRETS))


@pytest.mark.parametrize(
    "text",
    [
        "channels = 'geheim'",
        "[channels]\nsmtp = 'geheim'",
        "[tenants.a]\nchannels = 'geheim'",
        "[tenants.a.channels]\nslack = ['https://hooks.slack.com/geheim']",
        "[tenants.a.channels]\nslack = 'https://hooks.slack.com/geheim'",
        "database_url = ['postgresql://u:geheim@h/db']",
        "[tenants.a]\n[tenants.a.channels.slack]\nurl = 'geheim'\n[tenants.b]",
        "concurrency = 0\n[channels.smtp]\npassword = 'geheim'",
    ],
)
def test_no_secret_is_in_what_an_error_says(refused, text):
    assert "geheim" not in refused(text)


def test_no_secret_of_the_environment_is_in_what_an_error_says(refused, monkeypatch):
    monkeypatch.setenv("LIVERY_CHANNELS", '{"smtp": {"password": "geheim"')
    assert "geheim" not in refused("")
