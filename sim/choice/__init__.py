"""What a user does with a slate: three models of choice, each with its probabilities, its draws and its best slate."""
