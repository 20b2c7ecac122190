"""HTTP in, HTTP out: one router file per resource."""
