"""`python -m driftline`: the command line."""

from driftline.scenarios.cli.main import main

if __name__ == "__main__":
    main()
