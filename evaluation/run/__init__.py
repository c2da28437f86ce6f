"""A run folder judged: one row per visit, metrics, tracking, twins."""
