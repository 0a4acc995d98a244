"""Templates, cells and files that would hold or exhaust a machine, each beside a second user."""
