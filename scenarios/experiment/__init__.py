"""Experiments in the world: what an A/B test says, and the three truths that it is after."""
