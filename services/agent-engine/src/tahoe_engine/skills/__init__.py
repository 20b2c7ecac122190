"""Skills after the Agent Skills specification (agentskills.io): found, checked, shown to a model, run."""
