"""Scoring: findings with evidence, and the score they make."""
