"""Foreign code and data, computed in worker processes with limits of time and memory."""
