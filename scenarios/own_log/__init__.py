"""A user's own logs: `driftline ope` and `driftline ab`, from a file and a mapping of its columns to a verdict."""
