"""The page in a real Chromium, run by `make page-tests` with packages that nothing else needs."""
