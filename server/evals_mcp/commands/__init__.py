"""Commands of the command line that work as the user of this machine."""
