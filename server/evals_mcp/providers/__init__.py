"""The evaluation services, one file each, behind the protocol in `protocol`."""
