"""Experiments in the world: what an A/B test says, and the three truths that it is after.

`api.py` (`driftline.experiment`), `design.py` (who sees what, who learns from what), `play.py` (one run of both arms),
`units.py` (users, and what was known of them before), `readings.py` (what was said beside what is true).
"""
