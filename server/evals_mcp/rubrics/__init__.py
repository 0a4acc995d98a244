"""Ready rubrics in requests and in lists."""
