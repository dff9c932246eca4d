"""Studies shown: live tables, rows, CSV. Imports rich and the records floor; no storage, no framework."""
