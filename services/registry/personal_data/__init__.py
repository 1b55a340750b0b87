"""Personal data: sealed, masked, opened for a purpose on record, erased."""
