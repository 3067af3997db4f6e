"""The application service, the outbox worker and the rate limiter."""
