"""Reading interactions from files, and keeping them."""
