"""The benchmark contract (/api/v3), in its three generations."""
