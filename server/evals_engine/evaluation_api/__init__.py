"""The handlers of /v1, one module per resource."""
