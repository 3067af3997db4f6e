"""What every platform adapter uses: routing, background tasks, caches, JSON and web pages."""
