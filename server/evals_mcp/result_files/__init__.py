"""Result files on this machine: fetched once, indexed once, read a page at a time."""
