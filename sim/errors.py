"""The one error that means: what you gave us cannot be used, and here is why."""


class InputError(ValueError):
    """Unusable input. The message is one line naming the thing, the value, the bound and the nearest legal name."""
