"""Two evaluations over the same rows."""
