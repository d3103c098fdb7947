"""The front: accepts connections, reads requests whole, and hands them to WSGI or to a WebSocket.

server        what a program starts: all of the following, put together
accept        the listening socket -> connections; never ends, whatever accept() raises
connections   all that are open: caps, deadlines, which are closed for others
turns         whose turn it is: of each address one request or one read after the other
connection    one: bytes -> parser -> one request after the other -> answers
transport     its bytes, plain or under TLS, without waiting
parser        bytes -> requests, by llhttp, strictly
environ       a request -> what WSGI asks for; `forwarded`: who it is from, where a proxy of ours brings it
serving       a request -> the WSGI application -> an answer, which `answer` writes
stream        the bytes of a connection that speaks another protocol from now on
websocket     one WebSocket over a stream: frames by `websockets`, bounds by us
bounds        how much and how long; `descriptors` and `large_bodies`: what there is for all together
"""
