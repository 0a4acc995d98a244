"""What would fail: columns, templates, models."""
