"""What is measured: each figure beside a floor, a peer or a budget, taken in the same run."""
