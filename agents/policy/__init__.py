"""How scores become slates, and how likely any slate was.

`greedy`, `plackett_luce`: the policies; another file here is another policy. `_base`: what a policy is. `_certain`:
slates and propensities of agents that draw nothing, or draw evenly.
"""

from driftline.agents.policy._base import HasPropensity, Policy, StatesPropensity, states_propensities
from driftline.agents.policy._certain import certain_log_propensity, highest, uniform_log_propensity
from driftline.agents.policy.greedy import Greedy
from driftline.agents.policy.plackett_luce import PlackettLuce, draw, plackett_luce_log_propensity

__all__ = [
    "Greedy",
    "HasPropensity",
    "PlackettLuce",
    "Policy",
    "StatesPropensity",
    "certain_log_propensity",
    "draw",
    "highest",
    "plackett_luce_log_propensity",
    "states_propensities",
    "uniform_log_propensity",
]
