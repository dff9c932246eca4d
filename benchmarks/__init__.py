"""Measurements of bcsearch; ``python -m benchmarks`` prints them."""
