"""Setting the server up in clients."""
