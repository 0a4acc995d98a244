"""The evaluation services behind one protocol."""
