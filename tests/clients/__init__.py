"""Runs the main job through the MCP clients that people use."""
