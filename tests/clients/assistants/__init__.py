"""Runs the main job in assistants that `evals-mcp install` has set up; a script is their model."""
