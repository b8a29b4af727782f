"""The API's URL and the credentials for it, and where each setting comes from."""
