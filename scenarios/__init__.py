"""What is run: scenario files, the runner, executors, the tuner and the command line."""
