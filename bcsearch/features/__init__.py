"""The prefix cache: content-addressed, shared, crash-safe.

Empty, so that listing the cache loads no TensorFlow.
"""
