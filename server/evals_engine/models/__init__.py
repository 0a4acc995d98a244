"""Model endpoints: which one a request uses, whether its address is allowed, and its calls."""
