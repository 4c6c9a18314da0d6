"""The gateway: accepts runs over HTTP and from triggers, queues them in the store, and starts them."""
