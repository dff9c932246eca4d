"""Records shown in a terminal: live tables, rows and lines."""
