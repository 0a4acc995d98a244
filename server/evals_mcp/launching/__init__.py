"""From a plan to one evaluation: budget, question, confirmation code, and no repetition."""
