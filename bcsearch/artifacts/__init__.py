"""Files of a study's trials beside the database: checkpoints, probabilities, figures."""
