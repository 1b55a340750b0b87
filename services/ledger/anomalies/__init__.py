"""What looks impossible in somebody's study: shown to reviewers, cleared by them, and deciding nothing."""
