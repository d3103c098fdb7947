"""The front: accepts connections, reads requests whole, and hands them to WSGI or to a WebSocket.

accept        the listening socket -> connections; never ends, whatever accept() raises
connections   all that are open: caps, deadlines, which are shed
turns         whose turn it is: of each address one request or one read after the other
connection    one: bytes -> parser -> one request after the other -> answers
parser        bytes -> requests, by llhttp, strictly
serving       a request -> the WSGI application -> an answer
"""
