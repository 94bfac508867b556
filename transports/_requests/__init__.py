"""The blocking transport, on requests and urllib3. `blocking.py` is its only user."""
