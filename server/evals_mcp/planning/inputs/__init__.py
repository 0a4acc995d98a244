"""What a plan is made from: the request, its data set, the service's lists."""
