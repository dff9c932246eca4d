"""Measurements of bcsearch, two things side by side on one machine; ``python -m benchmarks`` prints them."""
