"""Bodies and routes: the forms of fields, and what every route needs."""
