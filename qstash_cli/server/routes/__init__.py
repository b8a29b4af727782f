"""The API's operations, a file for each resource."""
