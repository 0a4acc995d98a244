"""Files handed to and taken from a user: paths on this machine, or short-lived signed URLs."""
