"""Order entry: requests, the order service, looking orders up, and every answer to an order."""
