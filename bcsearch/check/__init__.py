"""Checks of the data before anything is trained: findings, and groups that no fold may split."""
