"""The registry's side of transfers between authorities: who leaves, who arrives."""
