"""Studies shown: live tables, rows, CSV, figures. Imports rich, numpy and lower floors.

No storage, no framework.
"""
