"""Several evaluations of one data set from one create: planned, agreed and started together."""
