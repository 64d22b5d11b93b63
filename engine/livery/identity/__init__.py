"""Identity: tokens, one-time sign-in links and sessions. Owns how they are made, what is kept, and whom they stand for.

Only hashes are stored. The engine gives out `Identity` as `engine.identity`, and `Sessions` as `engine.sessions`.
"""

from livery.identity.facade import Identity, IdentityStore
from livery.identity.secrets import PREFIX, Link, Token, digest
from livery.identity.sessions import Session, Sessions, SessionStore

__all__ = ["PREFIX", "Identity", "IdentityStore", "Link", "Session", "SessionStore", "Sessions", "Token", "digest"]
