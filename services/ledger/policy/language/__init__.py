"""The words of the policy language: days, categories, the facts that are judged, the answers, and what a rule is."""
