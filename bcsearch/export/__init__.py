"""Finished models: bundles, their scores and predictions. Imports keras and the floors below."""
