"""Faults of several nodes: killed, stopped and cut off nodes, and a database that goes away."""
