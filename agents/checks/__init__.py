"""Conformance suites of what recommends: agents, and the trackers, predictors and policies that they are made of.

    for check in check_agent(MyAgent):
        print(check)

* `_agent.py`: what every agent promises; `_tracker.py`, `_predictor.py`, `_policy.py`: what each part does.
* `_exam.py`: what an agent is examined with; `_hands.py`: what stands between the two, and watches; `_slates.py`: what
  can be wrong with slates.
* `_script.py`: how an agent is led through recorded rounds; `_shop.py`: a small shop with such rounds.
"""

from driftline.agents.checks._agent import check_agent
from driftline.agents.checks._policy import check_policy
from driftline.agents.checks._predictor import check_predictor
from driftline.agents.checks._tracker import check_tracker

__all__ = ["check_agent", "check_policy", "check_predictor", "check_tracker"]
