"""What is wrong with a text that cannot be read or changed."""


class UnreadableTextError(ValueError):
    """The text does not parse; the message says where and why."""


class UnchangeableTextError(ValueError):
    """The text parses, but its form does not let one entry be changed safely."""
