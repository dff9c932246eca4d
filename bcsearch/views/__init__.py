"""Views of a set of images: the images after a list of operations, and the table of operations."""
