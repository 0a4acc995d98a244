"""What a create needs of an earlier evaluation: its request and its rows."""
