"""Identity: tokens and one-time sign-in links. Owns how they are made, what is kept of them, and whom they stand for.

Only hashes are stored. `Identity` is what the engine gives out as `engine.identity`.
"""

from livery.identity.facade import Identity, IdentityStore
from livery.identity.secrets import PREFIX, Link, Token

__all__ = ["PREFIX", "Identity", "IdentityStore", "Link", "Token"]
