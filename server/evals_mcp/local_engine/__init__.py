"""The engine as part of this server: configuration, in-process requests, separate service."""
