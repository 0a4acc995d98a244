"""Long proofs of single promises, by the command `make proofs`."""
