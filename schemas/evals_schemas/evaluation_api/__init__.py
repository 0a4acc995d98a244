"""The evaluation contract (/v1): requests, jobs, files, models, operations."""
