"""What tests and benchmarks put in a model's place; nothing of the runtime imports it."""
