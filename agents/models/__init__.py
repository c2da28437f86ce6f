"""Learners that agents share, and the item vectors that they make.

`item_space`: the space that items are ranked in. `item_vectors`: titles to vectors. `response`: clicks, satisfaction.
`mf`: matrix factors. `logistic`: the regression under all of them. `rowwise`: sums that do not depend on the batch.
"""
