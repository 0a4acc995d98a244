"""The embedded evaluation service: the same REST contract as the vendor's, on one machine."""
