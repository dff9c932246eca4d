"""Scores: evaluators of predictions on clean and on shifted images."""
