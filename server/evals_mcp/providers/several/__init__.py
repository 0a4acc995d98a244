"""Several services behind one provider, distinguished by their ids."""
