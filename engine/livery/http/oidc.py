"""Sign-in at an OpenID provider: authorization code with PKCE and nonce. Owns whom its claims stand for.

The exchange itself is Authlib's. What has to come back to the same browser (state, nonce, verifier) is in a cookie of
its own for ten minutes.
"""

import base64
import binascii
import hmac
import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

from pydantic import ValidationError

from livery.errors import LiveryError
from livery.locales import one_line
from livery.models.identity import Principal
from livery.policies import ClaimRule, OidcPolicy

log = logging.getLogger("livery.http")
COOKIE, LASTS = "livery_oidc", 600
_SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Only those by a key that the provider alone has: never `none`, never a shared secret."""
_TIMEOUT, _LEEWAY, _LONGEST, _NAME = 10.0, 60, 4000, 200


class SignInFailed(LiveryError):
    """The provider, or what it said, lets nobody in. The text is for the person who wants in."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of the provider, and must come back."""

    state: str
    nonce: str
    verifier: str
    back: str

    def as_cookie(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode().rstrip("=")

    @classmethod
    def from_cookie(cls, cookie: str) -> Self | None:
        if not cookie or len(cookie) > _LONGEST:
            return None
        try:
            raw = json.loads(base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)))
            return cls(**{name: str(raw[name]) for name in ("state", "nonce", "verifier", "back")})
        except (ValueError, binascii.Error, KeyError, TypeError):
            return None


class Provider:
    """One OpenID provider. Its settings are read when it is first needed; its keys anew when one is unknown."""

    def __init__(self, policy: OidcPolicy) -> None:
        self.policy = policy

    def ask(self, redirect_uri: str, back: str) -> tuple[str, Asked]:
        """Where the browser goes to sign in, and what has to come back from there.

        Raises:
            SignInFailed: the provider does not answer.

        """
        client = self._ready()
        made = client.create_authorization_url(redirect_uri, scope=" ".join(self.policy.scopes))
        return made["url"], Asked(made["state"], made["nonce"], made["code_verifier"], back)

    def answer(self, redirect_uri: str, asked: Asked | None, given: Mapping[str, str]) -> Principal:
        """Who signed in.

        Args:
            redirect_uri: as it was given to `ask`.
            asked: what the browser brought back.
            given: the parameters that the provider sent it back with.

        Raises:
            SignInFailed: it was not this browser that asked, the provider said no, or nobody by these claims is let in.

        """
        if asked is None or not hmac.compare_digest(asked.state, given.get("state", "")):
            raise SignInFailed("This sign-in was not begun in this browser, or too long ago. Begin again.")
        if "error" in given or "code" not in given:
            said = one_line(given.get("error_description", "") or given.get("error", ""), _NAME)
            raise SignInFailed(f"The provider let nobody in: {said or 'it gave no reason'}.")
        if given.get("iss", self.policy.issuer).rstrip("/") != self.policy.issuer:
            raise SignInFailed("The answer is from another provider than the one that was asked.")
        return principal_of(self._claims(redirect_uri, asked, given["code"]), self.policy)

    def _claims(self, redirect_uri: str, asked: Asked, code: str) -> Mapping[str, Any]:
        client, options = self._ready(), self._options()
        try:
            token = client.fetch_access_token(redirect_uri, code=code, code_verifier=asked.verifier)
            found = client.parse_id_token(token, nonce=asked.nonce, claims_options=options, leeway=_LEEWAY)
        except Exception as error:
            # Authlib, joserfc and httpx each have errors of their own; none of their texts is for strangers.
            log.warning(
                "sign-in at %s failed: %s: %s", self.policy.issuer, type(error).__name__, one_line(str(error), 300)
            )
            raise SignInFailed("The provider's answer could not be verified. Begin again.") from error
        if not found:
            raise SignInFailed("The provider did not say who signed in.")
        return dict(found)

    def _options(self) -> dict[str, Any]:
        return {
            "iss": {"essential": True, "value": self._client.server_metadata["issuer"]},
            "aud": {"essential": True, "value": self.policy.client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
        }

    def _ready(self) -> Any:
        """The client, knowing the provider's settings.

        Raises:
            SignInFailed: they cannot be read, or are another provider's.

        """
        try:
            metadata = self._client.load_server_metadata()
            issuer = str(metadata["issuer"]).rstrip("/")
        except Exception as error:
            log.warning("%s cannot be reached: %s", self.policy.issuer, type(error).__name__)
            raise SignInFailed("The provider does not answer right now. Try again in a moment.") from error
        if issuer != self.policy.issuer:
            self.__dict__.pop("_client")
            raise SignInFailed("The provider calls itself otherwise than this service is configured for.")
        offered = metadata.get("id_token_signing_alg_values_supported") or _SIGNATURES
        metadata["id_token_signing_alg_values_supported"] = [one for one in offered if one in _SIGNATURES]
        return self._client

    @cached_property
    def _client(self) -> Any:
        secret = self.policy.client_secret
        return _client_class()(
            framework=None,
            client_id=self.policy.client_id,
            client_secret=secret.get_secret_value() if secret else None,
            server_metadata_url=f"{self.policy.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "code_challenge_method": "S256",
                "timeout": _TIMEOUT,
                "follow_redirects": False,
                **({} if secret else {"token_endpoint_auth_method": "none"}),
            },
        )


def principal_of(claims: Mapping[str, Any], policy: OidcPolicy) -> Principal:
    """Whom claims stand for: by the first rule that fits.

    Raises:
        SignInFailed: none fits, or what fits is nobody.

    """
    rule = next((one for one in policy.rules if _fits(one, claims)), None)
    name = _name(claims, policy)
    if rule is None:
        raise SignInFailed(f"{name} has an account there, and no access here. Ask whoever runs this service.")
    tenant = rule.tenant or (str(claims.get(rule.tenant_claim) or "") if rule.tenant_claim else None)
    if tenant == "":
        raise SignInFailed(f"{name} has an account there, and it names no tenant. Ask whoever runs this service.")
    try:
        return Principal(name=name, tenant=tenant, roles=frozenset(rule.roles), via="oidc")
    except ValidationError as error:
        log.warning("claims of %s make nobody: %s", policy.issuer, one_line(str(error), 300))
        raise SignInFailed(f"{name} cannot be let in by what the provider says.") from None


def _fits(rule: ClaimRule, claims: Mapping[str, Any]) -> bool:
    value = claims.get(rule.claim)
    if value is None or value in ("", []):
        return False
    return rule.value == "*" or rule.value in (map(str, value) if isinstance(value, list) else [str(value)])


def _name(claims: Mapping[str, Any], policy: OidcPolicy) -> str:
    """What trails call them. An address that the provider has not verified may be anybody's."""
    is_doubtful = policy.name_claim == "email" and claims.get("email_verified") is False
    given = "" if is_doubtful else claims.get(policy.name_claim)
    return one_line(str(given or claims.get("sub") or "somebody"), _NAME)


def _client_class() -> Any:
    from authlib.integrations.base_client.sync_app import OAuth2Base, OAuth2Mixin
    from authlib.integrations.base_client.sync_openid import OpenIDMixin

    with warnings.catch_warnings(action="ignore"):  # of the successor of httpx that it would rather have
        from authlib.integrations.httpx_client import OAuth2Client

    class Client(OAuth2Mixin, OpenIDMixin, OAuth2Base):  # type: ignore[misc]  # it has no types
        client_cls = OAuth2Client

    return Client
