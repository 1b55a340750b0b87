"""The stand-in of the national relay: the contract of `contracts/relay.py`, kept in memory, with faults on request."""
