"""Who asks: credentials of requests and connections, signing in, API keys."""
