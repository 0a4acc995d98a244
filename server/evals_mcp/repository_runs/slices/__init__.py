"""A run with `stop_when` at a service that cannot stop an evaluation: its rows go in parts."""
