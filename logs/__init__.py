"""How every program writes its log: lines that nobody can forge, and one a minute of what clients cause."""
