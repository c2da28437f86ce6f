"""Agents composed of parts: the whole one, and its simple rival.

`full`: the composed agent. `rival`: what a team would run instead. Parts of `full`: `memory`, what is kept of users;
`sentiment`, how comments felt; `item_effects`, appeal and quality; `valuation`, the stack of experts; `retraining`,
head and factors.
"""
