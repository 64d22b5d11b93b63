"""An OpenID provider on this machine: discovery, a page to sign in on, codes with PKCE, signed ID tokens.

It takes nothing on trust: a code is for one client, one address and one verifier, and counts once.
"""

import base64
import secrets
import time
from contextlib import contextmanager
from hashlib import sha256
from typing import Annotated
from urllib.parse import urlencode

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

from pages.site import served

Text = Annotated[str, Form()]
CLIENT, SECRET = "livery", "a secret of the client's"


class Provider:
    """What a test may change of it.

    Attributes:
        people: the claims of each, by the name they sign in with.
        spoil: changes the claims of a token before it is signed.
        key: what signs.

    """

    def __init__(self):
        self.url = ""
        self.people = {}
        self.spoil = lambda claims: claims
        self.key = self.published = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.codes = {}
        self.asked = []

    def app(self):
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def discovery():
            at = {
                name: f"{self.url}/{path}"
                for name, path in (
                    ("authorization_endpoint", "authorize"),
                    ("token_endpoint", "token"),
                    ("jwks_uri", "keys"),
                )
            }
            return {"issuer": self.url, **at, "response_types_supported": ["code"], "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"], "code_challenge_methods_supported": ["S256"]}  # fmt: skip

        @app.get("/keys")
        def keys():
            return {"keys": [self.published.as_dict(private=False)]}

        @app.get("/authorize")
        def authorize(request: Request):
            given = dict(request.query_params)
            self.asked.append(given)
            wanted = {"response_type": "code", "client_id": CLIENT, "code_challenge_method": "S256"}
            assert {name: given.get(name) for name in wanted} == wanted
            assert all(len(given[name]) > 15 for name in ("state", "nonce", "code_challenge"))
            hidden = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in given.items())
            return HTMLResponse(
                f'<form method="post"><label>Name <input name="who"></label>{hidden}<button>Sign in</button></form>'
            )

        @app.post("/authorize")
        async def signed_in(request: Request):
            given = dict(await request.form())
            code = secrets.token_urlsafe()
            self.codes[code] = given
            return RedirectResponse(
                f"{given['redirect_uri']}?{urlencode({'code': code, 'state': given['state'], 'iss': self.url})}", 303
            )

        @app.post("/token")
        def token(
            request: Request,
            grant_type: Text,
            code: Text,
            redirect_uri: Text,
            code_verifier: Text,
        ):
            asked = self.codes.pop(code, None)
            basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            challenge = base64.urlsafe_b64encode(sha256(code_verifier.encode()).digest()).decode().rstrip("=")
            if (
                not asked
                or grant_type != "authorization_code"
                or redirect_uri != asked["redirect_uri"]
                or challenge != asked["code_challenge"]
            ):
                raise HTTPException(400, "invalid_grant")
            if request.headers.get("authorization") != f"Basic {basic}":
                raise HTTPException(401, "invalid_client")
            now = int(time.time())
            claims = {
                "iss": self.url,
                "aud": CLIENT,
                "iat": now,
                "exp": now + 300,
                "nonce": asked["nonce"],
                **self.people[asked["who"]],
            }
            signed = jwt.encode({"alg": "RS256", "kid": self.key.kid}, self.spoil(claims), self.key)
            return {
                "access_token": secrets.token_urlsafe(),
                "token_type": "Bearer",
                "expires_in": 300,
                "id_token": signed,
            }

        return app


@contextmanager
def provider():
    made = Provider()
    with served(made.app()) as made.url:
        yield made
