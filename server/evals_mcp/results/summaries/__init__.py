"""One evaluation summed up, from its totals or from its rows."""
