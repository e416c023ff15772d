"""The decision record: one page that says what was chosen, why, and how surely."""
