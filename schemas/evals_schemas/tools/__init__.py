"""What each tool takes and answers, and how that becomes a portable JSON schema."""
