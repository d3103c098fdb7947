"""Users, sessions and API keys: their database, its migrations, passwords and secrets."""
