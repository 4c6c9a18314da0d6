"""The review of a spec change: resources, guarantees and cost, in one pull request comment that is updated in place."""
