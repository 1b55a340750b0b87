"""Whether both sides hold the same, place by place and person by person, and what to do when not."""
