"""What a client is offered while a person types an argument of a prompt or of an address."""
