"""The console: pages by which people use the services, in a browser. It holds no rule and no data of the domain."""
