"""Lockstep training of all folds of a trial, and the refit.

Imports tensorflow, keras and the floors below.
"""
