"""Looks at an installation: settings, folders, judges, keys, clients, models on this machine."""
