"""What every model shares: frozen, no unknown fields, built on first use."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen value. `defer_build` keeps start-up cheap: a model's validator is made when first used."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
