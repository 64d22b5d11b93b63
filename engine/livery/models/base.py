"""What every model shares: frozen, no unknown fields, built on first use."""

from functools import cache
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

_set_values, _set_names, _set_extra, _set_private = (
    vars(BaseModel)[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


class Model(BaseModel):
    """A frozen value. `defer_build` keeps start-up cheap: a model's validator is made when first used."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def trusted(cls, **values: Any) -> Self:
        """A value whose parts were made here: nothing is checked or copied. All of them must be given.

        A tenth of what `model_construct` takes, which looks for aliases and defaults.
        """
        made = object.__new__(cls)
        _set_values(made, values)
        _set_names(made, _all(cls))
        _set_extra(made, None)
        _set_private(made, None)
        return made


@cache
def _all(model: type[Model]) -> set[str]:
    """The names of all fields: one set for all values of a model, since none of them ever changes."""
    return set(model.model_fields)
