"""One process owns a store; commands given in other shells are handed to it and run there.

note     where the owner listens, in a file that only its user may read
wire     JSON lines over a loopback connection, and the proof that both sides have read that file
passed   which settings of the caller go over, and which are the owner's
owner    the owner's side: takes commands, runs them over the open store, sends back what they print
caller   the caller's side: hands a command over, or waits until the store is free
"""
