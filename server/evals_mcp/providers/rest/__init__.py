"""One REST service over HTTP: sending, retrying, reading, wording refusals."""
