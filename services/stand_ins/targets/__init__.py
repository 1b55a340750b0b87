"""The stand-in for the systems that credits are delivered to: the national platform, Guangdong's human-resources system, the
credit archive."""
