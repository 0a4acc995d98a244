"""Several services behind one provider, told apart by their ids."""
