"""What a team scores with: scorecards, agent templates, portfolios, tools and model providers."""
