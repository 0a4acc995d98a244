"""The main job through the clients that people use."""
