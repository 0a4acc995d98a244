"""What one node does: takes tickets, runs shards of rows, prepares and concludes evaluations."""
