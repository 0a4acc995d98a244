"""What a person can attach to a conversation by its address: results, data sets and rubrics."""
