"""Lets ``python -m bcsearch`` do what ``bcsearch`` does."""

from bcsearch.cli import main

if __name__ == "__main__":
    main()
