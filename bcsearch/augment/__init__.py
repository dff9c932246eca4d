"""Augmentation: the table of policies, and stored views made with it."""
