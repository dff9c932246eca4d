"""Backbones: one table, their weights, their preprocessing. Empty, so that reading a weights file loads no TensorFlow."""
