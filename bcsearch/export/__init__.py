"""Finished models: output formats, bundles, their scores and predictions."""
