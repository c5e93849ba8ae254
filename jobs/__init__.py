"""The command line and Ray: the only place that knows a cluster."""
