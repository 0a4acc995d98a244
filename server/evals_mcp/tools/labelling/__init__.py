"""Labels in tool calls: which ones an evaluation has, and how its user gives more."""
