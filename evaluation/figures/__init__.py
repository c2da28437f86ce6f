"""The report's figures: each is made from a frame that is saved beside it."""
