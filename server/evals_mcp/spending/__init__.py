"""What evaluations have cost, what they may cost, and the limit of a day."""
