"""Credits that an authority takes back."""
