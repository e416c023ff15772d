"""Search paths over a store, and what makes their results readable."""
