"""Objectives: params from a trial, the cross-validated score.

Imports optuna, storage and the floors below.
"""
