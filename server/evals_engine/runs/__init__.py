"""An evaluation on its way: created once, claimed under a lease, judged row by row, ended."""
