"""The log's tables, the rows of the read models, and the carrying out of commands."""
