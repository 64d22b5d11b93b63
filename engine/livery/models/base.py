"""What every model shares: frozen, no unknown fields, built on first use."""

from functools import cache
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

_set = object.__setattr__


class Model(BaseModel):
    """A frozen value. `defer_build` keeps start-up cheap: a model's validator is made when first used."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def trusted(cls, **values: Any) -> Self:
        """A value whose parts were made here: nothing is checked or copied. All of them must be given.

        A tenth of what `model_construct` takes, which looks for aliases and defaults.
        """
        made = object.__new__(cls)
        _set(made, "__dict__", values)
        _set(made, "__pydantic_fields_set__", _all(cls))
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made


@cache
def _all(model: type[Model]) -> set[str]:
    """The names of all fields: one set for all values of a model, since none of them ever changes."""
    return set(model.model_fields)
