"""The handlers of /v1, a module a resource."""
