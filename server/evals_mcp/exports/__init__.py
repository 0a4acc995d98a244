"""Results to keep: the rows of an ended evaluation as a file, with the manifest of what made it."""
