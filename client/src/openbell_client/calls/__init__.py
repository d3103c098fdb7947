"""What can be asked of a venue, call by call, without asking it: each function makes a `Call`.

`Client` and `AsyncClient` have a method for each, which sends it. Layer: openbell_client.
"""
