"""Model endpoints: which one, whether its address is allowed, how it is called and read."""
