"""Serving over standard input and output: answers from the first moment, then the SDK's server."""
