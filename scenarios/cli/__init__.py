"""One module per command of `driftline`; none imports anything heavy before it is called."""
