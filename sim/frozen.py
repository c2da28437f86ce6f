"""The base of every set of numbers that a scenario file may state."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]


class Params(BaseModel):
    """Frozen numbers; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
