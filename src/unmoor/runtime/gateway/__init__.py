"""The gateway: takes runs over HTTP, keeps them in a queue in the store, and starts them one after another."""
