"""What independent libraries say about judges and labels, recorded for the tests of the figures."""
