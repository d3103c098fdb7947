"""What a venue is: units, how numbers are written, the instruments file, session calendars and schedules."""
