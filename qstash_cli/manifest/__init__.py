"""Manifests: parsing, comparison with an account, and the steps to apply them."""
