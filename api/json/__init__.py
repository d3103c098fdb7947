"""What every body shares: requests, units, texts of errors, times."""
