"""Many worker processes on one study: nothing lost, nothing twice, how fast; ``make bench-distributed`` prints it."""
