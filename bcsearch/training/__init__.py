"""Lockstep training of all folds of a trial, and the refit."""
