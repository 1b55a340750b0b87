"""Recognition of registered credits."""
