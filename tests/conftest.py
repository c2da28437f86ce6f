"""What holds for every test.

Examples of hypothesis are the same in every run: a change turns the suite red, never the dice. Without a fixed seed,
for a search of new counter-examples: `pytest --hypothesis-profile=default`.
"""

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")
