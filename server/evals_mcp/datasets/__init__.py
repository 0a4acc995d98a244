"""What a user uploads: found in an allowed folder, read in its format, checked, and sent once."""
