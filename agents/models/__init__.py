"""Learners that agents share."""
