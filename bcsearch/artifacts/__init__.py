"""Files of a study's trials beside the database: checkpoints, out-of-fold probabilities."""
