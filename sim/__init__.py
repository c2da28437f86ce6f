"""The world: users, items, drift laws, choice, text, clock and the Gymnasium environments."""
