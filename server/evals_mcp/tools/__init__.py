"""The tools, one file each, named like the tool."""
