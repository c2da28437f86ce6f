"""Logs in other libraries' formats, both ways, without depending on them: `obp.py`, `episodes.py`."""
