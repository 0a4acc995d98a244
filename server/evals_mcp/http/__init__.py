"""The server over streamable HTTP: who calls, with which key, and how much of it."""
