"""Logs in other libraries' formats, both ways, without depending on them: one file a library."""
