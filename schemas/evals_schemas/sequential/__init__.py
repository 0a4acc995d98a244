"""Evidence that may be looked at after every row: bets, intervals, seeded order, when to stop."""
