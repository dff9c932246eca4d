"""What is wrong or does not act, in plain words: facts, checks on them, findings. Empty: a part loads TensorFlow."""
