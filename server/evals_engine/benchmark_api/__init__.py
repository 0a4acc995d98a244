"""The handlers of /api/v3, one module per resource."""
