"""What monitoring reads: figures in Prometheus' text format, and whether the server lives and is ready."""
