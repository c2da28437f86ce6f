"""Off-policy estimators: every file of this folder without an underscore is one; so is anybody's `module:Class`.

`_base.py` says what an estimator is (`Estimator`); `_weighted.py` holds the family of those that weigh rewards or
residuals, and how weights are tamed. Each file holds the estimator, `Ips`, and the function over arrays, `ips`.
"""
