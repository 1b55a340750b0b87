"""What the worker carries on: calls to the other services and the relay, each repeated until it is answered."""
