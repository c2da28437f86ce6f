"""A run folder judged.

`folder.py` opens it; `visits.py`, `shown.py` and `tracking.py` read one row a visit, what was shown and what agents
believed; `metrics.py` makes one frame of it; `paired.py` compares twins; `timeline.py` tells one user's life.
"""
