"""The client of QStash's API: requests as values, and one way to send them."""
