"""Certificates for tests, made by the openssl command."""

import os
import shutil
import ssl
import subprocess

import pytest

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


def make(folder, *names):
    """ca.pem, and for each name a `<name>.pem` that it vouches for."""
    if shutil.which("openssl") is None:
        why = "the openssl command is needed to make certificates (Debian: apt install openssl)"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    _openssl("req", "-x509", *_KEY, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign", cwd=folder)  # fmt: skip
    for name in names:
        _openssl("req", *_KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr", cwd=folder)
        (folder / "ext").write_text(f"subjectAltName=DNS:{name}\n")
        _openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                 "-extfile", "ext", "-days", "2", "-out", f"{name}.crt", cwd=folder)  # fmt: skip
        (folder / f"{name}.pem").write_text((folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text())
    return folder


def identity(folder, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem")
    return context


def _openssl(*arguments, cwd):
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)
