"""Tests of what is promised for faults: every fault at every operation, injected over loopback."""
