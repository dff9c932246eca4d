"""Backbones: one table, their weights, their preprocessing. Empty: reading a file of weights loads no TensorFlow."""
