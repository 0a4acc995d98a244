"""Together's evaluation service, and any other that speaks the evaluation contract (/v1)."""
