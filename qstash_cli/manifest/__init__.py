"""What an account is to have, as a file: the manifest, its differences, the steps between."""
