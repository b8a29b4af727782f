"""The API's operations, one module per resource: functions that return a `Request`."""
