"""A gate that stops when it is decided: parts of a random order, and a look after each."""
