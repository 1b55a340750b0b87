"""What looks impossible in somebody's study."""
