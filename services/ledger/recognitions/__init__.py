"""Recognition (认定) of registered credits, where a notice makes it an act of its own (S4-03)."""
