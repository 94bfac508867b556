"""What the two clients share and HTTP does not know: settings, logging, addresses, forked processes."""
