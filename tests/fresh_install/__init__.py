"""The wheel in empty environments: every Python of the machine, newest and oldest dependencies."""
