"""What a route may do: each function changes the store and notifies the engine."""
