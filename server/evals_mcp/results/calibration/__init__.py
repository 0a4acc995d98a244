"""A judge beside labels of people: agreement, corrected figures, and what too few labels refuse."""
