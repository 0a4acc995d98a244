"""Starts the server for a desktop application."""

import sys

from evals_mcp.__main__ import main

sys.exit(main())
