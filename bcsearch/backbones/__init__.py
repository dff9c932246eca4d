"""Backbones: one table of them, their weights, their cuts."""
