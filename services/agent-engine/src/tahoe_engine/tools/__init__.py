"""What agents can do beside speaking: so far, HTTP to the hosts that they are allowed."""
