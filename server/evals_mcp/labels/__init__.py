"""Labels: what verdicts should be, by people or models, from a column or from a blind sample."""
