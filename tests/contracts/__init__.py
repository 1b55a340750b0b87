"""What crosses a boundary stays what it was: places, identifiers, published events and their documents."""
