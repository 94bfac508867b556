"""The asyncio transport, on pairs of a StreamReader and a StreamWriter. `aio.py` is its only user."""
