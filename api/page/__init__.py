"""The trading page, its files, and the page that describes the API."""
