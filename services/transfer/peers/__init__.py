"""The other services and the relay, as the transfer service calls them over HTTP."""
