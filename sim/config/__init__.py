"""What a world may be told: its numbers, the files they come from, and what is wrong with them."""
