"""The web page of the embedded server. Nothing here is imported before the page is opened."""
