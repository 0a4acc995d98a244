"""What an evaluation would do and cost, worked out before anything is started."""
