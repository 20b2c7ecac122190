"""Scripts of skills, run where they can do little harm."""
