"""The `xuefen` command line."""
