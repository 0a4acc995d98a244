"""The handlers of /api/v3, a module a resource."""
