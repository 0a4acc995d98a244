"""What a request passes before a handler: owners, limits, bodies, forms, uploads, ranges."""
