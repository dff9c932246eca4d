"""Lets ``python -m bcsearch`` do what ``bcsearch`` does. Imports the command line."""

from bcsearch.cli import main

if __name__ == "__main__":
    main()
