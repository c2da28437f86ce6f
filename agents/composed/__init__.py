"""The composed agent and the simple systems it is compared with."""
