"""Studies: create or resume, sample, prune, work, refit. Empty: parts load TensorFlow."""
