"""Grades for methods: how far each estimator and each experiment is from a truth that only a simulator knows."""
