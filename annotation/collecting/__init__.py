"""People at work: the queue and its leases, what they are shown and asked, and what they say."""
