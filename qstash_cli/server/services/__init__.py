"""What a route may do: each function changes the store and notifies the engine.

A message has five shapes on its way:

1. `PublishRequest` (`publish_rules`): a publish as the client sent it, not validated yet.
2. `NewMessage` (`storage.messages`): a message to be stored. A publish to a URL group makes one for
   each endpoint, an attempt one for each callback, and a retry from the DLQ one for its entry.
3. `StoredMessage` (`storage.messages`): a message as it is stored. The engine delivers it, and the
   views render it.
4. `PublishResult` (`publishing`): the content of the response to a publish, and its messages.
5. `AttemptResult` (`delivery.attempts`): what follows an attempt: a retry, callbacks, or neither.
"""
