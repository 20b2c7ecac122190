"""Where analyses go while a long run is under way: a JSON document, the screen, HTML files."""
