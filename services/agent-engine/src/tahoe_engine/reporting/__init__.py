"""What people look at: the HTML report, the index over many, the report in a terminal."""
