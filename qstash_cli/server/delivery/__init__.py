"""Delivering messages: engine, queues, flow control, scheduler, sender and callbacks."""
