"""What is wrong with a database, a study or this machine, and what to do about it."""
