"""Ready rubrics: named, versioned texts for a judge's system prompt."""
