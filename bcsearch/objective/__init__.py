"""Objectives: params from a trial, the cross-validated score."""
