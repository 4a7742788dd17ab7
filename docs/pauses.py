"""A service with pauses: bursts of 60 MB, and half a second between them."""
import time

for burst in range(5):
    rows = [bytes(3000 + i % 2000) for i in range(15000)]
    del rows
    time.sleep(0.5)
