"""Many worker processes on one study: what they lose and how fast they are."""
