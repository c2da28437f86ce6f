"""Whole agents that a team would run instead, to be beaten."""
