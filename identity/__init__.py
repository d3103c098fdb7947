"""Users, sessions and API keys: their database, its migrations, passwords and secrets."""

from prerequisites import require

require()  # of whichever program in here is started
