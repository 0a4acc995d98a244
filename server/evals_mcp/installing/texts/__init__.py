"""Changes one entry in the text of a configuration file; everything else stays as it is."""
