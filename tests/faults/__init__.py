"""What is promised when something fails: every fault at every operation, injected over loopback."""
