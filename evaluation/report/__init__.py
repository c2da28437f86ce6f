"""One HTML page about a run.

`page.py` lays it out; `tables.py` makes numbers into text; `curves.py` and `belief.py` draw, in the look of `style.py`;
`stories.py` chooses the users whose life is told.
"""
