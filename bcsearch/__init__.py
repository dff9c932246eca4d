"""AutoML sweeps for small, messy image sets, on Optuna and Keras."""

__version__ = "0.1.0"
