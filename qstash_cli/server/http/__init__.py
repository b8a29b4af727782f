"""The API over HTTP: application, middleware, routes and listeners."""
