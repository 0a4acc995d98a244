"""Creates that build on an earlier evaluation: what of its request is taken over."""
