"""What operators do: listing, statuses, schedules, accounts, cancels, oversight."""
