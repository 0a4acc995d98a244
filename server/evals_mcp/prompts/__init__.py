"""The prompts that people choose in their client's menu, a module a prompt, and the catalogue."""
