"""The embedded engine seen from this server: its configuration, the way to it, its own port."""
