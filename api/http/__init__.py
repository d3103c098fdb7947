"""What every request passes: the guard, limits, errors, and how a handler says what it takes and gives."""
