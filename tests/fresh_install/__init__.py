"""Installs the wheel in empty environments: every Python, newest and oldest dependencies."""
