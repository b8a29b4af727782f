"""QStash's API from the caller's side: requests as values, and one way to send them."""
