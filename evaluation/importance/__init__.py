"""What slate and trajectory estimators share: propensities of several steps, sums of ratios, and their cautions."""
