"""What the handlers of both contracts share: owners, limits, bodies, forms, uploads, ranges."""
